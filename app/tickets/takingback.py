"""Takes back what somebody just did to a ticket's tags and dates, as long as nobody changed the same since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.errors import HelpdeskError, NotThere
from app.core.extensions import db
from app.tickets.timeline import Did, TicketEvent
from app.tickets.turns import take

if TYPE_CHECKING:
    from app.tickets.models import Ticket

Particulars = dict[str, Any]


class ChangedSince(HelpdeskError):
    """What somebody wants to undo is no longer what they did."""

    def __init__(self) -> None:
        super().__init__(_("Somebody changed this since, so it was not undone."))


def take_back(ticket: Ticket, ids: Collection[int], by: Viewer) -> None:
    """All of these own events, or none. Raises ChangedSince, NotThere for what cannot be taken back, and what the verbs raise."""
    take(ticket)
    own = select(TicketEvent).where(
        TicketEvent.id.in_(ids), TicketEvent.ticket_id == ticket.id, TicketEvent.staff_id == by.id, TicketEvent.what.in_(BACK)
    )  # fmt: skip
    events = db.session.scalars(own.order_by(TicketEvent.id.desc())).all()
    if not events or len(events) != len(set(ids)):
        raise NotThere(_("There is nothing that could be undone."))
    since = select(TicketEvent).where(
        TicketEvent.ticket_id == ticket.id, TicketEvent.id > events[-1].id, TicketEvent.what.in_(BACK)
    )
    newer = db.session.scalars(since).all()
    for event in events:
        if any(other.id > event.id and _same(other, event) for other in newer):
            raise ChangedSince
    for event in events:
        BACK[event.what](ticket, event.particulars, by)


def last_event(ticket: Ticket) -> int:
    """What happens from now on comes after it."""
    newest = select(func.max(TicketEvent.id)).where(TicketEvent.ticket_id == ticket.id)
    return db.session.scalar(newest) or 0


def since(ticket: Ticket, last: int, by: Viewer) -> list[int]:
    """Events of theirs that can be taken back, after that one."""
    db.session.flush()
    own = (TicketEvent.ticket_id == ticket.id, TicketEvent.id > last, TicketEvent.staff_id == by.id)
    wanted = select(TicketEvent.id).where(*own, TicketEvent.what.in_(BACK))
    return list(db.session.scalars(wanted.order_by(TicketEvent.id)))


def _same(one: TicketEvent, other: TicketEvent) -> bool:
    """About the same date, or the same tag."""
    return BACK_TO[one.what] == BACK_TO[other.what] and one.particulars.get("tag") == other.particulars.get("tag")


def _sleep(ticket: Ticket, was: Particulars, by: Viewer) -> None:
    """A time that has passed meanwhile has woken it."""
    until = _instant(was)
    if until is None or until <= clock.now():
        ticket.wake(by)
    else:
        ticket.snooze(until, by)


def _instant(was: Particulars) -> dt.datetime | None:
    written = was.get("was_at")
    return dt.datetime.fromisoformat(written) if written else None


BACK: dict[Did, Callable[[Ticket, Particulars, Viewer], None]] = {
    Did.TAGGED: lambda ticket, was, by: ticket.untag(was["tag"], by),
    Did.UNTAGGED: lambda ticket, was, by: ticket.tag(was["tag"], by),
    Did.FOLLOW_UP_CHANGED: lambda ticket, was, by: ticket.put_follow_up_back(_instant(was), was.get("was_id"), by),
    Did.ACTION_CHANGED: lambda ticket, was, by: ticket.put_action_back(_instant(was), was.get("was_id"), by),
    Did.SNOOZED: _sleep,
    Did.WOKE: _sleep,
}
BACK_TO = {
    Did.TAGGED: "tags", Did.UNTAGGED: "tags", Did.FOLLOW_UP_CHANGED: "follow_up", Did.ACTION_CHANGED: "action_required", Did.SNOOZED: "snooze", Did.WOKE: "snooze",
}  # fmt: skip
"""The property that each is about."""
