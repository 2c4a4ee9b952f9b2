"""What happened to a ticket: one row a deed, who did it, when, and from what to what. Append-only."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask_babel import ngettext
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.accounts.viewer import Actor, Kind
from app.core import clock
from app.core.events import publish
from app.core.extensions import db
from app.core.model import Base, intpk
from app.core.shipped import shown
from app.core.words import said as _

if TYPE_CHECKING:
    from app.tickets.models import Ticket


class Did(enum.StrEnum):
    """Deeds. docs/events.md says each in a sentence; reactions.py says who listens."""

    OPENED = "opened"
    RECEIVED = "received"
    REPLIED = "replied"
    NOTED = "noted"
    ASSIGNED = "assigned"
    STATUS_CHANGED = "status_changed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    PRIORITY_CHANGED = "priority_changed"
    CATEGORY_CHANGED = "category_changed"
    DEPARTMENT_CHANGED = "department_changed"
    SUBJECT_CHANGED = "subject_changed"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    HIDDEN = "hidden"
    SHOWN = "shown"
    MENTIONED = "mentioned"
    LINKED = "linked"
    VERIFIED = "verified"
    SCHEDULED = "scheduled"
    UNSENT = "unsent"
    HELD_BACK = "held_back"
    COPIED = "copied"
    REMINDED = "reminded"
    BREACHED = "breached"
    MERGED = "merged"
    TOOK_IN = "took_in"
    UNMERGED = "unmerged"
    GAVE_BACK = "gave_back"
    MOVED_OUT = "moved_out"
    MOVED_IN = "moved_in"
    UNLINKED = "unlinked"


PUBLIC = frozenset(
    {
        Did.ASSIGNED,
        Did.STATUS_CHANGED,
        Did.RESOLVED,
        Did.CLOSED,
        Did.REOPENED,
        Did.PRIORITY_CHANGED,
        Did.DEPARTMENT_CHANGED,
        Did.LINKED,
    }
)
"""What customers read in the thread as "System"."""

IN_THREAD = PUBLIC | {
    Did.CATEGORY_CHANGED,
    Did.SUBJECT_CHANGED,
    Did.TAGGED,
    Did.UNTAGGED,
    Did.HIDDEN,
    Did.SHOWN,
    Did.REMINDED,
    Did.BREACHED,
    Did.VERIFIED,
    Did.MERGED,
    Did.TOOK_IN,
    Did.UNMERGED,
    Did.GAVE_BACK,
    Did.MOVED_OUT,
    Did.MOVED_IN,
    Did.UNLINKED,
    Did.SCHEDULED,
    Did.UNSENT,
    Did.HELD_BACK,
    Did.COPIED,
}
"""What staff read between the messages; a message is its own entry."""


class TicketEvent(Base):
    __tablename__ = "ticket_event"
    __allow_unmapped__ = True  # for `actor`, which lives as long as the transaction
    __table_args__ = (Index("ix_ticket_event_ticket", "ticket_id", "at", "id"),)

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    what: Mapped[Did]
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    actor_kind: Mapped[Kind]
    actor_name: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    particulars: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """`was` and `now` are names as people read them; `was_id`, `now_id`, `message_id`, `state_was`, `state` are for rules."""

    ticket: Mapped[Ticket] = relationship(back_populates="events")

    actor: Actor
    """Who did it, with their rights; on the event only in the transaction that made it."""

    @property
    def sentence(self) -> str:
        """What happened in the reader's language, without who and when."""
        return sentence_of(self.what, self.particulars)

    @property
    def public(self) -> bool:
        return self.what in PUBLIC


def _from_to(sentence: Callable[[str, str], str]) -> Callable[[dict[str, Any]], str]:
    return lambda given: sentence(shown(given.get("was")) or "–", shown(given.get("now")) or "–")


