"""Side effects are rows of the change's own transaction; a worker carries them out after the commit, at least once."""

import datetime as dt
import logging
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Index,
    Select,
    Update,
    bindparam,
    event,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from app.core import clock
from app.core.extensions import db
from app.core.model import Base, intpk, longtext

log = logging.getLogger(__name__)

PAUSES = (60, 300, 900, 3600, 4 * 3600)
"""Seconds before the second, third … try. After the last one the row is failed and shown on the jobs page."""


Instant = dt.datetime | BindParameter[Any]


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


class Held(NamedTuple):
    """A row in this process's hands. `tries` numbers the lease: whoever took the row later holds a higher one."""

    id: int
    job: str
    arguments: dict[str, Any]
    tries: int


def lease(outbox_id: int) -> Held | None:
    """Take the row for this process, or None when it is done, failed or in another's hands. Commits."""
    now = clock.now()
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    given = {"row": outbox_id, "until": until, "now": now, "longest": now + _longest_lease()}
    taken = db.session.execute(_LEASE, given).first()
    held = Held(outbox_id, *taken) if taken is not None else None
    if held is not None and held.tries > len(PAUSES) + 1:
        _settle(held, failed_at=now, error=_DEADLY)
        held = None
    db.session.commit()
    return held


def lease_due(queue: str, limit: int) -> list[Held]:
    """Take the next rows of this queue. Commits. One whose worker died goes alone: if it was what killed them, it takes no other along."""
    now = clock.now()
    rows = db.session.execute(_due(queue, limit).with_for_update(skip_locked=True)).all()
    together = rows[:1] if rows and rows[0].lease_until else list(takewhile(lambda row: row.lease_until is None, rows))
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    given = {"ids": [row.id for row in together], "until": until}
    taken = {row.id: Held(*row) for row in db.session.execute(_LEASE_MANY, given)} if together else {}
    held = [taken[row.id] for row in together if row.id in taken]
    for one in held:
        if one.tries > len(PAUSES) + 1:
            _settle(one, failed_at=now, error=_DEADLY)
    db.session.commit()
    return [one for one in held if one.tries <= len(PAUSES) + 1]


def is_due(queue: str) -> bool:
    """Whether something waits there that nobody holds. Commits."""
    found = db.session.execute(_due(queue, 1)).first() is not None
    db.session.commit()
    return found


def release(held: list[Held]) -> None:
    """Nobody tried them: it counts as no try. Commits."""
    db.session.execute(_RELEASE, {"ids": [one.id for one in held]})
    db.session.commit()


def _due(queue: str, limit: int) -> Select[int, dt.datetime | None]:
    now = clock.now()
    waiting = select(Outbox.id, Outbox.lease_until).where(*_OPEN, Outbox.queue == queue, Outbox.due_at <= now)
    return waiting.where(free(Outbox.lease_until, now)).order_by(Outbox.due_at, Outbox.id).limit(limit)


def free(
    lease_until: InstrumentedAttribute[dt.datetime | None], now: Instant, longest: Instant | None = None
) -> ColumnElement[bool]:
    """Nobody holds it: no lease, one that is over, or one so long that only a clock that was set back since can have given it."""
    if longest is None:
        assert isinstance(now, dt.datetime)
        longest = now + _longest_lease()
    return or_(lease_until.is_(None), lease_until <= now, lease_until > longest)


def _longest_lease() -> dt.timedelta:
    return dt.timedelta(seconds=2 * current_app.config["OUTBOX_LEASE_SECONDS"])


_DEADLY = "Each try ended with the death of its worker."
_OPEN = (Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
_LEASE = (
    update(Outbox)
    .where(Outbox.id == bindparam("row"), *_OPEN)
    .where(free(Outbox.lease_until, bindparam("now"), bindparam("longest")))
    .values(lease_until=bindparam("until"), tries=Outbox.tries + 1)
    .returning(Outbox.job, Outbox.arguments, Outbox.tries)
    .execution_options(synchronize_session=False)
)
_LEASE_MANY = (
    update(Outbox)
    .where(Outbox.id.in_(bindparam("ids", expanding=True)), *_OPEN)
    .values(lease_until=bindparam("until"), tries=Outbox.tries + 1)
    .returning(Outbox.id, Outbox.job, Outbox.arguments, Outbox.tries)
    .execution_options(synchronize_session=False)
)
_DONE = (
    update(Outbox)
    .where(tuple_(Outbox.id, Outbox.tries).in_(bindparam("held", expanding=True)), *_OPEN)
    .values(lease_until=None, error=None, done_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_RELEASE = (
    update(Outbox)
    .where(Outbox.id.in_(bindparam("ids", expanding=True)), *_OPEN)
    .values(lease_until=None, tries=Outbox.tries - 1)
    .execution_options(synchronize_session=False)
)
"""Built once, as composing it costs more than running it; so are those below."""


def finish(held: Held) -> bool:
    """To be called in the transaction of the job's own effect. False when the lease was lost: then the effect is another's."""
    return _settle(held, done_at=clock.now(), error=None)


def finish_all(held: list[Held]) -> bool:
    """As `finish`, of many in one statement; False when one of the leases was lost."""
    done = db.session.execute(_DONE, {"held": [(one.id, one.tries) for one in held], "now": clock.now()})
    return done.rowcount == len(held)


def give_back(held: Held, error: str) -> None:
    """After an error: a later try, or failed for good after the last one. Commits."""
    now = clock.now()
    if held.tries > len(PAUSES):
        _settle(held, failed_at=now, error=error[:4000])
    else:
        _settle(held, due_at=now + dt.timedelta(seconds=PAUSES[held.tries - 1]), error=error[:4000])
    db.session.commit()


def _settle(held: Held, **values: Any) -> bool:
    """What became of it, unless somebody else has taken it since."""
    given = {f"new_{name}": value for name, value in values.items()}
    settled = db.session.execute(_settling(tuple(values)), {"row": held.id, "lease": held.tries, **given})
    return bool(settled.rowcount)


@cache
def _settling(names: tuple[str, ...]) -> Update:
    ours = update(Outbox).where(Outbox.id == bindparam("row"), Outbox.tries == bindparam("lease"), *_OPEN)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return ours.values(lease_until=None, **values).execution_options(synchronize_session=False)


def overdue(limit: int = 500) -> list[tuple[int, str]]:
    """(id, queue) of rows nobody holds though they are due: what the relay hands over again."""
    now = clock.now()
    wanted = (
        select(Outbox.id, Outbox.queue)
        .where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at <= now)
        .where(free(Outbox.lease_until, now))
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
    """The end of a savepoint is none of the transaction: nobody else sees its rows yet."""
    if session.in_nested_transaction():
        return
    session.flush()
    session.info["handed"] = [(row.id, row.queue) for row in session.info.pop("outbox", []) if row in session]


@event.listens_for(Session, "after_commit")
def _hand_over(session: Session) -> None:
    """A queue that is gone does not spoil a committed change: the relay hands the rows over later."""
    from app.core import queue

    if session.in_nested_transaction():
        return
    queue.hand_over(session.info.pop("handed", []))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    """What was put before a savepoint outlives its going back."""
    if session.in_nested_transaction():
        return
    session.info.pop("outbox", None)
    session.info.pop("handed", None)
