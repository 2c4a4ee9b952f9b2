"""How both databases are opened: SQLite writes one at a time without waiting in vain, PostgreSQL in UTC."""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask, request
from sqlalchemy import Connection, Dialect, Engine, event, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from app.core import folding
from app.core.extensions import db
from app.core.session import PLAIN, reads_only

Row = TypeVar("Row")
BUSY_TIMEOUT_MS = 5000
MAKING = 8_161
"""Of PostgreSQL's advisory locks of two numbers: the first of all that `one_at_a_time` takes."""
TRUSTED_SECONDS = 1.0
"""A connection that answered so lately is not asked again whether the server is there: that costs as much as a small statement."""


def install(app: Flask) -> None:
    """To be called inside an app context, before the first connection."""
    if db.engine.dialect.name == "sqlite":
        event.listen(db.engine, "connect", _open_sqlite)
        event.listen(db.engine, "begin", _begin_sqlite)
    else:
        event.listen(db.engine, "checkin", _note_use)
        event.listen(db.engine, "checkout", functools.partial(_look_after_rest, db.engine.dialect))
    app.before_request(_mark_reading_requests)
    app.teardown_request(_forget_the_mark)


def _mark_reading_requests() -> None:
    reads_only.set(request.method in ("GET", "HEAD", "OPTIONS"))


def _forget_the_mark(_problem: BaseException | None) -> None:
    """What this thread does next is not of this request."""
    reads_only.set(False)


def _open_sqlite(connection: Any, _: object) -> None:
    """isolation_level None: the driver begins nothing by itself, we do it in `_begin_sqlite`."""
    connection.isolation_level = None
    folding.teach(connection)
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that will write takes the lock at its start: one that upgrades later fails at once instead of waiting."""
    if connection.get_execution_options().get(PLAIN):
        return
    connection.exec_driver_sql("BEGIN" if reads_only.get() else "BEGIN IMMEDIATE")


def _note_use(_connection: object, entry: ConnectionPoolEntry) -> None:
    entry.info["used_at"] = time.monotonic()


def _look_after_rest(dialect: Dialect, connection: Any, entry: ConnectionPoolEntry, _: object) -> None:
    """The server may have been restarted meanwhile: then another connection is made."""
    used_at = entry.info.get("used_at")
    if used_at is None or time.monotonic() - used_at < TRUSTED_SECONDS:
        return
    try:
        there = dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as problem:
        there = False
        if not dialect.is_disconnect(problem, connection, None):
            raise
    if not there:
        raise DisconnectionError


def insert_new(table: type[Any], values: Mapping[str, Any]) -> bool:
    """Whether the row is new: one that breaks a unique rule is left out. Of two transactions at once the second waits for the first."""
    return bool(insert_all_new(table, [values]))


def insert_all_new(table: type[Any], rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The keys of those that are new, in one statement."""
    kind: Any = postgresql if is_postgresql() else sqlite
    new = kind.insert(table).values([dict(row) for row in rows]).on_conflict_do_nothing()
    return [tuple(row) for row in db.session.execute(new.returning(*inspect(table).primary_key))]


def put(row: Row) -> Row:
    """Make this row, or change the one that is there under its key: of two transactions at once the later stands."""
    one_at_a_time(type(row))
    return db.session.merge(row)


def one_at_a_time(table: type[Any]) -> None:
    """Whoever may make a row of this table twice waits for who came before, and sees theirs. On SQLite the transaction has the whole file."""
    if is_postgresql():
        name = func.hashtext(inspect(table).local_table.name)
        db.session.execute(select(func.pg_advisory_xact_lock(MAKING, name)))


@contextmanager
def snapshot() -> Iterator[Connection]:
    """A connection of its own that reads everything as it is at this instant and holds up nobody who writes."""
    token = reads_only.set(True)
    try:
        with db.engine.connect() as connection:
            if is_postgresql():
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.execute(select(1))
            yield connection
            connection.rollback()
    finally:
        reads_only.reset(token)


@contextmanager
def reading() -> Iterator[None]:
    """Transactions begun inside only read, and wait for nobody who writes."""
    token = reads_only.set(True)
    try:
        yield
    finally:
        reads_only.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Inside, a request that reads begins its transactions as one that writes."""
    token = reads_only.set(False)
    try:
        yield
    finally:
        reads_only.reset(token)


def is_postgresql(bind: Connection | Engine | None = None) -> bool:
    return (bind or db.engine).dialect.name == "postgresql"
