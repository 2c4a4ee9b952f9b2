"""Spans of time as pairs of whole numbers, half open: nine to five does not contain five o'clock."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from flask_babel import gettext as _

from app.core.errors import Invalid

Span = tuple[int, int]
Spans = tuple[Span, ...]

END_OF_DAY = 24 * 60
"""Minutes from one midnight to the next on the wall, which is what a clock shows also on a day of 23 or 25 hours."""


class BadHours(Invalid):
    """Hours that no desk can keep; the sentence says which."""


def joined(spans: Iterable[Span]) -> Spans:
    """The same time in order, without overlaps, seams and empty spans."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return tuple(result)


def cut(spans: Iterable[Span], breaks: Sequence[Span]) -> Spans:
    """What is left of `spans` without `breaks`."""
    left = list(spans)
    for from_, to in breaks:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, from_)), (max(start, to), end))
            if part[0] < part[1]
        ]
    return joined(left)


def clipped(spans: Iterable[Span], start: int, end: int) -> Spans:
    """What of `spans` lies from `start` to `end`."""
    return joined((max(start, opens), min(end, closes)) for opens, closes in spans)


def minute_of(time: str) -> int:
    """Minutes since midnight of "09:30"; "24:00" is the end of the day."""
    hours, colon, minutes = time.partition(":")
    if not (
        colon
        and hours.isdecimal()
        and minutes.isdecimal()
        and int(minutes) < 60
        and int(hours) * 60 + int(minutes) <= END_OF_DAY
    ):
        raise BadHours(
            _("“%(time)s” is not a time of day. Write it like 09:30; 24:00 is the end of the day.", time=time)
        )
    return int(hours) * 60 + int(minutes)


def time_of(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def check(spans: Sequence[Span], day: str) -> None:
    """Refuse what cannot be meant. An overnight span is entered as two, so that each belongs to a date."""
    for start, end in spans:
        if not 0 <= start < end <= END_OF_DAY:
            raise BadHours(
                _(
                    "%(day)s: %(start)s to %(end)s must end later than it begins, on the same day. Enter a night as two spans.",
                    day=day,
                    start=time_of(start),
                    end=time_of(end),
                )
            )


def check_apart(spans: Sequence[Span], day: str) -> None:
    ordered = sorted(spans)
    for earlier, later in pairwise(ordered):
        if later[0] < earlier[1]:
            raise BadHours(
                _(
                    "%(day)s: the span from %(later)s begins before the one from %(earlier)s ends.",
                    day=day,
                    later=time_of(later[0]),
                    earlier=time_of(earlier[0]),
                )
            )
