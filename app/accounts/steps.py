"""Which changes of status a role may make by hand. A role without rows may make every one."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.model import Base, BigId


class StatusStep(Base):
    """One change that its role may make: from one status to another."""

    __tablename__ = "status_step"

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True)
    from_id: Mapped[int] = mapped_column(BigId, ForeignKey("status.id", ondelete="CASCADE"), primary_key=True)
    to_id: Mapped[int] = mapped_column(BigId, ForeignKey("status.id", ondelete="CASCADE"), primary_key=True)
