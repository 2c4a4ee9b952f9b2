"""A sender that stands still while another takes over: what it says when it wakes comes too late and is not written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.extensions import db
from app.mail.models import DeliveryState
from app.run import folder
from tests.factories import an_agent
from tests.faults import counting
from tests.faults.held import HoldingSink, a_mail_is_being_sent, the_mail
from tests.faults.real import RealDesk, a_real_desk
from tests.mail.smtp import serving
from tests.run.desks import PROJECT, command, until

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"), pytest.mark.timeout(300)]


@pytest.fixture
def sink() -> Iterator[HoldingSink]:
    sink = HoldingSink()
    yield sink
    sink.hold = False


@pytest.fixture
def desk(sink: HoldingSink, tmp_path: Path, database_url: str) -> Iterator[RealDesk]:
    with serving(sink) as port, a_real_desk(tmp_path, database_url, MAIL_URL=f"smtp://127.0.0.1:{port}") as desk:
        with desk.app.app_context():
            an_agent()
            db.session.commit()
            db.session.remove()
        desk.start()
        desk.wait_until_ready()
        yield desk


@contextmanager
def another_worker(desk: RealDesk) -> Iterator[None]:
    """A unit of its own beside the desk's, as on a second host."""
    assert desk.process is not None
    env = {**desk.process.env, "REDIS_URL": f"unix://{folder.socket(desk.data)}"}
    worker = subprocess.Popen(command("worker"), cwd=PROJECT, env=env)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def test_a_worker_that_woke_after_its_lease_writes_no_row(desk: RealDesk, sink: HoldingSink) -> None:
    row = a_mail_is_being_sent(desk, sink)
    frozen = desk.pids("worker")[0]
    os.kill(frozen, signal.SIGSTOP)
    sink.hold = False
    with another_worker(desk):
        until(lambda: the_mail(desk, row).state is DeliveryState.SENT, "another worker to send it", 90)
        before = the_mail(desk, row)

        os.kill(frozen, signal.SIGCONT)
        assert desk.process is not None
        desk.process.wait_for(f"mail {row} took longer than its lease", 60)

    after = the_mail(desk, row)
    assert (after.state, after.tries, after.reason) == (DeliveryState.SENT, 2, "250 2.0.0 Kept as 2")
    assert after.sent_at == before.sent_at
    assert set(counting.copies_of(sink.mails).values()) == {2}, "two copies of one message, under one Message-ID"
