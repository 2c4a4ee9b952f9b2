"""What a report shows: numbers, charts and tables, said in the reader's language, and the plain values that an export writes."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from babel.dates import format_date
from babel.numbers import format_percent

from app.accounts.viewer import Viewer
from app.core import web
from app.core.words import language
from app.core.words import said as _
from app.desk.lookups import Lookups
from app.desk.promise import lasting
from app.desk.reportsasked import Asked, Grain
from app.reports import reading
from app.reports.reading import Summed, Values
from app.reports.sums import By, Kind

BARS = 12


class Cell(NamedTuple):
    """One field of a table: what is read, the plain value of an export, and the list behind it."""

    words: str
    value: str | int | float | None
    href: str | None = None


class Table(NamedTuple):
    name: str
    """In the address of its export."""
    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    prose: bool = False
    """Its cells are words and no numbers."""


class Number(NamedTuple):
    """One figure above the charts, and how it changed against the period before."""

    label: str
    value: str
    detail: str = ""
    change: str | None = None
    good: bool | None = None
    href: str | None = None


class Chart(NamedTuple):
    name: str
    title: str
    numbers: dict[str, Any]
    head: str


@dc.dataclass(frozen=True)
class Section:
    numbers: Sequence[Number] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    note: str = ""


@dc.dataclass(frozen=True)
class Report:
    """Who reads what: the way of every section to the sums."""

    viewer: Viewer
    asked: Asked
    names: Lookups
    today: dt.date

    @cached_property
    def departments(self) -> tuple[int, ...]:
        """None means all; somebody else's is nobody's, which no row ever has."""
        own = self.viewer.departments
        if self.asked.department is None:
            return tuple(sorted(own))
        return (self.asked.department,) if not own or self.asked.department in own else (-1,)

    @cached_property
    def summed(self) -> Summed:
        return Summed.between(self.asked.period.before_first, self.asked.period.last)

    def filed(self, *names: str) -> Values:
        """The criteria of the ticket's own filing that the address asks for."""
        columns = {"category": "category_id", "priority": "priority_rank"}
        return {"departments": self.departments} | {columns[name]: getattr(self.asked, name) for name in names}

    def totals(self, table: str, keys: tuple[str, ...], columns: tuple[str, ...], wanted: Values) -> Sequence[tuple[Any, ...]]:  # fmt: skip
        period = self.asked.period
        parts = self.summed.parts(Kind.MONTH, period.first, period.last)
        return reading.sums(table, keys, columns, parts, wanted)

    def before(self, table: str, keys: tuple[str, ...], columns: tuple[str, ...], wanted: Values) -> Sequence[tuple[Any, ...]]:  # fmt: skip
        """The same of the period that this one is compared with."""
        period = self.asked.period
        parts = self.summed.parts(Kind.MONTH, period.before_first, period.before_last)
        return reading.sums(table, keys, columns, parts, wanted)

    def steps(self, table: str, keys: tuple[str, ...], columns: tuple[str, ...], wanted: Values) -> dict[dt.date, list[tuple[Any, ...]]]:  # fmt: skip
        """Step -> (keys…, sums…), of which a step at the edge may have several with the same keys."""
        period, kind = self.asked.period, self.asked.grain.kind
        parts = self.summed.parts(kind, period.first, period.last)
        found: dict[dt.date, list[tuple[Any, ...]]] = {start: [] for start in period.steps(self.asked.grain)}
        for day, *row in reading.sums(table, ("day", *keys), columns, parts, wanted):
            found[reading.step_of(kind, day)].append(tuple(row))
        return found

    @cached_property
    def labels(self) -> list[str]:
        period = self.asked.period
        years = period.first.year != period.last.year or period.last.year != self.today.year
        return [step_label(self.asked.grain, start, years) for start in period.steps(self.asked.grain)]

    @property
    def step_head(self) -> str:
        return {Grain.DAY: _("Day"), Grain.WEEK: _("Week of"), Grain.MONTH: _("Month")}[self.asked.grain]

    @property
    def departments_offered(self) -> list[tuple[int, str]]:
        own = self.viewer.departments
        return [(row.id, row.name) for row in self.names.all("department") if not own or row.id in own]

    def offered(self, kind: str) -> list[tuple[int, str]]:
        """What the form can narrow to, with what left the desk: its past figures are there."""
        if kind == "priority":
            return [(row.place, row.name) for row in self.names.all(kind)]
        none = [(0, _("No category"))] if kind == "category" else []
        return [*((row.id, row.name) for row in self.names.all(kind)), *none]

    @property
    def threads(self) -> str:
        """The export of the list behind this period."""
        period = self.asked.period
        return self.asked.list_of(period.first, period.last).replace("/admin/tickets/", "/admin/tickets/export.zip", 1)

    def day(self, day: dt.date) -> str:
        return _written(day, _("d MMM yyyy"), language())

    def name(self, kind: str, key: int) -> str:
        """Of a category, a priority's rank or a person."""
        if kind == "category":
            return self.names.name("category", key) or (_("No category") if key == 0 else _("Deleted category"))
        if kind == "priority":
            return next((row.name for row in self.names.all("priority") if row.place == key), str(key))
        return self.names.name("person", key) or (_("Customers and the desk itself") if key == 0 else _("Somebody"))


