"""Tickets that are one, as the page of the one shows it: which they are, what happened to each, which entry is whose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import or_, select

from app.accounts.models import Customer
from app.accounts.viewer import Viewer
from app.core import web
from app.core.extensions import db
from app.desk import entries
from app.desk.entries import Event
from app.desk.facts import Facts
from app.settings import desk
from app.tickets.mergeable import Merge, within
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import Did
from app.tickets.visibility import sees_all, visible_to


class Member(NamedTuple):
    """A ticket that goes on in the one that is shown."""

    id: int
    number: int
    display: str
    subject: str
    """Empty for whoever does not see that ticket."""
    seen: bool
    customer: str
    address: str
    who: str
    """Merged it."""
    at: tuple[str, str, str]


def members_of(ticket: Facts, viewer: Viewer) -> list[Member]:
    if not ticket.merged_in:
        return []
    ids = within(ticket.id)
    seen = visible_among(ids, viewer)
    wanted = (
        select(Ticket.id, Ticket.number, Ticket.subject, Customer.name, Customer.email, Merge.by_name, Merge.at)
        .join(Customer, Customer.id == Ticket.requester_id)
        .join(Merge, (Merge.ticket_id == Ticket.id) & Merge.undone_at.is_(None))
        .where(Ticket.id.in_(ids), Ticket.id != ticket.id)
        .order_by(Ticket.number)
    )
    return [
        Member(
            row.id, row.number, desk.current().display(row.number), row.subject if row.id in seen else "", row.id in seen,
            row.name or row.email, row.email, row.by_name, web.instant(row.at),
        )
        for row in db.session.execute(wanted)
    ]  # fmt: skip


def visible_among(ids: Iterable[int], viewer: Viewer) -> set[int]:
    wanted = set(ids)
    if sees_all(viewer) or not wanted:
        return wanted
    return set(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(wanted), visible_to(viewer))))


def events_of(ticket: Facts, members: Sequence[Member], viewer: Viewer) -> list[Event]:
    """The newest first; of a ticket this person may not see, no event says anything."""
    found = entries.events_of(ticket.id, viewer)
    for member in members:
        theirs = [event for event in entries.events_of(member.id, viewer) if not _told_above(event, ticket, members)]
        found += [event._replace(particulars={**event.particulars, "in": member.display}) for event in theirs]
    others = {int(event.particulars["other_id"]) for event in found if "other_id" in event.particulars}
    seen = visible_among(others, viewer) if others else set()
    found = [event for event in found if event.particulars.get("other_id") in (None, *seen)]
    return sorted(found, key=lambda event: event.at, reverse=True) if members else found


def _told_above(event: Event, ticket: Facts, members: Sequence[Member]) -> bool:
    """What the ticket that took it in tells already: that it came, and what was written to it since."""
    one = {ticket.id, *(member.id for member in members)}
    joined = event.what in (Did.MERGED, Did.UNMERGED) and event.particulars.get("other_id") in one
    return joined or bool(event.particulars.get("forwarded"))


def marks_of(ticket: Facts, members: Sequence[Member], events: Sequence[Event]) -> dict[int, str]:
    """Message -> the number of the ticket it belongs to, or came from. Asked for only where something came from elsewhere."""
    if not members and not any(event.what is Did.MOVED_IN for event in events):
        return {}
    wanted = select(Message.id, Message.origin_ticket_id, Message.moved_from_id).where(
        Message.ticket_id == ticket.id, or_(Message.origin_ticket_id.is_not(None), Message.moved_from_id.is_not(None))
    )
    came = {row[0]: row[1] or row[2] for row in db.session.execute(wanted)}
    named = db.session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(set(came.values()))))
    numbers = {row[0]: desk.current().display(row[1]) for row in named}
    return {message: numbers[home] for message, home in came.items() if home in numbers}
