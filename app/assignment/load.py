"""How much each agent holds, read from the tally and not counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select

from app.assignment import pools
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import Priority, State, Status
from app.tickets.tally import NOBODY, Cell, Tally

WEIGHS = (State.NEW, State.OPEN)
"""It is our turn. What waits for the customer or a third party weighs nothing, or half."""


HELD = (
    select(Tally.assignee_id, func.sum(Tally.tickets).label("tickets"))
    .join(Status, Status.id == Tally.status_id)
    .where(Tally.assignee_id != NOBODY, Status.state.in_(WEIGHS))
    .group_by(Tally.assignee_id)
)
"""Staff id -> tickets on which it is their turn, for statements that join it: what Load.weight is where nothing weighs more than one."""


class Load(NamedTuple):
    """Of one person."""

    weight: float = 0
    """What they hold by the weights of its places: without such, tickets on which it is their turn."""
    waiting: int = 0
    """Tickets that wait for the customer or a third party."""

    @property
    def held(self) -> bool:
        return bool(self.weight or self.waiting)


class Place(NamedTuple):
    """Tickets of one person that weigh the same."""

    staff_id: int
    state: State
    department_id: int
    category_id: int
    rank: int
    tickets: int


def open_tickets() -> Counter[int]:
    """Staff id -> what they hold."""
    return Counter({staff_id: load.weight for staff_id, load in loads().items()})


def loads() -> dict[int, Load]:
    """By staff id."""
    db.session.flush()
    weighed = pools.weighed()
    return _summed([*_kept(weighed), *_not_yet_booked(weighed)])


def _summed(places: Iterable[Place]) -> dict[int, Load]:
    half = 0.5 if desk.current().assignment_waiting_half else 0
    weights: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    for place in places:
        ours = place.state in WEIGHS
        weight = pools.rules_for(place.department_id, place.category_id or None).weight(place.rank) if place.rank else 1
        weights[place.staff_id] += place.tickets * weight * (1 if ours else half)  # type: ignore[assignment]
        waiting[place.staff_id] += 0 if ours else place.tickets
    return {staff_id: Load(_plain(weights[staff_id]), waiting[staff_id]) for staff_id in weights}


def _plain(weight: float) -> float:
    """A whole one as people write it."""
    return int(weight) if weight == int(weight) else weight


def _kept(weighed: bool) -> Iterator[Place]:
    """By as few columns as tell weights apart: a large desk has many cells."""
    fine: tuple[Any, ...] = (Tally.department_id, Tally.category_id, Priority.rank)
    sums = (
        select(Tally.assignee_id, Status.state, *(fine if weighed else (literal(0),) * 3), func.sum(Tally.tickets))
        .join(Status, Status.id == Tally.status_id)
        .where(Tally.assignee_id != NOBODY)
        .group_by(Tally.assignee_id, Status.state, *(fine if weighed else ()))
    )
    if weighed:
        sums = sums.join(Priority, Priority.id == Tally.priority_id)
    for row in db.session.execute(sums):
        yield Place(row[0], row[1], row[2], row[3], row[4], int(row[5]))


def _not_yet_booked(weighed: bool) -> Iterator[Place]:
    """What this transaction moved; the tally books it when it commits."""
    moved: Counter[Cell] = db.session.info.get("tally", Counter())
    for cell, tickets in list(moved.items()):
        status = db.session.get(Status, cell.status_id)
        priority = db.session.get(Priority, cell.priority_id) if weighed else None
        if cell.assignee_id != NOBODY and status is not None:
            rank = priority.rank if priority is not None else 0
            yield Place(cell.assignee_id, status.state, cell.department_id, cell.category_id, rank, tickets)
