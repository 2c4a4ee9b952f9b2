"""Calendars as an admin keeps them: a week, a time zone, and the dates that differ."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.core.model import Base, BigId, intpk
from app.core.shipped import shown
from app.hours.business import BusinessHours
from app.hours.spans import Spans

Written = list[list[int]]
"""Spans as JSON keeps them."""


class DateKind(enum.StrEnum):
    HOLIDAY = "holiday"
    HOURS = "hours"


class Calendar(Base):
    """When somebody works. A department may have its own; all others follow the standard one."""

    __tablename__ = "calendar"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    zone: Mapped[str | None]
    """Empty: the desk's, also when that changes."""
    week: Mapped[list[Written]] = mapped_column(JSON)
    """Seven days from Monday, each with its spans in minutes since midnight."""
    standard: Mapped[bool] = mapped_column(default=False)
    """Exactly one: it holds where no other was chosen, and cannot go."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts its changes, with those of its dates."""

    dates: Mapped[list[CalendarDate]] = relationship(
        back_populates="calendar",
        order_by="CalendarDate.falls_on, CalendarDate.id",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    departments: Mapped[list[Department]] = relationship(Department, backref="calendar", passive_deletes="all")

    def __str__(self) -> str:
        return shown(self.name)

    @property
    def days(self) -> tuple[Spans, ...]:
        return tuple(spans_of(day) for day in self.week)

    def hours(self, zone: str) -> BusinessHours:
        """What the rows say, for arithmetic. `zone` is the one to use, whatever is written here."""
        holidays = [date for date in self.dates if date.kind is DateKind.HOLIDAY]
        others = [date for date in self.dates if date.kind is DateKind.HOURS]
        return BusinessHours(
            week=self.days,
            zone=zone,
            holidays=frozenset(date.falls_on for date in holidays if not date.every_year),
            annual_holidays=frozenset(date.each_year_on for date in holidays if date.every_year),
            shifts={date.falls_on: date.open for date in others if not date.every_year},
            annual_shifts={date.each_year_on: date.open for date in others if date.every_year},
        )


class CalendarDate(Base):
    """A date that differs from its weekday: closed, or open at other hours. A date stands in a calendar once."""

    __tablename__ = "calendar_date"
    __table_args__ = (UniqueConstraint("calendar_id", "falls_on"),)

    id: Mapped[intpk]
    calendar_id: Mapped[int] = mapped_column(BigId, ForeignKey("calendar.id", ondelete="CASCADE"))
    falls_on: Mapped[dt.date]
    every_year: Mapped[bool] = mapped_column(default=False)
    """On this day and month, before and after as well."""
    kind: Mapped[DateKind]
    name: Mapped[str] = mapped_column(default="")
    spans: Mapped[Written] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(default="")
    """Where it was taken from, such as DE-BY; empty: somebody typed it."""

    calendar: Mapped[Calendar] = relationship(back_populates="dates")

    def __str__(self) -> str:
        return f"{self.falls_on} {self.name}".strip()

    @property
    def open(self) -> Spans:
        return spans_of(self.spans)

    @property
    def each_year_on(self) -> tuple[int, int]:
        return self.falls_on.month, self.falls_on.day


def spans_of(written: Written) -> Spans:
    return tuple((opens, closes) for opens, closes in written)
