"""What the API remembers: answers to requests that may come twice."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, delete
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.extensions import db
from app.core.model import Base, intpk

KEPT = dt.timedelta(days=2)
"""A program that tries again does so within minutes; what the answers say of customers need not lie here for ever."""


class IdempotentAnswer(Base):
    """The answer given to one Idempotency-Key of one API key: a repeated POST gets it again and does nothing."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("api_key_id", "key"),)

    id: Mapped[intpk]
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    key: Mapped[str]
    request_digest: Mapped[str]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now, index=True)


def forget_old() -> None:
    """Does not commit."""
    db.session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < clock.now() - KEPT))
