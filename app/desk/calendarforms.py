"""A calendar as its forms say it: lines of hours, a date that differs, and which public holidays are asked for."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Iterable, Mapping

from app.core.words import language
from app.hours import keeping, publicholidays, written
from app.hours.keeping import Given, GivenDate
from app.hours.models import Calendar

USUAL = ("09:00–17:00",) * 5 + ("", "")
COPIES = {0: range(1, 5), 1: range(2, 5), 2: range(3, 5), 3: range(4, 5), 5: range(6, 7)}
"""A day's hours copied to the weekdays after it, or Saturday's to Sunday."""
LONGEST_LINE = 200
YEARS_AHEAD = 5


def read(form: Mapping[str, str]) -> Given:
    days = tuple(_line(form, f"day-{place}", LONGEST_LINE) for place in range(7))
    return Given(_line(form, "name", keeping.LONGEST_NAME + 1), _line(form, "zone", 64), days)


def of(calendar: Calendar) -> Given:
    return Given(calendar.name, calendar.zone or "", tuple(written.shown(spans) for spans in calendar.days))


def copied(given: Given, deed: str) -> Given:
    """`deed` says the day, as the button that was pressed does."""
    place = deed.removeprefix("copy-")
    if not (place.isascii() and place.isdigit() and len(place) == 1 and int(place) in COPIES):
        return given
    days = tuple(given.days[int(place)] if at in COPIES[int(place)] else line for at, line in enumerate(given.days))
    return dc.replace(given, days=days)


def date(form: Mapping[str, str]) -> GivenDate:
    return GivenDate(
        _line(form, "date", 20), _line(form, "holiday", keeping.LONGEST_NAME + 1), _line(form, "hours", LONGEST_LINE),
        closed=form.get("kind") != "hours", every_year="every_year" in form,
    )  # fmt: skip


def years(now: int) -> list[tuple[int, int]]:
    return [(year, year) for year in range(now - 1, now + YEARS_AHEAD + 1)]


@dc.dataclass(frozen=True)
class Asked:
    """Whose public holidays, and from which year to which."""

    country: str
    region: str
    first: int
    last: int

    @classmethod
    def read(cls, values: Mapping[str, str], now: int) -> Asked:
        """A region of the country that was chosen before is no region of this one."""
        country, region = _line(values, "country", 2).upper(), _line(values, "region", 40)
        known = {code for code, _name in publicholidays.regions(country)}
        first = _year(values.get("first", ""), now)
        return cls(country, region if region in known else "", first, _year(values.get("last", ""), first + 1))

    @property
    def source(self) -> str:
        return f"{self.country}-{self.region}" if self.region else self.country

    def found(self) -> dict[dt.date, str]:
        return publicholidays.of(self.country, self.region, self.first, self.last, language())

    def chosen(self, dates: Iterable[str]) -> dict[dt.date, str]:
        """Of what there is, what was ticked."""
        ticked = set(dates)
        return {date: name for date, name in self.found().items() if date.isoformat() in ticked}


def _year(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else usual


def _line(form: Mapping[str, str], name: str, longest: int) -> str:
    return " ".join(form.get(name, "").replace("\x00", "").split())[:longest]
