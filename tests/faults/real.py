"""A whole desk of real processes for tests of faults, and an app of the test's own on the same database to prepare and to count."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import User

from app.accounts.models import Customer
from tests import setups
from tests.conftest import DeskClient
from tests.factories import sign_in, sign_in_customer
from tests.run.desks import PROJECT, RunningDesk, free_port, gone, name_of, processes_of, until

SECRET = "a key for the tests of faults, never for a desk"
LEASE_SECONDS = 2
NAMES = ("web", "worker", "ticker", "receiver", "queue")


class RealDesk:
    """Processes started by the one command; `app` sees the same rows and files from the outside."""

    def __init__(self, home: Path, database_url: str = "", **more: str) -> None:
        self.data = home / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.url = database_url or setups.ready("", self.data, "desk")
        self.env = {
            "DATABASE_URL": self.url, "SECRET_KEY": SECRET, "DESKHAND_PORT": str(free_port()), "DESKHAND_RECEIVER_PORT": str(free_port()),
            "DESKHAND_OUTBOX_LEASE": str(LEASE_SECONDS), "DESKHAND_LIMITS": "off", "PYTHONFAULTHANDLER": "1", **more,
        }  # fmt: skip
        self.app = self._an_app()
        self.process: RunningDesk | None = None

    def _an_app(self) -> Flask:
        from app import create_app
        from app.desk.setup import set_up

        app = create_app(
            SQLALCHEMY_DATABASE_URI=self.url,
            SECRET_KEY=SECRET,
            TESTING=True,
            QUEUE_OFF=True,
            DATA=self.data,
            STORAGE_URL=f"file://{self.data / 'files'}",
            MAIL_URL=self.env.get("MAIL_URL", ""),
        )
        app.test_client_class = DeskClient
        with app.app_context():
            set_up()
        return app

    @property
    def kind(self) -> str:
        return self.url.partition(":")[0].partition("+")[0]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.env['DESKHAND_PORT']}"

    @property
    def receiver_port(self) -> int:
        return int(self.env["DESKHAND_RECEIVER_PORT"])

    def start(self) -> None:
        """There must be people in it already, or the demo is loaded first."""
        self.process = RunningDesk(PROJECT, self.data, **self.env)

    def wait_until_ready(self, within_seconds: float = 120) -> None:
        assert self.process is not None
        self.process.wait_for("Stop it with Ctrl-C", within_seconds)

    def stop(self) -> int:
        assert self.process is not None
        return self.process.stop(signal.SIGTERM)

    def end(self) -> None:
        """pytest shows what the desk said when the test has failed."""
        if self.process is not None:
            self.process.end()
            print(self.process.text[-6000:])
        from app.core.extensions import db

        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def kill_supervisor(self) -> None:
        """And start it anew, as a service manager does."""
        assert self.process is not None
        before = self.process
        before.process.kill()
        before.process.wait()
        self.start()
        before.reader.join(10)
        if before.process.stdout is not None:
            before.process.stdout.close()

    def pids(self, name: str) -> list[int]:
        """The parent first. The queue's server has taken a name of its own."""
        return self._of_name(name, processes_of(self.data))

    def _of_name(self, name: str, present: list[int]) -> list[int]:
        shown = "valkey-server" if name == "queue" else f"desk-{name}"
        found = [pid for pid in present if name_of(pid).startswith(shown)]
        supervisor = self.process.process.pid if self.process is not None else 0
        return sorted(found, key=lambda pid: (parent_of(pid) != supervisor, pid))

    def kill(self, name: str) -> list[int]:
        """SIGKILL: a `web worker` is one of the parent's children, any other name that process itself."""
        found = self.pids("web")[1:2] if name == "web worker" else self.pids(name.removesuffix(" parent"))[:1]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return found

    def show_what_runs(self, name: str) -> None:
        """Ends the process; where it stood is among what the desk said."""
        for pid in self.pids(name):
            os.kill(pid, signal.SIGABRT)
        time.sleep(1)

    def wait_until_whole(self, without: list[int], within_seconds: float = 120) -> None:
        """Every process is there, and none of those that were killed."""
        until(lambda: self._whole(without), f"all processes; there are {self._present()}", within_seconds)

    def _whole(self, without: list[int]) -> bool:
        present = self._present()
        return all(present.values()) and len(present["web"]) > 1 and not any(not gone(pid) for pid in without)

    def _present(self) -> dict[str, list[int]]:
        """By one look at all processes of the machine: it is asked again and again."""
        present = processes_of(self.data)
        return {name: self._of_name(name, present) for name in NAMES}


@contextmanager
def a_real_desk(home: Path, database_url: str = "", **more: str) -> Iterator[RealDesk]:
    desk = RealDesk(home, database_url, **more)
    try:
        yield desk
    finally:
        desk.end()


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def cookie_of(app: Flask, person: User | Customer) -> str:
    """A session as signing in makes one."""
    client: Any = app.test_client()
    (sign_in if isinstance(person, User) else sign_in_customer)(client, person)
    return str(client.get_cookie(app.config["SESSION_COOKIE_NAME"]).value)
