"""The report of time spent: of a span of days, by person, customer, organization, ticket, activity, day, week or month."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, case, func, select
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import Viewer
from app.core.filtering import among
from app.core.rows import plain_rows
from app.desk.listing import day as read_day
from app.desk.listing import is_id
from app.tickets.timeentries import TimeEntry
from app.tickets.timefigures import COLUMNS, DAILY, EVERYWHERE, NOBODY, By, TimeFigure
from app.tickets.timespent import today

PAGE = 50
DAYS = 62
"""Days, weeks or months of a page."""
LAST_PAGE = 2_000
LONGEST = dt.timedelta(days=3660)
GROUPS = {
    "agent": _l("Person"), "customer": _l("Customer"), "organization": _l("Organization"), "ticket": _l("Ticket"), "activity": _l("Activity"),
    "day": _l("Day"), "week": _l("Week"), "month": _l("Month"),
}  # fmt: skip
SPANS = {
    "month": _l("This month"), "last_month": _l("Last month"), "quarter": _l("This quarter"), "year": _l("This year"), "last_year": _l("Last year"), "days": _l("From day to day"),
}  # fmt: skip
BILLABLE = {"": _l("All"), "yes": _l("Billable"), "no": _l("Not billable")}
SECONDARY = {"day": 10, "week": 10, "month": 7}
"""Groups of the calendar → letters of the period that they are made of."""


class Row(NamedTuple):
    """`key`: an id, or a day or month as it is written."""

    key: Any
    minutes: int
    billable: int
    entries: int


class Found(NamedTuple):
    rows: list[Row]
    total: Row
    more: bool


@dc.dataclass(frozen=True)
class Asked:
    """What an address asks for. What makes no sense is as if it were not said."""

    by: str = "agent"
    span: str = "month"
    first: dt.date = dt.date(1970, 1, 1)
    last: dt.date = dt.date(1970, 1, 1)
    billable: str = ""
    agent: int | None = None
    page: int = 1

    @classmethod
    def read(cls, given: MultiDict[str, str], viewer: Viewer) -> Asked:
        """Who may not read everybody's reads their own."""
        span = given.get("span", "") if given.get("span", "") in SPANS else "month"
        first, last = _days(span, given)
        agent, page = given.get("agent", ""), given.get("page", "")
        everybody = viewer.can("everybody", "TimeReport")
        return cls(
            given.get("by", "") if given.get("by", "") in GROUPS else "agent" if everybody else "ticket",
            span, first, last, given.get("billable", "") if given.get("billable", "") in BILLABLE else "",
            (int(agent) if is_id(agent) else None) if everybody else viewer.id, min(int(page), LAST_PAGE) if is_id(page) and int(page) else 1,
        )  # fmt: skip

    def address(self, **changes: object) -> str:
        wanted = dc.replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        said: dict[str, object] = {
            "by": wanted.by,
            "span": wanted.span,
            "billable": wanted.billable,
            "agent": wanted.agent,
        }
        if wanted.span == "days":
            said |= {"first": wanted.first, "last": wanted.last}
        if wanted.page > 1:
            said["page"] = wanted.page
        return "?" + urlencode({name: str(value) for name, value in said.items() if value not in ("", None)})


