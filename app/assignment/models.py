"""How departments hand out work, and every automatic pick with its reasons."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.core import clock
from app.core.model import Base, BigId, intpk
from app.tickets.choices import Category


class AssignmentLog(Base):
    """One decision: who was picked (nobody: the ticket stays queued), who else was in question, and why."""

    __tablename__ = "assignment_log"
    __table_args__ = (Index("ix_assignment_log_ticket", "ticket_id", "id"),)

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("ticket.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    method: Mapped[str]
    reason: Mapped[str]
    candidates: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{"considered": [{"id", "name", "open", "capacity", "refused"}, …]}, the best first."""

    agent: Mapped[User | None] = relationship(User)


class Pool(Base):
    """How one department hands out its tickets, or those of one category there. What it leaves open is as in the department's pool, else as the desk has it."""

    __tablename__ = "pool"
    __table_args__ = (UniqueConstraint("department_id", "category_id"),)

    id: Mapped[intpk]
    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id", ondelete="CASCADE"))
    category_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("category.id", ondelete="CASCADE"))
    method: Mapped[str] = mapped_column(default="")
    """pools.METHODS; the empty one is the desk's, here and below."""
    hours: Mapped[str] = mapped_column(default="")
    absent: Mapped[str] = mapped_column(default="")
    previous_days: Mapped[int | None]
    weight_low: Mapped[int | None]
    weight_normal: Mapped[int | None]
    weight_high: Mapped[int | None]
    weight_critical: Mapped[int | None]
    fallback_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    """Who gets what nobody else can take, also while away."""
    fallback_department_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("department.id", ondelete="SET NULL"))
    """Where else it goes."""

    department: Mapped[Department] = relationship(
        Department, foreign_keys=[department_id], lazy="joined", innerjoin=True
    )
    category: Mapped[Category | None] = relationship(Category, lazy="joined")
    fallback: Mapped[User | None] = relationship(User)
    fallback_department: Mapped[Department | None] = relationship(Department, foreign_keys=[fallback_department_id])

    def __str__(self) -> str:
        return f"{self.department}, {self.category}" if self.category else str(self.department)
