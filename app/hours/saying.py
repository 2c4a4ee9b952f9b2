"""A week of working time in words: Mon–Fri 09:00–17:00."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from babel.dates import format_date, get_day_names
from flask_babel import gettext as _

from app.core.words import language
from app.hours import written
from app.hours.opening import WHOLE_DAY
from app.hours.spans import Spans


def week(days: tuple[Spans, ...]) -> str:
    """Days that follow each other and are open alike are one; closed days are left out."""
    said = [
        f"{_from_to([place for place, _spans in group])} {spans_in_words(spans)}"
        for spans, group in ((spans, list(found)) for spans, found in groupby(enumerate(days), key=lambda day: day[1]))
        if spans
    ]
    return "; ".join(said)


def spans_in_words(spans: Spans) -> str:
    if not spans:
        return _("closed")
    return _("round the clock") if spans == WHOLE_DAY else written.shown(spans)


def on(date: dt.date) -> str:
    """With weekday and year: Thu 24 Dec 2026."""
    return str(format_date(date, _("EEE d MMM yyyy"), locale=language()))


def _from_to(days: list[int]) -> str:
    names = get_day_names("abbreviated", locale=language())
    return names[days[0]] if len(days) == 1 else f"{names[days[0]]}–{names[days[-1]]}"
