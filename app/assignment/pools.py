"""What holds for a ticket's place: its category's pool, else its department's, else the desk's settings."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.assignment.models import Pool
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk
from app.settings.desk import DeskSettings

AS_DESK = _l("as the desk's settings say")
METHODS = {
    "": AS_DESK,
    "least_loaded": _l("Least loaded"),
    "round_robin": _l("Round robin"),
    "off": _l("not automatic"),
}
HOURS = {"": AS_DESK, "inside": _l("Only in business hours"), "always": _l("at any time")}
ABSENT = {
    "": AS_DESK,
    "keep": _l("stay theirs"),
    "unanswered": _l("that wait for our answer are given back"),
    "open": _l("that are open are all given back"),
}
WEIGHTS = ("low", "normal", "high", "critical")
"""By the rank of a priority, which begins at 1."""


class Rules(NamedTuple):
    """As they hold in one place."""

    automatic: bool
    method: str
    hours: bool
    """Only while the department works."""
    absent: str
    previous_days: int
    weights: tuple[int, ...]
    fallback_id: int | None = None
    fallback_department_id: int | None = None

    def weight(self, rank: int) -> int:
        return self.weights[min(max(rank, 1), len(self.weights)) - 1]


class Kept(NamedTuple):
    """A pool without its row."""

    method: str
    hours: str
    absent: str
    previous_days: int | None
    weights: tuple[int | None, ...]
    fallback_id: int | None
    fallback_department_id: int | None


def rules_for(department_id: int, category_id: int | None) -> Rules:
    settings = desk.current()
    return _rules(str(db.engine.url), settings.pool_version, _desks(settings), department_id, category_id)


def all_rules() -> list[Rules]:
    """The desk's and each pool's."""
    settings = desk.current()
    places = _pools(str(db.engine.url), settings.pool_version)
    return [_desks(settings), *(rules_for(*place) for place in places)]


def any_automatic() -> bool:
    return any(rules.automatic for rules in all_rules())


def weighed() -> bool:
    """Whether a ticket anywhere counts as more than one."""
    return any(weight != 1 for rules in all_rules() for weight in rules.weights)


def check(pool: Pool) -> None:
    """One a place. Raises Invalid."""
    department_id = pool.department.id if pool.department else pool.department_id
    category_id = pool.category.id if pool.category else None
    same = Pool.category_id.is_(None) if category_id is None else Pool.category_id == category_id
    wanted = select(Pool.id).where(Pool.department_id == department_id, same, Pool.id != (pool.id or 0))
    with db.session.no_autoflush:
        if db.session.scalar(wanted.limit(1)) is not None:
            sentence = _("There is a pool for this already: please change that one.")
            raise Invalid(sentence, {"category": sentence})
    if pool.fallback_department is not None and pool.fallback_department.id == department_id:
        sentence = _("This is the department itself: please choose another one.")
        raise Invalid(sentence, {"fallback_department": sentence})


def _desks(settings: DeskSettings) -> Rules:
    weights = tuple(getattr(settings, f"assignment_weight_{name}") for name in WEIGHTS)
    return Rules(
        settings.auto_assignment, settings.assignment_method, settings.assignment_hours, settings.tickets_of_absent, settings.assignment_previous_days,
        weights,
    )  # fmt: skip


@lru_cache(4096)
def _rules(database: str, version: str, desks: Rules, department_id: int, category_id: int | None) -> Rules:
    """Keyed by all that can change it."""
    pools = _pools(database, version)
    places = [(department_id, None)] if category_id is None else [(department_id, None), (department_id, category_id)]
    found = desks
    for place in places:
        if place in pools:
            found = _over(found, pools[place])
    return found


def _over(below: Rules, pool: Kept) -> Rules:
    method = pool.method or below.method
    return Rules(
        pool.method != "off" if pool.method else below.automatic,
        below.method if method == "off" else method,
        pool.hours == "inside" if pool.hours else below.hours,
        pool.absent or below.absent,
        below.previous_days if pool.previous_days is None else pool.previous_days,
        tuple(of if own is None else own for own, of in zip(pool.weights, below.weights, strict=True)),
        pool.fallback_id or below.fallback_id,
        pool.fallback_department_id or below.fallback_department_id,
    )


@lru_cache(16)
def _pools(database: str, version: str) -> dict[tuple[int, int | None], Kept]:
    """Every change makes a new version, see below; the database is in the key because tests open several."""
    columns = (
        Pool.department_id, Pool.category_id, Pool.method, Pool.hours, Pool.absent, Pool.previous_days, Pool.weight_low, Pool.weight_normal, Pool.weight_high, Pool.weight_critical,
        Pool.fallback_id, Pool.fallback_department_id,
    )  # fmt: skip
    rows = db.session.execute(select(*columns).order_by(Pool.id))
    return {(row[0], row[1]): Kept(row[2], row[3], row[4], row[5], tuple(row[6:10]), row[10], row[11]) for row in rows}


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a pool, and however: every process reads them anew."""
    changed: Iterable[object] = (*session.new, *session.dirty, *session.deleted)
    if any(isinstance(row, Pool) for row in changed):
        desk.change({"pool_version": secrets.token_hex(8)})
