"""The columns of the list: which there are, and which of them one person wants in which order and width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

from app.desk import fieldfilters

LABELS = {
    "subject": _l("Subject"), "department": _l("Department"), "status": _l("Status"), "priority": _l("Priority"), "sla": _l("Time left"), "assignee": _l("Assignee"), "created": _l("Created"), "updated": _l("Updated"),
    "number": _l("Number"), "customer": _l("Client"), "organization": _l("Organization"), "category": _l("Category"), "tags": _l("Tags"), "channel": _l("Came by"), "kind": _l("Kind"),
    "follow_up": _l("Follow-up"), "action": _l("Action by"), "snoozed": _l("Snoozed until"), "time": _l("Time spent"),
    "environment": _l("Environment"), "suppliers": _l("Suppliers"), "further": _l("Further people"),
    "rating": _l("Rating"),
}  # fmt: skip
FIXED = "subject"
"""It holds the link to the ticket, and number, customer and tags below it on a phone."""


class Shown(NamedTuple):
    name: str
    wide: bool = False

    @property
    def written(self) -> str:
        return f"{self.name}{'+' if self.wide else ''}"


Columns = tuple[Shown, ...]
USUAL: Columns = tuple(Shown(name) for name in ("subject", "department", "status", "priority", "sla", "assignee", "created", "updated"))  # fmt: skip


def labels() -> dict[str, Any]:
    """All there are: those of every desk, then its own fields."""
    return {**LABELS, **fieldfilters.labels()}


def read(text: str) -> Columns:
    """As they were kept; names that are gone are passed over, the fixed one is always first."""
    found: dict[str, Shown] = {}
    known = labels()
    for piece in text.split(","):
        name = piece.strip().removesuffix("+")
        if name in known:
            found.setdefault(name, Shown(name, piece.strip().endswith("+")))
    if not found:
        return USUAL
    first = found.pop(FIXED, Shown(FIXED))
    return (first, *found.values())


def written(columns: Iterable[Shown]) -> str:
    """Empty for the usual ones."""
    wanted = tuple(columns)
    return "" if wanted == USUAL else ",".join(column.written for column in wanted)


def ordered(columns: Columns) -> list[tuple[Shown, bool]]:
    """All columns for a form: those that are shown in their order, then the others."""
    chosen = {column.name for column in columns}
    return [*((column, True) for column in columns), *((Shown(name), False) for name in labels() if name not in chosen)]


def moved(names: list[str], name: str, by: int) -> list[str]:
    """One step up (-1) or down (1); the fixed one stays first."""
    if name not in names or name == FIXED:
        return names
    others = [one for one in names if one not in (name, FIXED)]
    place = [one for one in names if one != FIXED].index(name) + by
    others.insert(max(0, min(len(others), place)), name)
    return [FIXED, *others]
