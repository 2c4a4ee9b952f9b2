"""What a ticket's due instants mean in words: time left, over, paused, met."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple, Protocol

from app.core.words import said as _
from app.tickets.choices import State

NEAR_SHARE = 4
"""The last quarter of a promise is "at risk"."""


class Promised(Protocol):
    """A ticket, or a row of the list: as much of it as this needs."""

    @property
    def state(self) -> State: ...
    @property
    def live(self) -> bool: ...
    @property
    def created_at(self) -> dt.datetime: ...
    @property
    def resolved_at(self) -> dt.datetime | None: ...
    @property
    def next_due_at(self) -> dt.datetime | None: ...
    @property
    def first_response_at(self) -> dt.datetime | None: ...
    @property
    def first_response_due_at(self) -> dt.datetime | None: ...
    @property
    def resolution_due_at(self) -> dt.datetime | None: ...


class Promise(NamedTuple):
    """`kind` is the sign: ok risk breach paused done none."""

    kind: str
    text: str
    used: int | None = None
    """Percent of the time that is gone."""


def promise_of(ticket: Promised, at: dt.datetime) -> Promise:
    due = ticket.next_due_at
    if not ticket.live:
        return _kept(ticket)
    if due is None:
        return _standing(ticket)
    left, whole = due - at, max(due - ticket.created_at, dt.timedelta(minutes=1))
    used = max(0, min(100, round(100 * (1 - left / whole))))
    if left < dt.timedelta(0):
        return Promise("breach", _("%(time)s over", time=lasting(-left)), 100)
    return Promise("risk" if left * NEAR_SHARE <= whole else "ok", _("%(time)s left", time=lasting(left)), used)


def _standing(ticket: Promised) -> Promise:
    """No clock runs: it is the customer's turn, or the only promise was the first reply."""
    if (
        ticket.resolution_due_at is None
        and ticket.first_response_at is not None
        and ticket.first_response_due_at is not None
    ):
        return (
            Promise("done", _("Met"))
            if ticket.first_response_at <= ticket.first_response_due_at
            else Promise("breach", _("Missed"))
        )
    promised = ticket.first_response_due_at or ticket.resolution_due_at
    paused = promised is not None and ticket.state in (State.WAITING, State.HOLD)
    return Promise("paused", _("Paused")) if paused else Promise("none", _("No target"))


def _kept(ticket: Promised) -> Promise:
    """A promise kept in its very last second is kept."""
    if ticket.resolution_due_at is None or ticket.resolved_at is None:
        return Promise("none", _("No target"))
    return (
        Promise("done", _("Met")) if ticket.resolved_at <= ticket.resolution_due_at else Promise("breach", _("Missed"))
    )


def lasting(span: dt.timedelta) -> str:
    """A length of time, short: 48m, 4h 20m, 2d 3h."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return _("%(m)sm", m=minutes)
    if minutes < 1440:
        return _("%(h)sh %(m)sm", h=minutes // 60, m=f"{minutes % 60:02d}")
    return _("%(d)sd %(h)sh", d=minutes // 1440, h=minutes % 1440 // 60)
