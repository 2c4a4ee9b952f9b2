"""What is done with suppliers: brought into a ticket, asked, heard. None of it ever reaches a customer."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app.accounts.viewer import SYSTEM, Actor, Kind
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import State
from app.tickets.lifecycle import status_for
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.sorting import LONGEST_SUBJECT, clean_line
from app.tickets.supplied import Supplier, SupplierContact, TicketSupplier, Turn
from app.tickets.thread import Attachment, Message, MessageKind, Words
from app.tickets.timeline import Did, TicketEvent
from app.tickets.turns import demand

MOST = 20
"""Suppliers of one ticket."""
MOST_ALONG = 20
"""Earlier messages, and as many files, that go along with one question."""
URGENCY = (Turn.ANSWERED, Turn.WAITING, Turn.LISTED)


class NotTheirs(HelpdeskError):
    """This supplier, or this person of theirs, is not of the ticket."""


class Question(NamedTuple):
    """What goes to a supplier. `along` are earlier messages of the ticket, `files` attachments of some of its messages."""

    contact: SupplierContact
    subject: str
    words: Words
    along: tuple[int, ...] = ()
    files: tuple[int, ...] = ()


def add(ticket: Ticket, supplier: Supplier, by: Actor) -> TicketSupplier:
    """Adding one that is there does nothing."""
    demand(by, "supplier", ticket)
    found = of(ticket, supplier.id)
    if found is not None:
        return found
    if not supplier.active:
        raise NotTheirs(_("%(name)s is switched off.", name=supplier.name))
    demand_room(ticket)
    new = TicketSupplier(ticket_id=ticket.id, supplier=supplier, supplier_id=supplier.id, turn=Turn.LISTED, subject="")
    db.session.add(new)
    db.session.flush()
    count(ticket)
    ticket.record(Did.SUPPLIER_ADDED, by, supplier=supplier.name, supplier_id=supplier.id)
    return new


def demand_room(ticket: Ticket) -> None:
    many = select(func.count()).select_from(TicketSupplier).where(TicketSupplier.ticket_id == ticket.id)
    if (db.session.scalar(many) or 0) >= MOST:
        raise NotTheirs(_("A ticket has at most %(most)s suppliers.", most=MOST))


def remove(ticket: Ticket, supplier: Supplier, by: Actor) -> None:
    """What was written stays. Whatever they write from then on is a stranger's."""
    demand(by, "supplier", ticket)
    found = of(ticket, supplier.id)
    if found is not None:
        db.session.delete(found)
        db.session.flush()
        count(ticket)
        ticket.record(Did.SUPPLIER_REMOVED, by, supplier=supplier.name, supplier_id=supplier.id)


def ask(ticket: Ticket, question: Question, by: Actor) -> Message:
    """A message to one of a supplier's people, who gets it by mail. By the desk's setting the ticket waits on hold."""
    subject = check(ticket, question, by)
    supplier = question.contact.supplier
    link = add(ticket, supplier, by)
    supplier_id = supplier.id  # read before the message waits to be written
    message = ticket._compose(MessageKind.SUPPLIER, question.words, by)
    message.supplier_id = supplier_id
    ticket._enter_message(message, question.words)
    link.turn, link.subject, link.asked_at, link.asked_by_id = Turn.WAITING, subject, message.created_at, by.staff_id
    db.session.flush()
    count(ticket)
    ticket.record(
        Did.SUPPLIER_ASKED, by, message_id=message.id, supplier=supplier.name, supplier_id=supplier.id, contact_id=question.contact.id, subject=subject,
        along=list(question.along) or None, files=list(question.files) or None,
    )  # fmt: skip
    if desk.current().supplier_hold and ticket.live and ticket.state is not State.HOLD:
        _enter(ticket, State.HOLD, by)
    return message


def check(ticket: Ticket, question: Question, by: Actor) -> str:
    """Whatever would refuse it refuses it now; its subject in one line."""
    demand(by, "supplier", ticket)
    subject = _checked(question, ticket)
    if of(ticket, question.contact.supplier_id) is None:
        demand_room(ticket)
    return subject


