"""What giving a status's tickets to another one, or another meaning, would do: counted and said before anything happens."""

from __future__ import annotations

import dataclasses as dc
import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import and_, case, func, or_, select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.statusnamed import Named, named
from app.settings import desk
from app.sla.fold import ClockState
from app.sla.models import SlaClock
from app.sla.promises import Metric
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.restating import Change

PAUSES = (State.WAITING, State.HOLD)


class Reach(NamedTuple):
    """Tickets with the status; each but the first is a part of `all` and, but for `aside`, of those somebody works on."""

    all: int
    aside: int
    """Merged into others, or spam: they stay ended."""
    changing: int
    """Those that get another state by it."""
    unanswered: int
    """Their customers wait for an answer of ours."""
    own: int
    """The reader's."""


@dc.dataclass(frozen=True)
class Preview:
    """Of one change, to one reader."""

    change: Change
    viewer: Viewer

    @cached_property
    def reach(self) -> Reach:
        aside = or_(Ticket.merged_into_id.is_not(None), Ticket.spam_since.is_not(None))
        worked = ~aside
        parts = (
            aside, and_(worked, Ticket.state != self.change.state), and_(worked, Ticket.needs_response.is_(True)),
            and_(worked, Ticket.assignee_id == self.viewer.id),
        )  # fmt: skip
        sums = [func.coalesce(func.sum(case((part, 1), else_=0)), 0) for part in parts]
        row = db.session.execute(select(func.count(), *sums).where(Ticket.status_id == self.change.status.id)).one()
        return Reach(*map(int, row))

    @cached_property
    def named(self) -> list[Named]:
        return named(self.change.status, self.viewer)

    @property
    def mark(self) -> str:
        """Another one, once either status or what names them was changed. New tickets alone change nothing of what was said."""
        change = self.change
        rows = [(one.id, one.name, one.state.value, one.active, one.initial, one.customer_label) for one in (change.status, change.target)]  # fmt: skip
        told = repr((rows, change.state.value, [tuple(one) for one in self.named]))
        return hashlib.sha256(told.encode()).hexdigest()[:24]

    @property
    def ends(self) -> bool:
        """Whether a customer could hear of it."""
        was, now = self.change.status.state, self.change.state
        return was is not now and not now.live

    @property
    def effects(self) -> list[str]:
        if not self.reach.all - self.reach.aside:
            return []
        return [*self._lives(), *self._promises(), *self._timers(), *self._read()]

    def _lives(self) -> Iterator[str]:
        was, now, many = self.change.status.state, self.change.state, self.reach.all - self.reach.aside
        if was is now:
            yield _("They stay what they are: promises, reminders and closing by itself go on as before.")
        elif was.live and not now.live:
            yield ngettext("%(num)d ticket ends. Reports do not count it as solved by somebody.", "%(num)d tickets end. Reports do not count them as solved by somebody.", many)  # fmt: skip
            yield _("Open tasks and empty required fields hold up none of them.")
        elif now.live and not was.live:
            yield ngettext("%(num)d ticket that had ended is open again.", "%(num)d tickets that had ended are open again.", many)  # fmt: skip

    def _promises(self) -> Iterator[str]:
        was, now = self.change.status.state, self.change.state
        runs, paused = self._clocks(ClockState.RUNNING), self._clocks(ClockState.PAUSED)
        if was is now:
            return
        if was.live and not now.live and (runs or paused):
            yield ngettext("%(num)d promise ends, kept or broken as it stands.", "%(num)d promises end, kept or broken as they stand.", runs + paused)  # fmt: skip
        elif now in PAUSES and was not in PAUSES and (steady := self._clocks(ClockState.RUNNING, pausing=True)):
            yield ngettext("%(num)d promise pauses, if its policy lets it pause in this state.", "%(num)d promises pause, if their policy lets them pause in this state.", steady)  # fmt: skip
        elif was in PAUSES and now.live and now not in PAUSES and paused:
            yield ngettext("%(num)d promise goes on where it paused.", "%(num)d promises go on where they paused.", paused)  # fmt: skip
        elif now.live and not was.live:
            yield _("Promises to resolve them go on; the time in which they had ended is not counted.")

    def _clocks(self, state: ClockState, pausing: bool = False) -> int:
        of_it = select(func.count(SlaClock.id)).join(Ticket, Ticket.id == SlaClock.ticket_id)
        counted = of_it.where(Ticket.status_id == self.change.status.id, SlaClock.state == state)
        if pausing:
            counted = counted.where(SlaClock.metric.in_((Metric.RESOLUTION, Metric.PERIODIC_UPDATE)))
        return db.session.scalar(counted) or 0

    def _timers(self) -> Iterator[str]:
        was, now, set_to = self.change.status.state, self.change.state, desk.current()
        if was is now:
            return
        if was is State.WAITING and (set_to.waiting_reminder_days or set_to.waiting_close_days):
            yield _("Reminders of customers who let us wait, and closing by itself, end for them.")
        if now is State.WAITING and set_to.waiting_reminder_days:
            yield ngettext("Customers are reminded %(num)d day after the move, unless they write.", "Customers are reminded %(num)d days after the move, unless they write.", set_to.waiting_reminder_days)  # fmt: skip
        days = {State.WAITING: set_to.waiting_close_days, State.RESOLVED: set_to.resolved_close_days}.get(now)
        if days:
            yield ngettext("They close by themselves %(num)d day after the move; customers hear of that as of any other.", "They close by themselves %(num)d days after the move; customers hear of that as of any other.", days)  # fmt: skip

    def _read(self) -> Iterator[str]:
        was, now = self.change.status.label, self.change.target.label
        if was != now:
            yield _("Customers read “%(now)s” where they read “%(was)s”.", was=was, now=now)
        if self.change.status.state is not self.change.state:
            yield _("Rules do not act on it, and followers get no notice.")
