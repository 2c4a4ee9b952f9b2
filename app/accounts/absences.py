"""Planned absences: from one day to another, in the person's own time zone. On the first day they go away by themselves, until the day after the last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ForeignKey, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts import availability
from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import SYSTEM, Actor
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.model import Base, intpk
from app.settings import desk

DAY = dt.timedelta(days=1)
LONGEST = dt.timedelta(days=366)
FARTHEST = dt.timedelta(days=3 * 366)
MOST = 50
"""Of one person, planned at the same time."""


class Absence(Base):
    """Whole days, both ends included."""

    __tablename__ = "absence"

    id: Mapped[intpk]
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    starts_on: Mapped[dt.date] = mapped_column(index=True)
    ends_on: Mapped[dt.date]
    reason: Mapped[str | None]
    begun_at: Mapped[dt.datetime | None]
    """When the desk sent them away for it: once, so that whoever comes back earlier is not sent away again."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    staff: Mapped[User] = relationship(User, lazy="joined")

    def __str__(self) -> str:
        return f"{self.staff.get_full_name()}: {self.starts_on} – {self.ends_on}"


def plan(absence: Absence, by: Actor) -> None:
    """One's own, or with the right to do so anybody's. To be called before it is stored, also after a change. Raises Invalid."""
    demand(absence, by)
    today = clock.now().astimezone(ZoneInfo(zone_of(absence.staff_id))).date()
    if absence.ends_on < absence.starts_on:
        raise Invalid(_("The last day is before the first."), {"ends_on": _("Please choose a later day.")})
    if absence.ends_on < today:
        raise Invalid(_("These days have passed."), {"ends_on": _("Please choose a later day.")})
    if absence.ends_on - absence.starts_on > LONGEST or absence.starts_on > today + FARTHEST:
        raise Invalid(_("An absence lasts a year at most and begins within three."), {"ends_on": _("Please choose an earlier day.")})  # fmt: skip
    if absence.id is None and len(coming(absence.staff_id)) >= MOST:
        raise Invalid(_("These are too many absences at once."))
    absence.reason = availability.clean_reason(absence.reason)
    absence.begun_at = None


def cancel(absence: Absence, by: Actor) -> None:
    """Whoever is away for it already is back when they say so."""
    demand(absence, by)
    db.session.delete(absence)


def demand(absence: Absence, by: Actor) -> None:
    if by.staff_id != absence.staff_id and not by.can("edit", "Availability"):
        raise Forbidden(_("You may not change the availability of others."))


def coming(staff_id: int) -> list[Absence]:
    """That are not over, the next first."""
    wanted = select(Absence).where(Absence.staff_id == staff_id, Absence.ends_on >= clock.now().date() - DAY)
    found = db.session.scalars(wanted.order_by(Absence.starts_on, Absence.id).limit(MOST))
    return [one for one in found if _ends_at(one) > clock.now()]


def begin_due() -> None:
    """Each once: the mark is written by whoever sends them away. What was missed while nothing ran, and is over, sends nobody away."""
    soon = select(Absence).where(Absence.begun_at.is_(None), Absence.starts_on <= clock.now().date() + DAY)
    for absence in _by_start(db.session.scalars(soon.order_by(Absence.starts_on, Absence.id))):
        mark = update(Absence).where(Absence.id == absence.id, Absence.begun_at.is_(None))
        marked = db.session.execute(mark.values(begun_at=clock.now()).execution_options(synchronize_session=False))
        if marked.rowcount:
            _send_away(absence)


def _by_start(found: Iterable[Absence]) -> list[Absence]:
    return [one for one in found if starts_at(one) <= clock.now()]


def _send_away(absence: Absence) -> None:
    """Whoever is away for longer, or offline, stays so."""
    profile, until = db.session.get(StaffProfile, absence.staff_id), _ends_at(absence)
    if profile is None or until <= clock.now() or profile.availability is Availability.OFFLINE:
        return
    longer = profile.away_until is None or profile.away_until >= until
    if profile.availability is Availability.AWAY and longer and not profile.available(clock.now()):
        return
    availability.set_availability(profile, Availability.AWAY, until, SYSTEM, absence.reason)


def starts_at(absence: Absence) -> dt.datetime:
    return _midnight(absence.starts_on, zone_of(absence.staff_id))


def _ends_at(absence: Absence) -> dt.datetime:
    return _midnight(absence.ends_on + DAY, zone_of(absence.staff_id))


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)


def zone_of(staff_id: int) -> str:
    """Where they work, else the desk's."""
    own = db.session.scalar(select(StaffProfile.time_zone).where(StaffProfile.user_id == staff_id))
    return own or desk.current().time_zone
