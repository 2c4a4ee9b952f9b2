"""A ticket that goes on in another one: where it stands, what stands in it, and which entries are whose."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ForeignKey, Index, Select, and_, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import Customer
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.model import Base, BigId, intpk
from app.tickets.thread import Message
from app.tickets.timeline import Timeline
from app.tickets.turns import take

if TYPE_CHECKING:
    from app.tickets.models import Ticket

DEEPEST = 100
"""Merges of merges that are followed: more than people make, fewer than would keep anybody waiting."""


class Merged(HelpdeskError):
    """What would change a ticket is refused while it goes on in another."""

    def __init__(self, ticket: Any) -> None:
        super().__init__(
            _("Ticket %(number)s was merged and goes on in another one. Take it apart first.", number=ticket.display)
        )


class Mergeable(Timeline):
    """A merged ticket keeps its number, requester and history; its entries stand in the one it goes on in."""

    merged_into_id: Mapped[int | None] = mapped_column(BigId)
    merged_in: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many tickets go on in this one, those of those among them: mostly none, and then nothing is asked."""

    @property
    def merged(self) -> bool:
        return self.merged_into_id is not None

    def place(self) -> Ticket:
        """Where the conversation goes on: this ticket, or the one it was merged into, and so on."""
        ticket: Any = self
        for _step in range(DEEPEST):
            if ticket.merged_into_id is None:
                break
            ticket = db.session.get_one(type(ticket), ticket.merged_into_id)
        return ticket

    def place_in_turn(self) -> Ticket:
        """The same, and nobody else changes it before we commit. Whoever waits for two waits for the merged one first."""
        take(self)
        place = self.place()
        take(place)
        return place if place.merged_into_id is None else place.place_in_turn()

    def family(self) -> list[int]:
        """Ids of this ticket and of all that go on in it."""
        ticket: Any = self
        return within(ticket.id) if self.merged_in else [ticket.id]


def within(ticket_id: int) -> list[int]:
    """The ticket and what was merged into it, and into that, as it is now."""
    from app.tickets.models import Ticket

    found, level = [ticket_id], [ticket_id]
    while level:
        level = list(db.session.scalars(select(Ticket.id).where(Ticket.merged_into_id.in_(level)).order_by(Ticket.id)))
        found += level
    return found


def members(ticket: Ticket) -> list[Ticket]:
    """The tickets that go on in this one, by their numbers."""
    if not ticket.merged_in:
        return []
    from app.tickets.models import Ticket as Row

    wanted = select(Row).where(Row.id.in_(ticket.family()), Row.id != ticket.id)
    return list(db.session.scalars(wanted.order_by(Row.number)))


def read_by_others(ticket: Ticket) -> bool:
    """Whether somebody who is no colleague of its requester reads what is new in it, since theirs goes on with it."""
    place = ticket.place()
    if not place.merged_in:
        return False
    from app.tickets.models import Ticket as Row

    mine = ticket.requester
    others = select(Customer).join(Row, Row.requester_id == Customer.id).where(Row.id.in_(place.family()))
    return any(
        one.organization_id is None or one.organization_id != mine.organization_id
        for one in db.session.scalars(others.where(Customer.id != mine.id))
    )


def entries_of(ticket: Ticket) -> ColumnElement[bool]:
    """What people of this ticket read of the thread in which it goes on: its own entries, and what was written since they are one."""
    if not ticket.merged and not ticket.merged_in:
        return Message.ticket_id == ticket.id
    own = Message.origin_ticket_id == ticket.id if ticket.merged else Message.origin_ticket_id.is_(None)
    shared = select(SharedMessage.message_id).where(SharedMessage.ticket_id == ticket.id)
    return and_(Message.ticket_id == ticket.place().id, or_(own, Message.id.in_(shared)))


def written_in(tickets: list[int] | Select[Any]) -> ColumnElement[bool]:
    """Entries that belong to these tickets, wherever they stand now."""
    return or_(
        and_(Message.origin_ticket_id.is_(None), Message.ticket_id.in_(tickets)), Message.origin_ticket_id.in_(tickets)
    )


HOME = func.coalesce(Message.origin_ticket_id, Message.ticket_id)
"""The ticket that an entry belongs to."""


class Merge(Base):
    """That a ticket was merged into another, by whom, and what of it has to come back."""

    __tablename__ = "merge"
    __table_args__ = (Index("ix_merge_ticket", "ticket_id", "id"), Index("ix_merge_into", "into_id"))

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    into_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    by_name: Mapped[str]
    before: Mapped[dict[str, Any]]
    """Its status and the instants that hang on it, as they were."""
    undone_at: Mapped[dt.datetime | None]


class SharedMessage(Base):
    """Written while tickets were one: the message may also be read by whoever reads that ticket."""

    __tablename__ = "shared_message"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, index=True)


def share(message: Message, place: Ticket) -> None:
    """A public message in a ticket of several: everybody's customers read it from now on."""
    if not place.merged_in or not message.public:
        return
    home = message.origin_ticket_id or message.ticket_id
    db.session.add_all(
        SharedMessage(message_id=message.id, ticket_id=ticket_id) for ticket_id in place.family() if ticket_id != home
    )
