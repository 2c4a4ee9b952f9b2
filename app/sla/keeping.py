"""How policies are changed: what may be kept, the order they are asked in, and what of them can never be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.hours.stretch import Allowance, BusinessDays
from app.sla import matching, policies, rebuilding, saying
from app.sla.models import Hours, SlaPolicy, SlaTarget
from app.sla.promises import WHOLE, Level, Metric

MOST = 100
LONGEST_NAME = 80
MOST_LEVELS = 8
LATEST_MINUTES = 60 * 24 * 60
"""Of a level after the due instant: sixty days."""


@dataclass(frozen=True)
class Wanted:
    """A policy as somebody wants it."""

    name: str
    active: bool = True
    hours: Hours = Hours.ALWAYS
    calendar_id: int | None = None
    """For business hours: one for all departments."""
    new_cycle_on_reopen: bool = False
    conditions: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    targets: Mapping[tuple[int, Metric], Allowance] = field(default_factory=dict)
    levels: Sequence[Level] = ()


class OutOfOrder(HelpdeskError):
    """A policy for every ticket above others: they would never be asked."""

    def __init__(self, policy: SlaPolicy) -> None:
        super().__init__(
            _(
                "“%(name)s” has no condition and holds for every ticket, so it has to be the last that is switched on. Give it a condition, move it down or switch it off.",
                name=policy,
            )
        )


def keep(policy: SlaPolicy | None, wanted: Wanted) -> SlaPolicy:
    """Make or change it; running promises are counted anew by a job."""
    wrong = _wrong(wanted, policy)
    if wrong:
        raise Invalid(_("This policy is not right yet."), wrong)
    new = policy is None
    if policy is None:
        if len(policies.in_order()) >= MOST:
            raise Invalid(_("There are %(most)s policies already. Delete one first.", most=MOST))
        policy = SlaPolicy(position=0)
    with db.session.no_autoflush:
        _write(policy, wanted)
    if new:
        db.session.add(policy)
        _place(policy)
    _demand_order()
    rebuilding.begin()
    return policy


def move(policy: SlaPolicy, step: int) -> None:
    found = policies.in_order()
    at = found.index(policy)
    found.insert(max(0, at + step), found.pop(at))
    _number(found)
    _demand_order()
    rebuilding.begin()


def switch(policy: SlaPolicy, active: bool) -> None:
    policy.active = active
    _demand_order()
    rebuilding.begin()


def delete(policy: SlaPolicy) -> None:
    db.session.delete(policy)
    db.session.flush()
    rebuilding.begin()


def _wrong(wanted: Wanted, policy: SlaPolicy | None) -> dict[str, str]:
    wrong: dict[str, str] = {}
    twin = db.session.scalar(select(SlaPolicy.id).where(SlaPolicy.name == wanted.name))
    if not wanted.name or len(wanted.name) > LONGEST_NAME:
        wrong["name"] = _("Please give it a name.")
    elif twin is not None and (policy is None or twin != policy.id):
        wrong["name"] = _("There is a policy of this name already.")
    codes = [level.code for level in wanted.levels]
    if len(set(codes)) < len(codes):
        wrong["levels"] = _("Two levels stand at the same point. Join them.")
    if len(codes) > MOST_LEVELS:
        wrong["levels"] = _("There may be %(most)s levels.", most=MOST_LEVELS)
    for at, level in enumerate(wanted.levels):
        if not 1 <= level.code <= WHOLE + LATEST_MINUTES:
            wrong[f"level-at-{at}"] = _("This is 1 to 100 per cent, or up to 60 days after.")
        elif not level.tell and not level.act:
            wrong[f"level-at-{at}"] = _(
                "This level tells nobody and does nothing. Choose somebody, or empty its number."
            )
    return wrong


def _write(policy: SlaPolicy, wanted: Wanted) -> None:
    policy.name, policy.active, policy.hours = wanted.name, wanted.active, wanted.hours
    policy.calendar_id, policy.new_cycle_on_reopen = wanted.calendar_id, wanted.new_cycle_on_reopen
    policy.conditions = {name: sorted(values) for name, values in wanted.conditions.items() if values}
    policy.levels = policies.written(tuple(sorted(wanted.levels, key=lambda level: level.code)))
    rows = {target.priority_rank: target for target in policy.targets}
    ranks = {rank for rank, _metric in wanted.targets}
    policy.targets = [rows.get(rank) or SlaTarget(priority_rank=rank) for rank in sorted(ranks, reverse=True)]
    for target in policy.targets:
        for metric in Metric:
            allowance = wanted.targets.get((target.priority_rank, metric))
            days = isinstance(allowance, BusinessDays)
            setattr(target, f"{metric.value}_business_days", allowance.count if isinstance(allowance, BusinessDays) else None)  # fmt: skip
            minutes = int(allowance.total_seconds() // 60) if isinstance(allowance, dt.timedelta) and not days else None
            setattr(target, f"{metric.value}_minutes", minutes)


def _place(policy: SlaPolicy) -> None:
    """Before the one for every ticket, or last."""
    others = [each for each in policies.in_order() if each is not policy]
    last = next((at for at, each in enumerate(others) if each.active and not each.conditions), len(others))
    others.insert(last if policy.conditions or not policy.active else len(others), policy)
    _number(others)


def _number(found: Sequence[SlaPolicy]) -> None:
    for place, each in enumerate(found):
        each.position = place
    db.session.flush()


def _demand_order() -> None:
    db.session.flush()
    active = [policy for policy in policies.in_order() if policy.active]
    for policy in active[:-1]:
        if not policy.conditions:
            raise OutOfOrder(policy)


def problems(found: Sequence[SlaPolicy], called: Mapping[int, str], known: saying.Names) -> dict[int, list[str]]:
    """By policy, what of it can never be, or hardly be meant."""
    told: dict[int, list[str]] = {}
    above: list[SlaPolicy] = []
    for policy in found:
        told[policy.id] = [
            *_unreachable(policy, above),
            *_gone(policy, called, known),
            *_contradictions(policy, called),
        ]
        if policy.active:
            above.append(policy)
    return told


def _unreachable(policy: SlaPolicy, above: Sequence[SlaPolicy]) -> list[str]:
    asked = matching.asked_of(policy.conditions or {})
    by = next((each for each in above if matching.covers(matching.asked_of(each.conditions or {}), asked)), None)
    return [_("It never holds: “%(name)s” above takes all of its tickets.", name=by)] if by else []


def _gone(policy: SlaPolicy, called: Mapping[int, str], known: saying.Names) -> list[str]:
    told = []
    for name, wanted in matching.asked_of(policy.conditions or {}).items():
        there = wanted & known[name].keys()
        if not there:
            told.append(
                _("It never holds: what it asks of %(field)s is not there any more.", field=saying.FIELDS[name])
            )
        elif there != wanted:
            told.append(_("Something it asks of %(field)s is not there any more.", field=saying.FIELDS[name]))
    for target in policy.targets:
        if target.priority_rank not in called:
            told.append(
                _("It promises something for priorities of rank %(rank)s, which are not there any more.", rank=target.priority_rank)
            )  # fmt: skip
    return told


def _contradictions(policy: SlaPolicy, called: Mapping[int, str]) -> list[str]:
    told = []
    for target in policy.targets:
        whole = policies.allowance_of(target, Metric.RESOLUTION)
        for metric in (Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE):
            part = policies.allowance_of(target, metric)
            if part is not None and whole is not None and _longer(part, whole):
                words = {"metric": saying.METRICS[metric], "priority": called.get(target.priority_rank, "–")}
                told.append(_("%(priority)s: “%(metric)s” is promised later than the resolution.", **words))
    for rank, metric in policies.endless(policy):
        words = {"metric": saying.METRICS[metric], "priority": called.get(rank, "–")}
        told.append(
            _("%(priority)s: for “%(metric)s” its hours are too few within ten years, so it is not promised.", **words)
        )
    return told


def _longer(part: Allowance, whole: Allowance) -> bool:
    """Minutes and business days are not compared."""
    if isinstance(part, BusinessDays) and isinstance(whole, BusinessDays):
        return part.count > whole.count
    if isinstance(part, dt.timedelta) and isinstance(whole, dt.timedelta):
        return part > whole
    return False
