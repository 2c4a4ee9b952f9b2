"""Incidents on staff's pages: declared on a ticket, gathered from tickets, lists and similar ones."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import db
from app.tickets import incidents
from app.tickets.models import Ticket
from app.tickets.timeline import Did
from tests.desk.test_actions import do
from tests.desk.test_list import as_
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent


def an_incident(*children: Ticket, **given: Any) -> Ticket:
    boss, parent = acting(a_supervisor()), a_ticket(**given)
    incidents.declare(parent, boss)
    for child in children:
        incidents.add(child, parent, boss)
    db.session.commit()
    return parent


def test_a_supervisor_declares_an_incident_on_a_tickets_page(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket("All printers are down")
    as_(client, a_supervisor())
    here = f"/admin/tickets/{ticket.number}"

    assert "Declare an incident" in client.get(here).text
    answer = client.post(f"{here}/incident")

    assert answer.location == f"{here}/incident"
    assert "This ticket is an incident" in client.get(here).text
    assert "No ticket belongs to it yet" in client.get(f"{here}/incident").text
    assert "declared the ticket an incident" in client.get(here).text
    client.post(f"{here}/incident/end")
    assert client.get(f"{here}/incident").status_code == 404


def test_an_agent_adds_a_ticket_but_declares_none(app: Flask, client: FlaskClient) -> None:
    mine = a_department()
    child, parent = a_ticket(department=mine), an_incident(department=mine, subject="All down")
    as_(client, an_agent(mine))
    here = f"/admin/tickets/{child.number}"

    assert "Declare an incident" not in client.get(here).text
    assert client.post(f"{here}/incident").status_code in (302, 403)
    assert "All down" in client.get(f"{here}/incident/join").text
    client.post(f"{here}/incident/join", data={"incident": parent.number})

    assert "belongs to the incident" in client.get(here).text
    assert f'href="/admin/tickets/{child.number}"' in client.get(f"/admin/tickets/{parent.number}/incident").text
    client.post(f"{here}/incident/leave", data={"incident": parent.number})
    assert "belongs to the incident" not in client.get(here).text


def test_tickets_of_an_incident_one_may_not_see_are_neither_named_nor_counted(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    foreign, own = a_ticket("Their secret", department=theirs), a_ticket("Mine", department=mine)
    parent = an_incident(foreign, own, department=mine)
    hidden = an_incident(child := a_ticket("Third", department=mine), department=theirs, subject="Hidden one")
    as_(client, an_agent(mine))

    page = client.get(f"/admin/tickets/{parent.number}/incident").text
    assert "Mine" in page and "Their secret" not in page
    assert "1 ticket belongs to it" in client.get(f"/admin/tickets/{parent.number}").text
    assert "Hidden one" not in client.get(f"/admin/tickets/{child.number}").text
    assert client.get(f"/admin/tickets/{hidden.number}/incident").status_code == 404
    joined = client.post(f"/admin/tickets/{own.number}/incident/join", data={"incident": hidden.number})
    assert joined.status_code == 422 and "not yours to see" in joined.text


def test_ticked_tickets_of_the_list_are_added_and_taken_out_by_undo(app: Flask, client: FlaskClient) -> None:
    tickets, parent = [a_ticket(f"{n}") for n in range(3)], an_incident()
    as_(client, a_supervisor())

    asked = do(client, "join_incident", *tickets)
    assert "Add 3 tickets" in asked.text and "Make an incident of these" in asked.text
    do(client, f"join_incident:{parent.id}", *tickets)
    db.session.expire_all()
    assert [incidents.part_of(each) for each in tickets] == [parent.id] * 3

    from tests.desk.test_bulk import the_change

    client.post(f"/admin/bulk/{the_change().id}/undo")
    db.session.expire_all()
    assert [incidents.part_of(each) for each in tickets] == [None] * 3


def test_similar_open_tickets_are_offered_and_added(app: Flask, client: FlaskClient) -> None:
    from tests.factories import run_jobs

    parent = an_incident(subject="Teleprinter broken in Rotterdam")
    alike, other = (
        a_ticket("Teleprinter in Rotterdam is broken"),
        a_ticket("Invoice is wrong", text="The tax is missing."),
    )
    run_jobs()
    as_(client, a_supervisor())
    here = f"/admin/tickets/{parent.number}/incident"

    page = client.get(f"{here}/similar").text
    assert f'value="{alike.number}"' in page and f'value="{other.number}"' not in page
    client.post(f"{here}/add", data={"with": [alike.number]})
    db.session.expire_all()
    assert incidents.part_of(alike) == parent.id
    assert f'value="{alike.number}"' not in client.get(f"{here}/similar").text


def test_tickets_are_added_by_number_and_what_refuses_is_named(app: Flask, client: FlaskClient) -> None:
    one, other, parent = a_ticket(), a_ticket(), an_incident()
    an_incident(taken := a_ticket())
    as_(client, a_supervisor())
    here = f"/admin/tickets/{parent.number}/incident"

    client.post(f"{here}/add", data={"more": f"{one.number}, {other.display} {taken.number}"})
    said = client.get(here).text
    db.session.expire_all()

    assert [incidents.part_of(each) == parent.id for each in (one, other, taken)] == [True, True, False]
    assert "belongs to another incident" in said
    client.post(f"{here}/add", data={"more": "nonsense, 999999"})
    assert "Choose at least one ticket" in client.get(here).text


def test_several_tickets_become_an_incident(app: Flask, client: FlaskClient) -> None:
    tickets = [a_ticket(f"{n}") for n in range(3)]
    as_(client, a_supervisor())
    numbers = [each.number for each in tickets]

    page = client.get("/admin/tickets/incident?" + "&".join(f"with={number}" for number in numbers)).text
    assert all(f'value="{number}" checked' in page for number in numbers)
    client.post("/admin/tickets/incident", data={"with": numbers[:2], "primary": numbers[0]})

    db.session.expire_all()
    assert [incidents.part_of(each) for each in tickets] == [None, tickets[0].id, None]
    assert incidents.of(tickets[0]) is not None
    assert Did.INCIDENT_DECLARED in [event.what for event in tickets[0].events]
