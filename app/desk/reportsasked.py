"""A report as its address asks for it: period, steps, and what it is of. What makes no sense is said, and the usual is shown."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l

from app.core.words import said as _
from app.desk import listing
from app.reports import spans
from app.reports.sums import Kind

MOST_DAYS = 3_653
"""Ten years with their leap days."""
USUAL_DAYS = 30
LONGEST = 40
"""Characters of a value that are read, and said again when they are wrong."""


class Preset(enum.StrEnum):
    DAYS = "days"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_QUARTER = "this_quarter"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"
    RANGE = "range"


PRESETS = {
    Preset.DAYS: _l("Last days"), Preset.THIS_WEEK: _l("This week"), Preset.LAST_WEEK: _l("Last week"), Preset.THIS_MONTH: _l("This month"), Preset.LAST_MONTH: _l("Last month"), Preset.THIS_QUARTER: _l("This quarter"),
    Preset.LAST_QUARTER: _l("Last quarter"), Preset.THIS_YEAR: _l("This year"), Preset.LAST_YEAR: _l("Last year"), Preset.RANGE: _l("From a day to a day"),
}  # fmt: skip


class Grain(enum.StrEnum):
    """The steps in which a period is shown."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def kind(self) -> Kind | None:
        """Whose sums are read."""
        return {Grain.WEEK: Kind.WEEK, Grain.MONTH: Kind.MONTH}.get(self)


GRAINS = {Grain.DAY: _l("Days"), Grain.WEEK: _l("Weeks"), Grain.MONTH: _l("Months")}
MOST_OF = {Grain.DAY: 92, Grain.WEEK: 735, Grain.MONTH: MOST_DAYS}
"""Days that are shown in such steps; beyond that in longer ones."""
USUAL_OF = {Grain.DAY: 31, Grain.WEEK: 120, Grain.MONTH: MOST_DAYS}


@dc.dataclass(frozen=True)
class Period:
    """From day to day, both included, and what it is compared with."""

    first: dt.date
    last: dt.date
    before_first: dt.date
    before_last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @classmethod
    def plain(cls, first: dt.date, last: dt.date) -> Period:
        """Compared with as many days just before."""
        return cls(first, last, first - (last - first) - dt.timedelta(days=1), first - dt.timedelta(days=1))

    @classmethod
    def unit(cls, start: dt.date, months: int, today: dt.date) -> Period:
        """A month, quarter or year, as far as it has come; compared with as much of the one before."""
        last = min(_months_on(start, months) - dt.timedelta(days=1), today)
        whole = last < today or _months_on(start, months) == today + dt.timedelta(days=1)
        before, before_end = _months_on(start, -months), start - dt.timedelta(days=1)
        return cls(start, last, before, before_end if whole else min(before + (last - start), before_end))

    def steps(self, grain: Grain) -> list[dt.date]:
        """The day, the Monday or the first of the month with which each begins."""
        if grain.kind is not None:
            return list(spans.starts(grain.kind, self.first, self.last))
        return [self.first + dt.timedelta(days=n) for n in range(self.days)]

    def step_of(self, grain: Grain, start: dt.date) -> tuple[dt.date, dt.date]:
        """Its days within the period."""
        if grain.kind is None:
            return start, start
        return max(start, self.first), min(spans.next_after(grain.kind, start) - dt.timedelta(days=1), self.last)


def _months_on(start: dt.date, months: int) -> dt.date:
    count = start.year * 12 + start.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


