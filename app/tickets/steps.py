"""Which changes of status each role may make by hand: read, chosen, lifted again, and what they leave without a way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.steps import StatusStep
from app.core.audit import What, note
from app.core.database import is_postgresql
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.tickets.choices import Status

Pair = tuple[int, int]
"""From one status to another, by their ids."""


class OnlyWay(HelpdeskError):
    """Without this status nothing would be left of what a role may do, and nothing left means everything."""

    def __init__(self, role: Role) -> None:
        super().__init__(
            _(
                "All changes of status that the role “%(role)s” may make lead to or from this one. Give it others first.",
                role=role.name,
            )
        )


class DeadEnds(NamedTuple):
    """What these steps leave without a way."""

    stuck: tuple[Status, ...]
    """Nobody takes a ticket out of them."""
    unreached: tuple[Status, ...]
    """Nobody brings one there, though staff may choose them."""


def bound_roles() -> list[Role]:
    """Those that may change a status at all, by name."""
    right = (
        select(Role.id)
        .join(Role.permissions)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
        .where(Permission.name == "can_status", ViewMenu.name == "Ticket")
    )
    return list(db.session.scalars(select(Role).where(Role.id.in_(right)).order_by(Role.name)))


def statuses() -> list[Status]:
    """In their order; those that are switched off may still have tickets."""
    return list(db.session.scalars(select(Status).order_by(Status.position, Status.id)))


def pairs(every: Iterable[Status]) -> frozenset[Pair]:
    """All steps there are: from each status to each other one in use."""
    found = list(every)
    return frozenset((was.id, now.id) for was in found for now in found if now.active and now is not was)


def chosen() -> dict[int, frozenset[Pair]]:
    """By the ids of the roles that are bound to some."""
    found: dict[int, set[Pair]] = {}
    for step in db.session.scalars(select(StatusStep)):
        found.setdefault(step.role_id, set()).add((step.from_id, step.to_id))
    return {role_id: frozenset(steps) for role_id, steps in found.items()}


def allow(role: Role, wanted: Collection[Pair]) -> None:
    """From now on this role may make these and no others; all of them lift the bounds. Does not commit."""
    _take(role)
    every = statuses()
    offered, held = pairs(every), _held(role)
    now = offered & set(wanted)
    if not now:
        raise Invalid(
            _("Choose at least one change. Whoever may change no status at all does not need the right to: take it from the role."),
            {"step": _("Please choose at least one.")},
        )  # fmt: skip
    unseen = held.keys() - offered
    kept = frozenset() if now == offered else now | unseen
    _told(role, offered & held.keys() if held else offered, now, every)
    for pair in held.keys() - kept:
        db.session.delete(held[pair])
    db.session.add_all(StatusStep(role_id=role.id, from_id=was, to_id=to) for was, to in sorted(kept - held.keys()))
    db.session.flush()


def allow_all(role: Role) -> None:
    """Also those to statuses that are yet to come. Does not commit."""
    allow(role, pairs(statuses()))


def forget(status: Status) -> None:
    """It is about to go, and what leads to and from it with it. Raises OnlyWay where that would open everything to a role."""
    about = {pair: step for pair, step in _all().items() if status.id in pair[1:]}
    left = {role_id for role_id, *_pair in _all().keys() - about.keys()}
    for role_id, *_pair in sorted(about):
        if role_id not in left:
            raise OnlyWay(db.session.get_one(Role, role_id))
    for step in about.values():
        db.session.delete(step)
    db.session.flush()


def forget_all() -> None:
    """The statuses themselves are exchanged for others."""
    for step in _all().values():
        db.session.delete(step)
    db.session.flush()


def dead_ends(allowed: Collection[Pair], every: Sequence[Status]) -> DeadEnds:
    left, reached = {was for was, _now in allowed}, {now for _was, now in allowed}
    stuck = tuple(status for status in every if status.active and status.id not in left)
    unreached = tuple(status for status in every if status.active and status.manual and status.id not in reached)
    return DeadEnds(stuck, unreached) if len(every) > 1 else DeadEnds((), ())


def _all() -> dict[tuple[int, int, int], StatusStep]:
    return {(step.role_id, step.from_id, step.to_id): step for step in db.session.scalars(select(StatusStep))}


def _held(role: Role) -> dict[Pair, StatusStep]:
    held = db.session.scalars(select(StatusStep).where(StatusStep.role_id == role.id))
    return {(step.from_id, step.to_id): step for step in held}


def _take(role: Role) -> None:
    """Of two who choose for one role, the second waits for the first."""
    if is_postgresql():
        db.session.execute(select(Role.id).where(Role.id == role.id).with_for_update())


def _told(role: Role, before: Collection[Pair], now: Collection[Pair], every: Sequence[Status]) -> None:
    """One line of the audit log, by the names that the statuses have now."""
    names = {status.id: status.name for status in every}

    def words(steps: Iterable[Pair]) -> list[str]:
        return [f"{names[was]} → {names[to]}" for was, to in sorted(steps)]

    added, removed = words(set(now) - set(before)), words(set(before) - set(now))
    if added or removed:
        note(What.CHANGED, role, status_steps={"added": added, "removed": removed})
