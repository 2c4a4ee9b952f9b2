"""A ticket's events, told as the story its promises follow from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from app.accounts.viewer import Kind
from app.core.extensions import db
from app.sla import matching
from app.sla.matching import Facts
from app.sla.policies import Promises
from app.sla.promises import Policy
from app.sla.story import Event, Happened
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import Did, TicketEvent

ENTERS = (Did.STATUS_CHANGED, Did.RESOLVED, Did.CLOSED, Did.REOPENED, Did.RESTATED)
"""A ticket that is merged or spam is restated without a state: its story went on elsewhere, or there is none."""
MERGES = {
    Did.MERGED: Happened.MERGED,
    Did.UNMERGED: Happened.UNMERGED,
    Did.MARKED_SPAM: Happened.MERGED,
    Did.UNMARKED_SPAM: Happened.UNMERGED,
}
WENT = (Did.GAVE_BACK, Did.MOVED_OUT)
"""After these, a message that was told of may stand in another ticket, and count there."""
TOLD = (
    Did.OPENED,
    Did.RECEIVED,
    Did.SENDER_ACCEPTED,
    Did.REPLIED,
    Did.PRIORITY_CHANGED,
    *ENTERS,
    Did.MOVED_IN,
    *MERGES,
    *WENT,
)
"""Notes, assignments and tags keep no promise and break none."""


class Deed(NamedTuple):
    """What of a TicketEvent matters here, without the cost of an entity."""

    what: Did
    at: dt.datetime
    actor_kind: Kind
    particulars: dict[str, Any]

    @classmethod
    def of(cls, event: TicketEvent) -> Deed:
        return cls(event.what, event.at, event.actor_kind, event.particulars)


def deeds(ticket: Ticket, asks: frozenset[str] = frozenset()) -> list[Deed]:
    """`asks`: what policies ask of a ticket besides its priority; of anything else no change is read."""
    told = [*TOLD, *(what for what, name in matching.MOVES.items() if name in asks)]
    columns = (TicketEvent.what, TicketEvent.at, TicketEvent.actor_kind, TicketEvent.particulars)
    wanted = (
        select(*columns).where(TicketEvent.ticket_id == ticket.id, TicketEvent.what.in_(told)).order_by(TicketEvent.id)
    )
    done = [Deed(*row) for row in db.session.execute(wanted)]
    return _still_here(ticket, done) if any(deed.what in WENT for deed in done) else done


def _still_here(ticket: Ticket, done: list[Deed]) -> list[Deed]:
    """Without the messages that went to another ticket; the opening stays, whatever became of its words."""
    here = set(
        db.session.scalars(
            select(Message.id).where(or_(Message.ticket_id == ticket.id, Message.origin_ticket_id == ticket.id))
        )
    )
    spoken = (Did.RECEIVED, Did.SENDER_ACCEPTED, Did.REPLIED)
    return [deed for deed in done if deed.what not in spoken or deed.particulars.get("message_id") in here]


def facts_at_opening(ticket: Ticket, done: Sequence[Deed], asks: frozenset[str]) -> Facts:
    """As it is now, and all that was changed since taken back."""
    facts = matching.facts_of(ticket, asks)
    for deed in reversed(done):
        facts = facts.before(deed.what, deed.particulars)
    return facts


def first_policy(ticket: Ticket, done: Sequence[Deed], promises: Promises) -> Policy:
    """The one for what the ticket was when it was opened."""
    return promises.policy(facts_at_opening(ticket, done, promises.asks))


def story(ticket: Ticket, done: Sequence[Deed], promises: Promises) -> list[Event]:
    """Empty for a ticket that was not opened here: nothing was promised about what another helpdesk left behind."""
    if not done or done[0].what is not Did.OPENED or done[0].particulars.get("imported"):
        return []
    events, facts = [_opening(ticket, done)], facts_at_opening(ticket, done, promises.asks)
    for deed in done[1:]:
        was, facts = facts, facts.changed(deed.what, deed.particulars)
        event = _told(deed) if facts == was else _applied(deed, promises.policy(facts))
        if event:
            events.append(event)
    return events


def _applied(deed: Deed, policy: Policy) -> Event:
    return Event(deed.at, Happened.POLICY_APPLIED, policy=policy)


def _opening(ticket: Ticket, done: Sequence[Deed]) -> Event:
    by_staff = done[0].particulars.get("by_staff", ticket.opened_by_staff)
    states = (deed.particulars.get("state_was") for deed in done if deed.what in ENTERS or deed.what in MERGES)
    return Event(
        ticket.created_at,
        Happened.OPENED_BY_STAFF if by_staff else Happened.OPENED_BY_CUSTOMER,
        state=next((state for state in states if state), ticket.state.value),
    )


def _told(deed: Deed) -> Event | None:
    given = deed.particulars
    if deed.what is Did.SENDER_ACCEPTED or (deed.what is Did.RECEIVED and given.get("trusted", True)):
        return Event(deed.at, Happened.CUSTOMER_MESSAGE)
    if deed.what is Did.REPLIED and deed.actor_kind is not Kind.SYSTEM and not given.get("elsewhere"):
        return Event(deed.at, Happened.STAFF_REPLY)
    if deed.what in ENTERS:
        return Event(deed.at, Happened.STATE_ENTERED, state=given["state"]) if "state" in given else None
    if deed.what is Did.MOVED_IN and given.get("asked"):
        return Event(deed.at, Happened.CUSTOMER_MESSAGE)
    return Event(deed.at, MERGES[deed.what]) if deed.what in MERGES else None
