"""The dashboard: how many tickets stand where, what came and went, what is late and what waits for the reader. Only of tickets they see."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from flask import g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import format_decimal
from sqlalchemy import Executable, bindparam, func, select

from app.accounts.models import Customer
from app.accounts.viewer import Viewer
from app.assignment.load import WEIGHS
from app.core import clock, web
from app.core.rows import plain_rows
from app.core.words import said as _
from app.desk import lookups
from app.desk.counts import cells
from app.desk.lookups import Lookups
from app.desk.promise import lasting
from app.reports.volume import Volume, today, volume
from app.settings import desk
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.queues import URGENT_RANK, TicketQuery
from app.tickets.tally import NOBODY, Cell

PERIODS = (7, 14, 30)
USUAL_PERIOD = 14
OVERDUE_CAP = 1_000
"""Counted one by one, as it depends on the clock: a desk with more is told "1,000+"."""
ROWS = 8
SLICES = 5
"""Categories by name; the others are one slice."""
BARS = 8


class DashboardView(BaseView):
    route_base = "/admin/dashboard"
    class_permission_name = "Dashboard"
    default_view = "list"

    @expose("/")
    @expose("")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        asked = request.args.get("days", "")
        days = int(asked) if asked in map(str, PERIODS) else USUAL_PERIOD
        return self.render_template("desk/dashboard.html", board=Dashboard.of(g.user, days), number=format_decimal)


class Line(NamedTuple):
    """One ticket of a list."""

    href: str
    number: str
    subject: str
    customer: str
    assignee: str | None
    words: str
    """How long it is over, or waits."""


class Standing(NamedTuple):
    """How many tickets wait for one side."""

    words: str
    tickets: int
    href: str
    state: str


class Wait(NamedTuple):
    words: str
    change: str | None
    better: bool | None


@dc.dataclass(frozen=True)
class Dashboard:
    viewer: Viewer
    days: int
    names: Lookups
    cells: Sequence[tuple[Cell, int]]
    volume: Volume
    """Of twice as many days as are shown: the earlier half is what the present one is compared with."""
    late: dict[int, int]
    """Assignee -> their overdue tickets."""
    at: dt.datetime

    @classmethod
    def of(cls, viewer: Viewer, days: int) -> Dashboard:
        at = clock.now()
        return cls(
            viewer,
            days,
            lookups.of_list(),
            cells(viewer),
            volume(viewer, today(), days * 2),
            overdue_of_each(viewer, at),
            at,
        )

    @property
    def open(self) -> int:
        return sum(tickets for _cell, tickets in self.cells)

    @property
    def growth(self) -> int:
        return self.volume.growth(self.volume.days[-1])

    @property
    def unassigned(self) -> int:
        return sum(tickets for cell, tickets in self.cells if cell.assignee_id == NOBODY)

    @property
    def urgent_unassigned(self) -> int:
        urgent = {row.id for row in self.names.all("priority") if row.place >= URGENT_RANK}
        return sum(tickets for cell, tickets in self.cells if cell.assignee_id == NOBODY and cell.priority_id in urgent)

    @property
    def standing(self) -> list[Standing]:
        """Whose turn it is: ours, the customer's, or that of somebody else."""
        places = {row.id: State(row.detail) for row in self.names.all("status")}
        sums = Counter[State]()
        for cell, tickets in self.cells:
            if cell.status_id in places:
                sums[places[cell.status_id]] += tickets
        words = {
            State.NEW: _("Waiting for us, not begun"), State.OPEN: _("Waiting for us, begun"), State.WAITING: _("Waiting for the customer"), State.HOLD: _("Waiting for a third party, or paused"),
        }  # fmt: skip
        return [
            Standing(said, sums[state], f"/admin/tickets/?state={state.value}", state.value)
            for state, said in words.items()
        ]

    @property
    def overdue(self) -> int:
        return sum(self.late.values())

    @property
    def uncounted(self) -> bool:
        """There are more than we count."""
        return self.overdue >= OVERDUE_CAP

    @cached_property
    def wait(self) -> Wait:
        """The median until the first response, and how it changed against the period before."""
        now, before = self.volume.median_wait(*self._shown), self.volume.median_wait(*self.volume.days[: self.days])
        if now is None:
            return Wait("–", None, None)
        words = lasting(dt.timedelta(seconds=now))
        if before is None or abs(now - before) < 60:
            return Wait(words, None, None)
        span = lasting(dt.timedelta(seconds=abs(now - before)))
        return Wait(
            words, _("%(time)s less", time=span) if now < before else _("%(time)s more", time=span), now < before
        )

    @property
    def charts(self) -> dict[str, dict[str, Any]]:
        return {
            "volume": self._volume_chart(),
            "categories": self._category_chart(),
            "waits": self._wait_chart(),
            "workload": self._workload_chart(),
        }

    @property
    def _shown(self) -> tuple[dt.date, ...]:
        return self.volume.days[self.days :]

    @cached_property
    def _labels(self) -> list[str]:
        return [web.day(day) for day in self._shown]

    def _volume_chart(self) -> dict[str, Any]:
        opened = {"label": _("New"), "data": [self.volume.opened[day] for day in self._shown], "color": "accent-solid"}
        resolved = {
            "label": _("Resolved"),
            "data": [self.volume.resolved[day] for day in self._shown],
            "color": "green-solid",
        }
        return {"type": "bar", "labels": self._labels, "sets": [opened, resolved]}

    def _category_chart(self) -> dict[str, Any]:
        sums = _sums((cell.category_id, tickets) for cell, tickets in self.cells)
        named = [(self.names.name("category", key) or _("No category"), tickets) for key, tickets in sums.items()]
        largest = sorted(named, key=_largest_first)[:SLICES]
        others = sum(sums.values()) - sum(tickets for _name, tickets in largest)
        slices = [*largest, (_("Others"), others)] if others else largest
        return {
            "type": "doughnut",
            "labels": [name for name, _tickets in slices],
            "sets": [{"label": _("Tickets"), "data": [tickets for _name, tickets in slices]}],
        }

    def _wait_chart(self) -> dict[str, Any]:
        medians = [self.volume.median_wait(day) for day in self._shown]
        minutes = [None if seconds is None else round(seconds / 60) for seconds in medians]
        return {
            "type": "line",
            "labels": self._labels,
            "sets": [{"label": _("Median"), "data": minutes, "color": "accent-solid"}],
        }

    def _workload_chart(self) -> dict[str, Any]:
        ours = {row.id for row in self.names.all("status") if row.detail in [state.value for state in WEIGHS]}
        sums = _sums((cell.assignee_id, tickets) for cell, tickets in self.cells if cell.status_id in ours)
        people = [
            (self.names.name("person", key) or _("Somebody"), tickets, key)
            for key, tickets in sums.items()
            if key != NOBODY
        ]
        rows = sorted(people, key=_largest_first)[:BARS]
        if sums[NOBODY]:
            rows.append((_("Unassigned"), sums[NOBODY], NOBODY))
        sets = [{"label": _("Open"), "data": [tickets for _name, tickets, _key in rows], "color": "accent-solid"}]
        if not self.uncounted:
            sets.append(
                {
                    "label": _("Overdue"),
                    "data": [self.late.get(key, 0) for _name, _tickets, key in rows],
                    "color": "red-solid",
                }
            )
        names = [name for name, _tickets, _key in rows]
        return {"type": "bar", "horizontal": True, "labels": names, "sets": sets}

    @cached_property
    def attention(self) -> list[Line]:
        """The tickets that are overdue the longest."""
        rows = plain_rows(_attention(self.viewer, desk.current().agents_see_departments), {"at": self.at})
        return [self._line(row, _("%(time)s over", time=lasting(self.at - row.since))) for row in rows]

    @cached_property
    def pending(self) -> list[Line]:
        """The reader's own, new or open, whose customer has waited the longest; then those that were answered."""
        rows = plain_rows(_pending(self.viewer, desk.current().agents_see_departments, True))
        if len(rows) < ROWS:
            rows = [*rows, *plain_rows(_pending(self.viewer, desk.current().agents_see_departments, False))]
        return [self._line(row, lasting(self.at - row.since)) for row in rows[:ROWS]]

    def _line(self, row: Any, words: str) -> Line:
        assignee = self.names.name("person", row.assignee_id) if row.assignee_id else None
        return Line(
            f"/admin/tickets/{row.number}",
            desk.current().display(row.number),
            row.subject,
            row.name or row.email,
            assignee,
            words,
        )


