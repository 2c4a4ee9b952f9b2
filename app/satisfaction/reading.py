"""Ratings as staff read them: of one customer beside a ticket, of a ticket, and of a period added up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.satisfaction.models import Rating
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.scores import Scale, Verdict, called, verdict, where_verdict
from app.tickets.visibility import visible_to

LAST = 5
MOST_COMMENTS = 100


class Given(NamedTuple):
    """One answer, in plain columns."""

    ticket_id: int
    number: int
    scale: Scale
    score: int
    comment: str | None
    given_at: dt.datetime
    given_on: dt.date
    staff_id: int | None
    all_count: int = 0
    """Of all by this customer that the viewer sees, and of the good ones."""
    good_count: int = 0

    @property
    def display(self) -> str:
        return desk.current().display(self.number)

    @property
    def called(self) -> str:
        return called(self.score, self.scale)

    @property
    def verdict(self) -> Verdict:
        return verdict(self.score)


COLUMNS = (
    Rating.ticket_id,
    Ticket.number,
    Rating.scale,
    Rating.score,
    Rating.comment,
    Rating.given_at,
    Rating.given_on,
    Rating.staff_id,
)


def of_customer(customer_id: int, tickets: Sequence[int], viewer: Viewer) -> list[Given]:
    """The newest of this customer and those of these tickets, as far as the viewer sees their tickets: one statement."""
    theirs = (Rating.customer_id == customer_id, Rating.score.is_not(None), visible_to(viewer))
    good = where_verdict(Rating.score, Verdict.GOOD)
    wanted = (
        select(*COLUMNS, _counted(*theirs), _counted(*theirs, good))
        .join(Ticket, Ticket.id == Rating.ticket_id)
        .where(or_(Rating.customer_id == customer_id, Rating.ticket_id.in_(tickets)), Rating.score.is_not(None), visible_to(viewer))
        .order_by(Rating.ticket_id.in_(tickets).desc(), Rating.given_at.desc(), Rating.id.desc())
        .limit(LAST)
    )  # fmt: skip
    return [Given._make(row) for row in db.session.execute(wanted)]


def _counted(*criteria: ColumnElement[bool]) -> ScalarSelect[int]:
    rows = select(func.count()).select_from(Rating).join(Ticket, Ticket.id == Rating.ticket_id)
    return rows.where(*criteria).correlate(None).scalar_subquery()


def of_ticket(ticket: Ticket) -> list[Rating]:
    """All that were given, the newest first. Whoever may read the ticket may read them."""
    given = select(Rating).where(Rating.ticket_id == ticket.id, Rating.score.is_not(None))
    return list(db.session.scalars(given.order_by(Rating.round.desc())))


class Wanted(NamedTuple):
    """What a report is of. No departments: all."""

    departments: Sequence[int] = ()
    category: int | None = None
    """0: without one."""
    agent: int | None = None

    @property
    def criteria(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.departments:
            found.append(Ticket.department_id.in_(self.departments))
        if self.category is not None:
            found.append(Ticket.category_id == self.category if self.category else Ticket.category_id.is_(None))
        if self.agent is not None:
            found.append(Rating.staff_id == self.agent)
        return found


BY: dict[str, tuple[Any, ...]] = {
    "day": (Rating.given_on,),
    "agent": (func.coalesce(Rating.staff_id, 0),),
    "category": (func.coalesce(Ticket.category_id, 0),),
    "answer": (Rating.scale, Rating.score),
}


def given(wanted: Wanted, first: dt.date, last: dt.date, by: str | None = None) -> list[tuple[Any, ...]]:
    """(keys…, count, good, bad) of what was given on these days."""
    keys = BY[by] if by else ()
    sums = (
        func.count(),
        func.count().filter(where_verdict(Rating.score, Verdict.GOOD)),
        func.count().filter(where_verdict(Rating.score, Verdict.BAD)),
    )
    rows = select(*keys, *sums).join(Ticket, Ticket.id == Rating.ticket_id)
    rows = rows.where(Rating.given_on.between(first, last), Rating.score.is_not(None), *wanted.criteria)
    return [tuple(row) for row in db.session.execute(rows.group_by(*keys).order_by(*keys))]


def asked(wanted: Wanted, first: dt.date, last: dt.date) -> tuple[int, int]:
    """How many were asked on these days, and how many of them answered, whenever."""
    of_all = wanted._replace(agent=None)
    rows = select(func.count(), func.count(Rating.score)).join(Ticket, Ticket.id == Rating.ticket_id)
    if wanted.agent is not None:
        rows = rows.where(func.coalesce(Rating.staff_id, Ticket.assignee_id) == wanted.agent)
    count, answered = db.session.execute(rows.where(Rating.asked_on.between(first, last), *of_all.criteria)).one()
    return count, answered


def comments(wanted: Wanted, first: dt.date, last: dt.date, viewer: Viewer) -> list[Given]:
    """What was written with them, the newest first, of tickets that the viewer sees."""
    rows = (
        select(*COLUMNS)
        .join(Ticket, Ticket.id == Rating.ticket_id)
        .where(Rating.given_on.between(first, last), Rating.comment.is_not(None), *wanted.criteria, visible_to(viewer))
        .order_by(Rating.given_at.desc(), Rating.id.desc())
        .limit(MOST_COMMENTS)
    )  # fmt: skip
    return [Given(*row) for row in db.session.execute(rows)]
