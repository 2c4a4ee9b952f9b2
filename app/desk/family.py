"""Tickets that are one, as the page of the one shows it: which they are, what happened to each, which entry is whose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from app.accounts.models import Customer
from app.accounts.viewer import Viewer
from app.core import web
from app.core.extensions import db
from app.desk import entries
from app.desk.entries import Event, Found, Span
from app.desk.facts import Facts
from app.settings import desk
from app.tickets.mergeable import Merge, within
from app.tickets.models import Ticket
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


def events_of(ticket: Facts, members: Sequence[Member], viewer: Viewer, span: Span | None = None) -> Found:
    """The newest first, or as the span says; of a ticket this person may not see, no event says anything."""
    own = entries.events_of(ticket.id, viewer, span)
    found, ends = list(own.events), [own.whole_to]
    for member in members:
        theirs = entries.events_of(member.id, viewer, span)
        ends.append(theirs.whole_to)
        told = (event for event in theirs.events if not _told_above(event, ticket, members))
        found += [event._replace(particulars={**event.particulars, "in": member.display}) for event in told]
    others = {int(event.particulars["other_id"]) for event in found if "other_id" in event.particulars}
    seen = visible_among(others, viewer) if others else set()
    found = [event for event in found if event.particulars.get("other_id") in (None, *seen)]
    forwards = span is not None and span.from_start
    cut = [place for place in ends if place is not None]
    return Found(
        sorted(found, key=lambda event: event.place, reverse=not forwards),
        (min(cut) if forwards else max(cut)) if cut else None,
    )


def _told_above(event: Event, ticket: Facts, members: Sequence[Member]) -> bool:
    """What the ticket that took it in tells already: that it came, and what was written to it since."""
    one = {ticket.id, *(member.id for member in members)}
    joined = event.what in (Did.MERGED, Did.UNMERGED) and event.particulars.get("other_id") in one
    return joined or bool(event.particulars.get("forwarded"))


def marks_of(rows: Sequence[Any]) -> dict[int, str]:
    """Ticket -> its number, of those that messages belong to or came from. Asked for only where something came from elsewhere."""
    homes = {row.origin_ticket_id or row.moved_from_id for row in rows} - {None}
    if not homes:
        return {}
    named = db.session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(homes)))
    return {row[0]: desk.current().display(row[1]) for row in named}
