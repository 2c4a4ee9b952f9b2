"""What happened to a ticket: one row a deed, who did it, when, and from what to what. Append-only."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.accounts.viewer import Actor, Kind
from app.core import clock
from app.core.events import publish
from app.core.extensions import db
from app.core.model import Base, intpk
from app.tickets.because import cause
from app.tickets.did import IN_THREAD, PUBLIC, Did
from app.tickets.sentences import sentence_of, why_of

if TYPE_CHECKING:
    from app.tickets.models import Ticket

__all__ = ["IN_THREAD", "PUBLIC", "Did", "TicketEvent", "Timeline", "sentence_of", "why_of"]


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
            particulars={**cause(), **{name: value for name, value in particulars.items() if value is not None}},
        )  # fmt: skip
        event.ticket_id, event.actor = self.id, by  # type: ignore[attr-defined]
        db.session.add(event)
        return event
