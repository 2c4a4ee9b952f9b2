"""Loads another helpdesk's tickets from CSV files: in batches, past the verbs, and with every sum and index as the verbs would have left them."""

from __future__ import annotations

import enum
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import Table, func, select, text, update

from app.core import clock
from app.core.database import is_postgresql
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.desk import csvdesk, newcomers
from app.desk.csvdesk import GivenMessage, GivenTicket, NotReadable
from app.desk.histories import History, Rows, Vocabulary
from app.reports import recount, summing
from app.reports.volume import today
from app.search import index
from app.settings import desk
from app.tickets import numbering, tally
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import TicketEvent

BATCH = 1_000
"""Tickets of one transaction."""


class Loaded(NamedTuple):
    tickets: int
    messages: int
    seconds: float


class NotEmpty(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(_("This desk has tickets already. With --add the files' tickets are added to them."))


def load(folder: Path, add: bool, say: Callable[[str], object]) -> Loaded:
    """Every batch is a transaction of its own: other people's writes need not wait for the end. Commits.

    Raises NotEmpty, or NotReadable with the file's fault; batches before it stay.
    """
    if not add and db.session.scalar(select(Ticket.id).limit(1)) is not None:
        raise NotEmpty
    began, tickets, messages = time.monotonic(), 0, 0
    people = newcomers.settle(folder)
    words = Vocabulary()
    histories = (History(ticket, said, people, words) for ticket, said in _together(folder))
    while batch := list(itertools.islice(histories, BATCH)):
        messages += _insert_batch(batch)
        tickets += len(batch)
        db.session.commit()
        say(
            _(
                "%(tickets)s tickets, %(messages)s messages, %(rate)s messages/s",
                tickets=tickets,
                messages=messages,
                rate=round(messages / (time.monotonic() - began)),
            )
        )
    say(_("counting …"))
    _sum_up()
    return Loaded(tickets, messages, time.monotonic() - began)


def _together(folder: Path) -> Iterator[tuple[GivenTicket, list[GivenMessage]]]:
    """Each ticket with its messages. Both files are read once, side by side: they have to be in the same order."""
    grouped = itertools.groupby(
        csvdesk.rows(folder, "messages.csv", GivenMessage), key=lambda message: message.ticket_id
    )
    following = next(grouped, None)
    for ticket in csvdesk.rows(folder, "tickets.csv", GivenTicket):
        said: list[GivenMessage] = []
        if following is not None and following[0] == ticket.id:
            said = list(following[1])
            following = next(grouped, None)
        if not said:
            raise NotReadable(
                _(
                    "Ticket %(id)s has no message where messages.csv should have them: in the order of tickets.csv.",
                    id=ticket.id,
                )
            )
        yield ticket, said
    if following is not None:
        raise NotReadable(
            _(
                "messages.csv has messages of ticket %(id)s, which is not in tickets.csv, or not in this order.",
                id=following[0],
            )
        )


def _insert_batch(batch: list[History]) -> int:
    number = _take_numbers(len(batch))
    ticket_ids = _take_ids(Ticket, len(batch))
    message_ids = iter(_take_ids(Message, sum(len(history.messages) for history in batch)))
    rows, now = Rows(), clock.now()
    for place, history in enumerate(batch):
        ids = list(itertools.islice(message_ids, len(history.messages)))
        history.write(rows, ticket_ids[place], number + place, ids, now)
    for model, values in ((Ticket, rows.tickets), (Message, rows.messages), (TicketEvent, rows.events)):
        table: Any = model.__table__
        _insert(table, values)
    index.index_import([(row["id"], row["text"]) for row in rows.messages], rows.headers)
    return len(rows.messages)


def _take_numbers(count: int) -> int:
    """The first of `count` numbers, none of which anybody else gets."""
    first = numbering.next_number()
    step = update(numbering.TicketNumber).where(numbering.TicketNumber.id == 1)
    db.session.execute(step.values(last=numbering.TicketNumber.last + count - 1))
    return first


def _take_ids(model: type[Ticket] | type[Message], count: int) -> list[int]:
    """PostgreSQL hands them out one by one; SQLite's are free as long as this transaction has the only pen."""
    if is_postgresql():
        wanted = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return sorted(db.session.scalars(wanted, {"name": model.__tablename__, "count": count}))
    last = db.session.scalar(select(func.max(model.id))) or 0
    return list(range(last + 1, last + count + 1))


def _insert(table: Table, values: list[dict[str, Any]]) -> None:
    """Past SQLAlchemy's statements, which would cost more than the database: COPY on PostgreSQL, plain tuples on SQLite."""
    names = list(values[0])
    if is_postgresql():
        line: Any = db.session.connection().connection.cursor()
        with line.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for row in values:
                copy.write_row([_as_copied(value) for value in row.values()])
    else:
        kept = [table.c[name].type.dialect_impl(db.engine.dialect).bind_processor(db.engine.dialect) for name in names]
        rows = [
            tuple(keep(value) if keep else value for keep, value in zip(kept, row.values(), strict=True))
            for row in values
        ]
        places = ", ".join("?" * len(names))
        db.session.connection().exec_driver_sql(
            f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", rows
        )


def _as_copied(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return json.dumps(value) if isinstance(value, dict) else value


def _sum_up() -> None:
    """What the verbs keep with every deed is counted once, at the end."""
    tally.recount()
    db.session.commit()
    zone = ZoneInfo(desk.current().time_zone)
    oldest, newest = db.session.execute(select(func.min(TicketEvent.at), func.max(TicketEvent.at))).one()
    if oldest is not None:
        recount.recount(oldest.astimezone(zone).date(), newest.astimezone(zone).date())
    db.session.commit()
    summing.bring_up(today(), most=None)
