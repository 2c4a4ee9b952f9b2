"""Every automatic pick, kept with its reasons."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk


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
