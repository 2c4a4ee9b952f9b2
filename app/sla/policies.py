"""The promises in force: read once for each version of the policies, then kept in the process."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import secrets
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from flask import g
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.accounts.models import Customer
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.hours import calendars
from app.hours.business import BusinessHours
from app.hours.calendars import Calendars, Kept, zone_in_use
from app.hours.stretch import Allowance, BusinessDays, Stretch
from app.hours.weeks import weekdays
from app.settings import desk
from app.sla import matching
from app.sla.matching import Facts, Values
from app.sla.models import Hours, SlaPolicy, SlaTarget
from app.sla.promises import SHIPPED, STANDS_STILL, Level, Metric, Policy, Target

SEEDED = {
    4: {"first_response_minutes": 60},
    3: {"first_response_minutes": 240},
    2: {"first_response_minutes": 1440},
    1: {"first_response_business_days": 5},
}
"""First response by priority rank; nothing is promised about resolution."""


@dc.dataclass(frozen=True)
class Offer:
    """One policy: for which tickets it holds, and what it promises."""

    policy_id: int
    name: str
    asks: Mapping[str, Values]
    levels: Mapping[int, Level]
    by_rank: Mapping[tuple[int, int], Policy]
    """By priority rank and calendar."""
    calendar_of: Mapping[int | None, int]
    """By department, if it counts by the hours of the ticket's department; None is any other one."""

    def policy(self, rank: int, department_id: int | None) -> Policy:
        calendar = self.calendar_of.get(department_id, self.calendar_of[None])
        return self.by_rank.get((rank, calendar), NOTHING)

    @property
    def metrics(self) -> frozenset[Metric]:
        return frozenset(metric for each in self.by_rank.values() for metric in each.targets)


@dc.dataclass(frozen=True)
class Promises:
    """The policies in their order, what any of them asks of a ticket, and about which metrics any of them promises something."""

    offers: tuple[Offer, ...] = ()

    @cached_property
    def asks(self) -> frozenset[str]:
        by_department = any(len(offer.calendar_of) > 1 for offer in self.offers)
        asked = frozenset(name for offer in self.offers for name in offer.asks)
        return asked | {"department"} if by_department else asked

    @cached_property
    def metrics(self) -> frozenset[Metric]:
        return frozenset(metric for offer in self.offers for metric in offer.metrics)

    def holding(self, facts: Facts) -> Offer | None:
        """The first that fits."""
        return next((offer for offer in self.offers if matching.misses(offer.asks, facts) is None), None)

    def policy(self, facts: Facts) -> Policy:
        offer = self.holding(facts)
        department_id = next(iter(facts.asked.get("department", ())), None)
        return offer.policy(facts.rank, department_id) if offer else NOTHING

    def levels(self, policy_id: int) -> Mapping[int, Level]:
        return next((offer.levels for offer in self.offers if offer.policy_id == policy_id), {})


NOTHING = Policy()


def in_force() -> Promises:
    settings = desk.current()
    return _kept(str(db.engine.url), settings.sla_version, settings.time_zone, settings.calendar_version)


def in_order() -> list[SlaPolicy]:
    """All, the switched off ones too."""
    wanted = select(SlaPolicy).options(selectinload(SlaPolicy.targets), joinedload(SlaPolicy.calendar))
    return list(db.session.scalars(wanted.order_by(SlaPolicy.position, SlaPolicy.id)))


def seed() -> None:
    """The policy that every desk starts with, once: an admin who deleted it wants to promise nothing."""
    if desk.current().sla_version == "0" and db.session.scalar(select(SlaPolicy.id).limit(1)) is None:
        targets = [SlaTarget(priority_rank=rank, **target) for rank, target in SEEDED.items()]
        db.session.add(SlaPolicy(name="Always", hours=Hours.ALWAYS, targets=targets, levels=written(SHIPPED)))
        db.session.flush()


def written(levels: tuple[Level, ...]) -> list[dict[str, Any]]:
    return [{"code": one.code, "tell": list(one.tell), "act": one.act} for one in levels]


@lru_cache(64)
def _kept(database: str, version: str, zone: str, calendar_version: str) -> Promises:
    """Every change of a policy makes a new version, see below; the database is in the key because tests open several."""
    known = calendars.in_force()
    return Promises(tuple(_offer(row, zone, known) for row in in_order() if row.active))


def _offer(row: SlaPolicy, zone: str, known: Calendars) -> Offer:
    counted: dict[int | None, Kept | None] = {None: None}
    if row.hours is Hours.BUSINESS:
        own: Mapping[Any, Kept] = known.by_department if row.calendar_id is None else {}
        counted = {None: known.of(row.calendar_id), **own}
    by_rank = {
        (target.priority_rank, kept.id if kept else 0): _promised(row, target, zone, kept)
        for target in row.targets
        for kept in counted.values()
    }
    calendar_of = {department: kept.id if kept else 0 for department, kept in counted.items()}
    asks = matching.asked_of(row.conditions or {})
    return Offer(row.id, row.name, asks, {level.code: level for level in row.told}, by_rank, calendar_of)


def _promised(row: SlaPolicy, target: SlaTarget, zone: str, calendar: Kept | None) -> Policy:
    allowances = {metric: allowance_of(target, metric) for metric in Metric}
    targets = {
        metric: Target(allowance, _time(allowance, zone, calendar), STANDS_STILL[metric])
        for metric, allowance in allowances.items()
        if allowance is not None
    }
    anew = bool(row.new_cycle_on_reopen)
    return Policy(targets, policy_id=row.id, levels=row.told, new_cycle_on_reopen=anew)


def endless(row: SlaPolicy) -> list[tuple[int, Metric]]:
    """By priority rank, what of it needs more time than its hours hold from now on: it is not promised."""
    offer, now = _offer(row, desk.current().time_zone, calendars.in_force()), clock.now()
    found = {
        (rank, metric)
        for (rank, _calendar), policy in offer.by_rank.items()
        for metric, target in policy.targets.items()
        if not Stretch(target.hours, now, target.allowance).ends
    }
    return sorted(found, reverse=True)


def allowance_of(row: SlaTarget, metric: Metric) -> Allowance | None:
    minutes: int | None = getattr(row, f"{metric.value}_minutes")
    days: int | None = getattr(row, f"{metric.value}_business_days")
    if minutes is not None:
        return dt.timedelta(minutes=minutes)
    return BusinessDays(days) if days is not None else None


def _time(allowance: Allowance, zone: str, calendar: Kept | None) -> BusinessHours:
    """Without a calendar round the clock, where business days are Monday to Friday."""
    if calendar is not None:
        return calendar.hours
    return weekdays(zone_in_use(None, zone)) if isinstance(allowance, BusinessDays) else BusinessHours.always()


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a policy, and however: what was kept of it is forgotten by every process."""
    if any(isinstance(row, (SlaPolicy, SlaTarget)) for row in (*session.new, *session.dirty, *session.deleted)):
        desk.change({"sla_version": secrets.token_hex(8)})
        g.pop("desk_settings", None)
    for row in session.dirty:
        if isinstance(row, Customer) and inspect(row).attrs.organization_id.history.has_changes():
            _moved_to_another_organization(row)


def _moved_to_another_organization(customer: Customer) -> None:
    """Their running tickets may be another policy's now."""
    if "organization" in in_force().asks:
        Outbox.put("sla.check", queue="bulk", customer_id=customer.id)
