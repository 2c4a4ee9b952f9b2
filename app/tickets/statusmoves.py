"""A status that gives all its tickets to another one, or means something else from now on: what was asked, and how far it came."""

from __future__ import annotations

import datetime as dt

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.extensions import db
from app.core.model import Base, intpk
from app.tickets.choices import State, Status


class StatusMove(Base):
    """Asked for once; carried out ticket by ticket. What is left to do is what stands in the old status, so nothing is done twice."""

    __tablename__ = "status_move"

    id: Mapped[intpk]
    status_id: Mapped[int | None] = mapped_column(ForeignKey("status.id", ondelete="SET NULL"), index=True)
    target_id: Mapped[int | None] = mapped_column(ForeignKey("status.id", ondelete="SET NULL"), index=True)
    """Itself, where its meaning changes."""
    was: Mapped[str]
    now: Mapped[str]
    """Their names as they were then: either may be deleted later."""
    state_was: Mapped[State]
    state: Mapped[State]
    told: Mapped[bool] = mapped_column(default=False)
    """Customers hear of tickets that end by it."""
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    staff_name: Mapped[str]
    total: Mapped[int] = mapped_column(default=0)
    """Tickets it reached when it was asked for; more may come while it goes on."""
    moved: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[dt.datetime | None]

    status: Mapped[Status | None] = relationship(Status, foreign_keys=[status_id])
    target: Mapped[Status | None] = relationship(Status, foreign_keys=[target_id])
    staff: Mapped[User | None] = relationship(User)

    @property
    def meaning(self) -> bool:
        """What the status means changes; its tickets keep it."""
        return self.was == self.now

    @property
    def stands(self) -> bool:
        """Both statuses are as it left them: after it, an admin may have used them for something else."""
        if self.status is None or self.target is None:
            return False
        return self.target.state is self.state and (self.meaning or not self.status.active)


def unfinished(status: Status) -> StatusMove | None:
    """The one that has this status at work, as the old one or the new one."""
    here = or_(StatusMove.status_id == status.id, StatusMove.target_id == status.id)
    with db.session.no_autoflush:
        return db.session.scalar(select(StatusMove).where(here, StatusMove.finished_at.is_(None)).limit(1))


def given_away(status: Status) -> bool:
    """Its tickets went to another one, and nobody took it into use again."""
    if status.active:
        return False
    away = select(StatusMove.id).where(StatusMove.status_id == status.id, StatusMove.was != StatusMove.now)
    return db.session.scalar(away.limit(1)) is not None
