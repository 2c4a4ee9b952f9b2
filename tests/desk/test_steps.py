"""Roles that may make only some changes of status: the page where an admin says so, and what people are then offered and refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.accounts.steps import StatusStep
from app.core.extensions import db
from app.tickets import steps
from app.tickets.bulk import BulkStep, Outcome
from app.tickets.choices import State
from app.tickets.models import Ticket
from tests.api.desk import a_program, refused
from tests.desk.test_actions import do, said
from tests.desk.test_list import LIST, as_
from tests.desk.test_workspace import at, change, send
from tests.factories import a_status, a_super_admin, a_supervisor, a_ticket, acting, an_admin, an_agent, bound, setting

AGENT = "Support Agent"
OPEN, DOING, WAITING, HOLD, RESOLVED, CLOSED = "Open", "In Progress", "Waiting for Customer", "On Hold", "Resolved", "Closed"  # fmt: skip
HERE = "/admin/statuses/steps/"


@pytest.fixture
def own_role(app: Flask) -> Iterator[Callable[..., Role]]:
    """A role of this test alone, with these rights: those of the desk outlive a test."""
    made: list[int] = []

    def role(name: str, *rights: tuple[str, str]) -> Role:
        wanted = select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
        found = Role(name=name)
        db.session.add(found)
        for permission, view in rights:
            which = wanted.where(Permission.name == permission, ViewMenu.name == view)
            found.permissions.append(db.session.scalars(which).one())
        db.session.commit()
        made.append(found.id)
        return found

    yield role
    db.session.rollback()
    for role_id in made:
        left = db.session.get(Role, role_id)
        if left is not None:
            left.user = []
            db.session.delete(left)
    db.session.commit()


def the_role(name: str = AGENT) -> Role:
    return db.session.scalars(select(Role).where(Role.name == name)).one()


def pair(was: str, now: str) -> str:
    return f"{a_status(was).id}-{a_status(now).id}"


def held(role: Role) -> set[str]:
    db.session.expire_all()
    rows = db.session.scalars(select(StatusStep).where(StatusStep.role_id == role.id))
    return {f"{row.from_id}-{row.to_id}" for row in rows}


def offered(page: str, id: str) -> list[str]:
    """The words of a select's options."""
    found = re.search(rf'<select[^>]*(?:id|name)="{id}"[^>]*>(.*?)</select>', page, re.S)
    return re.findall(r"<option[^>]*>([^<]*)</option>", found[1]) if found else []


def test_an_admin_chooses_what_a_role_may_change_and_allows_all_again(app: Flask, client: FlaskClient) -> None:
    role, wanted = the_role(), [pair(OPEN, DOING), pair(DOING, RESOLVED)]
    as_(client, an_admin())
    page = client.get(f"{HERE}?role={role.id}").text
    boxes = re.findall(r"<input type=.checkbox. name=.step.[^>]*>", page)
    assert len(boxes) == 30
    assert all(" checked" in box for box in boxes)
    assert 'aria-label="From Open to In Progress"' in page

    answer = client.post(f"{HERE}{role.id}", data={"step": wanted})
    page = client.get(answer.location).text

    assert answer.status_code == 303
    assert held(role) == set(wanted)
    assert page.count(" checked") == 2
    assert "2 changes of status are allowed" in page
    assert "This role cannot take a ticket out of Waiting for Customer, On Hold, Resolved, Closed." in page
    assert "This role cannot bring a ticket to Open, Waiting for Customer, On Hold, Closed." in page
    assert "No role may" not in page, "other roles can"

    client.post(f"{HERE}{role.id}/all")
    assert held(role) == set()


def test_the_page_warns_when_nobody_at_all_has_a_way(app: Flask, client: FlaskClient) -> None:
    for role in steps.bound_roles():
        bound(role.name, (OPEN, DOING), (DOING, CLOSED))
    as_(client, a_super_admin())

    page = client.get(HERE).text

    assert "No role may take a ticket out of Waiting for Customer, On Hold, Resolved, Closed." in page
    assert "No role may bring a ticket to Open, Waiting for Customer, On Hold, Resolved." in page


def test_nothing_ticked_is_refused_with_a_sentence_and_changes_nothing(app: Flask, client: FlaskClient) -> None:
    role = bound(AGENT, (OPEN, DOING))
    as_(client, an_admin())

    for nonsense in ([], ["1-1", "x-y", "1-", "9" * 40 + "-1", "-", "1-999999"]):
        answer = client.post(f"{HERE}{role.id}", data={"step": nonsense})
        assert answer.status_code == 422
        assert "Please choose at least one." in answer.text
        assert " checked" not in answer.text, "what was sent stays"
        assert held(role) == {pair(OPEN, DOING)}