def hear(ticket: Ticket, supplier: Supplier, words: Words, author: str, automatic: bool = False) -> Message:
    """A supplier's mail. Whether its sender is theirs says `words.trusted`; of what nobody proved, and of what a machine wrote,
    nothing follows."""
    place = ticket.place_in_turn()
    by, supplier_id = Actor(Kind.SYSTEM, author), supplier.id
    message = place._compose(MessageKind.SUPPLIER, words, by, origin=ticket)
    message.supplier_id = supplier_id
    place._enter_message(message, words)
    place.record(
        Did.SUPPLIER_ANSWERED, by, message_id=message.id, supplier=supplier.name, supplier_id=supplier.id, trusted=words.trusted, automatic=automatic or None,
    )  # fmt: skip
    if place is not ticket and words.trusted and not automatic:
        _told_at_home(ticket, Did.SUPPLIER_ANSWERED, by, supplier)
    if words.trusted and not automatic:
        _answered(ticket, place, supplier.id, message.created_at)
    return message


def accept(message: Message, by: Actor) -> None:
    """Somebody knows the sender: the message counts as the supplier's answer. Accepting it twice does nothing."""
    ticket = message.ticket
    demand(by, "supplier", ticket)
    if message.kind is not MessageKind.SUPPLIER or message.supplier_id is None:
        raise NotTheirs(_("This is no supplier's message."))
    if message.trusted:
        return
    message.trusted = True
    supplier = db.session.get_one(Supplier, message.supplier_id)
    home = db.session.get_one(Ticket, message.home_id)
    if of(home, supplier.id) is None:
        add(ticket, supplier, by)
        home = ticket
    ticket.record(Did.SUPPLIER_ACCEPTED, by, message_id=message.id, supplier=supplier.name, supplier_id=supplier.id)
    if home.id != ticket.id:
        _told_at_home(home, Did.SUPPLIER_ACCEPTED, by, supplier)
    _answered(home, ticket, supplier.id, message.created_at)


def settle(ticket: Ticket, supplier: Supplier, by: Actor) -> None:
    """No answer is awaited any longer, or what they answered is dealt with."""
    demand(by, "supplier", ticket)
    found = next(
        (one for one in of_family(ticket) if one.supplier_id == supplier.id and one.turn is not Turn.LISTED), None
    )
    if found is not None:
        found.turn = Turn.LISTED
        db.session.flush()
        home = db.session.get_one(Ticket, found.ticket_id)
        count(home)
        count(ticket)
        ticket.record(Did.SUPPLIER_SETTLED, by, supplier=supplier.name, supplier_id=supplier.id)
        if home is not ticket:
            _told_at_home(home, Did.SUPPLIER_SETTLED, by, supplier)


def _told_at_home(home: Ticket, what: Did, by: Actor, supplier: Supplier) -> None:
    """A merged ticket hears of it too, for the day it is taken out again: its ledger knows then that nobody is awaited."""
    home.remember(what, by, supplier=supplier.name, supplier_id=supplier.id, forwarded=True)


def settle_answered(event: TicketEvent) -> None:
    """A reaction to our reply: what suppliers answered went into it."""
    ticket = event.ticket
    if ticket.supplier_turn is not Turn.ANSWERED:
        return
    for one in of_family(ticket):
        if one.turn is Turn.ANSWERED:
            one.turn = Turn.LISTED
    db.session.flush()
    count(ticket)


def of(ticket: Ticket, supplier_id: int) -> TicketSupplier | None:
    wanted = select(TicketSupplier).where(
        TicketSupplier.ticket_id == ticket.id, TicketSupplier.supplier_id == supplier_id
    )
    return db.session.scalar(wanted)


def of_family(ticket: Ticket) -> list[TicketSupplier]:
    """Of this ticket and those that go on in it."""
    wanted = select(TicketSupplier).where(TicketSupplier.ticket_id.in_(ticket.family()))
    return list(db.session.scalars(wanted.order_by(TicketSupplier.id)))


