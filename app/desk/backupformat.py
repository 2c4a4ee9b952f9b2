"""What a backup is made of: one file of JSON lines a table, the files under their keys, a manifest, and the SHA-256 of each.

The same for both databases: a backup of the one is restored into the other.

    manifest.json      the version and revision that wrote it, and how many rows each table has
    tables/NAME.gz     a line with the columns, then one line a row, in JSON
    files/KEY          each attachment, as it was stored
    SHA256SUMS         written last; `sha256sum --check SHA256SUMS` reads it too
"""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import enum
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from app.core.errors import HelpdeskError
from app.core.model import UTCDateTime

FORMAT = 1
MANIFEST, SUMS, TABLES, FILES = "manifest.json", "SHA256SUMS", "tables", "files"
READ_BYTES = 1024 * 1024
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Of a table or column: it becomes a part of statements."""
LONGEST_HEAD, LONGEST_LINE = 100_000, 128 * 1024 * 1024
"""Characters. A mail of the largest size is a line of 34 million; a packed file that unfolds to more is no backup of ours."""
QUICK = 1
"""gzip's level: a third of the time of its default for a tenth more bytes."""


class Damaged(HelpdeskError):
    """A file of the backup is not as it was written."""


@dc.dataclass(frozen=True)
class Manifest:
    """What is told of the whole."""

    format: int
    version: str
    revision: str
    made_at: str
    database: str
    tables: dict[str, int]
    """Name -> rows, in the order in which they can be filled."""
    files: int
    bytes: int
    gone: tuple[str, ...]
    """Keys of files that were no longer there: deleted while the backup was made, or lost before."""

    def write(self, folder: Path) -> None:
        (folder / MANIFEST).write_text(json.dumps(dc.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        try:
            manifest = cls(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Damaged(f"There is no backup in {folder}: it has no manifest.json.")
        except (ValueError, TypeError):
            raise Damaged(f"{MANIFEST} is damaged.")
        tables = manifest.tables if isinstance(manifest.tables, dict) else {"?": 0}
        for name, rows in tables.items():
            if not NAME.fullmatch(name) or not isinstance(rows, int):
                raise Damaged(f"{MANIFEST} names a table that no desk has: {name[:80]!r}.")
        return manifest


@dc.dataclass(frozen=True)
class Kind:
    """How the values of one sort of column stand in JSON. None is null for each of them."""

    column: Callable[[], sa.types.TypeEngine[Any]]
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


KINDS: dict[str, Kind] = {
    "instant": Kind(UTCDateTime, lambda at: at.isoformat(), dt.datetime.fromisoformat),
    "local": Kind(sa.DateTime, lambda at: at.isoformat(), dt.datetime.fromisoformat),
    "day": Kind(sa.Date, lambda day: day.isoformat(), dt.date.fromisoformat),
    "bytes": Kind(sa.LargeBinary, lambda content: base64.b64encode(content).decode(), base64.b64decode),
    "json": Kind(sa.JSON),
    "choice": Kind(sa.Text, lambda member: member.value if isinstance(member, enum.Enum) else member),
    "truth": Kind(sa.Boolean),
    "number": Kind(sa.BigInteger),
    "fraction": Kind(sa.Float),
    "words": Kind(sa.Text),
}
_BY_TYPE: tuple[tuple[type, str], ...] = (
    (UTCDateTime, "instant"), (sa.DateTime, "local"), (sa.Date, "day"), (sa.LargeBinary, "bytes"), (sa.JSON, "json"), (sa.Enum, "choice"),
    (sa.Boolean, "truth"), (sa.Integer, "number"), (sa.Float, "fraction"), (sa.String, "words"),
)  # fmt: skip


def kind_of(column: sa.Column[Any]) -> str:
    """A type nobody told us of is an error here, not a lost column in a year."""
    return next(name for kind, name in _BY_TYPE if isinstance(column.type, kind))


class TableWriter:
    """One table's file."""

    def __init__(self, path: Path, columns: list[tuple[str, str]]) -> None:
        self.file = gzip.open(path, "wt", QUICK, encoding="utf-8", newline="\n")
        self.file.write(json.dumps([[name, kind] for name, kind in columns]) + "\n")
        self.writers = [(place, write) for place, (_name, kind) in enumerate(columns) if (write := KINDS[kind].write)]
        self.rows = 0

    def write(self, rows: list[Any]) -> None:
        lines = []
        for row in rows:
            cells = list(row)
            for place, written in self.writers:
                if cells[place] is not None:
                    cells[place] = written(cells[place])
            lines.append(json.dumps(cells, ensure_ascii=False, separators=(",", ":")))
        self.rows += len(lines)
        self.file.write("\n".join(lines) + "\n" if lines else "")

    def close(self) -> None:
        self.file.close()


def columns_in(path: Path) -> list[tuple[str, str]]:
    """Raises Damaged for what cannot be a column's name or kind."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            columns = [(str(name), str(kind)) for name, kind in json.loads(file.readline(LONGEST_HEAD))]
    except (OSError, EOFError, ValueError, TypeError, RecursionError):
        raise Damaged(f"{path.name} is damaged: it does not begin with its columns.")
    for name, kind in columns:
        if not NAME.fullmatch(name) or kind not in KINDS:
            raise Damaged(f"{path.name} has a column that no desk has: {name[:80]!r}.")
    return columns


def rows_in(path: Path) -> Iterator[list[Any]]:
    """Each row with Python's values, in the order of `columns_in`."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        columns = json.loads(file.readline(LONGEST_HEAD))
        readers = [(place, read) for place, (_name, kind) in enumerate(columns) if (read := KINDS[kind].read)]
        while line := file.readline(LONGEST_LINE):
            cells = json.loads(line)
            for place, read in readers:
                if cells[place] is not None:
                    cells[place] = read(cells[place])
            yield cells


def sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, known: dict[str, str]) -> None:
    """`known` are those computed while writing; the others are read once more."""
    inner = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    lines = [f"{known.get(name) or sum_of(folder / name)}  {name}\n" for name in inner]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError):
        raise Damaged(f"{SUMS} is missing or damaged: the backup was not finished.")


def check(folder: Path) -> Manifest:
    """Read every byte before anything is changed. Raises Damaged with the name of the first file that is not as it was written."""
    manifest = Manifest.read(folder)
    sums = _sums(folder)
    for name in (MANIFEST, *(f"{TABLES}/{table}.gz" for table in manifest.tables)):
        if name not in sums:
            raise Damaged(f"{name} does not stand in SHA256SUMS.")
    if len([name for name in sums if name.startswith(f"{FILES}/")]) != manifest.files:
        raise Damaged(f"{SUMS} does not name every file of the backup.")
    for name, digest in sums.items():
        path = folder / name
        if not path.is_file():
            raise Damaged(f"{name} is missing.")
        if not _inside(folder, name):
            raise Damaged(f"{name} leads out of the backup.")
        if sum_of(path) != digest:
            raise Damaged(f"{name} is damaged: its SHA-256 is not the one written down.")
    for table in manifest.tables:
        columns_in(folder / TABLES / f"{table}.gz")
    return manifest


def _inside(folder: Path, name: str) -> bool:
    """A backup may come from elsewhere: no path and no link of it reads another file of this machine."""
    path, real = PurePosixPath(name), folder.resolve()
    return not path.is_absolute() and ".." not in path.parts and (real / name).resolve() == real / name


def keys_in(folder: Path) -> list[str]:
    """Of the files that `check` has looked at; what else lies beside them is not the backup's."""
    return sorted(name.removeprefix(f"{FILES}/") for name in _sums(folder) if name.startswith(f"{FILES}/"))
