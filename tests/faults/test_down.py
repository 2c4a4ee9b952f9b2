"""The database's own server is stopped under a whole desk: it says so, waits, and has lost nothing when the server is back."""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import requests
from sqlalchemy import func, select

from app.bench import postgres
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import RawMail, RawState
from app.run import folder
from tests.factories import an_agent
from tests.faults.real import NAMES, RealDesk, a_real_desk
from tests.postgres import FAST, a_home
from tests.run.desks import until

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"), pytest.mark.timeout(300)]

DOWN_SECONDS = float(os.environ.get("DESKHAND_DOWN_SECONDS") or "8")
"""How long the server is away. A minute is worth trying now and then; what breaks, breaks within seconds."""
MAIL = b"From: kim@customer.test\r\nTo: support@deskhand.example\r\nSubject: %b\r\nMessage-ID: <%b@customer.test>\r\n\r\nIt burns.\r\n"


class Server:
    """A PostgreSQL that can be stopped and started again."""

    def __init__(self) -> None:
        self.home = a_home()
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.home}"

    def start(self) -> None:
        self.process = postgres.start(self.home, FAST)

    def stop(self) -> None:
        postgres.stop(self.process)


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        server = Server()
    except RuntimeError as problem:
        pytest.skip(str(problem))
    yield server
    server.stop()
    shutil.rmtree(server.home, ignore_errors=True)


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Iterator[RealDesk]:
    with a_real_desk(tmp_path, server.url) as desk:
        with desk.app.app_context():
            an_agent()
            db.session.commit()
            db.session.remove()
        desk.start()
        desk.wait_until_ready()
        yield desk


def test_a_desk_whose_database_is_stopped_says_so_waits_and_keeps_its_jobs_and_mails(
    desk: RealDesk, server: Server
) -> None:
    people = {name: desk.pids(name) for name in NAMES}
    rows = jobs_in_the_queue(desk)
    server.stop()
    began = time.monotonic()
    os.kill(desk.pids("worker")[0], signal.SIGCONT)

    while time.monotonic() < began + DOWN_SECONDS:
        assert status(desk, "/portal/login") == 503
        assert status(desk, "/healthz") == 200
        ready = requests.get(f"{desk.address}/readyz", timeout=30)
        assert (ready.status_code, ready.json()["checks"]["database"]["ok"]) == (503, False)
        assert 400 <= brought(desk, b"meanwhile") < 500, "the sender's server keeps it and comes again"
        time.sleep(0.5)

    server.start()
    until(lambda: status(desk, "/readyz") == 200, "the desk to be ready again", 60)
    until(lambda: all_done(desk, rows), "every job to be done", 90)
    assert brought(desk, b"meanwhile") == brought(desk, b"afterwards") == 250
    until(lambda: delivered(desk) == 2, "the mails to become tickets", 60)
    assert {name: desk.pids(name) for name in NAMES} == people, "nobody died of it"


def jobs_in_the_queue(desk: RealDesk) -> list[int]:
    """Handed over, while the worker stands still: it meets them when there is no database."""
    os.kill(desk.pids("worker")[0], signal.SIGSTOP)
    with desk.app.app_context():
        rows = [Outbox.put("tickets.recount_tally", queue="reports") for _ in range(10)]
        db.session.commit()
        ids = [row.id for row in rows]
        db.session.remove()
        db.engine.dispose()
    line = redis.Redis(unix_socket_path=str(folder.socket(desk.data)))
    until(
        lambda: line.llen("rq:queue:reports") >= len(ids) - 1, "the relay to hand them over", 60
    )  # the worker that stands still may have one
    return ids


def status(desk: RealDesk, address: str) -> int:
    return requests.get(desk.address + address, timeout=30).status_code


def brought(desk: RealDesk, name: bytes) -> int:
    """What the receiver answers to a mail, be it to its recipient already."""
    with smtplib.SMTP("127.0.0.1", desk.receiver_port, timeout=30) as line:
        line.ehlo("customer.test")
        line.mail("kim@customer.test")
        code, _words = line.rcpt("support@deskhand.example")
        return code if code != 250 else line.data(MAIL % (name, name))[0]


def all_done(desk: RealDesk, rows: list[int]) -> bool:
    with desk.app.app_context():
        done = select(func.count()).where(Outbox.id.in_(rows), Outbox.done_at.is_not(None))
        found = db.session.scalar(done)
        db.session.remove()
    return found == len(rows)


def delivered(desk: RealDesk) -> int:
    with desk.app.app_context():
        found = db.session.scalar(select(func.count()).where(RawMail.state == RawState.DELIVERED))
        db.session.remove()
    return found or 0
