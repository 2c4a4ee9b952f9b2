"""Writes a backup: every row and every file as they were at one instant, while the desk goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from alembic.runtime.migration import MigrationContext
from flask import current_app
from sqlalchemy import Connection, Table, select

from app.core import clock, storage
from app.core.audit import What, note_reading
from app.core.database import snapshot
from app.core.errors import HelpdeskError
from app.core.model import Base
from app.desk.backupformat import FILES, FORMAT, TABLES, Manifest, TableWriter, kind_of, write_sums
from app.tickets.thread import Attachment

BATCH = 2_000


class Written(NamedTuple):
    rows: int
    files: int
    bytes: int
    seconds: float
    gone: int


class Occupied(HelpdeskError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is there already. A backup needs a folder of its own.")


def back_up(folder: Path, say: Callable[[str], object]) -> Written:
    """Into a new folder, readable by this user alone. It gets its name when it is whole: half a backup is never taken for one."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Occupied(folder)
    began, growing = time.monotonic(), folder.with_name(f".{folder.name}.unfinished-{os.getpid()}")
    for inner in (growing, growing / TABLES, growing / FILES):
        inner.mkdir(mode=0o700, parents=True)
    with snapshot() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        tables = {table.name: _write_table(connection, table, growing, say) for table in Base.metadata.sorted_tables}
        keys = sorted(connection.scalars(select(Attachment.storage_key).distinct()))
        database = connection.dialect.name
    known, size, gone = _copy_files(keys, growing, say)
    Manifest(
        FORMAT,
        product_version(),
        str(revision),
        clock.now().isoformat(),
        database,
        tables,
        len(known),
        size,
        tuple(gone),
    ).write(growing)
    write_sums(growing, known)
    if folder.exists():
        folder.rmdir()
    growing.rename(folder)
    note_reading(What.BACKED_UP, str(folder), rows=sum(tables.values()), files=len(known))
    return Written(sum(tables.values()), len(known), size, time.monotonic() - began, len(gone))


def product_version() -> str:
    """As pyproject.toml says it; the desk runs from its folder and is not installed as a package."""
    try:
        return version("deskhand")
    except PackageNotFoundError:
        import tomllib

        told = tomllib.loads((current_app.config["ROOT"] / "pyproject.toml").read_text(encoding="utf-8"))
        return str(told["project"]["version"])


def _write_table(connection: Connection, table: Table, folder: Path, say: Callable[[str], object]) -> int:
    writer = TableWriter(
        folder / TABLES / f"{table.name}.gz", [(column.name, kind_of(column)) for column in table.columns]
    )
    found = connection.execution_options(yield_per=BATCH).execute(select(table).order_by(*table.primary_key.columns))
    for rows in found.partitions(BATCH):
        writer.write(list(rows))
    writer.close()
    if writer.rows >= BATCH:
        say(f"{table.name}: {writer.rows} rows")
    return writer.rows


def _copy_files(keys: list[str], folder: Path, say: Callable[[str], object]) -> tuple[dict[str, str], int, list[str]]:
    """The bytes of a stored file never change, so copying them after the snapshot is as good as within it."""
    import hashlib

    sums, size, gone = {}, 0, []
    for place, key in enumerate(keys, 1):
        try:
            content = storage.load(key)
        except FileNotFoundError:
            gone.append(key)
            say(f"The file {key} is gone: its ticket was deleted meanwhile, or it was lost before.")
            continue
        path = folder / FILES / key
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        sums[f"{FILES}/{key}"], size = hashlib.sha256(content).hexdigest(), size + len(content)
        if place % 1000 == 0:
            say(f"{place} of {len(keys)} files")
    return sums, size, gone
