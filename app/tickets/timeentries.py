"""A time entry: who spent how long on a ticket, on which day, for what; and the activity types that it is told by."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk, longtext
from app.core.shipped import shown
from app.tickets.models import Ticket


class ActivityType(Base):
    """What time was spent on, or what a reply or note was: rows an admin shapes."""

    __tablename__ = "activity_type"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[str] = mapped_column(default="grey")
    billable: Mapped[bool] = mapped_column(default=True)
    initial: Mapped[bool] = mapped_column(default=False)
    """Chosen where nobody chooses."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __str__(self) -> str:
        return shown(self.name)


class TimeEntry(Base):
    """Made and changed by the verbs of timespent.py. It stays with its ticket, also while that goes on in another one."""

    __tablename__ = "time_entry"
    __table_args__ = (
        Index("ix_time_entry_ticket", "ticket_id", "spent_on", "id"),
        Index("ix_time_entry_staff", "staff_id", "spent_on", "ticket_id", "minutes", "billable"),
        Index("ix_time_entry_day", "spent_on", "id"),
        Index("ix_time_entry_activity", "activity_id"),
        Index("ix_time_entry_made_by", "made_by_id"),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    staff_name: Mapped[str]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    """Who wrote it down, mostly the same."""
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity_type.id"))
    billable: Mapped[bool]
    """As its activity was when it was chosen."""
    minutes: Mapped[int]
    spent_on: Mapped[dt.date]
    """By the desk's calendar."""
    note: Mapped[longtext] = mapped_column(default="")
    department_id: Mapped[int] = mapped_column(BigId)
    """That of the ticket."""
    customer_id: Mapped[int] = mapped_column(BigId)
    organization_id: Mapped[int | None] = mapped_column(BigId)
    """That of the customer when it was written down: who moves on takes no time along."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    ticket: Mapped[Ticket] = relationship(Ticket)
    activity: Mapped[ActivityType | None] = relationship(ActivityType)

    def told(self) -> dict[str, Any]:
        """As an event keeps it; never the note."""
        name = self.activity.name if self.activity else None
        return {"minutes": self.minutes, "activity": name, "on": self.spent_on.isoformat()}


@dc.dataclass(frozen=True)
class Spent:
    """What an entry says. `staff` is whose time it was; None: of whoever writes it down."""

    minutes: int
    spent_on: dt.date
    activity: ActivityType | None = None
    note: str = ""
    staff: User | None = None
