"""Side effects are rows of the change's own transaction; a worker carries them out after the commit, at least once."""

import datetime as dt
import logging
from typing import Any

from flask import current_app
from sqlalchemy import Index, event, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.extensions import db
from app.core.model import Base, intpk, longtext

log = logging.getLogger(__name__)

PAUSES = (60, 300, 900, 3600, 4 * 3600)
"""Seconds before the second, third … try. After the last one the row is failed and shown on the jobs page."""


class Outbox(Base):
    """One thing to do outside this transaction: `job` is a name on the list of app/core/queue.py, `arguments` are ids."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due",
            "due_at",
            "id",
            sqlite_where=text("done_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
    )

    id: Mapped[intpk]
    job: Mapped[str]
    queue: Mapped[str] = mapped_column(default="urgent")
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    due_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[dt.datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    error: Mapped[longtext | None]

    @classmethod
    def put(
        cls, job: str, *, queue: str = "urgent", after: dt.timedelta = dt.timedelta(0), **arguments: int | str
    ) -> "Outbox":
        """Write the row into the present transaction; it is handed to the queue when that commits."""
        row = cls(job=job, queue=queue, arguments=arguments, due_at=clock.now() + after)
        db.session.add(row)
        return row

    @property
    def state(self) -> str:
        """waiting · running · done · failed, as the jobs page says it."""
        if self.failed_at:
            return "failed"
        if self.done_at:
            return "done"
        return "running" if self.lease_until and self.lease_until > clock.now() and self.tries else "waiting"

    def retry(self) -> None:
        """Give a failed row its tries back."""
        self.failed_at, self.error, self.tries, self.lease_until, self.due_at = None, None, 0, None, clock.now()
        db.session.add(self)
        _remember(self)


def lease(outbox_id: int) -> Outbox | None:
    """Take the row for this process, or None when it is done, failed or in another's hands. Commits."""
    now = clock.now()
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    taken = db.session.execute(
        update(Outbox)
        .where(Outbox.id == outbox_id, Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
        .where(or_(Outbox.lease_until.is_(None), Outbox.lease_until <= now))
        .values(lease_until=until, tries=Outbox.tries + 1)
        .execution_options(synchronize_session=False)
    )
    row = db.session.get(Outbox, outbox_id, populate_existing=True) if taken.rowcount else None
    if row is not None and row.tries > len(PAUSES) + 1:
        row.failed_at, row.lease_until, row.error = now, None, "Each try ended with the death of its worker."
    db.session.commit()
    return row if row is not None and row.failed_at is None else None


def finish(row: Outbox) -> None:
    """To be called in the transaction of the job's own effect."""
    row.done_at, row.lease_until, row.error = clock.now(), None, None


def give_back(row: Outbox, error: str) -> None:
    """After an error: a later try, or failed for good after the last one. Commits."""
    row.error, row.lease_until = error[:4000], None
    if row.tries > len(PAUSES):
        row.failed_at = clock.now()
    else:
        row.due_at = clock.now() + dt.timedelta(seconds=PAUSES[row.tries - 1])
    db.session.commit()


def overdue(limit: int = 500) -> list[tuple[int, str]]:
    """(id, queue) of rows nobody holds though they are due: what the relay hands over again."""
    now = clock.now()
    wanted = (
        select(Outbox.id, Outbox.queue)
        .where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at <= now)
        .where(or_(Outbox.lease_until.is_(None), Outbox.lease_until <= now))
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
    )
    return [(row.id, row.queue) for row in db.session.execute(wanted)]


def _remember(row: Outbox) -> None:
    db.session.info.setdefault("outbox", []).append(row)


@event.listens_for(Outbox, "after_insert")
def _inserted(mapper: object, connection: object, row: Outbox) -> None:
    if row.due_at <= clock.now():
        _remember(row)


@event.listens_for(Session, "before_commit")
def _note_ids(session: Session) -> None:
    session.flush()
    session.info["handed"] = [(row.id, row.queue) for row in session.info.pop("outbox", [])]


@event.listens_for(Session, "after_commit")
def _hand_over(session: Session) -> None:
    """A queue that is gone does not spoil a committed change: the relay hands the rows over later."""
    from app.core import queue

    queue.hand_over(session.info.pop("handed", []))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("outbox", None)
    session.info.pop("handed", None)
