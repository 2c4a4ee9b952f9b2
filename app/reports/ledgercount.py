"""Folds the ledgers of ended tickets anew, so that an error heals, and tickets that ended before there were ledgers get theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select

from app.core.extensions import db
from app.reports import ledgers
from app.reports.ledgers import ROWS, TicketLedger
from app.reports.recount import instants
from app.tickets import booking
from app.tickets.models import Ticket

AT_ONCE = 500
"""Tickets whose events are read together."""


def recount(first: dt.date, last: dt.date) -> int:
    """Of the tickets that ended on these days. How many rows were wrong. Does not commit."""
    ended = set(db.session.scalars(ledgers.wanted_between(*instants(first, last))))
    filed = select(TicketLedger.ticket_id).where(TicketLedger.ended_on.between(first, last))
    every = sorted(ended | set(db.session.scalars(filed)))
    return sum(_right(every[place : place + AT_ONCE]) for place in range(0, len(every), AT_ONCE))


def file_some(after_ticket: int) -> int | None:
    """Of the next tickets that have ended, whenever that was; behind which to go on, None when these were the last. Does not commit."""
    ended = select(Ticket.id).where(Ticket.id > after_ticket, Ticket.live.is_(False), Ticket.resolved_at.is_not(None))
    ids = db.session.scalars(ended.order_by(Ticket.id).limit(AT_ONCE).with_for_update(of=Ticket)).all()
    if ids:
        _right(ids)
    return ids[-1] if len(ids) == AT_ONCE else None


def _right(ids: Sequence[int]) -> int:
    found = {row.ticket_id: dict(row._mapping) for row in db.session.execute(select(ROWS).where(ROWS.c.ticket_id.in_(ids)))}  # fmt: skip
    wanted = _folded(ids)
    wrong = [each for each in ids if found.get(each) != wanted.get(each)]
    gone = [each for each in wrong if wanted.get(each) is None]
    if gone:
        db.session.execute(delete(TicketLedger).where(TicketLedger.ticket_id.in_(gone)))
    for each in wrong:
        ledgers.write(wanted.get(each))
    return len(wrong)


def _folded(ids: Sequence[int]) -> dict[int, dict[str, Any] | None]:
    tickets = db.session.scalars(select(Ticket).where(Ticket.id.in_(ids)).order_by(Ticket.id)).all()
    ended = [ticket for ticket in tickets if ledgers.counts(ticket)]
    deeds = booking.of_many(ended, {ticket.id: ledgers.ended_at(ticket) for ticket in ended})
    return {ticket.id: ledgers.row_of(ticket, deeds[ticket.id]) for ticket in ended}
