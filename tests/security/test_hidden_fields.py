"""Fields that no form has: a customer who sends them all the same gets what everybody gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select

from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM
from app.api.routes import FILE, ROUTES, Route
from app.core.extensions import db
from app.tickets import tasks
from app.tickets.models import Participant, Ticket, TicketLink
from app.tickets.tasks import NewTask
from app.tickets.thread import Message
from app.tickets.timeline import TicketEvent
from tests.api.desk import a_program
from tests.factories import (
    a_customer,
    a_department,
    a_macro,
    a_super_admin,
    a_ticket,
    an_agent,
    an_organization,
    multipart,
    sign_in_customer,
)

LONG_AGO = "2001-02-03T04:05:06"
WORD = "plantedword"
OWN_ROWS = {"id", "number", "ticket_id", "requester_id", "customer_id", "message_id", "author_name", "actor_name", "particulars"}  # fmt: skip
"""Columns in which two tickets of two customers differ by nature."""
Sent = dict[str, Any]
Door = Callable[[FlaskClient, Ticket, Callable[[Sent], dict[str, Any]]], Any]


def control_fields(agent_id: int, other_id: int, department_id: int, organization_id: int) -> Sent:
    """What another program let its customers decide, and each column of ours."""
    planted: Sent = {
        "status": "closed", "state": "closed", "status_id": 5, "live": "0", "kind": "note", "internal": "1", "public": "0", "note": "1", "hidden": "1", "hidden_from_client": "1",
        "proven": "1", "trusted": "1", "assignee": str(agent_id), "assignee_id": agent_id, "staff_id": agent_id, "author_id": agent_id, "user_id": agent_id, "author": WORD, "author_name": WORD, "actor_name": WORD,
        "customer": str(other_id), "customer_id": other_id, "requester": other_id, "requester_id": other_id, "customer_email": "eve@other.test", "department_id": department_id, "departments": department_id,
        "number": 77_777, "id": 77_777, "reference": WORD, "channel": "staff", "via": "staff", "opened_by": "staff", "opened_by_staff": "1", "begun_by": "staff", "then": "close", "type": "note", "sender": "Agent",
        "created_at": LONG_AGO, "updated_at": LONG_AGO, "sla_due": LONG_AGO, "first_response_due_at": LONG_AGO, "resolution_due_at": LONG_AGO, "closed_at": LONG_AGO, "verified_at": LONG_AGO,
        "ignore_permissions": "1", "links": "1", "link": "1", "follow_up_of": "1", "participants": str(agent_id), "cc": "cc@form.test", "tags": WORD, "add": WORD, "merge": "1", "into": "1",
        "organization": organization_id, "organization_id": organization_id, "organization_name": WORD, "active": "0", "generation": 77, "password_hash": WORD, "roles": "1", "is_admin": "1",
        "_method": "DELETE", "message_id": WORD, "in_reply_to": WORD, "html": f"<b>{WORD}</b>", "full_text": WORD, "excerpt": WORD, "time_spent_minutes": 77, "budget_minutes": 77,
    }  # fmt: skip
    return planted


def as_form(fields: Sent) -> dict[str, Any]:
    return {"data": fields}


def as_multipart(fields: Sent) -> dict[str, Any]:
    return multipart(fields)


def open_new(client: FlaskClient, _ticket: Ticket, wrapped: Callable[[Sent], dict[str, Any]], more: Sent) -> Any:
    return client.post("/portal/tickets/new", **wrapped({**more, "subject": "Help", "message": "Words"}))


def reply(client: FlaskClient, ticket: Ticket, wrapped: Callable[[Sent], dict[str, Any]], more: Sent) -> Any:
    return client.post(f"/portal/tickets/{ticket.number}/reply", **wrapped({**more, "message": "Words"}))


def close(client: FlaskClient, ticket: Ticket, wrapped: Callable[[Sent], dict[str, Any]], more: Sent) -> Any:
    return client.post(f"/portal/tickets/{ticket.number}/close", **wrapped({**more, "last": "Words"}))


def account(client: FlaskClient, _ticket: Ticket, wrapped: Callable[[Sent], dict[str, Any]], more: Sent) -> Any:
    return client.post("/portal/account", **wrapped({**more, "name": "Ada"}))


@pytest.mark.parametrize("wrapped", [as_form, as_multipart])
@pytest.mark.parametrize("door", [open_new, reply, close, account])
def test_fields_that_no_form_of_the_portal_has_change_nothing(app: Flask, wrapped: Any, door: Any) -> None:
    agent, other, organization = an_agent(), a_customer(email="eve@other.test"), an_organization("Elsewhere")
    planted = control_fields(agent.id, other.id, a_department("Elsewhere").id, organization.id)

    plain = what_came_of(app, "Ada", lambda client, ticket: door(client, ticket, wrapped, {}))
    with_more = what_came_of(app, "Ada", lambda client, ticket: door(client, ticket, wrapped, planted))

    assert with_more == plain


def what_came_of(app: Flask, name: str, deed: Callable[[FlaskClient, Ticket], Any]) -> dict[str, Any]:
    """All that the deed left in the tables of tickets and customers, but for what differs by nature."""
    customer = a_customer(name, email=f"{name}{db.session.query(Customer).count()}@own.test")
    ticket, client = a_ticket(requester=customer), app.test_client()
    sign_in_customer(client, customer)
    code = deed(client, ticket).status_code
    db.session.expire_all()
    tickets = db.session.scalars(select(Ticket).where(Ticket.requester_id == customer.id).order_by(Ticket.id)).all()
    ids = [one.id for one in tickets]
    rows: dict[str, Any] = {"code": code, "customer": plainly(customer, but={"email", "email_key"})}
    rows["tickets"] = [plainly(one) for one in tickets]
    for model in (Message, Participant, TicketEvent, TicketLink):
        found = db.session.scalars(select(model).where(model.ticket_id.in_(ids)))
        rows[model.__name__] = [plainly(row) for row in sorted(found, key=lambda row: getattr(row, "id", 0))]
    return rows


def plainly(row: Any, but: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """Its columns; of an instant only whether it is there and of this century's present."""
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).columns}
    return {
        name: value.year if isinstance(value, dt.datetime) else value
        for name, value in values.items()
        if name not in OWN_ROWS | set(but)
    }


