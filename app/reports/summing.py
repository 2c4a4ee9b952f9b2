"""Brings what reports read up to date: promises of the last days, weeks and months that are over, and months of before there were such sums."""

from __future__ import annotations

import datetime as dt
from itertools import islice

from sqlalchemy import func, select

from app.core.extensions import db
from app.core.model import Base
from app.reports import promises, recount, spans
from app.reports.daily import DailyFigure
from app.reports.sums import DailyDuration, DailyPromise, Kind

A_TURN = 30
"""Weeks and months at a time; an old desk catches up within a few turns."""
RECENT_DAYS, MOST_DAYS = 2, 35


def bring_up(today: dt.date, most: int | None = A_TURN) -> int:
    """Commits after each, as each may be thousands of rows. How many weeks and months were summed."""
    promises.count(_uncounted_since(today), today)
    db.session.commit()
    done = 0
    for kind, start in islice(list(spans.missing(today)), most):
        last = spans.next_after(kind, start) - dt.timedelta(days=1)
        if kind is Kind.MONTH:
            _count_what_was_never_counted(start, last)
        spans.sum_up(kind, start)
        db.session.commit()
        done += 1
    return done


def _uncounted_since(today: dt.date) -> dt.date:
    """Two days, or more when nobody counted for longer; what lies further back is the nightly counting's, or its month's."""
    latest = db.session.scalar(select(func.max(DailyPromise.day)))
    recent = today - dt.timedelta(days=RECENT_DAYS - 1)
    return max(min(latest or dt.date.min, recent), today - dt.timedelta(days=MOST_DAYS - 1))


def _count_what_was_never_counted(first: dt.date, last: dt.date) -> None:
    """Days from before these sums were kept."""
    if _some(DailyFigure, first, last) and not _some(DailyDuration, first, last):
        recount.recount(first, last)
    if not _some(DailyPromise, first, last):
        promises.count(first, last)


def _some(table: type[Base], first: dt.date, last: dt.date) -> bool:
    day = table.__table__.c.day
    return db.session.scalar(select(day).where(day.between(first, last)).limit(1)) is not None