SENTENCES: dict[Did, Callable[[dict[str, Any]], str]] = {
    Did.OPENED: lambda given: _("opened the ticket"),
    Did.RECEIVED: lambda given: _("wrote a message"),
    Did.REPLIED: lambda given: _("replied"),
    Did.NOTED: lambda given: _("wrote an internal note"),
    Did.ASSIGNED: lambda given: (
        _("assigned the ticket to %(now)s", now=given["now"])
        if given.get("now")
        else _("took the ticket from %(was)s", was=given.get("was"))
    ),
    Did.STATUS_CHANGED: _from_to(lambda was, now: _("changed the status from %(was)s to %(now)s", was=was, now=now)),
    Did.RESOLVED: _from_to(lambda was, now: _("resolved the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.CLOSED: _from_to(lambda was, now: _("closed the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.REOPENED: _from_to(lambda was, now: _("reopened the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.PRIORITY_CHANGED: _from_to(
        lambda was, now: _("changed the priority from %(was)s to %(now)s", was=was, now=now)
    ),
    Did.CATEGORY_CHANGED: _from_to(
        lambda was, now: _("changed the category from %(was)s to %(now)s", was=was, now=now)
    ),
    Did.DEPARTMENT_CHANGED: _from_to(lambda was, now: _("moved the ticket from %(was)s to %(now)s", was=was, now=now)),
    Did.SUBJECT_CHANGED: lambda given: _(
        "changed the subject from “%(was)s” to “%(now)s”", was=given.get("was") or "–", now=given.get("now") or "–"
    ),
    Did.TAGGED: lambda given: _("added the tag %(tag)s", tag=given["tag"]),
    Did.UNTAGGED: lambda given: _("removed the tag %(tag)s", tag=given["tag"]),
    Did.HIDDEN: lambda given: _("hid the ticket from the customer"),
    Did.SHOWN: lambda given: _("showed the ticket to the customer"),
    Did.MENTIONED: lambda given: _("mentioned %(now)s", now=given["now"]),
    Did.LINKED: lambda given: (
        _("linked: %(type)s %(number)s", type=shown(given["type"]), number=given["number"])
        if given.get("type")
        else _("linked ticket %(number)s", number=given["number"])
    ),
    Did.UNLINKED: lambda given: _("removed the link with ticket %(number)s", number=given["number"]),
    Did.MERGED: lambda given: _("merged the ticket into %(number)s", number=given["number"]),
    Did.TOOK_IN: lambda given: _("merged ticket %(number)s into this one", number=given["number"]),
    Did.UNMERGED: lambda given: _("took the ticket out of %(number)s again", number=given["number"]),
    Did.GAVE_BACK: lambda given: _("took ticket %(number)s out of this one again", number=given["number"]),
    Did.MOVED_OUT: lambda given: ngettext(
        "moved a message to ticket %(number)s",
        "moved %(num)d messages to ticket %(number)s",
        len(given.get("message_ids", ())),
        number=given["number"],
    ),
    Did.MOVED_IN: lambda given: ngettext(
        "moved a message here from ticket %(number)s",
        "moved %(num)d messages here from ticket %(number)s",
        len(given.get("message_ids", ())),
        number=given["number"],
    ),
    Did.VERIFIED: lambda given: _("proved the address"),
    Did.SCHEDULED: lambda given: _("wrote a reply that leaves later"),
    Did.UNSENT: lambda given: _("took a reply back before it left"),
    Did.HELD_BACK: lambda given: _("held a reply of %(who)s back", who=given.get("who") or "–"),
    Did.COPIED: lambda given: _(
        "changed the copies from %(was)s to %(now)s", was=given.get("was") or "–", now=given.get("now") or "–"
    ),
    Did.REMINDED: lambda given: _("reminded the customer"),
    Did.BREACHED: lambda given: _(
        "noted a broken promise: %(what)s", what=given.get("metric_name") or _("first response")
    ),
}


def sentence_of(what: Did, particulars: dict[str, Any]) -> str:
    told = SENTENCES.get(what)
    return told(particulars) if told else what.value


class Timeline:
    """The part of a ticket that remembers."""

    @declared_attr
    def events(cls) -> Mapped[list[TicketEvent]]:
        return relationship(
            TicketEvent,
            back_populates="ticket",
            order_by=TicketEvent.id,
            lazy="select",
            passive_deletes=True,
            cascade="all, delete-orphan",
        )

    def record(self, what: Did, by: Actor, at: dt.datetime | None = None, **particulars: Any) -> TicketEvent:
        """Write one event and let the higher floors react, in this transaction."""
        event = self.remember(what, by, at, **particulars)
        publish(what, event)
        return event

    def remember(self, what: Did, by: Actor, at: dt.datetime | None = None, **particulars: Any) -> TicketEvent:
        """Write one event of which nobody hears: what follows from it followed already. Whoever needs its id flushes."""
        event = TicketEvent(
            ticket=self, what=what, at=at or clock.now(), actor_kind=by.kind, actor_name=by.name, staff_id=by.staff_id, customer_id=by.customer_id,
            particulars={name: value for name, value in particulars.items() if value is not None},
        )  # fmt: skip
        event.ticket_id, event.actor = self.id, by  # type: ignore[attr-defined]
        db.session.add(event)
        return event