def overdue_of_each(viewer: Viewer, at: dt.datetime) -> dict[int, int]:
    """Of the tickets that are overdue the longest, at most `OVERDUE_CAP`."""
    return {row[0]: row[1] for row in plain_rows(_overdue(viewer, desk.current().agents_see_departments), {"at": at})}


@lru_cache(512)
def _overdue(viewer: Viewer, agents_see_departments: bool) -> Executable:
    """Statements are built once for each viewer; the setting is part of the row rule, and so of the key."""
    late = _late(viewer).statement.with_only_columns(func.coalesce(Ticket.assignee_id, NOBODY).label("assignee"))
    capped = late.order_by(Ticket.next_due_at).limit(OVERDUE_CAP).subquery()
    return select(capped.c.assignee, func.count()).group_by(capped.c.assignee)


@lru_cache(512)
def _attention(viewer: Viewer, agents_see_departments: bool) -> Executable:
    return _lines(_late(viewer), Ticket.next_due_at)


@lru_cache(512)
def _pending(viewer: Viewer, agents_see_departments: bool, waiting: bool) -> Executable:
    """`waiting`: the customer wrote last."""
    mine = TicketQuery.seen_by(viewer).of(viewer.id).awake().where(Ticket.state.in_((State.NEW, State.OPEN)))
    if waiting:
        return _lines(mine.where(Ticket.awaiting_since.is_not(None)), Ticket.awaiting_since)
    since = func.coalesce(Ticket.last_customer_at, Ticket.created_at, type_=Ticket.created_at.type)
    return _lines(mine.where(Ticket.awaiting_since.is_(None)), since)


def _late(viewer: Viewer) -> TicketQuery:
    at: Any = bindparam("at", type_=Ticket.next_due_at.type)
    return TicketQuery.seen_by(viewer).overdue(at)


def _lines(query: TicketQuery, since: Any) -> Executable:
    columns = (Ticket.number, Ticket.subject, Ticket.assignee_id, Customer.name, Customer.email, since.label("since"))
    wanted = query.statement.with_only_columns(*columns).join(Customer, Customer.id == Ticket.requester_id)
    return wanted.order_by(since, Ticket.id).limit(ROWS)


def _largest_first(named: tuple[Any, ...]) -> tuple[int, str]:
    """(name, tickets, …)"""
    return -named[1], named[0].casefold()


def _sums(pairs: Iterable[tuple[int, int]]) -> Counter[int]:
    sums: Counter[int] = Counter()
    for key, tickets in pairs:
        sums[key] += tickets
    return sums
