"""How long whom each ticket waited for until it ended: one row a ticket, folded from its events when it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.model import Base, BigId
from app.settings import desk
from app.tickets import booking
from app.tickets.ledger import Ledger, Party
from app.tickets.models import Ticket
from app.tickets.tally import NOBODY
from app.tickets.timeline import TicketEvent


class TicketLedger(Base):
    """Only of tickets that are resolved or closed, up to that instant; of a ticket that is opened again there is none until it ends again.
    Filed as the ticket stands now. Seconds."""

    __tablename__ = "ticket_ledger"
    __table_args__ = (Index("ix_ticket_ledger_day", "ended_on", "department_id"),)

    ticket_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    ended_on: Mapped[dt.date]
    """In the desk's time zone."""
    department_id: Mapped[int] = mapped_column(BigId)
    category_id: Mapped[int] = mapped_column(BigId)
    staff_id: Mapped[int] = mapped_column(BigId)
    customer_id: Mapped[int] = mapped_column(BigId)
    us_inside: Mapped[int] = mapped_column(BigId)
    us_outside: Mapped[int] = mapped_column(BigId)
    customer_inside: Mapped[int] = mapped_column(BigId)
    customer_outside: Mapped[int] = mapped_column(BigId)
    supplier_inside: Mapped[int] = mapped_column(BigId)
    supplier_outside: Mapped[int] = mapped_column(BigId)
    nobody_inside: Mapped[int] = mapped_column(BigId)
    nobody_outside: Mapped[int] = mapped_column(BigId)


SECONDS = tuple(f"{party.value}_{side}" for party in Party for side in ("inside", "outside"))
ROWS = cast(Table, TicketLedger.__table__)


def book(event: TicketEvent) -> None:
    """A reaction to whatever ends a ticket or brings it back."""
    ticket = event.ticket
    if counts(ticket):
        write(row_of(ticket, booking.ledger(ticket, ended_at(ticket))))
    else:
        db.session.execute(delete(TicketLedger).where(TicketLedger.ticket_id == ticket.id))


def book_ended(event: TicketEvent) -> None:
    """A reaction: an ended ticket that goes to another status of its state ended anew, and another department has hours of its own."""
    if not event.ticket.live:
        book(event)


def refile(event: TicketEvent) -> None:
    """A reaction: a ticket that has ended was given to somebody else, or has another category."""
    if counts(event.ticket):
        row = update(TicketLedger).where(TicketLedger.ticket_id == event.ticket.id)
        db.session.execute(row.values(filing_of(event.ticket)).execution_options(synchronize_session=False))


def counts(ticket: Ticket) -> bool:
    """Somebody ended it: a merged ticket goes on, nobody wanted spam, and what was opened in a status that ends it took no time."""
    return not (ticket.live or ticket.merged or ticket.spam) and ticket.resolved_at is not None


def ended_at(ticket: Ticket) -> dt.datetime:
    """Closing goes before resolving: the time between them is nobody's."""
    at = ticket.closed_at or ticket.resolved_at
    assert at is not None, "asked of a ticket that nobody ended"
    return at


def row_of(ticket: Ticket, ledger: Ledger) -> dict[str, Any] | None:
    """None for a ticket of another helpdesk."""
    if not ledger.known:
        return None
    zone = ZoneInfo(desk.current().time_zone)
    day = (ticket.resolved_at or ended_at(ticket)).astimezone(zone).date()
    return {"ticket_id": ticket.id, "ended_on": day, **filing_of(ticket), **seconds_of(ledger)}


def filing_of(ticket: Ticket) -> dict[str, int]:
    return {
        "department_id": ticket.department_id,
        "category_id": ticket.category_id or NOBODY,
        "staff_id": ticket.assignee_id or NOBODY,
        "customer_id": ticket.requester_id,
    }


def seconds_of(ledger: Ledger) -> Mapping[str, int]:
    """Whole seconds, so that sums of them are exact."""
    return {
        f"{party.value}_{side}": int(getattr(times, side).total_seconds())
        for party, times in ledger.sums().items()
        for side in ("inside", "outside")
    }


def write(row: Mapping[str, Any] | None) -> None:
    """In place of what was there."""
    if row is not None:
        put = (postgresql.insert if is_postgresql() else sqlite.insert)(ROWS).values(**row)
        rest = {name: value for name, value in row.items() if name != "ticket_id"}
        db.session.execute(put.on_conflict_do_update(index_elements=["ticket_id"], set_=rest))


def wanted_between(begin: dt.datetime, end: dt.datetime) -> Any:
    """Tickets that left the live ones between two instants."""
    return select(Ticket.id).where(Ticket.live.is_(False), Ticket.resolved_at >= begin, Ticket.resolved_at < end)
