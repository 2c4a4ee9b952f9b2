"""Many small jobs are carried out in runs: none is lost, none holds up the others, and urgent work comes in between."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.core import clock, outbox, queue, ticker
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.slots import JobSlot
from app.schedule import JOBS
from tests.core.test_queue import real_queue, waiting  # noqa: F401

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`note` writes a row; `break` fails for the second one. A run takes as long as it takes, however busy the machine is."""
    monkeypatch.setattr(queue, "RUN_SECONDS", 600)
    queue.allow({**JOBS, "note": note, "break": fail_at_two})
    yield
    queue.allow(JOBS)


def note(number: int) -> None:
    db.session.add(JobSlot(job="noted", slot=number))


def fail_at_two(number: int) -> None:
    note(number)
    db.session.flush()
    if number == 2:
        raise ValueError("two is not liked")


def put(job: str, name: str, numbers: range) -> list[int]:
    rows = [Outbox.put(job, queue=name, number=number) for number in numbers]
    db.session.commit()
    return [row.id for row in rows]


def noted() -> list[int]:
    return list(db.session.scalars(select(JobSlot.slot).where(JobSlot.job == "noted").order_by(JobSlot.slot)))


@pytest.mark.parametrize("name", queue.IN_RUNS)
def test_a_run_carries_out_everything_that_is_due_on_its_queue_and_nothing_else(name: str) -> None:
    put("note", name, range(25))
    put("note", "bulk", range(100, 102))

    assert queue.run_due(name) == 25

    assert noted() == list(range(25))
    assert queue.run_due(name) == 0


@pytest.mark.parametrize("name", queue.IN_RUNS)
def test_a_job_that_fails_keeps_its_error_and_the_others_are_done(name: str) -> None:
    rows = put("break", name, range(6))

    assert queue.run_due(name) >= 6

    assert noted() == [0, 1, 3, 4, 5]
    failed = db.session.get_one(Outbox, rows[2], populate_existing=True)
    assert failed.error == "ValueError: two is not liked" and failed.due_at > clock.now() and failed.tries == 1
    assert all(db.session.get_one(Outbox, row).done_at for row in rows if row != failed.id)


def test_what_died_in_a_workers_hands_is_taken_alone_the_next_time() -> None:
    rows = put("note", "mail_in", range(5))
    assert [held.id for held in outbox.lease_due("mail_in", 3)] == rows[:3]

    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        again = [[held.id for held in outbox.lease_due("mail_in", 10)] for _ in range(4)]

    assert again == [[rows[0]], [rows[1]], [rows[2]], rows[3:]]


def test_a_row_that_killed_each_worker_is_failed_in_the_end_and_runs_no_more() -> None:
    (row,) = put("note", "mail_in", range(1))
    db.session.get_one(Outbox, row).tries = len(outbox.PAUSES) + 1
    db.session.commit()

    assert queue.run_due("mail_in") == 0

    assert db.session.get_one(Outbox, row, populate_existing=True).state == "failed"
    assert noted() == []


def test_a_run_ends_after_a_moment_and_gives_back_what_it_did_not_come_to() -> None:
    rows = put("note", "mail_in", range(5))
    held = outbox.lease_due("mail_in", 5)

    assert queue._run_many(held, until=0.0, together=False) == 1

    assert noted() == [0]
    left = [db.session.get_one(Outbox, row, populate_existing=True) for row in rows[1:]]
    assert [(row.tries, row.lease_until) for row in left] == [(0, None)] * 4


def test_a_lease_that_was_lost_undoes_what_was_done_together() -> None:
    put("note", "notices", range(3))
    held = outbox.lease_due("notices", 3)
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        other = outbox.lease_due("notices", 1)

        assert not queue._ran_together(held)
        assert noted() == []
        assert queue._ran_together(other)
    assert noted() == [0]


def test_however_many_mails_come_in_the_queue_holds_one_run_until_it_begins(app: Flask, real_queue: None) -> None:  # noqa: F811
    for number in range(3):
        put("note", "mail_in", range(number, number + 1))
    ticker.relay()
    assert waiting() == 1

    worker = queue.DeskWorker([queue.queue(name) for name in queue.QUEUES], connection=queue.connection(), serializer=queue.JSONSerializer, job_class=queue.ListedJob)  # fmt: skip
    worker.work(burst=True)
    assert noted() == [0, 1, 2]

    put("note", "mail_in", range(7, 8))
    assert waiting() == 1


def test_what_comes_while_a_run_is_at_work_wakes_another(app: Flask, real_queue: None) -> None:  # noqa: F811
    def write_and_receive(number: int) -> None:
        note(number)
        Outbox.put("note", queue="mail_in", number=number + 1)

    queue.allow({**JOBS, "note": note, "first": write_and_receive})
    put("first", "mail_in", range(1))

    worker = queue.DeskWorker([queue.queue(name) for name in queue.QUEUES], connection=queue.connection(), serializer=queue.JSONSerializer, job_class=queue.ListedJob)  # fmt: skip
    worker.work(burst=True)

    assert noted() == [0, 1]
