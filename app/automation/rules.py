"""The rules in force: read once for each version of them, then kept in the process; and the one way to change one."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import g
from flask_babel import gettext as _
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.accounts.viewer import Actor
from app.automation import conditions
from app.automation.models import LONGEST_NAME, Basis, Hours, Kind, On, Rule, RuleVersion
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets.actions import Action
from app.tickets.sorting import clean_line

MOST = 200
MOST_ACTIONS = 20
MOST_MINUTES = 366 * 24 * 60


@dataclass(frozen=True)
class Ready:
    """An active rule as it acts, without its row."""

    id: int
    name: str
    version: int
    kind: Kind
    listens: frozenset[str]
    basis: Basis | None
    wait: dt.timedelta
    hours: Hours
    condition: Mapping[str, Any]
    steps: tuple[Action, ...]
    stop: bool
    most_runs: int
    pause: dt.timedelta

    @classmethod
    def of(cls, rule: Rule) -> Ready:
        return cls(
            rule.id or 0, rule.name, rule.version, rule.kind, frozenset(rule.listens), rule.basis, dt.timedelta(minutes=rule.minutes), rule.hours,
            rule.condition, tuple(rule.steps), rule.stop, rule.most_runs, dt.timedelta(minutes=rule.pause_minutes),
        )  # fmt: skip


def triggers(on: On) -> tuple[Ready, ...]:
    """Those that listen to this, in their order."""
    return tuple(rule for rule in _in_force() if rule.kind is Kind.TRIGGER and on in rule.listens)


def timers() -> tuple[Ready, ...]:
    return tuple(rule for rule in _in_force() if rule.kind is Kind.TIMER)


def _in_force() -> tuple[Ready, ...]:
    return _kept(str(db.engine.url), desk.current().rule_version)


@lru_cache(64)
def _kept(database: str, version: str) -> tuple[Ready, ...]:
    """Every change makes a new version, see below; the database is in the key because tests open several."""
    if version == "0":
        return ()
    active = select(Rule).where(Rule.active.is_(True)).order_by(Rule.position, Rule.id)
    return tuple(Ready.of(rule) for rule in db.session.scalars(active))


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a rule, and however: what was kept of it is forgotten by every process."""
    if any(isinstance(row, Rule) for row in (*session.new, *session.dirty, *session.deleted)):
        desk.change({"rule_version": secrets.token_hex(8)})
        g.pop("desk_settings", None)


def check(rule: Rule) -> dict[str, str]:
    """A sentence for each part that is wrong, by its name; a door shows them, `save` refuses with them."""
    wrong: dict[str, str] = {}
    if not rule.name or len(rule.name) > LONGEST_NAME:
        wrong["name"] = _("Please write a name of at most %(most)s characters.", most=LONGEST_NAME)
    if rule.kind is Kind.TRIGGER and not set(rule.listens) & set(On):
        wrong["listens"] = _("Please choose at least one thing that starts the rule.")
    if rule.kind is Kind.TIMER and (rule.basis is None or not 1 <= rule.minutes <= MOST_MINUTES):
        wrong["minutes"] = _("Please write how long, at most a year.")
    if not rule.actions or len(rule.actions) > MOST_ACTIONS:
        wrong["actions"] = _("A rule needs between 1 and %(most)s actions.", most=MOST_ACTIONS)
    if rule.most_runs < 0 or rule.pause_minutes < 0 or max(rule.most_runs, rule.pause_minutes) > MOST_MINUTES:
        wrong["limits"] = _("Please write a whole number.")
    try:
        conditions.check(rule.condition)
    except Invalid as refusal:
        wrong["condition"] = str(refusal)
    return wrong


def save(rule: Rule, by: Actor) -> None:
    """A new rule, or a new version of one. Raises Invalid. Does not commit."""
    rule.name = clean_line(rule.name, LONGEST_NAME + 1)
    wrong = check(rule)
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)
    if rule.id is None:
        if (db.session.scalar(select(func.count(Rule.id))) or 0) >= MOST:
            raise Invalid(_("There are %(most)s rules already. Delete one first.", most=MOST))
        rule.version, rule.position = 1, (db.session.scalar(select(func.max(Rule.position))) or 0) + 1
        db.session.add(rule)
    else:
        rule.version += 1
    rule.stopped_why = None
    db.session.flush()
    db.session.add(RuleVersion(rule_id=rule.id, version=rule.version, written=written(rule), by_name=by.name))


def written(rule: Rule) -> dict[str, Any]:
    """The rule as plain words and numbers, for its versions and for export."""
    return {
        "name": rule.name, "kind": rule.kind.value, "listens": sorted(rule.listens), "basis": rule.basis.value if rule.basis else None,
        "minutes": rule.minutes, "hours": rule.hours.value, "condition": rule.condition, "actions": rule.actions, "stop": rule.stop,
        "most_runs": rule.most_runs, "pause_minutes": rule.pause_minutes,
    }  # fmt: skip


def take_over(rule: Rule, given: Mapping[str, Any]) -> None:
    """What `written` wrote, into a row. Raises Invalid for what it never writes."""
    try:
        rule.name, rule.kind = str(given["name"]), Kind(given["kind"])
        rule.listens = sorted({On(one).value for one in given.get("listens", ())})
        rule.basis = Basis(given["basis"]) if given.get("basis") else None
        rule.minutes, rule.hours = _whole(given.get("minutes", 0)), Hours(given.get("hours", Hours.CALENDAR))
        rule.condition, rule.stop = dict(given.get("condition") or {}), bool(given.get("stop", False))
        rule.actions = [Action.of(one).written for one in given["actions"]]
        rule.most_runs, rule.pause_minutes = _whole(given.get("most_runs", 0)), _whole(given.get("pause_minutes", 0))
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise Invalid(_("This is no rule as the desk writes one: %(reason)s", reason=str(problem)[:200])) from problem


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError(_("Please write a whole number."))
    return given
