"""The two weeks a desk has without drawing a calendar."""

from __future__ import annotations

from functools import lru_cache

from app.hours.business import BusinessHours
from app.hours.opening import WHOLE_DAY
from app.hours.spans import Spans

NINE_TO_FIVE: Spans = ((9 * 60, 17 * 60),)


@lru_cache(16)
def working_week(zone: str) -> BusinessHours:
    """Monday to Friday, nine to five on the desk's wall."""
    return BusinessHours(week=(NINE_TO_FIVE,) * 5 + ((),) * 2, zone=zone)


@lru_cache(16)
def weekdays(zone: str) -> BusinessHours:
    """Monday to Friday, all day: what "five business days" means on a desk that never closes."""
    return BusinessHours(week=(WHOLE_DAY,) * 5 + ((),) * 2, zone=zone)
