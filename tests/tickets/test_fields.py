"""The desk's own fields: what they take, who changes them, what they demand, and what they cost a desk without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets import fields, inactivity, merging
from app.tickets.choices import Category, State
from app.tickets.conversation import Then
from app.tickets.fieldmodels import CustomField, CustomValue, FieldKind, Readers, Required
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did
from tests.factories import a_category, a_customer, a_field, a_supervisor, a_ticket, acting, setting

SIZES = ("Small", "Large", "Extra large")


def held(ticket: Ticket) -> dict[str, Any]:
    """As programs read it."""
    return {one.field.key: one.field.plain(one.values) for one in fields.held(ticket)}


@pytest.mark.parametrize(
    ("kind", "given", "plain"),
    [
        (FieldKind.TEXT, "  SN  12 ", "SN 12"),
        (FieldKind.LONG_TEXT, "one\r\ntwo", "one\ntwo"),
        (FieldKind.NUMBER, "012,50", 12.5),
        (FieldKind.NUMBER, 7, 7),
        (FieldKind.NUMBER, "-0.25", -0.25),
        (FieldKind.NUMBER, "1000", 1000),
        (FieldKind.DATE, "2026-03-31", "2026-03-31"),
        (FieldKind.CHOICE, "large", "Large"),
        (FieldKind.CHOICES, ["Small", "Large", "Small"], ["Small", "Large"]),
        (FieldKind.CHECKBOX, "1", True),
        (FieldKind.CHECKBOX, True, True),
        (FieldKind.CHECKBOX, False, False),
        (FieldKind.LINK, "https://example.com/a?b=c", "https://example.com/a?b=c"),
        (FieldKind.TEXT, "", None),
        (FieldKind.CHOICES, [], []),
        (FieldKind.NUMBER, None, None),
    ],
)
def test_a_field_takes_what_its_kind_says(app: Flask, kind: FieldKind, given: Any, plain: Any) -> None:
    a_field("Own", kind=kind, choices=SIZES)
    ticket = a_ticket()

    ticket.set_field("own", given, by=SYSTEM)
    db.session.commit()

    assert held(ticket) == {"own": plain}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (FieldKind.TEXT, "x" * 251),
        (FieldKind.TEXT, ["one", "two"]),
        (FieldKind.TEXT, {"a": 1}),
        (FieldKind.NUMBER, "twelve"),
        (FieldKind.NUMBER, "1e9"),
        (FieldKind.NUMBER, "1.000.000"),
        (FieldKind.NUMBER, float("nan")),
        (FieldKind.NUMBER, "9" * 16),
        (FieldKind.NUMBER, "١٢"),
        (FieldKind.DATE, "31.03.2026"),
        (FieldKind.DATE, "20260331"),
        (FieldKind.DATE, "2026-02-30"),
        (FieldKind.CHOICE, "Huge"),
        (FieldKind.CHOICES, ["Small", "Huge"]),
        (FieldKind.CHECKBOX, "maybe"),
        (FieldKind.LINK, "javascript:alert(1)"),
        (FieldKind.LINK, "example.com"),
        (FieldKind.LINK, "https://"),
        (FieldKind.LINK, "http://[broken"),
    ],
)
def test_what_a_kind_does_not_know_is_refused_at_the_field(app: Flask, kind: FieldKind, given: Any) -> None:
    a_field("Own", kind=kind, choices=SIZES)
    ticket = a_ticket()

    with pytest.raises(Invalid) as refusal:
        ticket.set_field("own", given, by=SYSTEM)

    assert list(refusal.value.fields) == ["fields.own"]
    assert not db.session.scalars(select(CustomValue)).all()


def test_a_change_is_told_from_and_to_once(app: Flask) -> None:
    a_field("Serial number")
    ticket, by = a_ticket(), acting(a_supervisor())

    for given in ("A1", "A1", "B2"):
        ticket.set_field("serial_number", given, by=by)
    db.session.commit()

    told = [event for event in ticket.events if event.what is Did.FIELD_CHANGED]
    assert [event.sentence for event in told] == ["changed “Serial number” from “–” to “A1”", "changed “Serial number” from “A1” to “B2”"]  # fmt: skip
    assert not any(event.public for event in told)


def test_values_of_another_category_stay_and_come_back(app: Flask) -> None:
    printers, phones = a_category("Printers"), a_category("Phones")
    a_field("Toner", categories=[printers])
    ticket = a_ticket(category=printers)
    ticket.set_field("toner", "black", by=SYSTEM)

    ticket.set_category(phones, by=SYSTEM)
    elsewhere = held(ticket)
    with pytest.raises(Invalid):
        ticket.set_field("toner", "red", by=SYSTEM)
    ticket.set_category(printers, by=SYSTEM)
    db.session.commit()

    assert elsewhere == {} and held(ticket) == {"toner": "black"}


@pytest.mark.parametrize("required", [Required.RESOLVE, Required.CREATE])
@pytest.mark.parametrize("end", ["resolve", "close", "reply"])
def test_staff_end_no_ticket_with_a_required_field_empty(app: Flask, required: Required, end: str) -> None:
    a_field("Cause", required=required)
    ticket, by = a_ticket(), acting(a_supervisor())

    with pytest.raises(Invalid) as refusal:
        if end == "reply":
            ticket.reply(Words("Done", via=Channel.STAFF), by=by, then=Then.RESOLVE)
        else:
            getattr(ticket, end)(by=by)

    assert "“Cause”" in str(refusal.value) and list(refusal.value.fields) == ["fields.cause"]


def test_with_its_fields_filled_a_ticket_is_resolved(app: Flask) -> None:
    a_field("Cause", required=Required.RESOLVE)
    ticket, by = a_ticket(), acting(a_supervisor())
    ticket.set_field("cause", "Dust", by=by)

    ticket.resolve(by=by)

    assert ticket.state is State.RESOLVED


def test_neither_the_desk_itself_nor_a_customer_waits_for_a_field(app: Flask) -> None:
    a_field("Cause", required=Required.RESOLVE)
    setting(customer_can_close=True)
    mine, silent = a_ticket(), a_ticket()

    mine.close(by=CustomerActor.of(mine.requester))
    silent.close(by=SYSTEM)

    assert mine.closed and silent.closed and inactivity


def test_what_opens_a_ticket_has_to_be_filled_in_where_people_are_asked(app: Flask) -> None:
    a_field("Order", required=Required.CREATE, readers=Readers.FILL)
    a_field("Risk", required=Required.CREATE, readers=Readers.STAFF)
    person = a_customer()

    def opened(via: Channel, given: dict[str, Any] | None) -> Ticket:
        new = NewTicket(subject="Where is it?", words=Words("I wait.", via=via), requester=person, fields=given)
        return open_ticket(new, by=CustomerActor.of(person))

    with pytest.raises(Invalid) as portal:
        opened(Channel.PORTAL, {})
    with pytest.raises(Invalid) as api:
        opened(Channel.API, {"nothing": "1"})
    by_portal = opened(Channel.PORTAL, {"order": "77", "risk": "high"})
    by_mail = opened(Channel.MAIL, None)
    db.session.commit()

    assert list(portal.value.fields) == ["fields.order"]
    assert set(api.value.fields) == {"fields.order", "fields.risk", "fields.nothing"}
    assert held(by_portal) == {"order": "77", "risk": None} and held(by_mail) == {"order": None, "risk": None}


def test_a_choice_that_was_taken_away_stays_where_it_was_chosen(app: Flask) -> None:
    field = a_field("Size", kind=FieldKind.CHOICE, choices=SIZES)
    ticket, other = a_ticket(), a_ticket()
    ticket.set_field("size", "Small", by=SYSTEM)

    field.choices = "Large"
    db.session.commit()

    assert held(ticket) == {"size": "Small"}
    ticket.set_field("size", "Small", by=SYSTEM)
    with pytest.raises(Invalid):
        other.set_field("size", "Small", by=SYSTEM)


def test_several_choices_are_kept_once_each_however_written_and_none_is_dropped_for_being_many(app: Flask) -> None:
    field = a_field("Sizes", kind=FieldKind.CHOICES, choices=SIZES)
    ticket = a_ticket()
    ticket.set_field("sizes", ["small", "Small", "SMALL", "large"], by=SYSTEM)
    assert held(ticket) == {"sizes": ["Small", "Large"]}

    field.choices = "Huge"
    db.session.commit()
    ticket.set_field("sizes", ["Small", "Large", "Huge"], by=SYSTEM)

    assert held(ticket) == {"sizes": ["Small", "Large", "Huge"]}


def test_a_merge_leaves_each_ticket_its_values(app: Flask) -> None:
    a_field("Serial number")
    first, second, by = a_ticket(), a_ticket(), acting(a_supervisor())
    first.set_field("serial_number", "A1", by=by)
    second.set_field("serial_number", "B2", by=by)

    merging.merge(second, into=first, by=by)
    db.session.commit()
    merged = held(first)
    merging.unmerge(second, by=by)
    db.session.commit()

    assert merged == held(first) == {"serial_number": "A1"} and held(second) == {"serial_number": "B2"}


def test_a_deleted_field_takes_its_values_and_a_category_with_a_field_stays(app: Flask) -> None:
    printers = a_category("Printers")
    field = a_field("Toner", categories=[printers])
    ticket = a_ticket(category=printers)
    ticket.set_field("toner", "black", by=SYSTEM)
    db.session.commit()

    db.session.delete(field)
    db.session.commit()

    assert not db.session.scalars(select(CustomValue)).all() and fields.every() == ()
    assert db.session.get(Category, printers.id) is not None


def test_the_settings_follow_every_change_of_a_field(app: Flask) -> None:
    printers = a_category("Printers")
    field = a_field("Toner", categories=[printers])
    before = fields.by_key("toner")

    field.name, field.categories, field.active = "Toner colour", [], False
    db.session.commit()
    g.pop("desk_settings", None)

    assert before is not None and before.categories == (printers.id,)
    assert [(one.name, one.categories, one.active) for one in fields.every()] == [("Toner colour", (), False)]
    assert db.session.scalars(select(CustomField)).one().id == fields.every()[0].id


def test_a_desk_without_fields_asks_nothing_for_them(app: Flask, at_most: Callable[[int], Any]) -> None:
    ticket = a_ticket()
    db.session.commit()
    fields.every()
    ticket_id, category_id = ticket.id, ticket.category_id

    with at_most(0):
        assert (
            fields.every() == () and fields.of_category(category_id) == [] and fields.values_of([ticket_id], ()) == {}
        )
