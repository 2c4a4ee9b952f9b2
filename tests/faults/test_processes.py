"""The worker of a real desk dies, is stopped or loses a job in the middle of its work; a job kills its worker again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.core.extensions import db
from app.core.outbox import PAUSES, Outbox
from app.mail.models import DeliveryState
from app.run import folder
from tests.factories import an_agent
from tests.faults import counting
from tests.faults.held import HoldingSink, a_mail_is_being_sent, the_mail
from tests.faults.places import OwnQueue, own_queue
from tests.faults.real import RealDesk
from tests.mail.smtp import serving
from tests.run.desks import PROJECT, gone, surroundings, until

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sink() -> Iterator[HoldingSink]:
    yield HoldingSink()


@pytest.fixture(scope="module")
def desk(sink: HoldingSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDesk]:
    with serving(sink) as port:
        desk = RealDesk(tmp_path_factory.mktemp("processes"), MAIL_URL=f"smtp://127.0.0.1:{port}")
        try:
            with desk.app.app_context():
                an_agent()
                db.session.commit()
                db.session.remove()
            desk.start()
            desk.wait_until_ready()
            yield desk
        finally:
            sink.hold = False
            desk.end()


def test_a_worker_killed_while_it_sends_is_replaced_and_sends_the_same_mail_again(
    desk: RealDesk, sink: HoldingSink
) -> None:
    row = a_mail_is_being_sent(desk, sink)

    desk.kill("worker")
    sink.hold = False

    until(lambda: the_mail(desk, row).state is DeliveryState.SENT, "the mail to be sent again", 90)
    assert set(counting.copies_of(sink.mails).values()) == {2}, "two copies of one message, under one Message-ID"


def test_a_worker_that_is_stopped_while_it_sends_ends_its_mail_first(desk: RealDesk, sink: HoldingSink) -> None:
    row = a_mail_is_being_sent(desk, sink)
    worker = desk.pids("worker")[0]

    os.kill(worker, signal.SIGTERM)
    threading.Timer(1.0, setattr, (sink, "hold", False)).start()

    until(lambda: worker not in desk.pids("worker"), "the worker to end", 30)
    assert the_mail(desk, row).state is DeliveryState.SENT
    assert set(counting.copies_of(sink.mails).values()) == {1}


def test_a_worker_whose_parent_alone_is_killed_ends_its_mail_and_then_itself(desk: RealDesk, sink: HoldingSink) -> None:
    row = a_mail_is_being_sent(desk, sink)
    orphan = desk.pids("worker")[0]
    threading.Timer(1.0, setattr, (sink, "hold", False)).start()

    desk.kill_supervisor()

    until(lambda: gone(orphan), "the orphan to end", 60)
    desk.wait_until_ready()
    until(lambda: the_mail(desk, row).state is DeliveryState.SENT, "the mail to be sent", 90)
    copies = set(counting.copies_of(sink.mails).values())
    assert copies <= {1, 2} and the_mail(desk, row).tries == max(copies)


def test_a_job_lost_between_the_queue_and_its_start_is_picked_up(desk: RealDesk) -> None:
    until(lambda: desk.pids("worker"), "a worker", 60)
    worker = desk.pids("worker")[0]
    line = redis.Redis(unix_socket_path=str(folder.socket(desk.data)))
    try:
        row = a_row_while_frozen(desk, worker)
        until(lambda: line.llen("rq:queue:reports"), "the relay to hand it over", 60)
        while line.lmove("rq:queue:reports", "rq:queue:reports:intermediate"):
            pass
    finally:
        os.kill(worker, signal.SIGCONT)

    until(lambda: done(desk, row), "the lost job to be done", 90)


def test_a_queue_that_forgets_everything_loses_nothing(desk: RealDesk) -> None:
    rows = [a_row(desk) for _ in range(5)]
    redis.Redis(unix_socket_path=str(folder.socket(desk.data))).flushall()

    until(lambda: all(done(desk, row) for row in rows), "every job to be done", 90)


def a_row_while_frozen(desk: RealDesk, worker: int) -> int:
    """Frozen, but not while it holds SQLite's pen: then nobody else could write a row."""
    for _ in range(10):
        os.kill(worker, signal.SIGSTOP)
        try:
            return a_row(desk)
        except OperationalError:
            os.kill(worker, signal.SIGCONT)
    raise AssertionError("it always stood still with the pen in its hand")


def a_row(desk: RealDesk) -> int:
    with desk.app.app_context():
        row = Outbox.put("tickets.recount_tally", queue="reports")
        db.session.flush()
        row_id = row.id
        db.session.commit()
        db.session.remove()
    return row_id


def done(desk: RealDesk, row: int) -> bool:
    with desk.app.app_context():
        found = db.session.get_one(Outbox, row).done_at is not None
        db.session.remove()
    return found


def test_a_job_that_kills_its_worker_is_given_up_and_the_others_are_done(app: Flask, tmp_path: Path) -> None:
    with own_queue(app, tmp_path) as own:
        poison, after = _poison_and_another()
        script = Path(__file__).with_name("poisoned.py")
        url = db.engine.url.render_as_string(hide_password=False)
        process = subprocess.Popen(
            [sys.executable, "-P", str(script), url, _address(own), "1"], cwd=PROJECT, env=surroundings(PROJECT, tmp_path), stdout=subprocess.PIPE, text=True, process_group=0
        )  # fmt: skip
        try:
            until(lambda: _state(poison) == "failed", "the poison to be given up", 200)
            assert _state(after) == "done"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            said = process.communicate()[0]
    assert f"died {len(PAUSES) + 1}" in said
    assert f"died {len(PAUSES) + 2}" not in said


def _address(own: OwnQueue) -> str:
    return f"unix://{own.socket}"


def _poison_and_another() -> tuple[int, int]:
    poison, after = Outbox.put("poison"), Outbox.put("tickets.recount_tally")
    db.session.flush()
    ids = poison.id, after.id
    db.session.commit()
    return ids


def _state(row: int) -> str:
    db.session.rollback()
    state = db.session.get_one(Outbox, row, populate_existing=True).state
    db.session.remove()
    return state
