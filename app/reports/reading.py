"""Reads sums of days, weeks and months for a period: whole months and weeks from their own sums, what is left from the days."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Executable, bindparam, func, select, union_all

from app.core.rows import plain_rows
from app.reports.spans import DAILY, SUMMED, next_after, start_of
from app.reports.sums import Kind, SummedSpan

DAYS = {table.__tablename__: table.__table__ for table in DAILY}
LATEST = dt.timedelta(days=1)
Values = Mapping[str, object]


@dc.dataclass(frozen=True)
class Summed:
    """Which weeks and months are summed up."""

    starts: Mapping[Kind, frozenset[dt.date]]

    @classmethod
    def between(cls, first: dt.date, last: dt.date) -> Summed:
        rows = plain_rows(_SPANS, {"first": first, "last": last})
        return cls({kind: frozenset(start for each, start in rows if each == kind) for kind in Kind})

    def parts(self, kind: Kind | None, first: dt.date, last: dt.date) -> Parts:
        """The longest run of whole spans among these days, and the days before and after it."""
        if kind is None:
            return Parts(0, last, first, first, last, last + LATEST, last)
        best: list[dt.date] = []
        run: list[dt.date] = []
        for start in sorted(each for each in self.starts[kind] if first <= each <= last):
            if next_after(kind, start) <= last + LATEST:
                run = [*run, start] if run and next_after(kind, run[-1]) == start else [start]
                best = run if len(run) > len(best) else best
        if not best:
            return self.parts(None, first, last)
        after = next_after(kind, best[-1])
        return Parts(int(kind), best[0], best[-1], first, best[0] - LATEST, after, last)


@dc.dataclass(frozen=True)
class Parts:
    """From span to span, from day to day before them, and from day to day after them. A part may be empty: its end is before its beginning."""

    kind: int
    span_first: dt.date
    span_last: dt.date
    head_first: dt.date
    head_last: dt.date
    tail_first: dt.date
    tail_last: dt.date


_SPANS = select(SummedSpan.kind, SummedSpan.starts_on).where(
    SummedSpan.starts_on.between(bindparam("first"), bindparam("last"))
)


def sums(
    table: str, keys: tuple[str, ...], columns: tuple[str, ...], parts: Parts, wanted: Values
) -> Sequence[tuple[Any, ...]]:
    """(keys…, sums…) of a daily table. `day` among the keys is the day, or the first of the week or month.

    `wanted`: column -> value that it must have; `departments` -> those that count, of which none means all; `by` -> what the sums are of.
    """
    asked = {name: value for name, value in wanted.items() if value is not None and value != ()}
    rows = plain_rows(_statement(table, keys, columns, frozenset(asked)), {**dc.asdict(parts), **asked})
    width = len(keys)
    return [(*row[:width], *(int(amount or 0) for amount in row[width:])) for row in rows]


@cache
def _statement(table: str, keys: tuple[str, ...], columns: tuple[str, ...], asked: frozenset[str]) -> Executable:
    """Statements are built once: composing one costs several times what it costs to run."""
    spans, days = SUMMED[table], DAYS[table]
    of_spans = [spans.c.kind == bindparam("kind"), spans.c.starts_on.between(_day("span_first"), _day("span_last"))]
    arms = [_arm(spans, "starts_on", keys, columns, [*of_spans, *_asked(spans, asked)])]
    for part in ("head", "tail"):
        within = days.c.day.between(_day(f"{part}_first"), _day(f"{part}_last"))
        arms.append(_arm(days, "day", keys, columns, [within, *_asked(days, asked)]))
    found = union_all(*arms).subquery().c
    kept = [found[name] for name in keys]
    return select(*kept, *(func.sum(found[name]) for name in columns)).group_by(*kept)


def _day(name: str) -> Any:
    return bindparam(name, type_=Date)


def _arm(
    table: Any, day: str, keys: tuple[str, ...], columns: tuple[str, ...], criteria: list[ColumnElement[bool]]
) -> Any:
    """Added up in each arm first: the union then is a few rows."""
    kept = [table.c[day].label("day") if name == "day" else table.c[name] for name in keys]
    added = [func.sum(table.c[name]).label(name) for name in columns]
    return select(*kept, *added).where(*criteria).group_by(*kept)


def _asked(table: Any, asked: frozenset[str]) -> list[ColumnElement[bool]]:
    some = {"departments": table.c.department_id, "by": table.c.get("by")}
    return [
        some[name].in_(bindparam(name, expanding=True)) if name in some else table.c[name] == bindparam(name)
        for name in sorted(asked)
    ]


def step_of(kind: Kind | None, day: dt.date) -> dt.date:
    """The day itself, or with which day its week or month begins."""
    return day if kind is None else start_of(kind, day)
