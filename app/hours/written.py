"""Spans as people write and read them: 09:00–12:00, 13:00–17:00."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from app.hours.spans import BadHours, Spans, check, check_apart, minute_of, time_of

MOST_SPANS = 12
DASHES = re.compile(r"\s*(?:-|–|—|−|\bto\b|\bbis\b|\bà\b)\s*", re.I)
BETWEEN = re.compile(r"\s*[,;+\n]\s*|\s+(?:and|und|et)\s+", re.I)
SHORT = re.compile(r"\d{1,2}")
"""An hour without its minutes."""


def read(text: str, day: str) -> Spans:
    """In order; nothing written is closed. Raises BadHours with a sentence that names the day."""
    pieces = [piece for piece in BETWEEN.split(text.strip()) if piece]
    if len(pieces) > MOST_SPANS:
        raise BadHours(_("%(day)s: at most %(most)s spans.", day=day, most=MOST_SPANS))
    spans = tuple(sorted(_span(piece, day) for piece in pieces))
    check(spans, day)
    check_apart(spans, day)
    return spans


def _span(piece: str, day: str) -> tuple[int, int]:
    ends = DASHES.split(piece.strip())
    if len(ends) != 2:
        raise BadHours(_("%(day)s: “%(text)s” is no span. Write it like 09:00–17:00.", day=day, text=piece[:40]))
    try:
        opens, closes = (minute_of(f"{end}:00" if SHORT.fullmatch(end) else end.replace(".", ":")) for end in ends)
    except BadHours as refusal:
        raise BadHours(f"{day}: {refusal}") from refusal
    return opens, closes


def shown(spans: Spans) -> str:
    return ", ".join(f"{time_of(opens)}–{time_of(closes)}" for opens, closes in spans)
