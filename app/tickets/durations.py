"""How long something took, as people write it and as the desk says it: "1h 20m", "80", "1:20" and "1,5h" are minutes."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

LONGEST = 40
"""Letters of what is read at all."""
LARGEST = 2**31 - 1
_hours = r"(?:hours?|heures?|stunden?|std|hrs?|h)\.?"
_minutes = r"(?:minutes?|minuten|mins?|min|m)\.?"
_spoken = re.compile(
    rf"(?:(?P<hours>[0-9]{{1,5}}(?:[.,][0-9]{{1,4}})?)\s*{_hours})?\s*(?:(?P<minutes>[0-9]{{1,6}})\s*(?:{_minutes})?)?",
    re.IGNORECASE,
)
_clock = re.compile(r"([0-9]{1,4}):([0-5][0-9])(?:\s*h)?", re.IGNORECASE)


def read(text: str) -> int | None:
    """Minutes, parts of one rounded; None for what says no time. A number alone is minutes."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    if found := _clock.fullmatch(text):
        return int(found[1]) * 60 + int(found[2])
    found = _spoken.fullmatch(text)
    if found is None:
        return None
    hours = Decimal((found["hours"] or "0").replace(",", "."))
    return int((hours * 60).quantize(Decimal(1), ROUND_HALF_UP)) + int(found["minutes"] or 0)


def said(minutes: int) -> str:
    """The same signs in every language; `read` understands them."""
    hours, rest = divmod(abs(minutes), 60)
    words = [*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])]
    return ("−" if minutes < 0 else "") + " ".join(words)


_compared = re.compile(r"\s*(>=|<=|>|<|=)?\s*(.+)")
SIGNS: dict[str, Callable[[Any, int], Any]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip


def comparison(text: str) -> str:
    """`> 2 h` as `>120`; a ValueError for what compares with nothing. Without a sign it is `>=`."""
    found = _compared.fullmatch(text)
    minutes = read(found[2]) if found else None
    if found is None or minutes is None or minutes > LARGEST:
        raise ValueError(text)
    return f"{found[1] or '>='}{minutes}"


def compared(column: Any, told: str) -> Any:
    """The criterion of what `comparison` gave."""
    sign = told.rstrip("0123456789")
    return SIGNS[sign](column, int(told.removeprefix(sign)))


def spoken(told: str) -> str:
    """For a person: > 2 h."""
    sign = told.rstrip("0123456789")
    return f"{sign} {said(int(told.removeprefix(sign)))}"


def spelled(told: str) -> str:
    """As the search box reads it again: >2h, <=30m."""
    if not told:
        return ""
    return {"=0": "none", ">0": "any"}.get(told) or spoken(told).replace(" min", "m").replace(" h", "h").replace(
        " ", ""
    )
