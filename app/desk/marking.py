"""Marks searched words in text that stands as HTML already."""

from __future__ import annotations

import html
import re

from app.search import words as cutting
from app.search.find import places

TAG = re.compile(r"(<[^<>]*>)")
"""Our own: what people typed was escaped."""


def marked(told: str, find: str) -> str:
    """`told` is what core.html.from_text made; between its tags each word that was asked for is marked."""
    asked = cutting.question(find)
    if not asked:
        return told
    pieces = TAG.split(told)
    pieces[::2] = [_marked(piece, asked) if piece.strip() else piece for piece in pieces[::2]]
    return "".join(pieces)


def _marked(escaped: str, asked: tuple[cutting.Asked, ...]) -> str:
    text, told, at = html.unescape(escaped), [], 0
    for start, end in places(text, asked):
        told.append(html.escape(text[at:start]) + f"<mark>{html.escape(text[start:end])}</mark>")
        at = end
    return "".join(told) + html.escape(text[at:])
