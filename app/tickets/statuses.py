"""What a vocabulary of statuses cannot do without."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.choices import State, Status

NEEDED = (frozenset({State.NEW, State.OPEN}), frozenset({State.RESOLVED, State.CLOSED}))
"""One of each: a state without a status falls to its neighbour, and waiting and hold fall to our turn."""


class LastOfItsKind(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(_("This is the last status of its kind. Add another one first."))


def demand_rest(status: Status, instead: State | None) -> None:
    """Raise LastOfItsKind when the desk could not do without it; `instead` is what it means from now on, if it stays in use."""
    with db.session.no_autoflush:
        others = select(Status.state).where(Status.active.is_(True), Status.id != status.id)
        left = set(db.session.scalars(others)) | ({instead} if instead is not None else set())
    if not all(group & left for group in NEEDED):
        raise LastOfItsKind