def _days(span: str, given: MultiDict[str, str]) -> tuple[dt.date, dt.date]:
    now = today()
    if span == "days":
        first, last = (_day(given.get(name, ""), now) for name in ("first", "last"))
        first, last = min(first, last), max(first, last)
        return max(first, last - LONGEST), last
    if span in ("year", "last_year"):
        year = now.year - (span == "last_year")
        return dt.date(year, 1, 1), dt.date(year, 12, 31)
    month, months = now.replace(day=1), 1
    if span == "last_month":
        month = (month - dt.timedelta(days=1)).replace(day=1)
    elif span == "quarter":
        month, months = now.replace(month=(now.month - 1) // 3 * 3 + 1, day=1), 3
    end = dt.date(month.year, month.month + months - 1, 1)
    return month, end.replace(day=monthrange(end.year, end.month)[1])


def _day(text: str, otherwise: dt.date) -> dt.date:
    try:
        return read_day(text)
    except (ValueError, OverflowError):
        return otherwise


def find(asked: Asked, viewer: Viewer, whole: bool = False) -> Found:
    """One page of it, or all of it."""
    if asked.by in SECONDARY:
        rows = _joined(asked, [Row(*row) for row in plain_rows(_of_calendar(asked, viewer))])
        first = (asked.page - 1) * DAYS
        return (
            Found(rows, _summed(rows), False)
            if whole
            else Found(rows[first : first + DAYS], _summed(rows), len(rows) > first + DAYS)
        )
    wanted = _ordered(_grouped(asked, viewer))
    if whole:
        rows = [_row(row) for row in plain_rows(wanted)]
        return Found(rows, _summed(rows), False)
    first = (asked.page - 1) * PAGE
    rows = [_row(row) for row in plain_rows(wanted.limit(PAGE + 1).offset(first))]
    more = len(rows) > PAGE
    total = _total(asked, viewer) if more or first else _summed(rows)
    return Found(rows[:PAGE], total, more)


def _row(row: Any) -> Row:
    return Row(row[0] or NOBODY, int(row[1]), int(row[2]), int(row[3]))


def _summed(rows: Iterable[Row]) -> Row:
    minutes = billable = entries = 0
    for row in rows:
        minutes, billable, entries = minutes + row.minutes, billable + row.billable, entries + row.entries
    return Row(None, minutes, billable, entries)


def _total(asked: Asked, viewer: Viewer) -> Row:
    of_all = dc.replace(asked, by=By.ALL.value)
    return _summed(_row(row) for row in plain_rows(_grouped(of_all, viewer)))


def _grouped(asked: Asked, viewer: Viewer) -> Select[Any]:
    """Key, minutes, billable ones, entries."""
    by = By(asked.by)
    periods = _periods(asked)
    if asked.agent is not None or (periods is None and by not in DAILY):
        return _of_entries(asked, viewer, COLUMNS[by])
    within = _periods_are(asked, periods)
    departments = _departments(viewer)
    if periods is not None and len(periods) == len(departments) == 1 and not asked.billable:
        return _kept_in_order(by, departments[0], periods[0])
    minutes = func.sum(_amount(asked, TimeFigure.minutes, TimeFigure.billable_minutes))
    wanted = select(
        TimeFigure.key_id, minutes.label("minutes"), func.sum(_billable(asked)), func.sum(TimeFigure.entries)
    )
    here = (TimeFigure.by == by, TimeFigure.department_id.in_(departments), within)
    return wanted.where(*here).group_by(TimeFigure.key_id).having(minutes > 0)


def _kept_in_order(by: By, department: int, period: str) -> Select[Any]:
    """One row a key: the index has them by their minutes."""
    columns: tuple[Any, ...] = (
        TimeFigure.key_id, TimeFigure.minutes, TimeFigure.billable_minutes, TimeFigure.entries
    )  # fmt: skip
    here = (TimeFigure.by == by, TimeFigure.department_id == department, TimeFigure.period == period)
    return select(*columns).where(*here, TimeFigure.minutes > 0)


def _ordered(wanted: Select[Any]) -> Select[Any]:
    key, minutes = list(wanted.selected_columns)[:2]
    return wanted.order_by(minutes.desc(), key.desc())


def _of_calendar(asked: Asked, viewer: Viewer) -> Select[Any]:
    """By day or month, the newest first."""
    if asked.agent is not None:
        return _of_entries(asked, viewer, TimeEntry.spent_on).order_by(TimeEntry.spent_on.desc())
    periods = _periods(asked) if asked.by == "month" else None
    months = None if periods is None else [f"{period}-{month:02}" for period in periods for month in range(1, 13)] if len(periods[0]) == 4 else periods  # fmt: skip
    minutes = func.sum(_amount(asked, TimeFigure.minutes, TimeFigure.billable_minutes))
    wanted = select(TimeFigure.period, minutes, func.sum(_billable(asked)), func.sum(TimeFigure.entries)).where(
        TimeFigure.by == By.ALL, TimeFigure.department_id.in_(_departments(viewer)), _periods_are(asked, months)
    )  # fmt: skip
    return wanted.group_by(TimeFigure.period).having(minutes > 0).order_by(TimeFigure.period.desc())


def _joined(asked: Asked, rows: Sequence[Row]) -> list[Row]:
    """Days as weeks, by their Monday, or as months."""
    sums: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        written = row.key if isinstance(row.key, str) else row.key.isoformat()
        if asked.by == "month":
            key = written[:7]
        elif asked.by == "week":
            on = dt.date.fromisoformat(written)
            key = (on - dt.timedelta(days=on.weekday())).isoformat()
        else:
            key = written
        sums[key].append(row)
    return [_summed(several)._replace(key=key) for key, several in sums.items()]


def _of_entries(asked: Asked, viewer: Viewer, key: Any) -> Select[Any]:
    """One person's time, or a span that begins or ends within a month: counted from the entries themselves."""
    paid = case((TimeEntry.billable, TimeEntry.minutes), else_=0)
    minutes = func.sum(TimeEntry.minutes)
    wanted = select(key, minutes.label("minutes"), func.sum(paid), func.count())
    criteria: list[ColumnElement[bool]] = [TimeEntry.spent_on.between(asked.first, asked.last)]
    if asked.agent is not None:
        criteria.append(TimeEntry.staff_id == asked.agent)
    if asked.agent != viewer.id and viewer.departments:
        criteria.append(among(TimeEntry.department_id, viewer.departments))
    if asked.billable:
        criteria.append(TimeEntry.billable.is_(asked.billable == "yes"))
    return wanted.where(*criteria).group_by(key)


def _periods(asked: Asked) -> list[str] | None:
    """Whole years or months that make the span; None: days."""
    first, last = asked.first, asked.last
    if first.day != 1 or last.day != monthrange(last.year, last.month)[1]:
        return None
    if first.month == 1 and last.month == 12:
        return [str(year) for year in range(first.year, last.year + 1)]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{month // 12}-{month % 12 + 1:02}" for month in months]


def _periods_are(asked: Asked, periods: list[str] | None) -> ColumnElement[bool]:
    if periods is not None:
        return TimeFigure.period.in_(periods)
    within = TimeFigure.period.between(asked.first.isoformat(), asked.last.isoformat())
    return within & (func.length(TimeFigure.period) == 10)


def _departments(viewer: Viewer) -> list[int]:
    return sorted(viewer.departments) or [EVERYWHERE]


def _amount(asked: Asked, minutes: Any, billable: Any) -> Any:
    return {"": minutes, "yes": billable, "no": minutes - billable}[asked.billable]


def _billable(asked: Asked) -> Any:
    return TimeFigure.billable_minutes * (0 if asked.billable == "no" else 1)
