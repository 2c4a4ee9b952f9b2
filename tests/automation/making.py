"""Rules for tests: take what matters, invent the rest."""

from typing import Any

from app.accounts.viewer import SYSTEM
from app.automation import rules
from app.automation.models import Basis, Hours, Kind, On, Rule
from app.core.extensions import db


def a_rule(*actions: dict[str, str], on: On | None = On.CREATED, **given: Any) -> Rule:
    """Active and saved; a timer when it has a basis."""
    rule = Rule(
        name="Rule", kind=Kind.TIMER if "basis" in given else Kind.TRIGGER, active=True, listens=[on] if on else [], condition={}, actions=list(actions),
        stop=False, most_runs=0, pause_minutes=0, minutes=0, hours=Hours.CALENDAR,
    )  # fmt: skip
    for name, value in given.items():
        setattr(rule, name, value)
    rules.save(rule, SYSTEM)
    db.session.commit()
    return rule


def a_timer(*actions: dict[str, str], basis: Basis = Basis.STATUS, minutes: int = 60, **given: Any) -> Rule:
    return a_rule(*actions, on=None, basis=basis, minutes=minutes, **given)


TAG = {"do": "tag", "text": "seen"}
