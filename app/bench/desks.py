"""Desks to measure: made once for a number of tickets and a database, kept in a folder, and served as in production."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.bench import postgres
from app.bench.invented import Invention
from app.bench.line import Line

START_SECONDS = 60
LONGEST_PLACE_BYTES = 80
"""What is left of a socket's 107 bytes for its folder."""
KEY = "only a bench that nobody else can reach has this key"
POSTGRESQL_SETTINGS = ("shared_buffers=512MB", "max_connections=60", "max_wal_size=4GB")
"""Everything else as it comes, fsync too: that is what a reply waits for."""


class Home:
    """The folder of all desks, and their PostgreSQL server once one needs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: subprocess.Popen[bytes] | None = None
        self.server_id = 0

    def postgresql(self) -> Path:
        """The folder of its socket."""
        place = self._place()
        if not self.server_id:
            place.mkdir(parents=True, exist_ok=True)
            postgres.give_to_its_user(place)
            if not postgres.answers(place):  # else another bench's
                self.server = postgres.start(place, POSTGRESQL_SETTINGS)
            self.server_id = int((place / "data" / "postmaster.pid").read_text().split()[0])
        return place

    def _place(self) -> Path:
        """In the folder; or where its user, which is never root, may go and a socket's name is short enough."""
        near = self.folder / "postgresql"
        open_to_all = all(parent.stat().st_mode & 0o001 for parent in near.parents if parent.exists())
        if (os.geteuid() != 0 or open_to_all) and len(os.fsencode(near)) <= LONGEST_PLACE_BYTES:
            return near
        digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:12]
        return Path("/var/tmp", f"deskhand-bench-{digest}")

    def files(self, tickets: int) -> Path:
        made = self.folder / "data" / str(tickets)
        if not made.exists():
            say(f"inventing {tickets} tickets …")
            unfinished = made.with_suffix(".part")
            Invention(tickets).write(unfinished)
            unfinished.rename(made)
        return made

    def close(self) -> None:
        if self.server is not None:
            postgres.stop(self.server)


class Desk:
    """One desk of so many tickets on one database."""

    def __init__(self, home: Home, tickets: int, database: str) -> None:
        self.home, self.tickets, self.database = home, tickets, database
        self.data = home.folder / "desks" / f"{database}-{tickets}"
        self.port = free_port()
        self.url = f"sqlite:///{self.data / 'desk.sqlite3'}"
        if database == "postgresql":
            self.url = f"postgresql+psycopg://postgres@/desk{tickets}?host={home.postgresql()}"

    @property
    def environment(self) -> dict[str, str]:
        here = {
            "DESKHAND_DATA": str(self.data),
            "DATABASE_URL": self.url,
            "DESKHAND_PROFILE": "production",
            "SECRET_KEY": KEY,
            **{f"DESKHAND_LIMIT_{name}": "100000000/1h" for name in ("API_KEY", "NEW_TICKET", "REPLY")},
        }
        web = {
            "DESKHAND_PORT": str(self.port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "MAIL_URL": "smtp://127.0.0.1:9",
        }
        return {**os.environ, **here, **web, "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip

    def prepare(self) -> None:
        """Load it unless that was done before, and bring it to what this code needs."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._make_database()
        self.run("setup")
        if not (self.data / "loaded").exists():
            say(f"loading {self.tickets} tickets into {self.database} …")
            self.run("desk", "load", str(self.home.files(self.tickets)))
            (self.data / "loaded").touch()

    def _make_database(self) -> None:
        if self.database == "postgresql":
            server = f"host={self.home.postgresql()} user=postgres dbname=postgres"
            with psycopg.connect(server, autocommit=True) as connection:
                name = f"desk{self.tickets}"
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                    connection.execute(f"CREATE DATABASE {name}")

    def run(self, *words: str) -> None:
        subprocess.run([*PYTHON, "-m", "app.run", *words], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def scene(self) -> dict[str, Any]:
        told = subprocess.run([*PYTHON, "-m", "app.bench.scene"], env=self.environment, check=True, capture_output=True)
        return dict(json.loads(told.stdout))

    @contextmanager
    def served(self) -> Iterator[int]:
        """The id of the web server's process; pages answer by then, and replies find a queue."""
        with self.running("queue"), self.gunicorn("app.bench.counted:the_app()", self.port) as web:
            yield web

    @contextmanager
    def floor(self) -> Iterator[tuple[int, int]]:
        """Port and process id."""
        port = free_port()
        with self.gunicorn("app.bench.floor:the_app()", port) as web:
            yield port, web

    @contextmanager
    def gunicorn(self, app: str, port: int) -> Iterator[int]:
        serve = f"from app.run import words; words.serve({app!r})"
        with self._started(*PYTHON, "-c", serve, DESKHAND_PORT=str(port)) as pid:
            wait_for(port)
            yield pid

    @contextmanager
    def running(self, word: str, **more: str) -> Iterator[int]:
        """One process of the desk's own."""
        with self._started(*PYTHON, "-m", "app.run", word, **more) as pid:
            yield pid

    @contextmanager
    def _started(self, *command: str, **more: str) -> Iterator[int]:
        with (self.data / "bench.log").open("ab") as log:
            process = subprocess.Popen(command, env={**self.environment, **more}, stdout=log, stderr=log)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


PYTHON = (sys.executable, "-P")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int, path: str = "/healthz") -> float:
    """Until a page is there; how many seconds that took."""
    began = time.perf_counter()
    while time.perf_counter() - began < START_SECONDS:
        try:
            if Line(port).ask(get(path)).status < 500:
                return time.perf_counter() - began
        except (ConnectionError, EOFError):
            pass
        time.sleep(0.02)
    raise SystemExit(f"nothing answered on port {port} within {START_SECONDS} s")


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
