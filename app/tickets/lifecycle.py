"""Which status follows which, and the verbs that move a ticket along."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ForeignKey, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.accounts.viewer import SYSTEM, Actor, Kind
from app.core import clock
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets import fields
from app.tickets.choices import State, Status
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand, take

NEIGHBOURS = {
    State.NEW: (State.OPEN,),
    State.OPEN: (State.NEW,),
    State.WAITING: (State.OPEN, State.NEW),
    State.HOLD: (State.WAITING, State.OPEN, State.NEW),
    State.RESOLVED: (State.CLOSED,),
    State.CLOSED: (State.RESOLVED,),
}
"""A vocabulary may lack a state: what would lead there goes to the neighbour."""


class NoStatus(HelpdeskError):
    """An admin took the last status of a state and of its neighbours."""


class Spam(HelpdeskError):
    """Its status is that of what nobody wanted until somebody says that it is no spam."""

    def __init__(self, ticket: Any, by: Actor) -> None:
        told = _("Ticket %(number)s is spam. Say first that it is none.", number=ticket.display)
        super().__init__(told if by.kind is Kind.STAFF else _("You may not do this to this ticket."))


class NotTheirStep(Invalid):
    """Their role does not allow this change of status."""

    code = Forbidden.code

    def __init__(self, was: Status, now: Status) -> None:
        told = _(
            "Your role does not allow changing the status from “%(was)s” to “%(now)s”.", was=str(was), now=str(now)
        )
        super().__init__(told, {"status": told})


def status_for(state: State) -> Status:
    """The first active status of `state`, else of its neighbour."""
    for wanted in (state, *NEIGHBOURS[state]):
        found = db.session.scalar(
            select(Status)
            .where(Status.state == wanted, Status.active.is_(True))
            .order_by(Status.position, Status.id)
            .limit(1)
        )
        if found is not None:
            return found
    raise NoStatus(_("No active status stands for “%(state)s”. An admin can add one.", state=state.value))


def initial_status() -> Status:
    marked = db.session.scalar(
        select(Status).where(Status.initial.is_(True), Status.active.is_(True)).order_by(Status.position).limit(1)
    )
    return marked or status_for(State.NEW)


def demand_choosable(status: Status, by: Actor) -> None:
    """Raise Invalid when this actor cannot choose it."""
    if not status.active or (not status.manual and by.kind is Kind.STAFF):
        raise Invalid(
            _("The status “%(name)s” cannot be chosen by hand.", name=status.name),
            {"status": _("Choose another status.")},
        )


SINCE = ("status_since", "reminded_at", "resolved_at", "closed_at")


def _change(was: Status, was_state: State, now: Status) -> dict[str, Any]:
    """What an event tells of a change of status."""
    return {
        "was": was.name, "now": now.name, "was_id": was.id, "now_id": now.id,
        "state_was": was_state.value, "state": now.state.value, "label": now.customer_label,
    }  # fmt: skip


class Lifecycle(Timeline):
    """Status, state and the instants at which they changed."""

    status_id: Mapped[int] = mapped_column(ForeignKey("status.id"), active_history=True)
    state: Mapped[State]
    """Kept from the status, so that lists and rules need no join."""
    live: Mapped[bool] = mapped_column(default=True, active_history=True)
    """Neither resolved nor closed."""
    status_since: Mapped[dt.datetime] = mapped_column(default=clock.now)
    resolved_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    reminded_at: Mapped[dt.datetime | None]

    @declared_attr
    def status(cls) -> Mapped[Status]:
        return relationship(Status)

    @hybrid_property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    @closed.inplace.expression
    @classmethod
    def _closed(cls) -> ColumnElement[bool]:
        return cls.state == State.CLOSED

    def set_status(self, status: Status, by: Actor) -> None:
        """A person's choice of a status, asked for by its row."""
        demand(by, "status", self)
        demand_choosable(status, by)
        self._step(status, by)

    def wait(self, by: Actor) -> None:
        """It is the customer's turn."""
        demand(by, "status", self)
        self._step(status_for(State.WAITING), by)

    def hold(self, by: Actor) -> None:
        """Paused by us or by a third party."""
        demand(by, "status", self)
        self._step(status_for(State.HOLD), by)

    def resolve(self, by: Actor) -> None:
        """A fix is given. Resolving what is resolved or closed does nothing."""
        demand(by, "status", self)
        if self.live:
            self._step(status_for(State.RESOLVED), by)

    def close(self, by: Actor) -> None:
        """Closing a closed ticket does nothing, so that a double click and a retried job are harmless."""
        demand(by, "close", self)
        if not self.closed:
            self._step(status_for(State.CLOSED), by)

    def reopen(self, by: Actor) -> None:
        """Back to our turn, from resolved or closed. Does nothing to a live ticket."""
        demand(by, "reopen", self)
        if not self.live:
            self._step(self._status_when_reopened(), by)

    def keep_open(self, by: Actor) -> None:
        """The customer still wants it: the reminder and the automatic close count anew from now."""
        demand(by, "receive" if by.kind is Kind.CUSTOMER else "status", self)
        if not self.live:
            self.reopen(by)
        elif self.state is State.WAITING:
            self.status_since, self.reminded_at = clock.now(), None
            self.record(Did.KEPT_OPEN, by)

    def _status_when_reopened(self) -> Status:
        chosen = desk.current().status_on_reopen
        status = db.session.get(Status, chosen) if chosen else None
        after_reply = self.status.after_customer_reply
        for candidate in (status, after_reply):
            if candidate is not None and candidate.active and candidate.state.live:
                return candidate
        return status_for(State.OPEN)

    def demand_step(self, status: Status, by: Actor) -> None:
        """Raise NotTheirStep when no role of theirs allows this change by hand."""
        if not by.may_step(self.status_id, status.id):
            raise NotTheirStep(self.status, status)

    def _step(self, status: Status, by: Actor) -> None:
        """By hand. What follows from something else enters its status without asking a role."""
        self.demand_step(status, by)
        self._enter(status, by)

    def _enter(self, status: Status, by: Actor = SYSTEM) -> None:
        """The one place where a ticket changes its status. Entering the status it has does nothing."""
        if status.id == self.status_id:
            return
        if self.spam_since is not None:  # type: ignore[attr-defined]
            raise Spam(self, by)
        if self.live and not status.state.live and by.kind is Kind.STAFF:
            fields.demand_filled(self)
        was, was_state, was_live = self.status, self.state, self.live
        now = clock.now()
        self._become(status, now)
        self._touch(now)
        what = self._deed(was_live, was_state)
        self.record(what, by, at=now, **_change(was, was_state, status))

    def _become(self, status: Status, now: dt.datetime) -> None:
        self.status, self.status_id, self.state, self.live = status, status.id, status.state, status.state.live
        self.status_since, self.reminded_at = now, None
        if self.live:
            self.resolved_at = self.closed_at = None
        elif status.state is State.RESOLVED:
            self.resolved_at, self.closed_at = now, None
        else:
            self.resolved_at, self.closed_at = self.resolved_at or now, now

    def restate(self, status: Status, by: Actor, told: bool = False) -> None:
        """Its status gives its tickets to another one, or means something else from now on: asked for once, of all of them.
        It is no activity of its own; customers hear of an end only where somebody chose so (`told`). Merged tickets and spam stay ended."""
        take(self)
        aside = self.merged or self.spam_since is not None  # type: ignore[attr-defined]
        if aside and status.state.live:
            status = status_for(State.CLOSED)
        was, was_state, was_live = self.status, self.state, self.live
        if (status.id, status.state) == (was.id, was_state):
            return
        now, stays = clock.now(), status.state is was_state
        kept = {name: getattr(self, name) for name in SINCE}
        self._become(status, now)
        for name, at in kept.items() if stays else ():  # its days of silence count on, and it ended when it ended
            setattr(self, name, at)
        change = _change(was, was_state, status)
        if aside:
            self.remember(
                Did.RESTATED, by, at=now, **{name: change[name] for name in ("was", "now", "was_id", "now_id")}
            )
            return
        deed = self._deed(was_live, was_state)
        ends = told and not stays and deed in (Did.RESOLVED, Did.CLOSED)
        self.record(deed if ends else Did.RESTATED, by, at=now, **change)

    def _deed(self, was_live: bool, was_state: State) -> Did:
        if self.live:
            return Did.STATUS_CHANGED if was_live else Did.REOPENED
        if self.state is State.CLOSED:
            return Did.STATUS_CHANGED if was_state is State.CLOSED else Did.CLOSED
        return Did.STATUS_CHANGED if was_state is State.RESOLVED else Did.RESOLVED

    def _touch(self, at: dt.datetime) -> None:
        """Something happened: the ticket goes to the top of the list."""
        self.last_activity_at = at

    last_activity_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
