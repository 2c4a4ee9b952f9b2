"""A document request: which files we asked a customer for, what became of each, and the rules of its slots."""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.core import clock, web
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.model import Base, intpk, longtext
from app.tickets.models import Ticket
from app.tickets.slotkinds import TYPE_LABELS, Allowed, fits
from app.tickets.thread import Attachment
from app.tickets.timeline import TicketEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SLOTS = 20
LONGEST_NAME = 120
LONGEST_HINT = 300
LONGEST_REASON = 500


class SlotState(enum.StrEnum):
    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"


SLOT_LABELS = {
    SlotState.REQUESTED: _l("Missing"),
    SlotState.RECEIVED: _l("Received"),
    SlotState.ACCEPTED: _l("Accepted"),
    SlotState.REFUSED: _l("Please send again"),
}
HERE = (SlotState.RECEIVED, SlotState.ACCEPTED)
"""A document in one of these is not missing."""


class RequestState(enum.StrEnum):
    OPEN = "open"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class Reminder(enum.StrEnum):
    """Which reminder went last; each goes once, in this order."""

    BEFORE = "before"
    ON = "on"
    AFTER = "after"


class DocumentRequest(Base):
    """Made by `collecting.ask`, changed by the verbs there. It stays with its ticket, also while that goes on in another."""

    __tablename__ = "document_request"
    __table_args__ = (
        Index("ix_document_request_ticket", "ticket_id"),
        Index("ix_document_request_due", "due_on", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )  # fmt: skip

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    asked_by: Mapped[str]
    state: Mapped[RequestState] = mapped_column(default=RequestState.OPEN)
    due_on: Mapped[dt.date | None]
    reminded: Mapped[Reminder | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[dt.datetime | None]

    ticket: Mapped[Ticket] = relationship(Ticket)
    slots: Mapped[list[Slot]] = relationship(
        back_populates="request", order_by="Slot.position", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def open(self) -> bool:
        return self.state is RequestState.OPEN

    @property
    def due_day(self) -> str:
        """Short, for staff's pages."""
        return web.day(self.due_on) if self.due_on else ""

    @property
    def complete(self) -> bool:
        """Whether every required document was accepted."""
        return all(slot.state is SlotState.ACCEPTED for slot in self.slots if slot.required)

    @property
    def missing(self) -> list[Slot]:
        """Required ones that the customer has to send (again)."""
        return [slot for slot in self.slots if slot.required and slot.state not in HERE]

    @property
    def received(self) -> list[Slot]:
        """Those that wait for our verdict."""
        return [slot for slot in self.slots if slot.state is SlotState.RECEIVED]


class Slot(Base):
    """One document we asked for."""

    __tablename__ = "document_slot"
    __table_args__ = (Index("ix_document_slot_request", "request_id", "position"),)

    id: Mapped[intpk]
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str]
    hint: Mapped[longtext]
    allowed: Mapped[Allowed] = mapped_column(default=Allowed.ANY)
    required: Mapped[bool] = mapped_column(default=True)
    state: Mapped[SlotState] = mapped_column(default=SlotState.REQUESTED)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id", ondelete="SET NULL"), index=True)
    """The file that fills it: the newest that came."""
    reason: Mapped[longtext | None]
    """Why it was refused, as the customer reads it."""
    received_at: Mapped[dt.datetime | None]

    request: Mapped[DocumentRequest] = relationship(back_populates="slots")
    file: Mapped[Attachment | None] = relationship(Attachment)

    @property
    def fillable(self) -> bool:
        """A document may be sent, and replaced, until it was accepted."""
        return self.request.open and self.state is not SlotState.ACCEPTED

    @property
    def label(self) -> str:
        return str(SLOT_LABELS[self.state])

    @property
    def takes(self) -> str:
        """The allowed types in words."""
        return str(TYPE_LABELS[self.allowed])

    def demand_fitting(self, name: str, content: bytes, kind: str) -> None:
        """Raise Invalid when the bytes are none of the types we asked for. `kind` is what they say, never what the name says."""
        if not fits(self.allowed, content, kind):
            raise Invalid(
                _("“%(name)s” is not of the kind we asked for: %(kind)s.", name=name, kind=self.takes),
                {"file": _("Please choose a file of this kind: %(kind)s.", kind=self.takes)},
            )


def requests_of(ticket_ids: Sequence[int]) -> list[DocumentRequest]:
    """Those not withdrawn of these tickets, with slots and files, oldest first: one statement."""
    wanted = (
        select(DocumentRequest)
        .join(Slot, Slot.request_id == DocumentRequest.id)
        .outerjoin(Attachment, Attachment.id == Slot.attachment_id)
        .where(DocumentRequest.ticket_id.in_(ticket_ids), DocumentRequest.state != RequestState.WITHDRAWN)
        .options(contains_eager(DocumentRequest.slots).contains_eager(Slot.file))
        .order_by(DocumentRequest.id, Slot.position)
    )
    return list(db.session.scalars(wanted.execution_options(populate_existing=True)).unique())


def count(ticket: Ticket) -> None:
    """What lists say without a statement of their own, of this ticket and of those it goes on in."""
    db.session.flush()
    counted = select(
        func.count().filter(Slot.required.is_(True)),
        func.count().filter(Slot.required.is_(True), Slot.state.in_(HERE)),
        func.max(DocumentRequest.due_on).filter(DocumentRequest.state == RequestState.OPEN),
    ).join(Slot, Slot.request_id == DocumentRequest.id)
    place: Ticket | None = ticket
    while place is not None:
        here = (DocumentRequest.ticket_id.in_(place.family()), DocumentRequest.state != RequestState.WITHDRAWN)
        place.documents_wanted, place.documents_here, place.documents_due_on = db.session.execute(
            counted.where(*here)
        ).one()
        place = db.session.get(Ticket, place.merged_into_id) if place.merged_into_id is not None else None


def count_anew(event: TicketEvent) -> None:
    """A reaction to merges: the requests of all tickets that are one count together."""
    count(event.ticket)
