"""What somebody else puts into the queue is not carried out."""

from __future__ import annotations

import pickle

import pytest
import redis
from flask import Flask
from rq.exceptions import DeserializationError
from rq.serializers import JSONSerializer

from app.core import queue
from app.core.extensions import db
from app.core.outbox import Outbox
from tests.factories import run_jobs

NOWHERE = redis.Redis(port=1)
"""Asked for nothing: a job is made and looked at without a server."""


def a_job(function: str, *arguments: object) -> queue.ListedJob:
    return queue.ListedJob.create(function, args=arguments, connection=NOWHERE, serializer=JSONSerializer)


@pytest.mark.parametrize("function", ["os.system", "subprocess.call", "builtins.eval", "app.core.storage.remove", "app.core.queue.work", "app.core.queue.run_outbox.__globals__"])  # fmt: skip
def test_a_job_that_is_not_ours_is_not_run(app: Flask, function: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(queue.UnknownJob):
        a_job(function, "echo carried out").perform()

    assert "carried out" not in capfd.readouterr().out


@pytest.mark.parametrize("kind", ["success", "failure", "stopped"])
def test_what_is_to_run_after_a_job_is_not_run(app: Flask, kind: str) -> None:
    """RQ would import a dotted name for each of these."""
    job = a_job(queue.RUN, 1)
    ran: list[str] = []
    setattr(job, f"_{kind}_callback", lambda *_: ran.append(kind))

    getattr(job, f"execute_{kind}_callback")(None, None, None)

    assert ran == []


def test_a_pickle_in_the_queue_is_no_job(app: Flask) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("carried out",)

    job = a_job(queue.RUN, 1)
    job.data = pickle.dumps(("builtins.print", None, (Evil(),), {}))

    with pytest.raises(DeserializationError):
        job.args  # noqa: B018  # reading it is what unpickles


def test_a_row_of_the_outbox_with_a_job_of_nobody_is_kept_and_shown(app: Flask) -> None:
    row = Outbox.put("os.system", command="echo carried out")
    run_jobs()

    db.session.refresh(row)
    assert row.done_at is None
    assert "UnknownJob" in (row.error or "")
