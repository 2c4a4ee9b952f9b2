"""Periodic work happens once a slot, however many tickers run: the slot is a unique row."""

import datetime as dt

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.extensions import db
from app.core.model import Base
from app.core.outbox import Outbox

KEPT = dt.timedelta(days=2)


class JobSlot(Base):
    """`job` was put on its way for the slot that began at `slot` (seconds since 1970, a multiple of its period)."""

    __tablename__ = "job_slot"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)


def claim(job: str, period_seconds: int, queue: str) -> bool:
    """Put `job` into the outbox if nobody did so in this slot. Commits."""
    slot = int(clock.now().timestamp()) // period_seconds * period_seconds
    try:
        db.session.execute(insert(JobSlot).values(job=job, slot=slot))
    except IntegrityError:
        db.session.rollback()
        return False
    Outbox.put(job, queue=queue)
    db.session.commit()
    return True


def forget_old() -> None:
    """Slots of the day before yesterday can no longer come twice."""
    db.session.execute(delete(JobSlot).where(JobSlot.at < clock.now() - KEPT))
