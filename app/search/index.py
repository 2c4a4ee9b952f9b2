"""The index: one row a message with its words, one a ticket with its number, subject and requester. Written with the change itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import TextClause, event, inspect, select, text
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import Customer
from app.core import html
from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.outbox import Outbox
from app.search import words
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import TicketEvent

TABLES = ("search_entry", "search_ticket")
"""Of messages, of tickets. Migration 0002 makes them; no model stands for them, since each database has its own kind."""
BLOCK = 10_000
"""Each PostgreSQL vector also carries the word of its block of 10,000 rows, so that a common word can be cut with the newest blocks."""
BATCH = 1_000


def index_opening(event: TicketEvent) -> None:
    index_message(event)
    index_header(event)


def index_message(event: TicketEvent) -> None:
    """A reaction: what was just written can be found as soon as it is committed."""
    message = db.session.get_one(Message, event.particulars["message_id"])
    _write("search_entry", [(message.id, text_of(message))])


def index_header(event: TicketEvent) -> None:
    _write("search_ticket", [(event.ticket.id, header_of(event.ticket))])


def index_customer(customer_id: int) -> None:
    """A job: somebody has a new name or address; their tickets are found by it."""
    for tickets in db.session.scalars(_tickets().where(Ticket.requester_id == customer_id)).partitions(BATCH):
        _write_headers(tickets)


def rebuild() -> int:
    """Write every row anew and return how many there are. Commits after each batch, so that nobody waits long for the database."""
    for table, model in zip(TABLES, (Message, Ticket), strict=True):
        key = "rowid" if not is_postgresql() else KEYS[table]
        db.session.execute(
            text(f"DELETE FROM {table} WHERE {key} NOT IN (SELECT id FROM {model.__tablename__})")
        )
        db.session.commit()
    return _rebuild(Message) + _rebuild(Ticket)


def _rebuild(model: type[Message] | type[Ticket]) -> int:
    last, written = 0, 0
    while True:
        wanted: Any = _tickets() if model is Ticket else select(Message)
        rows = list(db.session.scalars(wanted.where(model.id > last).order_by(model.id).limit(BATCH)))
        if not rows:
            return written
        if model is Ticket:
            _write_headers(rows)
        else:
            _write("search_entry", [(message.id, text_of(message)) for message in rows])
        last, written = rows[-1].id, written + len(rows)
        db.session.commit()
        db.session.expunge_all()


def text_of(message: Message) -> str:
    return message.text or html.text_of(message.html or "")


def header_of(ticket: Ticket) -> str:
    requester = ticket.requester
    return " ".join(
        (
            str(ticket.number),
            ticket.display,
            ticket.reference or "",
            ticket.subject,
            requester.name or "",
            requester.email,
        )
    )


def _tickets() -> Any:
    return select(Ticket).options(joinedload(Ticket.requester))


def _write_headers(tickets: Iterable[Ticket]) -> None:
    _write("search_ticket", [(ticket.id, header_of(ticket)) for ticket in tickets])


KEYS = {"search_entry": "message_id", "search_ticket": "ticket_id"}


def _write(table: str, rows: Sequence[tuple[int, str]]) -> None:
    """One statement, also for many rows; a row that is there is replaced."""
    if is_postgresql():
        values: list[dict[str, Any]] = [{"id": id, "words": [*words.cut(written), block(id)]} for id, written in rows]
    else:
        values = [{"id": id, "words": " ".join(words.cut(written))} for id, written in rows]
    if values:
        db.session.execute(_statement(table), values)


def block(id: int) -> str:
    """No word of a person's has this sign in it."""
    return f"#{id // BLOCK}"


def _statement(table: str) -> TextClause:
    key = KEYS[table]
    if is_postgresql():
        return text(
            f"INSERT INTO {table} ({key}, vector) VALUES (:id, array_to_tsvector(CAST(:words AS text[]))) "
            f"ON CONFLICT ({key}) DO UPDATE SET vector = excluded.vector"
        )
    return text(f"INSERT OR REPLACE INTO {table} (rowid, words) VALUES (:id, :words)")


@event.listens_for(Session, "before_flush")
def _follow_customers(session: Session, *_: object) -> None:
    """Whichever door renames a customer: the headers of their tickets follow soon after."""
    for customer in session.dirty:
        if isinstance(customer, Customer) and any(
            inspect(customer).attrs[name].history.has_changes() for name in ("name", "email")
        ):
            Outbox.put("search.index_customer", queue="index", customer_id=customer.id)
