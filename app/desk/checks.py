"""What a desk is made of, and whether each part is as it should be."""

from __future__ import annotations

import dataclasses as dc
import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from redis import RedisError
from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core import queue as the_queue
from app.core.extensions import db, migrate
from app.core.outbox import Outbox
from app.core.ticker import BEAT_KEY
from app.mail import quarantine as mail_quarantine
from app.mail.boxrules import in_trouble

OLDEST_ROW_SECONDS = 900
"""What is due for longer than this is not on its way: no worker runs."""
BEAT_AGE_SECONDS = 30
FREE_BYTES = 200 * 1024 * 1024
MAY_SUFFER = ("mailboxes",)
"""Parts whose figure counts what is in trouble there while the desk works."""


@dc.dataclass(frozen=True)
class Check:
    """One part of the desk. `figure` is what was measured, in the unit that its name says."""

    name: str
    ok: bool
    told: str
    figure: float | None = None

    @property
    def degraded(self) -> bool:
        return self.ok and self.name in MAY_SUFFER and bool(self.figure)

    def as_json(self) -> dict[str, object]:
        figure = {"value": self.figure} if self.figure is not None else {}
        return {"ok": self.ok, "says": self.told, **figure, **({"degraded": True} if self.degraded else {})}


def measure() -> Iterator[Check]:
    """Every part, in the order in which they depend on each other. Never raises."""
    for name, look in CHECKS.items():
        try:
            yield Check(name, *look())
        except (SQLAlchemyError, RedisError, OSError) as problem:
            db.session.rollback()
            yield Check(name, False, f"does not answer ({type(problem).__name__})")


Found = tuple[bool, str] | tuple[bool, str, float]


def database() -> Found:
    db.session.execute(select(1))
    return True, db.engine.dialect.name


def migrations() -> Found:
    """A web process that is newer or older than the database would write rows the other does not understand."""
    present = MigrationContext.configure(db.session.connection()).get_current_revision()
    wanted = _head(str(current_app.config["ROOT"]))
    return present == wanted, f"at {present}" if present == wanted else f"at {present}, this code wants {wanted}"


@functools.cache
def _head(_root: str) -> str | None:
    return ScriptDirectory.from_config(migrate.get_config()).get_current_head()


def queue() -> Found:
    the_queue.connection().ping()
    return True, "answers"


def ticker() -> Found:
    beat = the_queue.connection().get(BEAT_KEY)
    if beat is None:
        return False, "does not beat"
    age = max(0.0, clock.now().timestamp() - int(beat))
    return age <= BEAT_AGE_SECONDS, f"last beat {age:.0f} s ago", round(age)


def outbox() -> Found:
    """Rows that are due and that nobody has in hand."""
    waiting, age = waiting_rows()
    told = f"{waiting} due, the oldest for {age:.0f} s" if waiting else "nothing is due"
    return age <= OLDEST_ROW_SECONDS, told, round(age)


def waiting_rows() -> tuple[int, float]:
    """How many, and for how many seconds the oldest has been due."""
    now = clock.now()
    due = select(func.count(), func.min(Outbox.due_at)).where(
        Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at <= now
    )
    free = due.where(or_(Outbox.lease_until.is_(None), Outbox.lease_until <= now))
    row: Any = db.session.execute(free).one()
    return row[0], (now - row[1]).total_seconds() if row[1] else 0.0


def quarantine() -> Found:
    """Never red: what lies there is safe, and waits for a person."""
    waiting = mail_quarantine.count()
    return True, f"{waiting} mails set aside" if waiting else "no mail is set aside", waiting


def disk() -> Found:
    free = shutil.disk_usage(Path(current_app.config["DATA"])).free
    return free >= FREE_BYTES, f"{free // 1024**2} MB free", free


def mailboxes() -> Found:
    """One that cannot be fetched from keeps nobody from working: the desk is degraded by it, not down."""
    troubled = in_trouble()
    names = ", ".join(f"{box.name}: {box.error or 'nobody asks it'}"[:200] for box in troubled)
    return True, names or "all answer", len(troubled)


CHECKS: dict[str, Callable[[], Found]] = {
    "database": database, "migrations": migrations, "queue": queue, "ticker": ticker, "outbox": outbox, "disk": disk, "quarantine": quarantine, "mailboxes": mailboxes,
}  # fmt: skip
