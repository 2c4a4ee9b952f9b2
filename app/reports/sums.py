"""What reports add up beside the figures of a day: durations and promises by what they were of, whole weeks and months, and words that are written more often."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import Column, Integer, Table
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.model import Base, BigId, intpk


class By(enum.IntEnum):
    """What a sum is of: its `value` is a category, a priority's rank or a person, or 0 for all. Not all three at once: the rows stay few.
    It comes first in the keys, so that sums of all need not be looked for among the others."""

    ALL = 0
    CATEGORY = 1
    PRIORITY = 2
    PERSON = 3


class DailyDuration(Base):
    """How many tickets took how long (waits.py): what medians are read from. Each ticket counts once in all, once in its category and once in its priority."""

    __tablename__ = "daily_duration"

    by: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    value: Mapped[int] = mapped_column(BigId, primary_key=True)
    span: Mapped[int] = mapped_column(primary_key=True)
    resolved: Mapped[int] = mapped_column(default=0, server_default="0")
    first_responses: Mapped[int] = mapped_column(default=0, server_default="0")


class DailyPromise(Base):
    """Promises kept, on the day they were, and broken, on the day they were due. The person is the ticket's assignee."""

    __tablename__ = "daily_promise"

    by: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    value: Mapped[int] = mapped_column(BigId, primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    met: Mapped[int] = mapped_column(default=0, server_default="0")
    missed: Mapped[int] = mapped_column(default=0, server_default="0")


class Kind(enum.IntEnum):
    """Spans of days whose sums are kept."""

    WEEK = 1
    MONTH = 2


class SummedSpan(Base):
    """This week or month is over and summed up."""

    __tablename__ = "summed_span"

    kind: Mapped[int] = mapped_column(primary_key=True)
    starts_on: Mapped[dt.date] = mapped_column(primary_key=True)


class TrendWord(Base):
    """How many tickets of the last days said a word, and how many of as many days before."""

    __tablename__ = "trend_word"

    id: Mapped[intpk]
    days: Mapped[int] = mapped_column(index=True)
    last_on: Mapped[dt.date]
    """The last of these days."""
    department_id: Mapped[int] = mapped_column(BigId)
    word: Mapped[str]
    tickets: Mapped[int]
    before: Mapped[int]


class SummaryMailed(Base):
    """Somebody was sent the summary of a month: the row is inserted by whoever sends it, and only one can."""

    __tablename__ = "summary_mailed"

    month: Mapped[dt.date] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)


def summed(daily: type[Base]) -> Table:
    """The same columns of whole weeks and months."""
    plain = daily.__table__
    columns = [Column("kind", Integer, primary_key=True, autoincrement=False)]
    for each in plain.columns:
        name, sums = ("starts_on" if each.name == "day" else each.name), None if each.primary_key else "0"
        columns.append(
            Column(
                name, each.type, primary_key=each.primary_key, nullable=False, autoincrement=False, server_default=sums
            )
        )
    return Table(plain.name.replace("daily_", "summed_"), Base.metadata, *columns)  # type: ignore[attr-defined]
