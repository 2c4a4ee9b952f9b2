"""The queue: RQ carries the ids of outbox rows, and runs nothing that is not on our list."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import redis
from flask import Flask, current_app, g
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from app.core import audit, logs, outbox
from app.core.extensions import db

log = logging.getLogger(__name__)

QUEUES = ("urgent", "mail_in", "notices", "bulk", "index", "reports", "hooks")
"""In the order in which a worker looks at them: customers' replies never wait behind an export."""
IN_RUNS = ("mail_in", "notices")
"""Many small jobs wait on these: one run carries out whatever is due there, row after row, as a job of RQ's for each costs as much again."""
TOGETHER = ("notices",)
"""Of these, a few share a transaction: their rows are small, and nothing is lost when one is told again."""
RUN = "app.core.queue.run_outbox"
RUN_DUE = "app.core.queue.run_due"
RUN_SECONDS = 0.8
"""After that another run goes on, behind whatever is urgent."""
LEASED = 10
"""Rows of one run that nobody else has at a time: a worker that dies holds up so many until their lease is over."""
HANDED_SECONDS = 30
"""How long a row that was handed over is believed to be in the queue."""

JobFunction = Callable[..., None]
_jobs: dict[str, JobFunction] = {}


class UnknownJob(Exception):
    """Somebody put a job into the queue that we did not write."""


class LeaseLost(Exception):
    """The job outlived its lease, and somebody else took the row."""


class ListedJob(Job):
    """RQ imports whatever dotted name stands in a job; ours runs one function only, callbacks never."""

    def perform(self) -> Any:
        if self.func_name not in (RUN, RUN_DUE):
            raise UnknownJob(self.func_name)
        return super().perform()

    def execute_success_callback(self, *_: object) -> None:
        """None of ours has one; a forged job's is not run."""

    def execute_failure_callback(self, *_: object) -> None:
        """None of ours has one; a forged job's is not run."""

    def execute_stopped_callback(self, *_: object) -> None:
        """None of ours has one; a forged job's is not run."""


def allow(jobs: Mapping[str, JobFunction]) -> None:
    """Replace the list of jobs: name -> function of ids. schedule.py holds it."""
    _jobs.clear()
    _jobs.update(jobs)


def names() -> list[str]:
    return sorted(_jobs)


ANSWER_SECONDS = 2
"""What a person whose change is already committed waits at most for a queue that hangs."""


