"""What a customer's score means and what it is called: 1 to 5, of which two faces know the ends."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import ColumnElement

from app.core.words import said as _


class Scale(enum.StrEnum):
    """How the question is answered."""

    FACES = "faces"
    STARS = "stars"


class Verdict(enum.StrEnum):
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


GOOD_FROM, BAD_TO, BEST = 4, 2, 5
SCORES = {Scale.FACES: (BEST, 1), Scale.STARS: (1, 2, 3, 4, 5)}
"""What may be answered, in the order in which it is shown."""


def verdict(score: int) -> Verdict:
    if score >= GOOD_FROM:
        return Verdict.GOOD
    return Verdict.BAD if score <= BAD_TO else Verdict.FAIR


def where_verdict(column: Any, wanted: Verdict) -> ColumnElement[bool]:
    """The SQL twin of `verdict`; what nobody rated is none of the three."""
    found: dict[Verdict, ColumnElement[bool]] = {
        Verdict.GOOD: column >= GOOD_FROM,
        Verdict.FAIR: column.between(BAD_TO + 1, GOOD_FROM - 1),
        Verdict.BAD: column <= BAD_TO,
    }
    return found[wanted]


def named(wanted: Verdict) -> str:
    return {Verdict.GOOD: _("Good"), Verdict.FAIR: _("Fair"), Verdict.BAD: _("Bad")}[wanted]


def called(score: int, scale: Scale) -> str:
    """Of faces the verdict, of stars their number too."""
    if scale is Scale.FACES:
        return named(verdict(score))
    return _("%(score)s of %(best)s stars", score=score, best=BEST)


def written(score: int, scale: Scale) -> str:
    """As an event keeps it: `stars 4`."""
    return f"{scale.value} {score}"


def spoken(text: str | None) -> str:
    """What `written` gave, for people."""
    scale, _sep, score = (text or "").partition(" ")
    if scale not in tuple(Scale) or not score.isdigit():
        return "–"
    return called(int(score), Scale(scale))
