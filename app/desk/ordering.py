"""Rows that people keep in an order of their own: one of them goes a place up or down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from flask import request


class Placed(Protocol):
    position: int


Row = TypeVar("Row", bound=Placed)


def move(rows: Sequence[Row], row: Row, mine: Callable[[Row], bool] = lambda _row: True) -> None:
    """`way` of the form: down, else up. `rows`: in their present order, `row` among them; the places of those that are not `mine` stay."""
    found = list(rows)
    at = found.index(row)
    found.insert(max(0, at + (1 if request.form.get("way") == "down" else -1)), found.pop(at))
    for place, one in enumerate(found):
        if mine(one):
            one.position = place
