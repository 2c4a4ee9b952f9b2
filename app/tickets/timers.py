"""A timer: how long somebody has worked on a ticket. One of theirs runs at a time, kept in the database, so on every device the same."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.accounts.models import StaffProfile
from app.accounts.viewer import SYSTEM, Viewer, viewer
from app.core import clock
from app.core.database import is_postgresql
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.model import Base, intpk
from app.settings import desk
from app.tickets import timespent
from app.tickets.models import Ticket
from app.tickets.timeentries import ActivityType, Spent, TimeEntry
from app.tickets.timeline import Did
from app.tickets.turns import demand

RUNNING = text("started_at IS NOT NULL")
BATCH = 200
"""Stopped in one run of the job."""


class Timer(Base):
    """Of one person on one ticket. Without `started_at` it is paused."""

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("staff_id", "ticket_id"),
        Index("ix_timer_ticket", "ticket_id"),
        Index("ix_timer_running", "staff_id", unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING),
    )

    id: Mapped[intpk]
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    seconds: Mapped[int] = mapped_column(default=0)
    """Until it was last paused."""
    started_at: Mapped[dt.datetime | None]
    forgotten: Mapped[bool] = mapped_column(default=False)
    """The desk stopped it, as it ran too long."""

    ticket: Mapped[Ticket] = relationship(Ticket)

    @property
    def running(self) -> bool:
        return self.started_at is not None

    def elapsed(self, at: dt.datetime) -> int:
        """Seconds. Between two instants, so no change of the clocks adds or takes an hour."""
        since = max(0, int((at - self.started_at).total_seconds())) if self.started_at else 0
        return self.seconds + since

    def minutes(self, at: dt.datetime) -> int:
        """As they are written down: a minute begun counts."""
        return min(max(1, -(-self.elapsed(at) // 60)), timespent.MOST_MINUTES)

    def pause(self) -> None:
        """A paused one stays so."""
        self.seconds, self.started_at = self.elapsed(clock.now()), None
        db.session.flush()


def start(ticket: Ticket, by: Viewer) -> Timer:
    """Or let a paused one go on. Another one of theirs that runs is paused."""
    demand(by, "time", ticket)
    _take_turn(by)
    for other in of(by):
        if other.running and other.ticket_id != ticket.id:
            other.pause()
    timer = on(ticket.id, by)
    if timer is None:
        timer = Timer(staff_id=by.id, ticket_id=ticket.id, seconds=0, forgotten=False)
        db.session.add(timer)
    if not timer.running:
        timer.started_at, timer.forgotten = clock.now(), False
    db.session.flush()
    return timer


def stop(timer: Timer, by: Viewer, activity: ActivityType | None = None, note: str = "") -> TimeEntry:
    """Its time is written down on the ticket, or on the one that goes on in."""
    minutes = timer.minutes(clock.now())
    spent = Spent(minutes, timespent.today(), activity or timespent.usual_activity(), note)
    entry = timespent.log(timer.ticket.place_in_turn(), spent, by)
    db.session.delete(timer)
    db.session.flush()
    return entry


def discard(timer: Timer) -> None:
    db.session.delete(timer)
    db.session.flush()


def own(timer_id: int, by: Viewer) -> Timer:
    """NotThere for one that somebody else has, or that was stopped in another tab."""
    _take_turn(by)
    timer = db.session.get(Timer, timer_id, populate_existing=True)
    if timer is None or timer.staff_id != by.id:
        raise NotThere(_("This timer is not running any more."))
    return timer


def on(ticket_id: int, by: Viewer) -> Timer | None:
    return db.session.scalar(select(Timer).where(Timer.staff_id == by.id, Timer.ticket_id == ticket_id))


def of(by: Viewer) -> list[Timer]:
    """The running one first."""
    wanted = select(Timer).where(Timer.staff_id == by.id).execution_options(populate_existing=True)
    return list(db.session.scalars(wanted.order_by(Timer.started_at.is_(None), Timer.id.desc())))


class Shown(NamedTuple):
    """A timer for the head of every page."""

    id: int
    seconds: int
    running: bool
    forgotten: bool
    number: str | None
    """None for a ticket that its owner does not see any more."""
    url: str | None


def first_of(by: Viewer) -> Shown | None:
    """The one that runs, else the last one that is paused."""
    wanted = select(Timer).where(Timer.staff_id == by.id).options(joinedload(Timer.ticket))
    timer = db.session.scalar(wanted.order_by(Timer.started_at.is_(None), Timer.id.desc()).limit(1))
    if timer is None:
        return None
    seen = timer.ticket.seen_by(by)
    number, url = (timer.ticket.display, f"/admin/tickets/{timer.ticket.number}") if seen else (None, None)
    return Shown(timer.id, timer.elapsed(clock.now()), timer.running, timer.forgotten, number, url)


def stop_forgotten() -> int:
    """Pause those that run longer than the setting says, at that length, and tell whose they are. Commits. Returns how many."""
    hours = desk.current().timer_most_hours
    if not hours:
        return 0
    now, most = clock.now(), hours * 3600
    running = select(Timer.id).where(Timer.started_at < now - dt.timedelta(seconds=60)).order_by(Timer.started_at)
    stopped = 0
    for timer_id in db.session.scalars(running.limit(BATCH * 10)).all():
        timer = db.session.get(Timer, timer_id, with_for_update=True, populate_existing=True)
        if timer is None or not timer.running or timer.elapsed(now) < most or stopped == BATCH:
            continue
        _stop(timer, most)
        stopped += 1
        db.session.commit()
    db.session.commit()
    return stopped


def _stop(timer: Timer, most: int) -> None:
    person = viewer(timer.staff_id)
    timer.seconds, timer.started_at, timer.forgotten = most, None, True
    place = timer.ticket.place()
    place.record(
        Did.TIMER_STOPPED, SYSTEM, who=person.name if person else None, who_id=timer.staff_id, hours=most // 3600
    )


def _take_turn(by: Viewer) -> None:
    """Two tabs at once: the second finds what the first left. On SQLite the transaction has the whole file."""
    if is_postgresql():
        db.session.execute(select(StaffProfile.user_id).where(StaffProfile.user_id == by.id).with_for_update())
