"""How far each person has read a ticket: a mark at the newest message they were shown."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.core.model import Base, BigId
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to


class TicketSeen(Base):
    """One row for each person and ticket they opened. It belongs to the ticket, and stays there when that is merged."""

    __tablename__ = "ticket_seen"

    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    message_id: Mapped[int] = mapped_column(BigId)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)


def note_seen(ticket: Ticket, message_id: int, by: Viewer) -> None:
    """They were shown everything up to this message. A mark only goes forwards, and not beyond what is there."""
    newest = db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == ticket.id)) or 0
    seen, mark = min(message_id, newest), db.session.get(TicketSeen, (by.id, ticket.id))
    if mark is None:
        try:
            with db.session.begin_nested():
                db.session.add(TicketSeen(staff_id=by.id, ticket_id=ticket.id, message_id=seen, at=clock.now()))
        except IntegrityError:
            return  # another tab of theirs was quicker; its next word of it finds the row
    elif mark.message_id < seen:
        mark.message_id, mark.at = seen, clock.now()


def first_unseen(ticket: Ticket, by: Viewer) -> int | None:
    """The first message since their mark that is not their own."""
    mark = db.session.get(TicketSeen, (by.id, ticket.id))
    if mark is None:
        return None
    since = select(Message.id).where(
        Message.ticket_id == ticket.id,
        Message.id > mark.message_id,
        Message.staff_id.is_distinct_from(by.id),
        messages_visible_to(by),
    )
    return db.session.scalar(since.order_by(Message.id).limit(1))
