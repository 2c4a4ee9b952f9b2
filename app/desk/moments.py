"""Moments as forms choose them: in some hours, on a morning to come, or on a day and at a time of the desk's zone."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.core import clock, web
from app.core.errors import Invalid
from app.core.words import said as _

MORNING = dt.time(8)
WRITTEN = "on"
"""The choice of a day and a time, which stand in a field of their own."""
LONGEST = 40
_span = re.compile(r"([1-9]\d{0,2})([hd])")


class Choice(NamedTuple):
    """A button of a menu."""

    value: str
    words: str
    at: str
    """When that is."""


def choices(*values: str) -> list[Choice]:
    """As buttons, each with the moment it stands for."""
    words = {
        "1h": _("In an hour"), "4h": _("In 4 hours"), "tomorrow": _("Tomorrow morning"), "3d": _("In 3 days"),
        "next_week": _("Next week"),
    }  # fmt: skip
    return [Choice(value, words[value], web.absolute(_named(value))) for value in values]


SNOOZES = ("1h", "4h", "tomorrow", "next_week")
DATES = ("tomorrow", "3d", "next_week")
EVENING, OFFICE = dt.time(17), dt.time(9)


def departures() -> list[Choice]:
    """When a reply may leave later: each value is the moment itself, in the reader's zone, whatever the hour it is pressed at."""
    now = clock.now()
    monday = 7 - web.local(now).weekday()
    named = [(_("Today"), _morning(0, EVENING)), (_("Tomorrow"), _morning(1, OFFICE))]
    if monday > 1:
        named.append((_("Monday"), _morning(monday, OFFICE)))
    return [Choice(field_value(at), words, web.absolute(at)) for words, at in named if at > now]


def read(choice: str, written: str, field: str) -> dt.datetime | None:
    """None when nothing is chosen. Invalid with a sentence where that is no moment."""
    if not choice:
        return None
    found = _written(written) if choice == WRITTEN else _named(choice)
    if found is None:
        raise Invalid(_("This is no time."), {field: _("Please choose a day and a time.")})
    return found


def field_value(at: dt.datetime | None) -> str:
    """As a browser's field for day and time wants it."""
    return f"{web.local(at):%Y-%m-%dT%H:%M}" if at is not None else ""


def end_of_today() -> dt.datetime:
    return _morning(1, dt.time())


def _named(choice: str) -> dt.datetime | None:
    if choice == "tomorrow":
        return _morning(1)
    if choice == "next_week":
        return _morning(7 - web.local(clock.now()).weekday())
    span = _span.fullmatch(choice)
    if span is None:
        return None
    amount = int(span[1])
    return clock.now() + dt.timedelta(hours=amount) if span[2] == "h" else _morning(amount)


def _morning(days: int, at: dt.time = MORNING) -> dt.datetime:
    """So many days from now, whatever the clocks there do meanwhile."""
    day = web.local(clock.now()).date() + dt.timedelta(days=days)
    return dt.datetime.combine(day, at, ZoneInfo(web.zone())).astimezone(dt.UTC)


def _written(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text[:LONGEST])
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(web.zone()))).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
