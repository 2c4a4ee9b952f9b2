"""Allowances as people write them: "4h", "1 h 30 min", "2 business days"."""

from __future__ import annotations

import datetime as dt
import re

from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.errors import Invalid
from app.hours.stretch import Allowance, BusinessDays
from app.tickets import durations

MOST_DAYS = 366
_business = r"(?:(?:business|working)\s*days?|bd|(?:arbeits|werk|geschäfts)tage?n?|jours?\s+ouvr(?:é|e)s?|jo)"
_days = re.compile(rf"([0-9]{{1,6}})\s*{_business}", re.IGNORECASE)
_plain_days = re.compile(r"[0-9.,]+\s*(?:d|days?|tage?n?|t|jours?|j)\.?", re.IGNORECASE)


def read(text: str) -> Allowance | None:
    """None for nothing written. Invalid, with a sentence, for what promises nothing that can be kept."""
    text = " ".join(text.split())
    if not text:
        return None
    if found := _days.fullmatch(text):
        return BusinessDays(_within(int(found[1]), MOST_DAYS))
    if _plain_days.fullmatch(text):
        raise Invalid(_("Days may be of 24 hours or of work. Write hours, such as 48 h, or business days."))
    minutes = durations.read(text)
    if minutes is None:
        raise Invalid(_("This is no time. Write it like 30 min, 4 h or 2 business days."))
    return dt.timedelta(minutes=_within(minutes, MOST_DAYS * 24 * 60))


def _within(number: int, most: int) -> int:
    if number == 0:
        raise Invalid(_("Nobody can answer in no time. Leave it empty to promise nothing."))
    if number > most:
        raise Invalid(_("A promise is for at most %(days)s days.", days=MOST_DAYS))
    return number


def said(allowance: Allowance) -> str:
    """`read` understands it in each of the desk's languages."""
    if isinstance(allowance, BusinessDays):
        return ngettext("%(num)d business day", "%(num)d business days", allowance.count)
    return durations.said(int(allowance.total_seconds() // 60))
