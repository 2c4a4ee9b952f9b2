"""Entries that belong elsewhere: into a ticket of their own, or into another one; the same way brings them back."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import and_, delete, func, or_, select, update

from app.accounts import rights
from app.accounts.models import Customer
from app.accounts.viewer import Actor
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.tickets import suppliers
from app.tickets.mergeable import SharedMessage
from app.tickets.merging import one_at_a_time
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, make
from app.tickets.recounting import recount
from app.tickets.sorting import clean_line
from app.tickets.thread import Attachment, Message, Words
from app.tickets.timeline import Did
from app.tickets.turns import take


class CannotMove(HelpdeskError):
    """These entries, as they stand now, cannot go there."""


def onwards(message: Message) -> list[Message]:
    """This entry and those that were written after it, of the same ticket."""
    later = or_(
        Message.created_at > message.created_at,
        and_(Message.created_at == message.created_at, Message.id >= message.id),
    )
    origin = message.origin_ticket_id
    same = Message.origin_ticket_id.is_(None) if origin is None else Message.origin_ticket_id == origin
    wanted = select(Message).where(Message.ticket_id == message.ticket_id, same, later)
    return list(db.session.scalars(wanted.order_by(Message.created_at, Message.id)))


def split(entries: Sequence[Message], subject: str, by: Actor) -> Ticket:
    """A new ticket of these entries, filed as the one they come from; its customer is whoever wrote the first of them."""
    source = _leave(entries, by)
    subject = clean_line(subject)
    if not subject:
        raise Invalid(_("A ticket needs a subject."), {"subject": _("Please say in a few words what it is about.")})
    first = entries[0]
    author = next((entry.customer for entry in entries if entry.customer is not None), None)
    new = NewTicket(
        subject, Words(first.text, via=first.via), author or _customer_of(first), department=source.department, category=source.category, priority=source.priority
    )  # fmt: skip
    ticket = make(new, subject)
    ticket.hidden_from_client, ticket.proven = source.hidden_from_client, source.proven
    moved = [entry.id for entry in entries]
    _put(entries, ticket)
    for each in (source, ticket):
        recount(each)
    asked = ticket.needs_response
    ticket.opened_by_staff = not asked
    ticket.record(Did.OPENED, by, message_id=first.id, by_staff=not asked, split=True)
    ticket.remember(Did.MOVED_IN, by, number=source.display, other_id=source.id, message_ids=moved)
    source.record(Did.MOVED_OUT, by, number=ticket.display, other_id=ticket.id, message_ids=moved)
    return ticket


def move(entries: Sequence[Message], to: Ticket, by: Actor) -> None:
    """Into another ticket, at their place in time. Moving them back undoes it. Raises CannotMove or Forbidden."""
    source = _leave(entries, by)
    take(to)
    place = to.place_in_turn()
    rights.demand(by, "split", place)
    if any(entry.home_id == to.id for entry in entries):
        raise CannotMove(_("It stands in ticket %(number)s already.", number=to.display))
    moved = [entry.id for entry in entries]
    _put(entries, to)
    for each in (source, place):
        recount(each)
    asked = place.needs_response and any(entry.public and entry.by_customer and entry.trusted for entry in entries)
    source.record(Did.MOVED_OUT, by, number=to.display, other_id=to.id, message_ids=moved)
    place.record(Did.MOVED_IN, by, number=source.display, other_id=source.id, message_ids=moved, asked=asked)


def _leave(entries: Sequence[Message], by: Actor) -> Ticket:
    """The ticket in which they all stand, as it is now; something has to be left in it."""
    one_at_a_time()
    source = db.session.get_one(Ticket, entries[0].ticket_id)
    take(source)
    rights.demand(by, "split", source)
    ids = [entry.id for entry in entries]
    here = and_(Message.ticket_id == source.id, Message.id.in_(ids))
    if db.session.scalar(select(func.count()).select_from(Message).where(here)) != len(set(ids)):
        raise CannotMove(_("Somebody moved it in the meantime."))
    left = select(Message.id).where(Message.ticket_id == source.id, Message.id.not_in(ids))
    if db.session.scalar(left.limit(1)) is None:
        raise CannotMove(
            _("Nothing would be left in ticket %(number)s. Merge it into the other one instead.", number=source.display)
        )
    return source


def _customer_of(entry: Message) -> Customer:
    return db.session.get_one(Ticket, entry.home_id).requester


def _put(entries: Sequence[Message], to: Ticket) -> None:
    """It is an entry of that ticket from now on; what it was before is kept for the way back."""
    place = to.place()
    ids = [entry.id for entry in entries]
    suppliers.follow(list(entries), to)
    for entry in entries:
        entry.moved_from_id = None if entry.moved_from_id == to.id else entry.home_id
        entry.origin_ticket_id = to.id if to.merged else None
    db.session.flush()
    stands = update(Message).where(Message.id.in_(ids)).values(ticket_id=place.id)
    files = update(Attachment).where(Attachment.message_id.in_(ids)).values(ticket_id=place.id)
    for statement in (stands, files, delete(SharedMessage).where(SharedMessage.message_id.in_(ids))):
        db.session.execute(statement.execution_options(synchronize_session="fetch"))
    for entry in entries:
        db.session.expire(entry, ["ticket"])
