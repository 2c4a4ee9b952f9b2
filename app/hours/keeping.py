"""What an admin does with calendars. Each verb refuses with a sentence what could not be kept, and does not commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.core import clock
from app.core.database import one_at_a_time
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.model import Base
from app.hours import calendars, written
from app.hours.models import Calendar, CalendarDate, DateKind
from app.hours.opening import WEEKDAYS
from app.hours.spans import BadHours
from app.hours.zones import zone_names
from app.settings import desk

MOST = 100
MOST_DATES = 1000
LONGEST_NAME = 80
FIRST_YEAR, LAST_YEAR = 1970, 2100
LEAST_A_YEAR = dt.timedelta(hours=1)
"""Less than this is a slip of the hand, and promises would end beyond all reason."""


@dataclass(frozen=True)
class Given:
    """A calendar as somebody typed it: a line of hours for each day from Monday."""

    name: str
    zone: str
    days: tuple[str, ...]


@dataclass(frozen=True)
class GivenDate:
    date: str
    name: str = ""
    hours: str = ""
    closed: bool = True
    every_year: bool = False


def save(calendar: Calendar, given: Given) -> None:
    """A new calendar, or other hours for one. Raises Invalid."""
    wrong: dict[str, str] = {}
    week = _week(given.days, wrong)
    if not given.name or len(given.name) > LONGEST_NAME:
        wrong["name"] = _("Please write a name of at most %(most)s characters.", most=LONGEST_NAME)
    elif _taken(given.name, calendar):
        wrong["name"] = _("There is a calendar with this name already.")
    if given.zone and given.zone not in zone_names():
        wrong["zone"] = _("There is no time zone “%(name)s”. A zone is named like Europe/Berlin.", name=given.zone[:60])
    if not wrong and not any(week):
        wrong["day-0"] = _("No day has any hours. Enter at least one span, like 09:00 to 17:00.")
    if wrong:
        raise Invalid(_("This calendar is not right yet."), wrong)
    calendar.name, calendar.zone, calendar.week = given.name, given.zone or None, week
    _check(calendar)
    if calendar.id is None:
        _add(calendar)
    else:
        _changed(calendar)


def add_date(calendar: Calendar, given: GivenDate) -> None:
    """One more date that differs. Raises Invalid."""
    wrong: dict[str, str] = {}
    falls_on = _date(given.date, wrong)
    spans: list[list[int]] = []
    if not given.closed:
        try:
            spans = [list(span) for span in written.read(given.hours, _("Hours"))]
        except BadHours as refusal:
            wrong["hours"] = str(refusal)
        if not spans and not wrong.get("hours"):
            wrong["hours"] = _("Enter at least one span, like 09:00–12:00, or let the day be closed.")
    if len(given.name) > LONGEST_NAME:
        wrong["holiday"] = _("At most %(most)s characters.", most=LONGEST_NAME)
    if falls_on is not None and _stands(calendar, falls_on, given.every_year):
        wrong["date"] = _("This date is in the calendar already. Remove it first.")
    if wrong or falls_on is None:
        raise Invalid(_("This date is not right yet."), wrong)
    kind = DateKind.HOLIDAY if given.closed else DateKind.HOURS
    _append(calendar, [CalendarDate(falls_on=falls_on, every_year=given.every_year, kind=kind, name=given.name, spans=spans)])  # fmt: skip


def remove_date(calendar: Calendar, date_id: int) -> None:
    found = next((date for date in calendar.dates if date.id == date_id), None)
    if found is not None:
        calendar.dates.remove(found)
        _changed(calendar)


def take_in(calendar: Calendar, holidays: Mapping[dt.date, str], source: str) -> int:
    """Public holidays that are not there yet. Returns how many there were: done again it is none."""
    new = [
        CalendarDate(falls_on=date, kind=DateKind.HOLIDAY, name=name[:LONGEST_NAME], spans=[], source=source)
        for date, name in sorted(holidays.items())
        if not _stands(calendar, date, every_year=False)
    ]
    if new:
        _append(calendar, new)
    return len(new)


def is_there(calendar: Calendar, date: dt.date) -> bool:
    """Whether taking this holiday in would change nothing."""
    return _stands(calendar, date, every_year=False)


def make_standard(calendar: Calendar) -> None:
    """From now on this one holds wherever no other was chosen."""
    one_at_a_time(Calendar)
    for other in db.session.scalars(select(Calendar).where(Calendar.standard.is_(True))):
        other.standard = other is calendar
    calendar.standard = True
    db.session.flush()


def delete(calendar: Calendar) -> None:
    """Raises HelpdeskError while somebody follows it."""
    if calendar.standard:
        raise HelpdeskError(
            _("“%(name)s” is the calendar of the desk. Let another one be that first.", name=str(calendar))
        )
    users = users_of(calendar)
    if users:
        raise HelpdeskError(
            _("“%(name)s” is still followed by: %(users)s.", name=str(calendar), users=", ".join(users[:5]))
        )
    db.session.delete(calendar)
    db.session.flush()


def users_of(calendar: Calendar) -> list[str]:
    """The names of the rows that point at it, whichever tables those are."""
    own = Calendar.__table__
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        pointing = [key.parent for key in table.foreign_keys if key.column.table is own]
        if table is not CalendarDate.__table__ and pointing and "name" in table.c:
            wanted = select(table.c.name).where(pointing[0] == calendar.id).order_by(table.c.name)
            found += db.session.scalars(wanted)
    return found


def _week(days: Iterable[str], wrong: dict[str, str]) -> list[list[list[int]]]:
    week: list[list[list[int]]] = []
    for place, (line, day) in enumerate(zip(days, WEEKDAYS, strict=True)):
        try:
            week.append([list(span) for span in written.read(line, str(day))])
        except BadHours as refusal:
            wrong[f"day-{place}"] = str(refusal)
            week.append([])
    return week


def _taken(name: str, calendar: Calendar) -> bool:
    return (
        db.session.scalar(select(Calendar.id).where(Calendar.name == name, Calendar.id != (calendar.id or 0)))
        is not None
    )


def _add(calendar: Calendar) -> None:
    one_at_a_time(Calendar)
    if (db.session.scalar(select(func.count(Calendar.id))) or 0) >= MOST:
        raise Invalid(_("There are %(most)s calendars already. Delete one first.", most=MOST))
    db.session.add(calendar)
    db.session.flush()


def _date(text: str, wrong: dict[str, str]) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        wrong["date"] = _("Please choose a day.")
        return None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        wrong["date"] = _("Please choose a day between %(first)s and %(last)s.", first=FIRST_YEAR, last=LAST_YEAR)
        return None
    return found


def _stands(calendar: Calendar, date: dt.date, every_year: bool) -> bool:
    """The date itself, or its day of every year: one that returns and one that does not are told apart."""
    return any(
        row.falls_on == date
        or (row.every_year and row.each_year_on == (date.month, date.day) and (every_year or row.kind is DateKind.HOLIDAY))
        for row in calendar.dates
    )  # fmt: skip


def _append(calendar: Calendar, dates: list[CalendarDate]) -> None:
    if len(calendar.dates) + len(dates) > MOST_DATES:
        raise Invalid(_("A calendar holds at most %(most)s dates. Remove old ones first.", most=MOST_DATES))
    calendar.dates += dates
    _check(calendar)
    _changed(calendar)


def _check(calendar: Calendar) -> None:
    """Refuse what leaves hardly any working time: whatever is promised would be due in some other century."""
    now = clock.now()
    hours = calendar.hours(calendars.zone_in_use(calendar.zone, desk.current().time_zone))
    if hours.within(now, now + dt.timedelta(days=366)) < LEAST_A_YEAR:
        raise Invalid(
            _(
                "With this there is less than an hour of working time in the coming year. Check the week and its holidays."
            )
        )


def _changed(calendar: Calendar) -> None:
    calendar.version += 1
    db.session.flush()
