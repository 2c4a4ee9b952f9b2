"""Sums of whole weeks and months, made of the days when they are over: a year reads a few hundred rows instead of tens of thousands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Table, delete, func, insert, literal, select

from app.core.extensions import db
from app.core.model import Base
from app.reports.daily import DailyAgentFigure, DailyFigure
from app.reports.sums import DailyDuration, DailyPromise, Kind, SummedSpan, summed

DAILY: tuple[type[Base], ...] = (DailyFigure, DailyAgentFigure, DailyDuration, DailyPromise)
SUMMED: dict[str, Table] = {table.__tablename__: summed(table) for table in DAILY}
WEEK = dt.timedelta(days=7)


def start_of(kind: Kind, day: dt.date) -> dt.date:
    """The Monday, or the first of the month."""
    return day.replace(day=1) if kind is Kind.MONTH else day - dt.timedelta(days=day.weekday())


def next_after(kind: Kind, start: dt.date) -> dt.date:
    return start_of(kind, start + dt.timedelta(days=31)) if kind is Kind.MONTH else start + WEEK


def starts(kind: Kind, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Of all spans that have one of these days."""
    start = start_of(kind, first)
    while start <= last:
        yield start
        start = next_after(kind, start)


def forget(first: dt.date, last: dt.date) -> None:
    """The sums of these days changed: their weeks and months are read from the days until they are summed up again."""
    for kind in Kind:
        touched = SummedSpan.starts_on.between(start_of(kind, first), last)
        db.session.execute(delete(SummedSpan).where(SummedSpan.kind == kind, touched))


def sum_up(kind: Kind, start: dt.date) -> None:
    """Sum this week or month, which is over, from its days. Does not commit."""
    last = next_after(kind, start) - dt.timedelta(days=1)
    for daily in DAILY:
        days, sums = daily.__table__, SUMMED[daily.__tablename__]
        keys = [each for each in days.columns if each.primary_key and each.name != "day"]
        added = [each for each in days.columns if not each.primary_key]
        names = ["kind", "starts_on", *(each.name for each in (*keys, *added))]
        wanted = select(literal(int(kind)), literal(start), *keys, *(func.sum(each) for each in added))
        wanted = wanted.where(days.c.day.between(start, last)).group_by(*keys)
        db.session.execute(delete(sums).where(sums.c.kind == int(kind), sums.c.starts_on == start))
        db.session.execute(insert(sums).from_select(names, wanted))
    db.session.merge(SummedSpan(kind=int(kind), starts_on=start))


def missing(today: dt.date) -> Iterator[tuple[Kind, dt.date]]:
    """The months and weeks since the desk's first day that are over and not summed, the oldest first."""
    first = db.session.scalar(select(func.min(DailyFigure.day)))
    if first is None:
        return
    for kind in (Kind.MONTH, Kind.WEEK):
        there = set(db.session.scalars(select(SummedSpan.starts_on).where(SummedSpan.kind == int(kind))))
        for start in starts(kind, first, today):
            if start not in there and next_after(kind, start) <= today:
                yield kind, start
