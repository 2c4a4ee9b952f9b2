"""One update to all: written once, looked at, and then a public reply in each open ticket of the incident, once and under its own number."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app.accounts.viewer import viewer
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk import bulk
from app.mail.models import Delivery
from app.tickets import incidents, merging, steps
from app.tickets.choices import State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind
from app.tickets.timeline import Did
from tests.desk.test_bulk import the_change
from tests.desk.test_incidents import an_incident
from tests.desk.test_list import as_
from tests.factories import a_customer, a_department, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting, staff

BODY = "Dear {{customer_name}}, the line is down. We work on it."


@pytest.fixture(autouse=True)
def at_once(app: Flask) -> None:
    setting(undo_send_seconds=0)


def replies(ticket: Ticket) -> list[str]:
    of_staff = (Message.ticket_id == ticket.id, Message.kind == MessageKind.REPLY, Message.staff_id.is_not(None))
    return list(db.session.scalars(select(Message.text).where(*of_staff).order_by(Message.id)))


def send(client: FlaskClient, parent: Ticket, **form: Any) -> Any:
    """Looked at first, and then sent as it was looked at."""
    looked = post(client, parent, **form)
    return post(client, parent, **form, reaches=reached(looked.text))


def reached(page: str) -> str:
    found = re.search(r'name="reaches" value="(\w+)"', page)
    assert found is not None, page
    return found[1]


def post(client: FlaskClient, parent: Ticket, **form: Any) -> Any:
    answer = client.post(f"/admin/tickets/{parent.number}/incident/update", data={"body": BODY, **form})
    db.session.expire_all()
    return answer


def test_an_update_is_looked_at_and_reaches_each_customer_in_their_own_ticket(app: Flask, client: FlaskClient) -> None:
    ann, bea = a_customer("Ann"), a_customer("Bea")
    children = [a_ticket(requester=ann), a_ticket(requester=bea), a_ticket(requester=bea)]
    parent, ended = an_incident(*children), a_ticket(state="closed")
    db.session.commit()
    as_(client, a_supervisor())

    looked = post(client, parent)
    assert "It reaches 2 customers" in looked.text and "in 3 tickets" in looked.text and "Dear Bea" in looked.text
    assert [replies(each) for each in children] == [[], [], []]
    sent = post(client, parent, reaches=reached(looked.text))
    run_jobs(20)
    db.session.expire_all()

    assert "Finished" in client.get(sent.location).text
    assert [replies(each) for each in children] == [[BODY.replace("{{customer_name}}", name)] for name in ("Ann", "Bea", "Bea")]  # fmt: skip
    assert replies(parent) == replies(ended) == []
    mailed = db.session.execute(select(Delivery.ticket_id, Delivery.subject).where(Delivery.kind == "staff_replied")).all()  # fmt: skip
    assert {row[0] for row in mailed} == {each.id for each in children}
    assert all(next(one.display for one in children if one.id == row[0]) in row[1] for row in mailed)
    told = next(event for event in parent.events if event.what is Did.INCIDENT_UPDATED)
    assert told.particulars["tickets"] == 3


def test_a_killed_worker_sends_none_twice_and_leaves_none_out(app: Flask, client: FlaskClient) -> None:
    children = [a_ticket(f"{n}") for n in range(4)]
    parent, boss = an_incident(*children), a_supervisor()
    as_(client, boss)
    send(client, parent)
    change = the_change()

    bulk.work(change, viewer(boss.id), 2)  # and then its process is gone: the outbox hands the job over again
    assert db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.job == "desk.change_many")) == 1
    run_jobs(20)
    run_jobs(20)
    db.session.expire_all()

    assert [len(replies(each)) for each in children] == [1, 1, 1, 1]


def test_a_form_pressed_twice_is_sent_once(app: Flask, client: FlaskClient) -> None:
    parent = an_incident(child := a_ticket())
    as_(client, a_supervisor())
    for _press in range(2):
        send(client, parent, mark="this very form")
    run_jobs(20)
    db.session.expire_all()

    assert len(replies(child)) == 1


def test_what_changed_since_the_look_is_looked_at_again(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    parent = an_incident(gone := a_ticket("Gone"), stays := a_ticket("Stays"))
    late = a_ticket("Late")
    db.session.commit()
    as_(client, boss)
    looked = post(client, parent)
    incidents.take_out(gone, parent, by=acting(boss))
    incidents.add(late, parent, by=acting(boss))  # as many as before, and not the same
    db.session.commit()

    again = post(client, parent, reaches=reached(looked.text))

    assert "in 2 tickets" in again.text and "Nothing was sent yet" in again.text
    post(client, parent, reaches=reached(again.text))
    run_jobs(20)
    db.session.expire_all()
    assert [len(replies(each)) for each in (gone, stays, late)] == [0, 1, 1]


def test_only_endings_that_ones_role_may_make_are_offered(app: Flask, client: FlaskClient) -> None:
    parent = an_incident(child := a_ticket())
    role = db.session.scalars(select(Role).where(Role.name == "Supervisor")).one()
    waiting = status_for(State.WAITING)
    steps.allow(role, [(child.status_id, waiting.id), (waiting.id, child.status_id)])
    db.session.commit()
    as_(client, a_supervisor())

    form = post(client, parent).text
    refused = post(client, parent, then="resolve")

    assert 'value="wait"' in form and 'value="resolve"' not in form and 'value="close"' not in form
    assert refused.status_code == 422 and "Your role allows this for none of these tickets" in refused.text
    assert BODY in refused.text and replies(child) == []


def test_a_text_that_names_another_customer_needs_a_yes(app: Flask, client: FlaskClient) -> None:
    other = a_customer("Other", email="other@rival.example")
    parent = an_incident(child := a_ticket())
    a_ticket(requester=other)
    db.session.commit()
    as_(client, a_supervisor())
    form = {"body": "Ask other@rival.example, please."}

    held = send(client, parent, **form)
    assert "names the address of another customer" in held.text
    send(client, parent, **form, looked=["others:other@rival.example"])
    run_jobs(20)
    db.session.expire_all()
    assert replies(child) == ["Ask other@rival.example, please."]


def test_tickets_one_may_not_see_are_not_reached(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    foreign, own = a_ticket(department=theirs), a_ticket(department=mine)
    parent = an_incident(foreign, own, department=mine)
    as_(client, staff("Supervisor", departments=(mine,)))

    assert "in one ticket" in post(client, parent).text
    send(client, parent)
    run_jobs(20)
    db.session.expire_all()

    assert (len(replies(own)), replies(foreign)) == (1, [])


def test_the_incident_and_its_tickets_are_resolved_with_the_message(app: Flask, client: FlaskClient) -> None:
    children = [a_ticket(), a_ticket()]
    parent = an_incident(*children)
    as_(client, a_supervisor())

    send(client, parent, own="1", then="resolve")
    run_jobs(20)
    db.session.expire_all()

    assert [each.state.value for each in (parent, *children)] == ["resolved"] * 3
    assert [len(replies(each)) for each in (parent, *children)] == [1, 1, 1]


def test_an_incident_that_ended_offers_to_resolve_its_open_tickets(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    parent = an_incident(a_ticket())
    parent.resolve(by=acting(boss))
    db.session.commit()
    as_(client, boss)

    assert "Resolve its tickets with a message" in client.get(f"/admin/tickets/{parent.number}").text
    page = client.get(f"/admin/tickets/{parent.number}/incident/update?then=resolve").text
    assert '<option value="resolve" selected>' in page


def test_of_a_merged_ticket_the_one_in_which_it_goes_on_is_reached(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    parent = an_incident(child := a_ticket())
    place = a_ticket()
    merging.merge(child, into=place, by=acting(boss))
    db.session.commit()
    as_(client, boss)

    send(client, parent)
    run_jobs(20)
    db.session.expire_all()

    assert len(replies(place)) == 1


def test_whoever_has_not_the_right_neither_sees_the_form_nor_sends(app: Flask, client: FlaskClient) -> None:
    mine = a_department()
    parent = an_incident(child := a_ticket(department=mine), department=mine)
    as_(client, an_agent(mine))

    assert "Update to all" not in client.get(f"/admin/tickets/{parent.number}").text
    assert post(client, parent, reaches="1").status_code in (302, 403)
    run_jobs()
    assert replies(child) == []
