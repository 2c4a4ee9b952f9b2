"""Time spent as a ticket's page shows it: the sum, what is left of the budgets, and the viewer's timer. Where nobody has any, no statement asks."""

from __future__ import annotations

from typing import NamedTuple

from app.accounts import rights
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.words import said as _
from app.desk.facts import Facts
from app.desk.lookups import Lookups
from app.tickets import budgets, timefigures, timers
from app.tickets.durations import said
from app.tickets.timespent import today

KINDS = {0: "ok", budgets.NEAR: "risk", budgets.FULL: "breach"}


class Bar(NamedTuple):
    """What is used of a budget."""

    label: str
    words: str
    used: int
    """Percent, at most 100."""
    kind: str
    """ok, risk (near) or breach (over)."""


class Running(NamedTuple):
    """The viewer's timer on this ticket."""

    id: int
    words: str
    seconds: int
    running: bool
    forgotten: bool


class Panel(NamedTuple):
    spent: str
    """Empty where no time was spent."""
    bars: tuple[Bar, ...]
    timer: Running | None
    may: bool
    may_budget: bool
    budget: str
    """As its field has it."""
    activities: tuple[tuple[int, str], ...]
    initial: int | None

    @property
    def empty(self) -> bool:
        return not (self.spent or self.bars or self.may or self.may_budget)


def of(ticket: Facts, viewer: Viewer, names: Lookups) -> Panel:
    activities = names.active("activity")
    return Panel(
        said(ticket.time_spent_minutes) if ticket.time_spent_minutes else "", tuple(_bars(ticket)), running(ticket.id, viewer) if ticket.timed else None,
        rights.may(viewer, "time"), rights.may(viewer, "budget"), said(ticket.budget_minutes) if ticket.budget_minutes else "",
        tuple((row.id, row.name) for row in activities), next((row.id for row in activities if row.manual), None),
    )  # fmt: skip


def running(ticket_id: int, viewer: Viewer) -> Running | None:
    timer = timers.on(ticket_id, viewer)
    if timer is None:
        return None
    now = clock.now()
    return Running(timer.id, said(timer.elapsed(now) // 60), timer.elapsed(now), timer.running, timer.forgotten)


def _bars(ticket: Facts) -> list[Bar]:
    bars = []
    if ticket.budget_minutes:
        bars.append(_bar(_("Budget"), ticket.time_spent_minutes, ticket.budget_minutes))
    if ticket.organization_budget and ticket.organization_id:
        spent = timefigures.spent_by_organization(ticket.organization_id, today().isoformat()[:7])
        label = _("%(name)s this month", name=ticket.organization)
        bars.append(_bar(label, spent, ticket.organization_budget))
    return bars


def _bar(label: str, spent: int, budget: int) -> Bar:
    left = budget - spent
    words = (
        _("%(left)s of %(budget)s left", left=said(left), budget=said(budget))
        if left >= 0
        else _("%(over)s over %(budget)s", over=said(-left), budget=said(budget))
    )
    return Bar(label, words, min(100, spent * 100 // budget), KINDS[budgets.level(spent, budget)])
