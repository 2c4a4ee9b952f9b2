"""The promises in force: read once for each version of the policies, then kept in the process."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import g
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.core.extensions import db
from app.hours import calendars
from app.hours.business import BusinessHours
from app.hours.calendars import Kept, zone_in_use
from app.hours.stretch import Allowance, BusinessDays
from app.hours.weeks import weekdays
from app.settings import desk
from app.sla.models import Hours, SlaPolicy, SlaTarget
from app.sla.promises import STANDS_STILL, Metric, Policy, Target

SEEDED = {
    4: {"first_response_minutes": 60},
    3: {"first_response_minutes": 240},
    2: {"first_response_minutes": 1440},
    1: {"first_response_business_days": 5},
}
"""First response by priority rank; nothing is promised about resolution."""


@dataclass(frozen=True)
class Promises:
    """What is promised for each priority rank, and about which metrics at all."""

    by_rank: Mapping[int, Policy] = field(default_factory=dict)
    metrics: frozenset[Metric] = frozenset()

    def for_rank(self, rank: int) -> Policy:
        return self.by_rank.get(rank, NOTHING)


NOTHING = Policy()


def in_force(department_id: int | None = None) -> Promises:
    """For the tickets of this department: business hours are those of its calendar."""
    settings = desk.current()
    calendar = calendars.in_force().of_department(department_id)
    return _kept(str(db.engine.url), settings.sla_version, settings.time_zone, calendar)


def seed() -> None:
    """The policy that every desk starts with, once: an admin who deleted it wants to promise nothing."""
    if desk.current().sla_version == "0" and db.session.scalar(select(SlaPolicy.id).limit(1)) is None:
        targets = [SlaTarget(priority_rank=rank, **target) for rank, target in SEEDED.items()]
        db.session.add(SlaPolicy(name="Always", hours=Hours.ALWAYS, targets=targets))
        db.session.flush()


@lru_cache(64)
def _kept(database: str, version: str, zone: str, calendar: Kept) -> Promises:
    """Every change of a policy makes a new version, see below; the database is in the key because tests open several."""
    policy = db.session.scalar(
        select(SlaPolicy).where(SlaPolicy.active.is_(True)).order_by(SlaPolicy.position, SlaPolicy.id).limit(1)
    )
    if policy is None:
        return Promises()
    by_rank = {
        target.priority_rank: Policy(_targets(target, policy.hours, zone, calendar), policy_id=policy.id)
        for target in policy.targets
    }
    return Promises(by_rank, frozenset(metric for each in by_rank.values() for metric in each.targets))


def _targets(row: SlaTarget, hours: Hours, zone: str, calendar: Kept) -> dict[Metric, Target]:
    allowances = {
        Metric.FIRST_RESPONSE: _allowance(row.first_response_minutes, row.first_response_business_days),
        Metric.NEXT_RESPONSE: _allowance(row.next_response_minutes, None),
        Metric.RESOLUTION: _allowance(row.resolution_minutes, row.resolution_business_days),
    }
    return {
        metric: Target(allowance, _time(allowance, hours, zone, calendar), STANDS_STILL[metric])
        for metric, allowance in allowances.items()
        if allowance is not None
    }


def _allowance(minutes: int | None, days: int | None) -> Allowance | None:
    if minutes is not None:
        return dt.timedelta(minutes=minutes)
    return BusinessDays(days) if days is not None else None


def _time(allowance: Allowance, hours: Hours, zone: str, calendar: Kept) -> BusinessHours:
    if hours is Hours.BUSINESS:
        return calendar.hours
    return weekdays(zone_in_use(None, zone)) if isinstance(allowance, BusinessDays) else BusinessHours.always()


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a policy, and however: what was kept of it is forgotten by every process."""
    if any(isinstance(row, (SlaPolicy, SlaTarget)) for row in (*session.new, *session.dirty, *session.deleted)):
        desk.change({"sla_version": secrets.token_hex(8)})
        g.pop("desk_settings", None)
