"""Lays a whole database aside while a restore writes another in its place, and puts it back when that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from app.core.database import is_postgresql
from app.core.extensions import db

ASIDE = "before_restore"
"""The schema on PostgreSQL, the end of the file's name on SQLite."""
PARTS = ("", "-wal", "-shm")


@contextmanager
def laid_aside(say: Callable[[str], object]) -> Iterator[None]:
    """Inside, the database is empty. Left by an error it is again what it was; else that is forgotten.

    What a restore that was killed left lying aside is the desk as it was before that: it is put back first.
    """
    postgresql = is_postgresql()
    lay, put_back, forget, lies = (
        (_lay_schema, _put_schema_back, _forget_schema, _schema_lies) if postgresql else (_lay_file, _put_file_back, _forget_file, _file_lies)
    )  # fmt: skip
    _let_go()
    if lies():
        say("an earlier restore did not end: putting back what was before it …")
        put_back()
    lay()
    try:
        yield
    except BaseException:  # also Ctrl+C: the old desk comes back whatever ended this
        _let_go()
        say("this did not succeed: putting everything back as it was …")
        put_back()
        raise
    db.session.commit()
    forget()


def _let_go() -> None:
    """Nothing may stay open: neither a schema nor a file is renamed under somebody who reads it."""
    db.session.remove()
    db.engine.dispose()


def _in_one_transaction(*statements: str) -> None:
    with db.engine.begin() as connection:
        name = _schema(connection)
        for statement in statements:
            connection.execute(text(statement.format(here=f'"{name}"', aside=f'"{name}_{ASIDE}"')))
    db.engine.dispose()  # what the driver prepared knows the tables of before


def _schema(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_schema()")) or "public")


def _schema_lies() -> bool:
    with db.engine.connect() as connection:
        found = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
        return connection.scalar(found, {"name": f"{_schema(connection)}_{ASIDE}"}) is not None


def _lay_schema() -> None:
    _in_one_transaction("ALTER SCHEMA {here} RENAME TO {aside}", "CREATE SCHEMA {here}")


def _put_schema_back() -> None:
    _in_one_transaction("DROP SCHEMA {here} CASCADE", "ALTER SCHEMA {aside} RENAME TO {here}")


def _forget_schema() -> None:
    _in_one_transaction("DROP SCHEMA {aside} CASCADE")


def _file() -> Path:
    return Path(str(db.engine.url.database))


def _aside() -> Path:
    return _file().with_name(f"{_file().name}.{ASIDE}")


def _file_lies() -> bool:
    return _aside().exists()


def _lay_file() -> None:
    """The log goes back into the file first; what could not is laid aside with it, and the file itself last."""
    with closing(db.engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.engine.dispose()
    mode = _file().stat().st_mode
    for part in reversed(PARTS):
        if _part(_file(), part).exists():
            _part(_file(), part).replace(_part(_aside(), part))
    _file().touch()
    _file().chmod(mode)


def _put_file_back() -> None:
    for part in reversed(PARTS):
        _part(_file(), part).unlink(missing_ok=True)
        if _part(_aside(), part).exists():
            _part(_aside(), part).replace(_part(_file(), part))


def _forget_file() -> None:
    for part in PARTS:
        _part(_aside(), part).unlink(missing_ok=True)


def _part(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)
