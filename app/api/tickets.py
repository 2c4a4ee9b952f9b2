"""The API on one ticket: opening, reading, changing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, current_app, jsonify
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.availability import absence_of
from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.api import documents, reading, shapes
from app.api.documents import Documents
from app.api.doorman import caller, demand
from app.api.fields import Fields, words
from app.api.listing import LOADED
from app.api.repeats import Answer
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets import collecting, endings, taking_part
from app.tickets.choices import Category, Priority, Status
from app.tickets.models import Ticket, TicketKind
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Message
from app.tickets.timeline import IN_THREAD, TicketEvent
from app.tickets.visibility import events_visible_to, messages_visible_to, visible_to

LONGEST_SUBJECT = 1000
"""Of what is sent; the desk keeps the first 200 characters."""
KINDS = [kind.value for kind in TicketKind]


def create_ticket() -> Answer:
    """An assignee who is away gets it, and `warnings` says so. With `customer` the ticket is that customer's: the first message is theirs, whoever owns the key."""
    demand("add", "Ticket")
    fields = Fields.of_body()
    staffs = fields.one_of("opened_by", ("staff", "customer")) == "staff"
    kind = TicketKind(fields.one_of("kind", KINDS) or TicketKind.TICKET)
    assignee = fields.take("assignee", reading.assignee(caller()))
    asked: Documents | None = fields.take("documents", documents.asked)
    ticket = _opened(_new_ticket(fields, kind, staffs), asked)
    if assignee is not None:
        ticket.assign_to(assignee, by=caller())
    db.session.flush()
    return shapes.ticket(ticket) | _told_of(assignee), 201


def _new_ticket(fields: Fields, kind: TicketKind, staffs: bool) -> NewTicket:
    """Ends the reading of the fields. The customer comes last: nobody is made for a request that is refused."""
    given: dict[str, Any] = {
        "subject": fields.text("subject", LONGEST_SUBJECT, required=True),
        "words": reading.message(fields, caller()),
        "department": fields.take("department", reading.department),
        "category": fields.take("category", reading.category),
        "environment": fields.take("environment", reading.environment),
        "priority": fields.take("priority", reading.priority),
        "status": fields.take("status", reading.status),
        "tags": fields.take("tags", words, ()),
        "fields": fields.take("fields", reading.own_fields, {}),
    }
    requester: Customer | None = reading.requester(fields)
    fields.done()
    assert requester is not None
    return NewTicket(**given, requester=requester, kind=kind, opened_by_staff=staffs)


def _opened(new: NewTicket, asked: Documents | None) -> Ticket:
    """What staff begin waits for the customer; with `documents` it is a request for them."""
    if asked is not None:
        return collecting.begin_request(new, asked.wanted, asked.due_on, caller()).ticket
    if new.kind is not TicketKind.TICKET:
        return collecting.begin(new, caller())
    return open_ticket(new, caller() if new.opened_by_staff else CustomerActor.of(new.requester))


def read_ticket(number: int) -> Answer:
    """The ticket and its thread: replies, notes and events, oldest first. A merged one answers 301 to the one it goes on in."""
    ticket = seen(number)
    if ticket.merged:
        return _gone_on(ticket), 301
    messages = (
        select(Message)
        .where(Message.ticket_id == ticket.id, messages_visible_to(caller()))
        .options(selectinload(Message.attachments))
        .order_by(Message.id)
    )
    events = (
        select(TicketEvent)
        .where(TicketEvent.ticket_id == ticket.id, TicketEvent.what.in_(sorted(IN_THREAD)), events_visible_to(caller()))
        .order_by(TicketEvent.id)
    )
    thread = [(row.created_at, shapes.message(row)) for row in db.session.scalars(messages)]
    told = db.session.scalars(events).all()
    unseen = {row.particulars.get("other_id") for row in told} - {None, *_visible(told)}
    thread += [(row.at, shapes.event(row)) for row in told if row.particulars.get("other_id") not in unseen]
    return {
        **shapes.ticket(ticket),
        "documents": documents.of_ticket(ticket),
        "messages": [entry for _at, entry in sorted(thread, key=lambda pair: pair[0])],
    }, 200


