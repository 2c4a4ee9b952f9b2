"""Puts a desk back as a backup has it, on either database, and keeps it from doing again what it did before."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import obstore
import psycopg
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy import Connection, select, text

from app.accounts.viewer import forget_kept
from app.core import queue, storage
from app.core.audit import What, note, unguarded
from app.core.database import is_postgresql, snapshot
from app.core.errors import HelpdeskError
from app.core.extensions import db, migrate
from app.core.ticker import beats
from app.desk import backupaside, backupheld, setup
from app.desk.backupformat import FILES, FORMAT, KINDS, TABLES, Damaged, Manifest, check, columns_in, keys_in, rows_in
from app.search import index
from app.tickets.thread import Attachment

BATCH = 2_000
BROKEN_ROWS = (sa.exc.IntegrityError, sa.exc.DataError, psycopg.IntegrityError, psycopg.DataError)
"""PostgreSQL's COPY goes past SQLAlchemy, and so do its errors."""
PEOPLE_KEEP = ("ticket", "customer", "message")
"""A desk in which all of these are empty holds nothing that a restore could destroy."""


class Restored(NamedTuple):
    manifest: Manifest
    rows: int
    indexed: int
    held: backupheld.Held
    seconds: float


class NotEmpty(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(
            "This desk has tickets or customers. With --replace everything in it is deleted and the backup takes its place."
        )


class Running(HelpdeskError):
    def __init__(self) -> None:
        super().__init__("This desk is running. Stop it first: what it wrote meanwhile would be lost without a word.")


class Newer(HelpdeskError):
    def __init__(self, manifest: Manifest) -> None:
        super().__init__(
            f"This backup was written by a newer Deskhand ({manifest.version}, revision {manifest.revision}). Restore it with that version."
        )


def restore(folder: Path, replace: bool, next_number: int | None, say: Callable[[str], object]) -> Restored:
    """Everything is read and checked before anything is touched, and what was here lies aside until all of it is in. Commits."""
    began = time.monotonic()
    if beats():
        raise Running
    say("checking every file of the backup …")
    manifest = check(folder)
    _refuse_newer(manifest)
    if not replace and _has_people():
        raise NotEmpty
    before = _stored_keys()
    with backupaside.laid_aside(say):
        rows, held = _put_in(manifest, folder, next_number, say)
    _clear_queue()
    _forget_files(before)
    say("writing the search index …")
    return Restored(manifest, rows, index.rebuild(), held, time.monotonic() - began)


def _put_in(
    manifest: Manifest, folder: Path, next_number: int | None, say: Callable[[str], object]
) -> tuple[int, backupheld.Held]:
    say(f"making empty tables of revision {manifest.revision} …")
    _quietly(lambda: upgrade(revision=manifest.revision))
    rows = _fill(manifest, folder, say)
    say("bringing the database up to date …")
    _quietly(upgrade)
    forget_kept()
    setup.set_up_rights()
    setup.seed()
    _copy_files(folder, say)
    forget_kept()
    held = backupheld.hold(manifest.made_at, next_number)
    note(What.RESTORED, str(folder), made_at=manifest.made_at, rows=rows, held_mails=held.mails, held_jobs=held.jobs)
    db.session.commit()
    return rows, held


def _refuse_newer(manifest: Manifest) -> None:
    scripts = ScriptDirectory.from_config(migrate.get_config())
    if manifest.format > FORMAT or manifest.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise Newer(manifest)


def _has_people() -> bool:
    with snapshot() as connection:
        there = sa.inspect(connection).get_table_names()
        return any(
            name in there and connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first() is not None
            for name in PEOPLE_KEEP
        )


def _stored_keys() -> set[str]:
    with snapshot() as connection:
        if "attachment" not in sa.inspect(connection).get_table_names():
            return set()
        return set(connection.scalars(text("SELECT storage_key FROM attachment")))


def _quietly(step: Callable[[], object]) -> None:
    """Alembic would set up logging of its own and tell each step."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    step()


def _fill(manifest: Manifest, folder: Path, say: Callable[[str], object]) -> int:
    """One transaction: all rows or none."""
    total = 0
    with db.engine.connect() as connection, _keys_checked_at_the_end(connection), connection.begin():
        guard_is_off = unguarded(connection) if "audit" in manifest.tables else nullcontext()
        with guard_is_off:
            for name, rows in manifest.tables.items():
                try:
                    _fill_table(connection, name, folder / TABLES / f"{name}.gz")
                except BROKEN_ROWS as problem:
                    said = str(problem).partition("\n")[0]
                    raise Damaged(f"The rows of {name} break the rules of the database: {said}") from problem
                total += rows
                if rows >= BATCH:
                    say(f"{name}: {rows} rows")
        _go_on_counting(connection, manifest.tables)
    return total


@contextmanager
def _keys_checked_at_the_end(connection: Connection) -> Iterator[None]:
    """SQLite checks each row at once, also one that refers to a later row of its own table. Switched outside of a transaction."""
    raw: Any = connection.connection.driver_connection
    if is_postgresql():
        yield
        return
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if raw.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise Damaged("Rows of the backup refer to rows that it does not have.")
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def _fill_table(connection: Connection, name: str, path: Path) -> None:
    """What the migrations themselves put in is replaced as well."""
    columns = columns_in(path)
    connection.execute(text(f"DELETE FROM {name}"))
    if is_postgresql():
        _copy_in(connection, name, columns, rows_in(path))
        return
    table = sa.Table(name, sa.MetaData(), *(sa.Column(column, KINDS[kind].column()) for column, kind in columns))
    names, rows = [column for column, _kind in columns], rows_in(path)
    while batch := list(itertools.islice(rows, BATCH)):
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in batch])


def _copy_in(connection: Connection, name: str, columns: list[tuple[str, str]], rows: Iterator[list[Any]]) -> None:
    """One COPY a table: it checks what refers to a row of the same table at its end."""
    line: Any = connection.connection.cursor()
    texts = [place for place, (_name, kind) in enumerate(columns) if kind == "json"]
    quoted = ", ".join(f'"{column}"' for column, _kind in columns)
    with line.copy(f"COPY {name} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            for place in texts:
                row[place] = json.dumps(row[place])
            copy.write_row(row)


def _go_on_counting(connection: Connection, tables: dict[str, int]) -> None:
    """PostgreSQL's counters know nothing of ids that were given."""
    if not is_postgresql():
        return
    for name in tables:
        for column in sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]:
            counter = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": name, "column": column}
            )
            if counter:
                connection.execute(text(f"SELECT setval('{counter}', (SELECT max({column}) FROM {name}))"))


def _copy_files(folder: Path, say: Callable[[str], object]) -> None:
    """Under the keys they had."""
    for place, key in enumerate(keys_in(folder), 1):
        obstore.put(storage.store(), key, (folder / FILES / key).read_bytes())
        if place % 1000 == 0:
            say(f"{place} files")


def _forget_files(before: set[str]) -> None:
    """Of the desk that was here, what the restored one does not have too."""
    for key in before - set(db.session.scalars(select(Attachment.storage_key))):
        try:
            storage.remove(key)
        except FileNotFoundError:
            continue
    db.session.rollback()


def _clear_queue() -> None:
    """What is still in the queue belongs to rows that are gone, and their numbers are given again."""
    try:
        for name in queue.QUEUES:
            queue.queue(name).empty()
    except queue.NotAnswering:
        pass
