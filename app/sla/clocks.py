"""Keeps a ticket's clock rows as its events say they are, in the transaction of the event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla import breaches, history, matching, policies
from app.sla.fold import ClockRow, ClockState, clocks
from app.sla.models import SlaClock
from app.sla.policies import Promises
from app.sla.promises import Metric
from app.tickets.models import Ticket
from app.tickets.timeline import Did, TicketEvent

ALL = frozenset(Metric)
MOVES: dict[Did, frozenset[Metric]] = {
    Did.RECEIVED: frozenset({Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE}),
    Did.REPLIED: ALL - {Metric.RESOLUTION},
    Did.STATUS_CHANGED: frozenset({Metric.PERIODIC_UPDATE, Metric.RESOLUTION}),
    Did.REOPENED: ALL - {Metric.FIRST_RESPONSE},
}
"""Which clocks a deed may move, if not all. Where nothing is promised about any of them, nothing is read either."""


def follow(event: TicketEvent) -> None:
    """Reaction: what this deed means for the ticket's promises."""
    ticket, promises = event.ticket, policies.in_force()
    if matching.MOVES.get(event.what, "") not in ("", *promises.asks):
        return
    moves = MOVES.get(event.what, ALL) & promises.metrics
    if not moves or (moves == {Metric.FIRST_RESPONSE} and _first_response_is_settled(ticket, event)):
        return
    if event.what is Did.OPENED:
        _keep(ticket, [history.Deed.of(event)], promises, {})
    else:
        _keep(ticket, history.deeds(ticket, promises.asks), promises, _rows(ticket))


def follow_calendars(_: None) -> None:
    """Reaction: the hours by which time was counted are others now, so a job counts again."""
    Outbox.put("sla.check", queue="bulk")


def rebuild(ticket: Ticket) -> bool:
    """Replay all events; True when a row was not as it should be. What ended under an older policy stays as it was."""
    promises = policies.in_force()
    return _keep(ticket, history.deeds(ticket, promises.asks), promises, _rows(ticket))


def of(ticket: Ticket) -> list[SlaClock]:
    """All clocks of a ticket for a page, the oldest first."""
    return list(db.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.id)))


def _first_response_is_settled(ticket: Ticket, event: TicketEvent) -> bool:
    if ticket.opened_by_staff:
        return True
    return ticket.first_response_at is not None and not (event.what is Did.REPLIED and event.particulars.get("first"))


def _rows(ticket: Ticket) -> dict[tuple[Metric, int], SlaClock]:
    """Locked, so that what the enforcer told meanwhile is seen."""
    wanted = select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.id)
    rows = db.session.scalars(wanted.with_for_update().execution_options(populate_existing=True))
    return {(row.metric, row.cycle): row for row in rows}


def _keep(
    ticket: Ticket, done: Sequence[history.Deed], promises: Promises, kept: dict[tuple[Metric, int], SlaClock]
) -> bool:
    wanted = clocks(history.story(ticket, done, promises), history.first_policy(ticket, done, promises))
    changed = False
    for row in wanted:
        place = (row.metric, row.cycle)
        if place not in kept:
            kept[place] = SlaClock(ticket_id=ticket.id, metric=row.metric, cycle=row.cycle, epoch=1)
            db.session.add(kept[place])
        changed |= _write(kept[place], row)
    for place in kept.keys() - {(row.metric, row.cycle) for row in wanted}:
        changed |= _no_longer_promised(kept[place])
    changed |= _sum_up(ticket, kept.values())
    for late in [each for each in kept.values() if each.breached_at and not each.detected_at]:
        breaches.tell(late, ticket)
    return changed


def _write(kept: SlaClock, row: ClockRow) -> bool:
    if kept.ended and (kept.state, kept.ended_at) == (row.state, row.ended_at):
        return False
    values = _values(row)
    _fire(values, kept, row)
    changed = {name: value for name, value in values.items() if getattr(kept, name) != value}
    for name, value in changed.items():
        setattr(kept, name, value)
    return bool(changed)


def _values(row: ClockRow) -> dict[str, Any]:
    ended_at = row.ended_at
    return {
        "policy_id": row.policy.policy_id,
        "state": row.state,
        "started_at": row.started_at,
        "target_seconds": int(row.stretch.allowed.total_seconds()),
        "paused_seconds": int(row.stretch.paused().total_seconds()),
        "paused_since": row.paused_since,
        "due_at": row.due_at,
        "ended_at": ended_at,
        "elapsed_seconds": int(row.elapsed(ended_at).total_seconds()) if ended_at else None,
        "overrun_seconds": int(row.overrun(ended_at).total_seconds()) if ended_at else None,
        "breached_at": row.breached_at,
    }


def _fire(values: dict[str, Any], kept: SlaClock, row: ClockRow) -> None:
    """When the enforcer has to look at the clock. What was told already and lies ahead again may be told again."""
    due_at, now, told = values["due_at"], clock.now(), kept.told_level or 0
    if row.state is not ClockState.RUNNING or due_at is None:
        values.update(schedule=None, next_fire_at=None)
        return
    schedule = row.schedule(due_at)
    if any(code <= told and at > now for code, at in schedule):
        told = max((code for code, at in schedule if at < now), default=0)
        values.update(epoch=kept.epoch + 1, told_level=told)
    if kept.detected_at and due_at > now:
        values.update(detected_at=None, breached_at=None)
    elif kept.detected_at:
        values["breached_at"] = due_at
    values["schedule"] = [[code, at.isoformat()] for code, at in schedule]
    values["next_fire_at"] = next((at for code, at in schedule if code > told), None)


def _no_longer_promised(kept: SlaClock) -> bool:
    """The row stays, so that a breach already told is not told again when the promise comes back."""
    if kept.ended:
        return False
    kept.state, kept.ended_at = ClockState.CANCELLED, clock.now()
    kept.due_at = kept.paused_since = kept.next_fire_at = kept.schedule = None
    return True


def _sum_up(ticket: Ticket, rows: Any) -> bool:
    """What lists and pages show, on the ticket itself."""
    promised = [row for row in sorted(rows, key=lambda row: row.cycle) if row.state is not ClockState.CANCELLED]
    due = {row.metric: row.due_at for row in promised}
    running = [row.due_at for row in promised if row.state is ClockState.RUNNING and row.due_at]
    values = {
        "first_response_due_at": due.get(Metric.FIRST_RESPONSE),
        "resolution_due_at": due.get(Metric.RESOLUTION),
        "next_due_at": min(running, default=None),
    }
    changed = {name: value for name, value in values.items() if getattr(ticket, name) != value}
    for name, value in changed.items():
        setattr(ticket, name, value)
    return bool(changed)
