"""Undo beside a property: it goes back when nobody changed it since, and is told as a change of its own."""

import pytest

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import actions
from app.tickets.choices import State
from app.tickets.fieldmodels import FieldKind
from app.tickets.lifecycle import status_for
from app.tickets.timeline import Did
from tests.desk.test_list import as_
from tests.factories import a_category, a_department, a_field, a_priority, a_supervisor, a_ticket

JSON = {"Accept": "application/json"}
VALUES = {
    "status": lambda: status_for(State.HOLD).id, "priority": lambda: a_priority(4).id, "assignee": lambda: "me", "category": lambda: a_category().id,
    "department": lambda: a_department().id, "subject": lambda: "Another subject", "hidden": lambda: "1",
}  # fmt: skip


def save(client, ticket, name, value, **more):
    answer = client.post(f"/admin/tickets/{ticket.number}/properties", data={name: value, **more}, headers=JSON)
    db.session.expire_all()
    return answer


def held(ticket, name):
    from app.desk.properties import CURRENT

    return CURRENT[name](ticket)


@pytest.mark.parametrize("name", list(VALUES))
def test_each_property_goes_back_to_what_it_was(app, client, name):
    ticket = a_ticket()
    as_(client, a_supervisor())
    value, before = VALUES[name](), held(ticket, name)
    save(client, ticket, name, value)
    now, events = held(ticket, name), len(ticket.events)
    answer = save(client, ticket, name, before, still=now)

    assert (answer.status_code, held(ticket, name)) == (200, before) and now != before
    assert len(ticket.events) > events


@pytest.mark.parametrize("name", list(VALUES))
def test_it_stays_when_somebody_changed_it_since(app, client, name):
    ticket = a_ticket()
    as_(client, a_supervisor())
    before = held(ticket, name)
    answer = save(client, ticket, name, VALUES[name](), still="what another person chose")

    assert answer.status_code == 409 and "changed this since" in answer.get_json()["error"]
    assert held(ticket, name) == before


@pytest.mark.parametrize("kind", [FieldKind.TEXT, FieldKind.NUMBER, FieldKind.CHECKBOX])
def test_the_desks_own_fields_go_back_too(app, client, kind):
    field = a_field("Serial", kind=kind)
    ticket = a_ticket()
    as_(client, a_supervisor())
    value = {FieldKind.TEXT: " A-7 ", FieldKind.NUMBER: "7.50", FieldKind.CHECKBOX: "1"}[kind]
    name = _name(field)
    assert save(client, ticket, name, value).status_code == 200
    wrong = save(
        client, ticket, name, "", still="8" if kind is FieldKind.NUMBER else "" if kind is FieldKind.CHECKBOX else "B"
    )
    kept = actions.state_of(ticket)["fields"]["serial"]
    back = save(client, ticket, name, "", still=value)

    assert (wrong.status_code, bool(kept), back.status_code) == (409, True, 200)
    assert actions.state_of(ticket)["fields"]["serial"] == []


def _name(field):
    from app.tickets import fields

    return fields.by_key(field.key).form_name


def test_a_click_on_undo_after_a_colleague_was_faster_undoes_nothing_of_theirs(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    normal, critical = ticket.priority_id, a_priority(4).id
    save(client, ticket, "priority", critical)
    ticket.set_priority(a_priority(3), by=SYSTEM)
    db.session.commit()

    assert save(client, ticket, "priority", normal, still=critical).status_code == 409
    assert ticket.priority_rank == 3 and ticket.events[-1].what is Did.PRIORITY_CHANGED