def follow(entries: list[Message], to: Ticket) -> None:
    """Messages that are split off or moved take their suppliers along; whose turn it is stays where it was asked."""
    for supplier_id in sorted({entry.supplier_id for entry in entries if entry.supplier_id is not None}):
        if of(to, supplier_id) is None:
            db.session.add(TicketSupplier(ticket_id=to.id, supplier_id=supplier_id, turn=Turn.LISTED, subject=""))
    db.session.flush()
    count(to)


def count(ticket: Ticket) -> None:
    """What the ticket itself keeps of its suppliers."""
    turns = {one.turn for one in of_family(ticket)}
    ticket.supplier_turn = next((turn for turn in URGENCY if turn in turns), None)


def count_anew(event: TicketEvent) -> None:
    """A reaction to merging and taking apart."""
    ticket = event.ticket
    count(ticket)
    extra = select(func.count()).select_from(Participant).where(
        Participant.ticket_id == ticket.id, Participant.role.in_((ParticipantRole.ADDED, ParticipantRole.DEPARTMENT))
    )  # fmt: skip
    ticket.further = db.session.scalar(extra) or 0


def forget_words(tickets: list[int]) -> None:
    """Their customer is erased: what was written to suppliers about them goes, that it was written stays. Does not commit."""
    emptied = update(TicketSupplier).where(TicketSupplier.ticket_id.in_(tickets)).values(subject="")
    db.session.execute(emptied.execution_options(synchronize_session=False))
    asked = select(TicketEvent).where(TicketEvent.ticket_id.in_(tickets), TicketEvent.what == Did.SUPPLIER_ASKED)
    for event in db.session.scalars(asked):
        event.particulars = {key: value for key, value in event.particulars.items() if key != "subject"}


def _checked(question: Question, ticket: Ticket) -> str:
    """The subject in one line. Raises Invalid for what does not belong to this ticket."""
    contact = question.contact
    if not contact.active or not contact.supplier.active:
        raise Invalid(_("This person gets no mail any more."), {"contact": _("Please choose somebody else.")})
    subject = clean_line(question.subject, LONGEST_SUBJECT)
    if not subject:
        raise Invalid(_("A mail to a supplier needs a subject."), {"supplier_subject": _("Please write a few words.")})
    if len(question.along) > MOST_ALONG or len(question.files) > MOST_ALONG:
        raise Invalid(_("At most %(most)s messages and files go along.", most=MOST_ALONG))
    if set(question.along) - {row.id for row in sendable(ticket, question.along, contact.supplier_id)}:
        raise Invalid(_("One of these messages cannot go to this supplier."))
    files = db.session.scalars(select(Attachment).where(Attachment.id.in_(question.files))).all()
    theirs = {row.id for row in sendable(ticket, [file.message_id or 0 for file in files], contact.supplier_id)}
    if len(files) < len(set(question.files)) or {file.message_id for file in files} - theirs:
        raise Invalid(_("One of these files cannot go to this supplier."))
    return subject


def sendable(ticket: Ticket, ids: tuple[int, ...] | list[int], supplier_id: int) -> list[Message]:
    """Of these messages those that may go along: public ones of people who take part, and what was exchanged with this supplier."""
    if not ids:
        return []
    wanted = select(Message).where(Message.ticket_id == ticket.id, Message.id.in_(ids), Message.trusted.is_(True))
    own = (Message.kind == MessageKind.REPLY) | (
        (Message.kind == MessageKind.SUPPLIER) & (Message.supplier_id == supplier_id)
    )
    return list(db.session.scalars(wanted.where(own).order_by(Message.id)))


def _answered(home: Ticket, place: Ticket, supplier_id: int, at: dt.datetime) -> None:
    """It is our turn again."""
    link = of(home, supplier_id)
    if link is None:
        return
    link.turn, link.answered_at = Turn.ANSWERED, at
    db.session.flush()
    count(home)
    count(place)
    place.come_back("supplier_wrote")
    if not desk.current().supplier_hold or place.state is not State.HOLD:
        return
    if all(one.turn is not Turn.WAITING for one in of_family(place)):
        _enter(place, State.OPEN, SYSTEM)


def _enter(ticket: Ticket, state: State, by: Actor) -> None:
    """Where the vocabulary has such a status: its neighbour would mean something else."""
    status = status_for(state)
    if status.state is state:
        ticket._enter(status, by)