def connection() -> redis.Redis:
    """One client a process and app; redis-py keeps its own pool.

    Tried once more, at once, as the server may have been restarted since; its own ten tries with pauses would hold up every request.
    """
    kept = current_app.extensions.get("deskhand_redis")
    if kept is None or kept[0] != os.getpid():
        client = redis.Redis.from_url(
            current_app.config["REDIS_URL"],
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
        kept = current_app.extensions["deskhand_redis"] = (os.getpid(), client)
    return kept[1]


NotAnswering = (redis.RedisError, OSError)
"""What a queue that is away raises."""


def queue(name: str) -> Queue:
    return Queue(name, connection=connection(), serializer=JSONSerializer, job_class=ListedJob)


def hand_over(rows: Iterable[tuple[int, str]], again: bool = False) -> bool:
    """Put the ids of outbox rows on their queues; False when the queue does not answer (the relay tries again).

    `again`: by the relay. What was handed over a moment ago is still in the queue and is left there: under a backlog it
    would stand in it once for every beat. Each has a job of its own, so that two workers never end the same one; those of a queue
    that is carried out in runs share one, whoever puts them there.
    """
    rows = list(rows)
    if not rows or current_app.config.get("QUEUE_OFF"):
        return not rows
    try:
        for name in sorted({name for _id, name in rows if name in IN_RUNS}):
            _wake(name)
        for outbox_id, name in _mark([row for row in rows if row[1] not in IN_RUNS], again):
            queue(name if name in QUEUES else "bulk").enqueue(
                RUN, outbox_id, result_ttl=0, failure_ttl=3600, job_timeout=600
            )
    except NotAnswering as problem:
        log.warning("the queue does not answer, the relay will hand over: %s", problem)
        return False
    return True


def _wake(name: str) -> None:
    """A run is on its way, unless one is that has not begun."""
    if connection().set(_awake(name), 1, nx=True, ex=_believed_seconds()):
        queue(name).enqueue(RUN_DUE, name, result_ttl=0, failure_ttl=3600, job_timeout=600)


def _awake(name: str) -> str:
    return f"deskhand:awake:{name}"


def _believed_seconds() -> int:
    return max(1, min(HANDED_SECONDS, int(current_app.config["OUTBOX_LEASE_SECONDS"])))


def _mark(rows: list[tuple[int, str]], again: bool) -> list[tuple[int, str]]:
    """Note in the queue itself that they are in it, and return those that were not: a queue that lost all has lost this too."""
    seconds = _believed_seconds()
    line = connection().pipeline(transaction=False)
    for outbox_id, _name in rows:
        line.set(f"deskhand:handed:{outbox_id}", 1, nx=again, ex=seconds)
    return [row for row, marked in zip(rows, line.execute(), strict=True) if marked]


def run_outbox(outbox_id: int) -> None:
    """Carry out one outbox row. Its effect and its done mark are one transaction; a crash between two tries runs it again."""
    _begin_afresh()
    held = outbox.lease(outbox_id)
    if held is not None:
        _run(held)


def run_due(name: str) -> int:
    """Carry out what is due on this queue, the oldest first, and return how many rows that were. Two runs at once share the work.

    Whoever puts a row there from now on wakes another run: so none is forgotten between the last look and the end.
    """
    _begin_afresh()
    if not current_app.config.get("QUEUE_OFF"):
        with contextlib.suppress(*NotAnswering):
            connection().delete(_awake(name))
    until, ran = time.monotonic() + RUN_SECONDS, 0
    while time.monotonic() < until and (held := outbox.lease_due(name, LEASED)):
        ran += _run_many(held, until, together=name in TOGETHER)
    if outbox.is_due(name):
        hand_over([(0, name)])
    return ran


def _run_many(held: list[outbox.Held], until: float, together: bool) -> int:
    if together and _ran_together(held):
        return len(held)
    for place, one in enumerate(held):
        if place and time.monotonic() > until:
            outbox.release(held[place:])
            return place
        _begin_afresh(keep="desk_settings")  # for a second
        _run(one)
    return len(held)


def _ran_together(held: list[outbox.Held]) -> bool:
    """All of them in one transaction, or none: then which one it was comes out when each runs alone."""
    token = audit.working.set("job")
    try:
        for one in held:
            with logs.about(job=one.job, outbox_id=one.id):
                _call(one)
                log.info("job")
        if not outbox.finish_all(held):
            raise LeaseLost(f"another worker has one of {held}")
        db.session.commit()
    except Exception:  # which one it was, and why, comes out below
        db.session.rollback()
        return False
    finally:
        audit.working.reset(token)
    return True


def _begin_afresh(keep: str = "") -> None:
    """A worker keeps one app context: what its last job looked up, settings above all, may have changed."""
    for name in list(g):
        if name != keep:
            g.pop(name)
    db.session.rollback()  # what an earlier job left when the database went away


def _run(held: outbox.Held) -> None:
    token, began = audit.working.set("job"), time.perf_counter()
    try:
        with logs.about(job=held.job, outbox_id=held.id):
            _carry_out(held)
            log.info("job", extra={"ms": round((time.perf_counter() - began) * 1000, 1)})
    finally:
        audit.working.reset(token)


def _carry_out(held: outbox.Held) -> None:
    try:
        _effect(held)
        db.session.commit()
    except LeaseLost as problem:
        db.session.rollback()
        log.warning("%s, as this one took too long: its effect is dropped", problem)
    except Exception as problem:  # the row outlives any job: it keeps the error and its next try
        db.session.rollback()
        log.exception("outbox row %s (%s) failed", held.id, held.job)
        outbox.give_back(held, f"{type(problem).__name__}: {problem}")


def _effect(held: outbox.Held) -> None:
    """And its done mark, in the present transaction."""
    _call(held)
    if not outbox.finish(held):
        raise LeaseLost(f"another worker has outbox row {held.id}")


def _call(held: outbox.Held) -> None:
    carry_out(held.job, held.arguments)


def carry_out(job: str, arguments: Mapping[str, Any]) -> None:
    """One job, in the present transaction."""
    if job not in _jobs:
        raise UnknownJob(job)
    _jobs[job](**arguments)


class DeskWorker(SimpleWorker):
    """Runs jobs in its own process, with the app loaded: a fork a job would cost more than the job.

    A job that kills the process is run again by lease; the supervisor starts the worker anew.
    """

    job_class = ListedJob
    max_connection_wait_time = 2.0
    """Seconds between two looks for a queue that is away."""

    def set_shutdown_requested_date(self) -> None:
        """RQ's handler of SIGTERM tells the queue, in the midst of whatever the job does: a queue that ends at the same
        time is no fault of the job, which would end as if it had failed by itself."""
        with contextlib.suppress(*NotAnswering):
            super().set_shutdown_requested_date()


def work(app: Flask) -> None:
    """Serve the queues until SIGTERM or SIGINT."""
    with app.app_context():
        worker = DeskWorker(
            [queue(name) for name in QUEUES],
            connection=connection(),
            serializer=JSONSerializer,
            job_class=ListedJob,
            worker_ttl=app.config["WORKER_TTL_SECONDS"],
            maintenance_interval=15,
            job_monitoring_interval=5,
        )
        worker.work(logging_level="WARNING")
