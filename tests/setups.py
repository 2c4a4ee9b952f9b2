"""Databases as the set-up step leaves them: made once a process and copied, for the step itself takes seconds."""

import os
import shutil
import tempfile
from pathlib import Path

from tests import postgres

_kept: dict[str, str] = {}
"""What is copied: by server of PostgreSQL the name of a database there, for SQLite a file."""


def ready(server: str, home: Path, name: str) -> str:
    """The URL of one for the caller alone: under this name on this server, without a server a file in `home`."""
    if server not in _kept:
        _kept[server] = _on_postgresql(server) if server else _on_sqlite()
    if server:
        return postgres.a_database(server, name, like=_kept[server])
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{shutil.copyfile(_kept[server], home / 'desk.sqlite3')}"


def _on_postgresql(server: str) -> str:
    name = f"set_up_{os.getpid()}"
    _set_up(postgres.a_database(server, name))
    return name


def _on_sqlite() -> str:
    file = Path(tempfile.mkdtemp(prefix="set-up-", dir=os.environ["DESKHAND_DATA"])) / "desk.sqlite3"
    _set_up(f"sqlite:///{file}")
    return str(file)


def _set_up(url: str) -> None:
    """Its connections end: only so a file is whole, and may a database be copied."""
    from app import create_app
    from app.core.extensions import db
    from app.desk.setup import set_up

    with create_app(SQLALCHEMY_DATABASE_URI=url, TESTING=True, QUEUE_OFF=True).app_context():
        set_up()
        db.session.remove()
        db.engine.dispose()
