"""Queries on tickets as sentences: the list, its counters, exports, the API and bulk work say the same ones."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Select, column, select, true

from app.accounts.viewer import Actor
from app.tickets.choices import State, Tag, ticket_tag
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

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
        return self.where(Ticket.state.in_((State.NEW, State.OPEN)), Ticket.needs_response.is_(True))

    def overdue(self, at: dt.datetime) -> TicketQuery:
        return self.where(Ticket.next_due_at.is_not(None), Ticket.next_due_at < at)

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

    @property
    def criterion(self) -> ColumnElement[bool]:
        return self.statement.whereclause if self.statement.whereclause is not None else true()
