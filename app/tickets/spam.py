"""Spam: out of every queue and count, undone with one click, and nobody is told of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped

from app.accounts.viewer import Actor
from app.core import clock
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand

if TYPE_CHECKING:
    from app.tickets.models import Ticket


class Junk(Timeline):
    """A ticket that nobody wanted keeps its number and its words."""

    spam_since: Mapped[dt.datetime | None]
    spam_before: Mapped[dict[str, Any] | None]
    """Its status and the instants that hang on it, as they were."""

    @property
    def spam(self) -> bool:
        return self.spam_since is not None

    @classmethod
    def where_no_spam(cls) -> ColumnElement[bool]:
        return cls.spam_since.is_(None)

    def mark_spam(self, by: Actor) -> None:
        """It ends as if it had not come. Marking it twice does nothing."""
        from app.tickets import setaside

        ticket: Ticket = self  # type: ignore[assignment]
        demand(by, "spam", self)
        if not self.spam:
            state_was = ticket.state.value
            self.spam_before = setaside.before(ticket)
            setaside.end(ticket)
            self.spam_since = clock.now()
            self.record(Did.MARKED_SPAM, by, at=self.spam_since, state_was=state_was)

    def unmark_spam(self, by: Actor) -> None:
        """It is as it was, and what came for it meanwhile counts."""
        from app.tickets import setaside
        from app.tickets.recounting import recount

        ticket: Ticket = self  # type: ignore[assignment]
        demand(by, "spam", self)
        if self.spam_since is not None:
            state_was = setaside.resume(ticket, self.spam_before or {}, self.spam_since)
            self.spam_since = self.spam_before = None
            recount(ticket)
            self.record(Did.UNMARKED_SPAM, by, state_was=state_was)
