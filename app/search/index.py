"""The index: one row a message with its words, one a ticket with its number, subject and requester, one with what it holds in the desk's
own fields. Written with the change itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import TextClause, event, inspect, select, text
from sqlalchemy.orm import Session

from app.accounts.models import Customer
from app.core import html
from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.outbox import Outbox
from app.search import words
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import TicketEvent

TABLES = ("search_entry", "search_ticket", "search_field")
"""Of messages, of tickets, of what tickets hold in the desk's own fields (held.py). Migrations 0002 and 0022 make them; no model
stands for them, since each database has its own kind."""
SMALL, LARGE = 1_000, 20_000
"""Each PostgreSQL vector also carries the words of its two blocks of rows, so that a common word can be cut with the newest blocks."""
BATCH = 2_000


def index_opening(event: TicketEvent) -> None:
    index_message(event)
    index_header(event)


def index_message(event: TicketEvent) -> None:
    """A reaction: what was just written can be found as soon as it is committed."""
    message = db.session.get_one(Message, event.particulars["message_id"])
    write("search_entry", [(message.id, _text(message.text, message.html))])


def index_header(event: TicketEvent) -> None:
    ticket = event.ticket
    requester = ticket.requester
    write(
        "search_ticket",
        [(ticket.id, header(ticket.number, ticket.reference, ticket.subject, requester.name, requester.email))],
    )


def index_customer(customer_id: int) -> None:
    """A job: somebody has a new name or address; their tickets are found by it."""
    for rows in db.session.execute(HEADERS.where(Ticket.requester_id == customer_id)).partitions(BATCH):
        write("search_ticket", [(row[0], header(*row[1:])) for row in rows])


def index_ticket(ticket_id: int) -> None:
    """For whoever changes texts in place, as erasing and importing do: no event tells of it."""
    from app.search import held  # which writes by what stands here

    messages = db.session.execute(MESSAGES.where(Message.ticket_id == ticket_id)).all()
    headers = db.session.execute(HEADERS.where(Ticket.id == ticket_id)).all()
    held.index_tickets([ticket_id])
    write("search_entry", [(row[0], _text(*row[1:])) for row in messages])
    write("search_ticket", [(row[0], header(*row[1:])) for row in headers])


def index_import(messages: Sequence[tuple[int, str]], headers: Sequence[tuple[Any, ...]]) -> None:
    """For whoever writes many rows past the verbs: (id, text) of messages, and of tickets their id and what `header` takes."""
    write("search_entry", messages)
    write("search_ticket", [(row[0], header(*row[1:])) for row in headers])


def rebuild() -> int:
    """Write every row anew and return how many there are. Commits after each batch, so that nobody waits long for the database."""
    from app.search import held

    for table, owner in OWNERS:
        key = KEYS[table] if is_postgresql() else "rowid"
        db.session.execute(text(f"DELETE FROM {table} WHERE {key} NOT IN (SELECT id FROM {owner})"))
        db.session.commit()
    return _rebuild("search_entry", MESSAGES, _text) + _rebuild("search_ticket", HEADERS, header) + held.rebuild()


def _rebuild(table: str, rows: Any, written: Callable[..., str]) -> int:
    """The first column of `rows` is the id, the others are what `written` makes one text of."""
    last, total = 0, 0
    id = rows.selected_columns[0]
    while found := db.session.execute(rows.where(id > last).order_by(id).limit(BATCH)).all():
        write(table, [(row[0], written(*row[1:])) for row in found])
        db.session.commit()
        last, total = found[-1][0], total + len(found)
    return total


def _text(typed: str, formatted: str | None) -> str:
    return typed or html.text_of(formatted or "")


def header(number: int, reference: str | None, subject: str, name: str, email: str) -> str:
    """Its number in the desk's own pattern is read when it is asked for: the pattern may change."""
    return f"{number} {reference or ''} {subject} {name} {email}"


MESSAGES = select(Message.id, Message.text, Message.html)
HEADERS = select(Ticket.id, Ticket.number, Ticket.reference, Ticket.subject, Customer.name, Customer.email).join(
    Customer, Customer.id == Ticket.requester_id
)
OWNERS = (("search_entry", "message"), ("search_ticket", "ticket"), ("search_field", "ticket"))
KEYS = {"search_entry": "message_id", "search_ticket": "ticket_id", "search_field": "ticket_id"}


def write(table: str, rows: Sequence[tuple[int, str]]) -> None:
    """One statement, also for many rows; a row that is there is replaced. What it stands for is written before it; nothing else
    of the session has to be written for it now."""
    if not rows:
        return
    if is_postgresql():
        vectors = [" ".join((*words.cut(written), *blocks(id))) for id, written in rows]
        values: Any = {"ids": [id for id, _written in rows], "vectors": vectors}
    else:
        values = [{"id": id, "words": " ".join(words.cut(written))} for id, written in rows]
    with db.session.no_autoflush:
        db.session.execute(_statement(table, is_postgresql()), values)


def blocks(id: int) -> tuple[str, str]:
    """No word of a person's has this sign in it."""
    return f"#{id // SMALL}", f"##{id // LARGE}"


@cache
def _statement(table: str, on_postgresql: bool) -> TextClause:
    """Built once."""
    key = KEYS[table]
    if on_postgresql:
        return text(
            f"INSERT INTO {table} ({key}, vector) SELECT id, array_to_tsvector(string_to_array(words, ' ')) "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:vectors AS text[])) AS given (id, words) "
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
