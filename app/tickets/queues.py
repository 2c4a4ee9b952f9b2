"""Queries on tickets as sentences: the list, its counters, exports, the API and bulk work say the same ones."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Select, column, select, true, union

from app.accounts.viewer import Actor, Viewer
from app.tickets.choices import State, Tag, ticket_tag
from app.tickets.models import Ticket
from app.tickets.visibility import arms_of, visible_to

URGENT_RANK = 3
LIVE: ColumnElement[Any] = column("live", _selectable=Ticket.__table__)
"""The bare column, without a type and so without "= 1", as the partial indexes spell it: SQLite takes them for no other spelling."""
LIVE_STATES = tuple(state for state in State if state.live)


@dc.dataclass(frozen=True)
class TicketQuery:
    """A frozen Select; each step returns a new one, and only a door executes it."""

    statement: Select[Ticket]

    @classmethod
    def seen_by(cls, actor: Actor) -> TicketQuery:
        return cls(select(Ticket).where(visible_to(actor)))

    def where(self, *criteria: ColumnElement[bool]) -> TicketQuery:
        return TicketQuery(self.statement.where(*criteria))

    def live(self) -> TicketQuery:
        """Neither resolved nor closed."""
        return self.where(LIVE)

    def finished(self) -> TicketQuery:
        return self.where(Ticket.live.is_(False))

    def of(self, staff_id: int | None) -> TicketQuery:
        return self.where(Ticket.assignee_id == staff_id)

    def unassigned(self) -> TicketQuery:
        return self.where(Ticket.assignee_id.is_(None))

    def urgent(self) -> TicketQuery:
        return self.where(Ticket.priority_rank >= URGENT_RANK)

    def needing_response(self) -> TicketQuery:
        """Open on our side, and the last public message is the customer's."""
        return self.where(*self.needs())

    @staticmethod
    def needs() -> tuple[ColumnElement[bool], ...]:
        return Ticket.state.in_((State.NEW, State.OPEN)), Ticket.needs_response.is_(True)

    def overdue(self, at: dt.datetime) -> TicketQuery:
        return self.where(Ticket.next_due_at.is_not(None), Ticket.next_due_at < at)

    def awake(self) -> TicketQuery:
        """Without what somebody snoozed and what has not come back yet."""
        return self.where(Ticket.where_awake())

    def asleep(self) -> TicketQuery:
        return self.where(Ticket.where_asleep())

    def without_spam(self) -> TicketQuery:
        return self.where(Ticket.where_no_spam())

    def spam(self) -> TicketQuery:
        return self.where(Ticket.spam_since.is_not(None))

    def tagged(self, name: str) -> TicketQuery:
        tagged = (
            select(ticket_tag.c.ticket_id)
            .join(Tag, Tag.id == ticket_tag.c.tag_id)
            .where(Tag.name == name.strip().casefold())
        )
        return self.where(Ticket.id.in_(tagged))

    def by_last_activity(self) -> TicketQuery:
        return TicketQuery(self.statement.order_by(None).order_by(Ticket.last_activity_at.desc(), Ticket.id.desc()))

    def oldest_first(self) -> TicketQuery:
        return TicketQuery(self.statement.order_by(None).order_by(Ticket.created_at, Ticket.id))

    def newest(self, actor: Actor, rows: int) -> Select[int, dt.datetime]:
        """Ids and times of the latest active of live tickets, as many as `rows`: where the rule has arms, the newest of each arm's newest."""
        order = (Ticket.last_activity_at.desc(), Ticket.id.desc())
        wanted = self.statement.order_by(None).with_only_columns(Ticket.id, Ticket.last_activity_at)
        arms = arms_of(actor) if isinstance(actor, Viewer) else ()
        if not arms:
            return wanted.order_by(*order).limit(rows)
        each = [wanted.where(arm).order_by(*order).limit(rows).subquery() for arm in arms]
        found = union(*(select(arm.c.id, arm.c.last_activity_at) for arm in each)).subquery()
        return (
            select(found.c.id, found.c.last_activity_at)
            .order_by(found.c.last_activity_at.desc(), found.c.id.desc())
            .limit(rows)
        )

    @property
    def criterion(self) -> ColumnElement[bool]:
        return self.statement.whereclause if self.statement.whereclause is not None else true()
