"""A PostgreSQL of the test run's own, gone with the process that started it; or the one TEST_DATABASE_URL names."""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from app.bench import postgres

LONGEST_HOME_BYTES = 80
"""What is left of a socket's 107 bytes for the folder."""
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60")
"""What a database that may be lost can do without."""


def start() -> tuple[str, Callable[[], None]]:
    """The URL of an empty database's server and what stops it. 0.7 s."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given, lambda: None
    home = a_home()
    try:
        server = postgres.start(home, FAST)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    return f"postgresql+psycopg://postgres@/postgres?host={home}", functools.partial(_stop, home, server)


def a_database(server: str, name: str, like: str = "") -> str:
    """The URL of an empty one on this server, or of a copy, in place of any of this name that an earlier run left."""
    copied = f" TEMPLATE {like} STRATEGY FILE_COPY" if like else ""
    _tell(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}{copied}")
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def drop(server: str, name: str) -> None:
    _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


def _tell(server: str, *statements: str) -> None:
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def a_home() -> Path:
    """Short enough for a socket, and where the user nobody can go too."""
    place = tempfile.gettempdir()
    if os.geteuid() == 0 or len(os.fsencode(place)) > LONGEST_HOME_BYTES:
        place = "/tmp"
    home = Path(tempfile.mkdtemp(prefix="deskpg", dir=place))
    postgres.give_to_its_user(home)
    return home


def _stop(home: Path, server: "subprocess.Popen[bytes]") -> None:
    postgres.stop(server)
    shutil.rmtree(home, ignore_errors=True)
