"""A new ticket: from whichever door, by one way."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from app.accounts.environments import Environment
from app.accounts.models import Customer, Department
from app.accounts.viewer import SYSTEM, Actor, CustomerActor, Kind
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets import fields, numbering, turns
from app.tickets.canned import filled
from app.tickets.choices import Category, Priority, Status
from app.tickets.fieldkinds import Field, Values
from app.tickets.models import Ticket, TicketKind, TicketLink
from app.tickets.sorting import clean_line
from app.tickets.thread import Channel, Message, MessageKind, Words
from app.tickets.timeline import Did
from app.tickets.usual import Usual


@dc.dataclass(frozen=True)
class NewTicket:
    """What a door knows of a ticket to be opened. Empty fields are filled by the desk's rules."""

    subject: str
    words: Words
    requester: Customer
    department: Department | None = None
    category: Category | None = None
    priority: Priority | None = None
    status: Status | None = None
    kind: TicketKind = TicketKind.TICKET
    tags: tuple[str, ...] = ()
    fields: Mapping[str, Any] | None = None
    """By their keys, as they were given; None where nobody was asked for them, as in a mail."""
    proven: bool = True
    variables: bool = False
    """Names in braces in its words mean this ticket's values, as in a canned response."""
    environment: Environment | None = None
    """Empty: the customer's usual one."""
    mailbox_id: int | None = None
    """By which address of the desk it came, when that is not the main one."""
    opened_by_staff: bool = False
    """Staff began it: the first message is theirs and no first response is owed."""
    spam: bool = False
    """A filter knows it as spam: nobody is told or asked to work on it."""


def open_ticket(new: NewTicket, by: Actor) -> Ticket:
    """The ticket with its first message, numbered, routed, announced. The caller commits.

    Raises Invalid naming each wrong field, Forbidden when the desk takes no new tickets from customers.
    """
    settings = desk.current()
    if not settings.ticket_system_on and by.kind is Kind.CUSTOMER:
        raise Forbidden(_("We take no new tickets at the moment. Please try again later."))
    if by.kind is Kind.STAFF and not by.can("add"):
        raise Forbidden(_("You may not open tickets."))
    subject = clean_line(new.subject)
    held = _check(new, subject, by)
    ticket = _row(new, subject)
    _first_message(ticket, new, by, held)
    return ticket


def make(new: NewTicket, subject: str) -> Ticket:
    """The row with its number, before anything stands in it or is told of it."""
    ticket = _row(new, subject)
    db.session.add(ticket)
    db.session.flush()
    turns.ours(ticket)
    return ticket


def _row(new: NewTicket, subject: str) -> Ticket:
    """Its number is taken; the row is written with its first message."""
    usual = Usual.of(new.category, new.department, new.priority, new.status)
    now = clock.now()
    return Ticket(
        number=numbering.next_number(), subject=subject, kind=new.kind, channel=new.words.via, requester=new.requester, proven=new.proven,
        department=usual.department, category=new.category, priority=usual.priority, priority_rank=usual.priority.rank,
        status=usual.status, state=usual.status.state, live=usual.status.state.live, status_since=now,
        opened_by_staff=new.opened_by_staff or new.kind is not TicketKind.TICKET, created_at=now, last_activity_at=now,
        message_count=0, time_spent_minutes=0, needs_response=False, hidden_from_client=False, excerpt="", merged_in=0, tags=[],
        environment=new.environment or _usual_environment(new.requester), further=0, mailbox_id=new.mailbox_id,
    )  # fmt: skip


def _usual_environment(customer: Customer) -> Environment | None:
    """The customer's own, as long as the desk has it."""
    usual = customer.environment if customer.environment_id is not None else None
    return usual if usual is not None and usual.active else None


def _check(new: NewTicket, subject: str, by: Actor) -> dict[Field, Values]:
    """What it holds in the desk's fields. Raises Invalid."""
    wrong: dict[str, str] = {}
    held: dict[Field, Values] = {}
    if not subject:
        wrong["subject"] = _("Please say in a few words what it is about.")
    if not new.words.text.strip() and not new.words.attachments and not new.words.html:
        wrong["body"] = _("Please write what happens.")
    if new.category is None and desk.current().require_category and new.words.via in (Channel.PORTAL, Channel.FORM):
        wrong["category"] = _("Please choose a category.")
    if not new.requester.active:
        wrong["customer"] = _("This customer's account is switched off.")
    if new.fields is not None:
        held, wrong_fields = fields.checked(new.fields, new.category.id if new.category else None, new.words.via)
        wrong |= wrong_fields
    if wrong:
        raise Invalid(_("The ticket is not complete yet."), wrong)
    return held


def _first_message(ticket: Ticket, new: NewTicket, by: Actor, held: Mapping[Field, Values]) -> None:
    """The customer's own words stand as theirs, whoever typed them in; staff's begin a conversation. A colleague who writes
    on in a requester's stead does so under their own name."""
    own = by.kind is Kind.CUSTOMER or (ticket.opened_by_staff and by.kind is Kind.STAFF)
    author: Actor = by if own else CustomerActor.of(new.requester)
    words = dc.replace(new.words, text=filled(new.words.text, ticket, by)) if new.variables else new.words
    message = ticket._compose(MessageKind.REPLY, words, author)
    if author.kind is Kind.CUSTOMER:
        ticket.last_customer_at = ticket.awaiting_since = message.created_at
        ticket.needs_response = True
    else:
        ticket.last_staff_at = message.created_at
    ticket._enter_message(message, new.words)
    turns.ours(ticket)
    fields.fill(ticket, held)
    ticket.record(
        Did.OPENED,
        by,
        message_id=message.id,
        by_staff=ticket.opened_by_staff,
        asks=new.words.asks or None,
        spam=new.spam or None,
    )
    for name in new.tags:
        ticket.tag(name, by=SYSTEM)
    if new.spam:
        ticket.mark_spam(SYSTEM)


def follow_up(closed: Ticket, words: Words, by: Actor) -> Message:
    """A reply to a ticket that stays closed opens a new one, linked to it."""
    new = NewTicket(
        subject=closed.subject,
        words=words,
        requester=closed.requester,
        department=closed.department,
        category=closed.category,
        priority=closed.priority,
        mailbox_id=closed.mailbox_id,
    )
    ticket = open_ticket(new, by)
    db.session.add(TicketLink(ticket_id=ticket.id, other_id=closed.id, kind="follow_up"))
    ticket.record(Did.LINKED, SYSTEM, number=closed.display, other_id=closed.id)
    closed.record(Did.LINKED, SYSTEM, number=ticket.display, other_id=ticket.id)
    return ticket.messages[0]