def test_a_guests_form_makes_nobody_a_known_customer(app: Flask, client: FlaskClient) -> None:
    agent, other, organization = an_agent(), a_customer(email="eve@other.test"), an_organization("Elsewhere")
    planted = control_fields(agent.id, other.id, a_department("Elsewhere").id, organization.id)
    db.session.commit()

    sent = {**planted, "name": "Guest", "email": "guest@form.test", "subject": "Help", "message": "Words"}
    assert client.post("/portal/contact", data=sent).status_code == 200

    ticket = db.session.scalars(select(Ticket)).one()
    assert (ticket.requester.email, ticket.proven, ticket.hidden_from_client) == ("guest@form.test", False, False)
    assert (ticket.requester.verified_at, ticket.requester.organization_id) == (None, None)
    assert (ticket.state.value, ticket.assignee_id, ticket.number == 77_777) == ("open", None, False)
    assert ticket.messages[0].public and ticket.messages[0].staff_id is None


TAKES_JSON = [route for route in ROUTES if route.takes and route.takes != FILE]
FOR_PROGRAMS = (
    "ignore_permissions", "links", "author", "author_id", "type", "internal", "created_at", "updated_at", "state", "number", "id", "hidden_from_client", "proven", "trusted", "staff_id", "user_id",
    "generation", "password_hash", "verified_at", "organization_id", "requester_id", "assignee_id", "department_id", "key", "scopes", "sla_due", "first_response_due_at", "channel", "__class__", "__proto__",
)  # fmt: skip


@pytest.mark.parametrize("route", TAKES_JSON, ids=[f"{route.method} {route.path}" for route in TAKES_JSON])
def test_a_field_the_document_does_not_name_is_refused_by_name(client: FlaskClient, route: Route) -> None:
    from app.api.schema import SCHEMAS

    ticket = a_ticket()
    program = a_program(client, a_super_admin())
    task = tasks.create(NewTask("Call"), SYSTEM, ticket)
    macro = a_macro({"do": "tag", "text": "seen"})
    db.session.commit()
    entry_id = program.post(f"/tickets/{ticket.number}/time", {"minutes": 5}).json["id"]
    path = route.path.format(
        number=ticket.number, customer_id=ticket.requester_id, task_id=task.id, entry_id=entry_id, macro_id=macro.id, supplier_id=1,
    )  # fmt: skip
    known = SCHEMAS[str(route.takes)]
    for name in set(FOR_PROGRAMS) - set(known["properties"]):
        answer = program.call(route.method, path, {**known["example"], name: 1})
        assert answer.status_code == 422, (name, answer.text)
        assert name in answer.json["error"]["fields"]
    assert db.session.query(Ticket).count() == 1


@pytest.mark.parametrize("given", ["a form", "a file's form", "text"])
def test_the_api_takes_json_in_no_other_wrapping(client: FlaskClient, given: str) -> None:
    """A form of another site could send these without asking; without the key it would get 401 all the same."""
    ticket = a_ticket()
    program = a_program(client, a_super_admin())
    bodies = {"a form": as_form({"body": "x"}), "a file's form": as_multipart({"body": "x"}), "text": {"data": "body=x", "content_type": "text/plain"}}  # fmt: skip

    assert program.call("POST", f"/tickets/{ticket.number}/replies", **bodies[given]).status_code == 400
    assert program.call("POST", f"/tickets/{ticket.number}/close", headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200  # fmt: skip
    assert db.session.query(Ticket).count() == 1


def test_a_staff_form_sets_no_column_it_does_not_show(app: Flask, client: FlaskClient) -> None:
    """Every generated edit form, with every column of its row besides: only what the form shows may change."""
    from tests.factories import an_admin, sign_in
    from tests.security.test_generated_views import generated

    admin = an_admin()
    a_ticket(), sign_in(client, admin)
    strange = []
    for view in generated(app):
        row = db.session.scalars(select(view.datamodel.obj)).first()
        columns = inspect(view.datamodel.obj).columns.keys()
        hidden = [name for name in columns if name not in (*view.edit_columns, "updated_at", "changed_on", "name_key", "email_key", "html")]  # fmt: skip
        if row is None or "can_edit" not in view.base_permissions or view.route_base.startswith("/admin/role"):
            continue
        key = view.datamodel.get_pk_value(row)
        before = {name: getattr(row, name) for name in hidden}
        client.post(f"{view.route_base}/edit/{key}", data=dict.fromkeys(columns, "7"))
        db.session.expire_all()
        again = db.session.get(view.datamodel.obj, key)
        strange += [f"{view.route_base}: {name}" for name in hidden if again is not None and getattr(again, name) != before[name]]  # fmt: skip

    assert strange == []
