"""Undo beside a property: it goes back when nobody changed it since, and is told as a change of its own."""

import datetime as dt
import re

import pytest
import time_machine

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.tickets import actions
from app.tickets.choices import State
from app.tickets.fieldmodels import FieldKind
from app.tickets.lifecycle import status_for
from app.tickets.timeline import Did
from tests.desk.test_list import as_
from tests.factories import a_category, a_department, a_field, a_priority, a_supervisor, a_ticket, acting, run_jobs

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


HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def post(client, ticket, place, **fields):
    answer = client.post(f"/admin/tickets/{ticket.number}/{place}", data=fields, follow_redirects=True)
    db.session.expire_all()
    return answer.get_data(as_text=True)


def offered(page):
    """The events that the page's one undo form names."""
    form = re.search(r'<form id="undo".*?</form>', page, re.S)
    return re.findall(r'name="event" value="(\d+)"', form[0]) if form else []


def undo(client, ticket, page):
    assert offered(page) and page.count('form="undo"') == 1
    return post(client, ticket, "undo", event=offered(page))


def tags(ticket):
    return sorted(tag.name for tag in ticket.tags)


def test_tags_that_were_added_or_removed_go_back_and_forth(app, client):
    ticket = a_ticket(tags=("old",))
    as_(client, a_supervisor())

    added = post(client, ticket, "tags", add="new, old, newer")
    undone = undo(client, ticket, added)
    assert tags(ticket) == ["old"]
    undo(client, ticket, undone)
    assert tags(ticket) == ["new", "newer", "old"]

    removed = post(client, ticket, "tags", remove="old")
    undo(client, ticket, removed)
    assert tags(ticket) == ["new", "newer", "old"]
    assert [event.what for event in ticket.events][-2:] == [Did.UNTAGGED, Did.TAGGED]


def test_the_sign_is_offered_once_and_only_on_that_ticket(app, client):
    ticket, other = a_ticket(), a_ticket()
    as_(client, a_supervisor())
    client.post(f"/admin/tickets/{ticket.number}/tags", data={"add": "new"})

    assert offered(client.get(f"/admin/tickets/{other.number}").get_data(as_text=True)) == []
    assert len(offered(client.get(f"/admin/tickets/{ticket.number}").get_data(as_text=True))) == 1
    assert offered(client.get(f"/admin/tickets/{ticket.number}").get_data(as_text=True)) == []


def test_nothing_is_offered_where_nothing_changed(app, client):
    ticket = a_ticket(tags=("old",))
    as_(client, a_supervisor())

    assert offered(post(client, ticket, "tags", add="old")) == []
    assert offered(post(client, ticket, "tags", add="x" * 200)) == []


@pytest.mark.parametrize(
    ("field", "column"),
    [("follow_up", "follow_up_at"), ("action_required", "action_required_at"), ("snooze", "snoozed_until")],
)
def test_a_date_goes_back_to_what_it_was(app, client, field, column):
    ticket = a_ticket()
    as_(client, a_supervisor())

    page = undo(client, ticket, post(client, ticket, "properties", **{field: "4h"}))
    assert getattr(ticket, column) is None
    undo(client, ticket, page)
    first = getattr(ticket, column)
    assert first is not None

    moved = post(client, ticket, "properties", **{field: "3d"})
    assert getattr(ticket, column) > first
    undo(client, ticket, moved)
    assert getattr(ticket, column) == first

    taken_away = post(client, ticket, "properties", **{field: ""})
    assert getattr(ticket, column) is None
    undo(client, ticket, taken_away)
    assert getattr(ticket, column) == first


@pytest.mark.parametrize(
    ("field", "column"), [("follow_up", "follow_up_at"), ("action_required", "action_required_at")]
)
def test_a_date_that_has_passed_is_put_back_without_reminding_anybody_again(app, client, field, column):
    boss, setter = a_supervisor(), a_supervisor()
    ticket = a_ticket()
    at = clock.now() + HOUR
    {"follow_up": ticket.follow_up, "action_required": ticket.require_action}[field](at, acting(setter))
    db.session.commit()
    with time_machine.travel(clock.now() + DAY, tick=False):
        run_jobs()
        as_(client, boss)
        told = [event.what for event in ticket.events if event.what in (Did.FOLLOW_UP_DUE, Did.ACTION_DUE)]
        undo(client, ticket, post(client, ticket, "properties", **{field: "3d"}))
        run_jobs()
        db.session.expire_all()

        assert getattr(ticket, column) == at
        assert (ticket.follow_up_by_id or ticket.action_by_id) == setter.id
        assert [event.what for event in ticket.events if event.what in (Did.FOLLOW_UP_DUE, Did.ACTION_DUE)] == told


def test_a_snooze_whose_time_has_come_meanwhile_is_not_slept_again(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    post(client, ticket, "properties", snooze="1h")
    woken = post(client, ticket, "properties", snooze="")
    with time_machine.travel(clock.now() + DAY, tick=False):
        post(client, ticket, "undo", event=offered(woken))

    assert ticket.snoozed_until is None


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda ticket: ticket.untag("new", by=SYSTEM),
        lambda ticket: (ticket.untag("new", by=SYSTEM), ticket.tag("new", by=SYSTEM)),
    ],
    ids=["removed", "removed and added"],
)
def test_a_tag_that_a_colleague_touched_since_stays_as_they_left_it(app, client, meanwhile):
    ticket = a_ticket()
    as_(client, a_supervisor())
    page = post(client, ticket, "tags", add="new,newer")
    meanwhile(ticket)
    db.session.commit()
    before = tags(ticket)

    assert "changed this since" in post(client, ticket, "undo", event=offered(page))
    assert tags(ticket) == before


def test_a_date_that_a_colleague_moved_since_stays_theirs_and_what_else_they_changed_is_in_nobodys_way(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    page = post(client, ticket, "properties", follow_up="4h")
    theirs = clock.now() + 2 * DAY
    ticket.require_action(theirs, SYSTEM)
    ticket.tag("theirs", by=SYSTEM)
    db.session.commit()
    undo(client, ticket, page)
    assert (ticket.follow_up_at, ticket.action_required_at, tags(ticket)) == (None, theirs, ["theirs"])

    page = post(client, ticket, "properties", follow_up="4h")
    ticket.follow_up(theirs, SYSTEM)
    db.session.commit()
    assert "changed this since" in post(client, ticket, "undo", event=offered(page))
    assert ticket.follow_up_at == theirs


def test_nobody_undoes_anothers_deed_nor_anything_else_nor_without_the_right(app, client):
    ticket, other = a_ticket(), a_ticket()
    boss, colleague = a_supervisor(), a_supervisor()
    ticket.tag("mine", by=acting(boss))
    other.tag("elsewhere", by=acting(boss))
    ticket.set_priority(a_priority(4), by=acting(boss))
    db.session.commit()
    tagged, urgent, elsewhere = ticket.events[-2].id, ticket.events[-1].id, other.events[-1].id
    as_(client, colleague)
    assert "nothing that could be undone" in post(client, ticket, "undo", event=[tagged])
    as_(client, boss)
    for ids in ([urgent], [elsewhere], [tagged, urgent], ["x"], [10**30], []):
        assert "nothing that could be undone" in post(client, ticket, "undo", event=ids)
    assert (tags(ticket), ticket.priority_rank) == (["mine"], 4)
    assert client.post("/admin/tickets/999999/undo", data={"event": tagged}).status_code == 404
