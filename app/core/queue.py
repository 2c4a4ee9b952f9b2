"""The queue: RQ carries the ids of outbox rows, and runs nothing that is not on our list."""

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

QUEUES = ("urgent", "mail_in", "bulk", "index", "reports", "hooks")
"""In the order in which a worker looks at them: customers' replies never wait behind an export."""
RUN = "app.core.queue.run_outbox"
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
        if self.func_name != RUN:
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
    would stand in it once for every beat. Each has a job of its own, so that two workers never end the same one.
    """
    rows = list(rows)
    if not rows or current_app.config.get("QUEUE_OFF"):
        return not rows
    try:
        for outbox_id, name in _mark(rows, again):
            queue(name if name in QUEUES else "bulk").enqueue(
                RUN, outbox_id, result_ttl=0, failure_ttl=3600, job_timeout=600
            )
    except NotAnswering as problem:
        log.warning("the queue does not answer, the relay will hand over: %s", problem)
        return False
    return True


def _mark(rows: list[tuple[int, str]], again: bool) -> list[tuple[int, str]]:
    """Note in the queue itself that they are in it, and return those that were not: a queue that lost all has lost this too."""
    seconds = max(1, min(HANDED_SECONDS, current_app.config["OUTBOX_LEASE_SECONDS"]))
    line = connection().pipeline(transaction=False)
    for outbox_id, _name in rows:
        line.set(f"deskhand:handed:{outbox_id}", 1, nx=again, ex=seconds)
    return [row for row, marked in zip(rows, line.execute(), strict=True) if marked]


def run_outbox(outbox_id: int) -> None:
    """Carry out one outbox row. Its effect and its done mark are one transaction; a crash between two tries runs it again."""
    for name in list(
        g
    ):  # a worker keeps one app context: what its last job looked up, settings above all, may have changed
        g.pop(name)
    db.session.rollback()  # what an earlier job left when the database went away
    held = outbox.lease(outbox_id)
    if held is None:
        return
    token, began = audit.working.set("job"), time.perf_counter()
    try:
        with logs.about(job=held.job, outbox_id=outbox_id):
            _carry_out(held)
            log.info("job", extra={"ms": round((time.perf_counter() - began) * 1000, 1)})
    finally:
        audit.working.reset(token)


def _carry_out(held: outbox.Held) -> None:
    try:
        if held.job not in _jobs:
            raise UnknownJob(held.job)
        _jobs[held.job](**held.arguments)
        if not outbox.finish(held):
            raise LeaseLost(f"another worker has outbox row {held.id}")
        db.session.commit()
    except LeaseLost as problem:
        db.session.rollback()
        log.warning("%s, as this one took too long: its effect is dropped", problem)
    except Exception as problem:  # the row outlives any job: it keeps the error and its next try
        db.session.rollback()
        log.exception("outbox row %s (%s) failed", held.id, held.job)
        outbox.give_back(held, f"{type(problem).__name__}: {problem}")


class DeskWorker(SimpleWorker):
    """Runs jobs in its own process, with the app loaded: a fork a job would cost more than the job.

    A job that kills the process is run again by lease; the supervisor starts the worker anew.
    """

    job_class = ListedJob
    max_connection_wait_time = 2.0
    """Seconds between two looks for a queue that is away."""


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
