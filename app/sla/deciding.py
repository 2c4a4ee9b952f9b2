"""Which policy a ticket has, and why: every policy that was asked on the way, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.core.extensions import db
from app.hours.stretch import Allowance
from app.sla import clocks, matching, policies, saying
from app.sla.models import SlaClock, SlaFired, SlaPolicy
from app.sla.promises import Metric
from app.tickets.models import Ticket


@dataclass(frozen=True)
class Asked:
    """One policy on the way to the one that holds."""

    policy: SlaPolicy
    misses: str = ""
    """In what the ticket is not what is asked, in words; empty for the one that holds."""
    has: str = ""
    """What it is instead."""


@dataclass(frozen=True)
class Decision:
    asked: Sequence[Asked]
    policy: SlaPolicy | None
    """None: no policy fits, and nothing is promised."""
    targets: Sequence[tuple[Metric, Allowance]]
    """For the ticket's priority."""


def decide(ticket: Ticket) -> Decision:
    active = [policy for policy in policies.in_order() if policy.active]
    facts = matching.facts_of(ticket, frozenset(matching.FIELDS))
    asked: list[Asked] = []
    for policy in active:
        missing = matching.misses(matching.asked_of(policy.conditions or {}), facts)
        if missing is None:
            asked.append(Asked(policy))
            return Decision(asked, policy, _targets(policy, ticket.priority_rank))
        values = [value for value in facts.asked[missing] if value is not None]
        known = saying.names(missing, values)
        has = ", ".join(sorted(known.get(value, str(value)) for value in values)) or "–"
        asked.append(Asked(policy, str(saying.FIELDS[missing]), has))
    return Decision(asked, None, ())


def _targets(policy: SlaPolicy, rank: int) -> list[tuple[Metric, Allowance]]:
    row = next((target for target in policy.targets if target.priority_rank == rank), None)
    if row is None:
        return []
    found = ((metric, policies.allowance_of(row, metric)) for metric in Metric)
    return [(metric, allowance) for metric, allowance in found if allowance is not None]


@dataclass(frozen=True)
class Running:
    """One clock of the ticket and what was told of it."""

    clock: SlaClock
    told: Sequence[tuple[int, dt.datetime, bool]]
    """Level, when, and whether it was passed over."""


def running(ticket: Ticket) -> list[Running]:
    rows = clocks.of(ticket)
    fired = db.session.scalars(select(SlaFired).where(SlaFired.clock_id.in_([row.id for row in rows])).order_by(SlaFired.epoch, SlaFired.level))  # fmt: skip
    told: dict[int, list[tuple[int, dt.datetime, bool]]] = {}
    for one in fired:
        told.setdefault(one.clock_id, []).append((one.level, one.at, one.skipped))
    return [Running(row, told.get(row.id, [])) for row in rows]
