"""One deed on many tickets: what was asked, how far it came, what each ticket said to it, and what was before."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk, longtext


class Outcome(enum.StrEnum):
    """What became of one ticket of a bulk change."""

    WAITING = "waiting"
    DONE = "done"
    SAME = "same"
    """It was so already."""
    REFUSED = "refused"
    GONE = "gone"
    """Deleted, or no longer theirs to see."""
    UNDONE = "undone"
    KEPT = "kept"
    """Changed by somebody since, and so not given back."""


class BulkChange(Base):
    """Asked for once; carried out ticket by ticket, each in a transaction of its own, by whoever asked for it."""

    __tablename__ = "bulk_change"

    id: Mapped[intpk]
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    deed: Mapped[str]
    """A name of desk.deeds.DEEDS."""
    value: Mapped[dict[str, Any]] = mapped_column(default=dict)
    words: Mapped[str] = mapped_column(default="")
    """What the value is called: the name of the status, the person …"""
    total: Mapped[int] = mapped_column(default=0)
    undoing: Mapped[bool] = mapped_column(default=False)
    """Its tickets are being given back what they had."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[dt.datetime | None]

    staff: Mapped[User] = relationship(User)


class BulkStep(Base):
    """One ticket of a bulk change."""

    __tablename__ = "bulk_step"
    __table_args__ = (Index("ix_bulk_step_change", "change_id", "outcome", "id"),)

    id: Mapped[intpk]
    change_id: Mapped[int] = mapped_column(ForeignKey("bulk_change.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(BigId)
    """Of no foreign key: a deleted ticket stays in the report of its deletion."""
    number: Mapped[int] = mapped_column(BigId)
    outcome: Mapped[Outcome] = mapped_column(default=Outcome.WAITING)
    reason: Mapped[longtext | None]
    """The sentence with which the ticket refused."""
    before: Mapped[dict[str, Any] | None]
    """What it was and what it became, for giving it back."""