@dc.dataclass(frozen=True)
class Asked:
    period: Period
    grain: Grain
    preset: Preset = Preset.DAYS
    department: int | None = None
    category: int | None = None
    priority: int | None = None
    """The rank."""
    agent: int | None = None
    trend: int = 30
    typed: Mapping[str, str] = dc.field(default_factory=dict)
    """As it stood in the address, right or wrong: the form says it again."""
    wrong: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Mapping[str, str], today: dt.date) -> Asked:
        typed = {name: text for name in NAMES if (text := given.get(name, "").strip()[:LONGEST])}
        wrong: list[str] = []
        preset = _one_of(Preset, typed.get("period", ""), wrong) or Preset.DAYS
        period = _period(preset, typed, today, wrong)
        numbers = {
            name: _number(typed.get(name, ""), wrong) for name in ("department", "category", "priority", "agent")
        }
        trend = typed.get("trend", "30")
        return cls(
            period, _grain(typed, period, wrong), preset, **numbers,
            trend=int(trend) if trend in ("7", "30", "90") else 30, typed=typed, wrong=tuple(wrong),
        )  # fmt: skip

    def address(self, **changes: object) -> str:
        """The query string with some values changed."""
        said = {**self.typed, **{name: str(value) for name, value in changes.items()}}
        return "?" + urlencode({name: value for name, value in said.items() if value}) if said else ""

    def list_of(self, first: dt.date, last: dt.date, **more: object) -> str:
        """The list of the tickets that were opened on these days."""
        filed = {"department": self.department, "category": self.category, "priority": self.priority}
        said = {"view": "everything", "created_from": first, "created_to": last, **filed, **more}
        return "/admin/tickets/?" + urlencode({name: str(value) for name, value in said.items() if value is not None})


NAMES = ("period", "n", "from", "to", "grain", "department", "category", "priority", "agent", "trend")


def _period(preset: Preset, typed: Mapping[str, str], today: dt.date, wrong: list[str]) -> Period:
    if preset is Preset.RANGE:
        return _range(typed, wrong) or _last(USUAL_DAYS, today)
    if preset is Preset.DAYS:
        return _last(_count(typed.get("n", ""), wrong), today)
    if preset in (Preset.THIS_WEEK, Preset.LAST_WEEK):
        monday = spans.start_of(Kind.WEEK, today)
        week = dt.timedelta(days=7)
        if preset is Preset.LAST_WEEK:
            return Period.plain(monday - week, monday - dt.timedelta(days=1))
        return Period(monday, today, monday - week, today - week)
    months = {"month": 1, "quarter": 3, "year": 12}[preset.value.partition("_")[2]]
    start = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    return Period.unit(start if preset.value.startswith("this") else _months_on(start, -months), months, today)


def _last(days: int, today: dt.date) -> Period:
    return Period.plain(today - dt.timedelta(days=days - 1), today)


def _count(text: str, wrong: list[str]) -> int:
    if not text:
        return USUAL_DAYS
    if listing.is_id(text) and 1 <= int(text) <= MOST_DAYS:
        return int(text)
    wrong.append(_("“%(given)s” is no number of days from 1 to %(most)s.", given=text, most=MOST_DAYS))
    return USUAL_DAYS


def _range(typed: Mapping[str, str], wrong: list[str]) -> Period | None:
    first, last = (_day(typed.get(name, ""), wrong) for name in ("from", "to"))
    if first is None or last is None:
        return None
    if last < first:
        wrong.append(_("The period ends before it begins."))
        return None
    if (last - first).days >= MOST_DAYS:
        wrong.append(_("A period has at most ten years."))
        return None
    return Period.plain(first, last)


def _day(text: str, wrong: list[str]) -> dt.date | None:
    try:
        return listing.day(text)
    except ValueError:
        wrong.append(_("“%(given)s” is no date.", given=text) if text else _("Please give both days of the period."))
        return None


def _grain(typed: Mapping[str, str], period: Period, wrong: list[str]) -> Grain:
    chosen = _one_of(Grain, typed.get("grain", ""), wrong)
    if chosen is None:
        return next(grain for grain, most in USUAL_OF.items() if period.days <= most)
    fitting = next(each for each in Grain if list(Grain).index(each) >= list(Grain).index(chosen) and period.days <= MOST_OF[each])  # fmt: skip
    if fitting is not chosen:
        wrong.append(_("This is a long time: it is shown in longer steps."))
    return fitting


def _one_of(kind: Any, text: str, wrong: list[str]) -> Any:
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        wrong.append(_("“%(given)s” is nothing to choose here.", given=text))
        return None


def _number(text: str, wrong: list[str]) -> int | None:
    if not text:
        return None
    if not listing.is_id(text):
        wrong.append(_("“%(given)s” is nothing to choose here.", given=text))
        return None
    return int(text)