NAMED = {By.CATEGORY: "category", By.PRIORITY: "priority", By.PERSON: "person"}


def added(rows: Iterable[tuple[Any, ...]], width: int) -> list[int]:
    """Column by column, over the last `width` of each row."""
    sums = [0] * width
    for row in rows:
        for place, amount in enumerate(row[len(row) - width :]):
            sums[place] += amount
    return sums


def spans_of(rows: Iterable[tuple[Any, ...]]) -> Counter[int]:
    """(…, span, tickets) -> tickets of each span."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts[row[-2]] += row[-1]
    return counts


def step_label(grain: Grain, start: dt.date, years: bool) -> str:
    return _written(start, "MMM yyyy", language()) if grain is Grain.MONTH else _written(start, _("d MMM yyyy"), language()) if years else web.day(start)  # fmt: skip


def month_label(month: dt.date) -> str:
    return _written(month, "MMMM yyyy", language())


@lru_cache(10_000)
def _written(day: dt.date, pattern: str, language: str) -> str:
    return str(format_date(day, pattern, locale=language))


def count(number: int, href: str | None = None) -> Cell:
    return Cell(web.decimal(number, 0), number, href if number else None)


def words(text: str, href: str | None = None) -> Cell:
    return Cell(text, text, href)


def time(seconds: float | None) -> Cell:
    """Read as 2d 3h, exported in minutes."""
    if seconds is None:
        return Cell("–", None)
    return Cell(lasting(dt.timedelta(seconds=round(seconds))), round(seconds / 60, 1))


def mean(seconds: int, tickets: int) -> Cell:
    return time(seconds / tickets if tickets else None)


def share(part: int, whole: int) -> Cell:
    """Read as 87 %, exported as 0.87."""
    return Cell(percent(part / whole), round(part / whole, 4)) if whole else Cell("–", None)


def percent(share: float) -> str:
    return _percent(round(share, 2), language())


@lru_cache(1024)
def _percent(share: float, language: str) -> str:
    return str(format_percent(share, "#,##0 %" if language in ("de", "fr") else "#,##0%", locale=language))


def counted(label: str, now: int, before: int, more_is_good: bool | None = None, href: str | None = None) -> Number:
    if not before or now == before:
        detail = _("as in the period before") if now == before else _("none in the period before")
        return Number(label, web.decimal(now, 0), detail, href=href)
    part = percent(abs(now - before) / before)
    change = _("%(part)s more", part=part) if now > before else _("%(part)s less", part=part)
    good = None if more_is_good is None else (now > before) is more_is_good
    return Number(label, web.decimal(now, 0), _("than in the period before"), change, good, href)


def timed(label: str, now: float | None, before: float | None) -> Number:
    """Shorter is better."""
    if now is None or before is None or abs(now - before) < 60:
        return Number(label, time(now).words, _("as in the period before") if now is not None and before is not None else "")  # fmt: skip
    span = time(abs(now - before)).words
    change = _("%(time)s less", time=span) if now < before else _("%(time)s more", time=span)
    return Number(label, time(now).words, _("than in the period before"), change, now < before)


def rated(label: str, now: tuple[int, int], before: tuple[int, int], href: str | None = None) -> Number:
    """(met, missed)"""
    if not sum(now):
        return Number(label, "–", _("nothing was promised"), href=href)
    rate, earlier = now[0] / sum(now), before[0] / sum(before) if sum(before) else None
    if earlier is None or round(rate * 100) == round(earlier * 100):
        return Number(label, percent(rate), _("as in the period before") if earlier is not None else "", href=href)
    points = web.decimal(abs(round(rate * 100) - round(earlier * 100)), 0)
    change = _("%(n)s points more", n=points) if rate > earlier else _("%(n)s points less", n=points)
    return Number(label, percent(rate), _("than in the period before"), change, rate > earlier, href)


def series(label: str, numbers: Sequence[float | None], color: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "data": list(numbers), "color": color, **more}


def ranked(rows: Mapping[int, int], name: Callable[[int], str]) -> list[tuple[int, str, int]]:
    """(key, name, number), the largest first."""
    named = [(key, name(key), number) for key, number in rows.items()]
    return sorted(named, key=lambda row: (-row[2], row[1].casefold()))