def _visible(told: Sequence[TicketEvent]) -> set[int]:
    """Of tickets that events name, those the caller may know of."""
    named = {row.particulars["other_id"] for row in told if "other_id" in row.particulars}
    if not named:
        return set()
    return set(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(named), visible_to(caller()))))


def _gone_on(ticket: Ticket) -> Response:
    """Where it goes on, for whoever sees that too."""
    place = seen(ticket.place().number)
    response = jsonify(shapes.ticket(place))
    response.headers["Location"] = f"{current_app.config['PUBLIC_URL']}/api/v1/tickets/{place.number}"
    return response


def seen(number: int) -> Ticket:
    """The ticket, or NotThere: whoever may not see it does not learn that it exists."""
    found = select(Ticket).where(Ticket.number == reading.path_id(number), visible_to(caller())).options(*LOADED)
    ticket = db.session.scalars(found).unique().first()
    if ticket is None:
        raise NotThere(_("There is no ticket with this number, or you may not see it."))
    return ticket


def change_ticket(number: int) -> Answer:
    """Only the fields that are sent change. Null takes the category or the assignee away. A status that ends the ticket is refused
    (409) while tasks of it are open, unless `open_tasks` says what becomes of them."""
    ticket, fields = seen(number), Fields.of_body()
    status: Status | None = fields.take("status", reading.status)
    rest = reading.rest_of_tasks(fields)
    priority: Priority | None = fields.take("priority", reading.priority)
    category: Category | None = fields.take("category", reading.category)
    department = fields.take("department", reading.department)
    environment = fields.take("environment", reading.environment)
    subject = fields.text("subject", LONGEST_SUBJECT, required="subject" in fields)
    tags: tuple[str, ...] | None = fields.take("tags", words)
    own: dict[str, Any] = fields.take("fields", reading.own_fields, {})
    assignee = fields.take("assignee", reading.assignee(caller()))
    dates = {name: fields.take(name, reading.moment) for name in DATES if name in fields}
    fields.done()
    if subject:
        ticket.rename(subject, by=caller())
    if priority is not None:
        ticket.set_priority(priority, by=caller())
    if "category" in fields:
        ticket.set_category(category, by=caller())
    if "environment" in fields:
        taking_part.set_environment(ticket, environment, by=caller())
    ticket.set_fields(own, by=caller())
    if department is not None:
        ticket.move_to(department, by=caller())
    if "assignee" in fields:
        ticket.assign_to(assignee, by=caller())
    if status is not None:
        with endings.minding_tasks(ticket, rest, caller()):
            ticket.set_status(status, by=caller())
    if tags is not None:
        _set_tags(ticket, tags)
    for name, at in dates.items():
        DATES[name](ticket, at)
    db.session.flush()
    return shapes.ticket(ticket) | _told_of(assignee), 200


def _told_of(assignee: User | None) -> dict[str, Any]:
    """Of somebody who is not there, until when: they have the ticket all the same."""
    absent = absence_of(assignee.id, assignee.get_full_name(), caller()) if assignee is not None else ""
    return {"warnings": [absent]} if absent else {}


def _snooze(ticket: Ticket, until: dt.datetime | None) -> None:
    if until is None:
        ticket.wake(by=caller())
    else:
        ticket.snooze(until, by=caller())


DATES: dict[str, Callable[[Ticket, dt.datetime | None], None]] = {
    "follow_up_at": lambda ticket, at: ticket.follow_up(at, by=caller()),
    "action_required_at": lambda ticket, at: ticket.require_action(at, by=caller()),
    "snoozed_until": _snooze,
}
"""Null takes a date away."""


def _set_tags(ticket: Ticket, names: tuple[str, ...]) -> None:
    wanted = {name.strip().casefold() for name in names}
    for name in {tag.name for tag in ticket.tags} - wanted:
        ticket.untag(name, by=caller())
    for name in sorted(wanted):
        ticket.tag(name, by=caller())