def test_only_roles_that_may_change_a_status_are_there(client: FlaskClient, own_role: Callable[..., Role]) -> None:
    reader = own_role("Reader")
    as_(client, an_admin())

    assert "Reader" not in client.get(HERE).text
    for address in (f"{HERE}?role={reader.id}", f"{HERE}?role=999999"):
        assert client.get(address).status_code == 404
    assert client.get(f"{HERE}?role=x").status_code == 200
    assert client.post(f"{HERE}{reader.id}", data={"step": [pair(OPEN, DOING)]}).status_code == 404


def test_who_may_only_look_changes_nothing(client: FlaskClient, own_role: Callable[..., Role]) -> None:
    looker, role = own_role("Looker", ("can_list", "StatusStep")), the_role()
    person = an_agent()
    person.roles = [looker]
    as_(client, person)

    page = client.get(HERE).text
    assert "<fieldset disabled" in page
    assert ">Save<" not in page
    assert client.post(f"{HERE}{role.id}", data={"step": [pair(OPEN, DOING)]}).status_code == 403
    assert held(role) == set()


def test_a_ticket_offers_only_where_its_reader_may_bring_it(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    bound(AGENT, (OPEN, DOING), (OPEN, WAITING), (DOING, CLOSED))
    as_(client, agent)

    page = client.get(at(ticket)).text
    assert offered(page, "status") == [OPEN, DOING, WAITING]
    assert offered(page, "then-later") == ["Send &amp; keep open", "Send &amp; wait for customer", "Send &amp; set to In Progress"]  # fmt: skip
    lines = [one["words"] for one in client.get(f"/admin/palette/?number={ticket.number}").json["items"]]
    assert [line for line in lines if line.startswith("Status:")] == ["Status: In Progress", "Status: Waiting for Customer"]  # fmt: skip

    ticket.set_status(a_status(DOING), acting(agent))
    db.session.commit()
    assert offered(client.get(at(ticket)).text, "status") == [DOING, CLOSED]


def test_the_list_offers_what_can_be_reached_from_somewhere(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    a_ticket(assignee=agent)
    bound(AGENT, (OPEN, DOING), (OPEN, WAITING), (DOING, CLOSED), (OPEN, CLOSED))
    as_(client, agent)

    page = client.get(LIST).text

    row = re.search(r'<select[^>]*id="row-status-value".*?</select>', page, re.S)[0]  # type: ignore[index]
    assert re.findall(r'data-from="([\d ]+)">([^<]+)<', row) == [
        (f"{a_status(OPEN).id} {a_status(DOING).id}", DOING),
        (f"{a_status(OPEN).id} {a_status(WAITING).id}", WAITING),
        (f"{a_status(OPEN).id} {a_status(DOING).id} {a_status(CLOSED).id}", CLOSED),
    ]
    assert f'data-row-now="{a_status(OPEN).id}"' in page
    assert re.findall(r'value="set_status:\d+">([^<]+)<', page) == [DOING, WAITING, CLOSED]
    assert offered(page, "bulk-then") == ["Keep the status", "Wait for the customer", "Close"]
    assert [word for word in ("resolve", "close", "reopen") if f'name="action" value="{word}"' in page] == ["close"]


def test_whoever_is_not_bound_is_offered_everything(app: Flask, client: FlaskClient) -> None:
    bound(AGENT, (OPEN, DOING))
    ticket = a_ticket()
    as_(client, a_supervisor())

    page = client.get(LIST).text
    assert "data-from" not in page
    assert [word for word in ("resolve", "close", "reopen") if f'name="action" value="{word}"' in page] == ["resolve", "close", "reopen"]  # fmt: skip
    assert offered(client.get(at(ticket)).text, "status") == [OPEN, DOING, WAITING, HOLD, RESOLVED, CLOSED]


def test_what_no_menu_offers_is_refused_beside_the_ticket_and_with_a_reply(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    bound(AGENT, (OPEN, DOING))
    as_(client, agent)

    answer = change(client, ticket, status=str(a_status(CLOSED).id))
    assert (answer.status_code, set(answer.json["fields"])) == (403, {"status"})
    assert answer.json["error"] == "Your role does not allow changing the status from “Open” to “Closed”."
    for seconds in (0, 10):
        setting(undo_send_seconds=seconds)
        db.session.commit()
        sent = send(client, ticket, "It is done, look.", then="resolve")
        assert sent.status_code == 403
        assert "Your role does not allow" in sent.text
        assert "It is done, look.</textarea>" in sent.text, "what was written is not lost"
    assert (ticket.status.name, len(ticket.messages)) == (OPEN, 1)


def test_an_undo_that_the_role_does_not_allow_says_so(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    bound(AGENT, (OPEN, DOING))
    as_(client, agent)
    there, back = str(a_status(DOING).id), str(a_status(OPEN).id)
    assert change(client, ticket, status=there).status_code == 200

    answer = change(client, ticket, status=back, still=there)

    assert (answer.status_code, ticket.status.name) == (403, DOING)
    assert "“In Progress” to “Open”" in answer.json["error"]


def test_in_bulk_the_tickets_that_may_not_go_there_are_named(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    opened = a_ticket("opened", assignee=agent)
    held_one = a_ticket("held", assignee=agent, state=State.HOLD)
    bound(AGENT, (OPEN, DOING), (DOING, OPEN))
    as_(client, agent)

    do(client, f"set_status:{a_status(DOING).id}", opened, held_one)

    db.session.expire_all()
    assert (opened.status.name, held_one.status.name) == (DOING, HOLD)
    assert "Your role does not allow changing the status from “On Hold” to “In Progress”." in said(client)
    assert set(db.session.scalars(select(BulkStep.outcome))) == {Outcome.DONE, Outcome.REFUSED}


def test_the_api_refuses_with_the_field(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    number = a_ticket(assignee=agent).number
    bound(AGENT, (OPEN, DOING))
    program = a_program(client, agent)

    told = refused(program.patch(f"/tickets/{number}", {"status": CLOSED}), 403, "status")
    assert told == "Your role does not allow changing the status from “Open” to “Closed”."
    refused(program.post(f"/tickets/{number}/close"), 403, "status")
    refused(program.post(f"/tickets/{number}/replies", {"body": "Done.", "status": RESOLVED}), 403, "status")
    assert program.patch(f"/tickets/{number}", {"status": DOING}).json["status"] == DOING
    refused(program.patch(f"/tickets/{number}", {"status": OPEN, "subject": "Other"}), 403, "status")
    assert program.get(f"/tickets/{number}").json["subject"] != "Other", "all or nothing"


def test_a_new_status_is_announced_to_whoever_made_it_as_closed_to_bound_roles(app: Flask, client: FlaskClient) -> None:
    bound(AGENT, (OPEN, DOING))
    as_(client, an_admin())

    page = client.post("/admin/statuses/add", data={"name": "Parked", "state": "hold", "active": "y", "manual": "y", "position": "9"}, follow_redirects=True).text  # fmt: skip

    assert "These roles may not change anything to or from it yet: Support Agent." in page


def test_a_status_on_which_all_of_a_role_hangs_is_not_deleted(app: Flask, client: FlaskClient) -> None:
    bound(AGENT, (OPEN, HOLD))
    hold = a_status(HOLD).id
    as_(client, an_admin())

    page = client.post(f"/admin/statuses/delete/{hold}", follow_redirects=True).text

    assert "All changes of status that the role “Support Agent” may make" in page
    assert a_status(HOLD).id == hold


@pytest.mark.parametrize("limited", [False, True], ids=["free", "bound"])
def test_it_costs_no_statement(
    app: Flask, client: FlaskClient, limited: bool, at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    agent = an_agent()
    number = a_ticket(assignee=agent).number
    if limited:
        bound(AGENT, (OPEN, DOING))
    as_(client, agent)
    addresses: list[Any] = [LIST, f"/admin/tickets/{number}"]
    for address in addresses:
        client.get(address)
        with at_most(12) as seen:
            client.get(address)
        assert not [one for one in seen if "status_step" in one]


def test_a_table_of_tickets_and_its_rows_agree_on_the_present_status(app: Flask, client: FlaskClient) -> None:
    as_(client, a_supervisor())
    waiting = a_ticket(state=State.WAITING)
    db.session.commit()

    row = re.search(rf'data-row-status="{waiting.id}" data-row-now="(\d+)"', client.get(f"{LIST}?view=everything").text)

    assert row is not None
    assert int(row[1]) == db.session.get_one(Ticket, waiting.id).status_id
