"""Between the commit and the worker: the queue goes away, forgets, hangs; leases end; clocks jump."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core import clock, outbox, queue, slots, ticker
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.slots import JobSlot
from app.notifications.models import Notice, Notification
from app.schedule import JOBS
from app.tickets.models import Ticket
from tests.factories import a_customer, a_department, a_ticket, an_agent, sign_in_customer
from tests.faults.places import OwnQueue, own_queue

FORM = {"form": "mark", "subject": "Printer", "message": "It burns."}


@pytest.fixture
def own(app: Flask, tmp_path: Path) -> Iterator[OwnQueue]:
    with own_queue(app, tmp_path) as own:
        yield own


@pytest.fixture
def jobs() -> Iterator[dict[str, queue.JobFunction]]:
    """Jobs of the test's own beside the desk's."""
    more: dict[str, queue.JobFunction] = dict(JOBS)
    yield more
    queue.allow(JOBS)


def a_row(job: str = "tickets.recount_tally", **arguments: int) -> int:
    row = Outbox.put(job, **arguments)
    db.session.flush()
    row_id = row.id
    db.session.commit()
    return row_id


def rows(*criteria: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Outbox).where(*criteria)) or 0  # type: ignore[arg-type]


def test_a_request_succeeds_while_the_queue_is_gone_and_the_relay_hands_over_later(
    client: FlaskClient, own: OwnQueue
) -> None:
    sign_in_customer(client, a_customer())
    own.kill()

    began = time.monotonic()
    answer = client.post("/portal/tickets/new", data=FORM)

    assert answer.status_code == 303
    assert time.monotonic() - began < 5
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1
    own.start()
    ticker.relay()
    assert db.session.scalar(select(func.min(Outbox.id)).where(Outbox.queue == "urgent")) in own.waiting()


def test_a_queue_that_hangs_holds_up_a_request_for_seconds_only(client: FlaskClient, own: OwnQueue) -> None:
    sign_in_customer(client, a_customer())
    own.hang()

    began = time.monotonic()
    answer = client.post("/portal/tickets/new", data=FORM)

    assert answer.status_code == 303
    assert time.monotonic() - began < 10


def test_a_queue_that_was_emptied_gets_everything_again(app: Flask, own: OwnQueue) -> None:
    ids = [a_row() for _ in range(3)]
    assert own.waiting() == ids

    queue.connection().flushall()
    ticker.relay()

    assert own.waiting() == ids


def test_what_waits_its_turn_is_not_handed_over_again_with_every_beat(app: Flask, own: OwnQueue) -> None:
    row = a_row()

    for _ in range(5):
        ticker.relay()

    assert own.waiting() == [row]


def test_a_row_whose_web_process_died_before_handing_over_is_sent_by_the_relay(app: Flask, own: OwnQueue) -> None:
    app.config["QUEUE_OFF"] = True  # the commit is the last thing this process does
    row = a_row()
    app.config["QUEUE_OFF"] = False
    assert own.waiting() == []

    ticker.relay()

    assert own.waiting() == [row]


def test_a_job_that_outlives_its_lease_has_no_second_effect(app: Flask, jobs: dict[str, queue.JobFunction]) -> None:
    began, go_on = Event(), Event()

    def write() -> None:
        """The first to run asks somebody slow before it writes."""
        slow = not began.is_set()
        began.set()
        assert not slow or go_on.wait(30)
        db.session.add(JobSlot(job="effect", slot=int(slow)))

    queue.allow({**jobs, "write": write})
    row = a_row("write")
    first = Thread(target=_run_alone, args=(app, row))
    first.start()
    assert began.wait(30)

    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        queue.run_outbox(row)
    go_on.set()
    first.join(30)

    assert db.session.scalars(select(JobSlot.slot).where(JobSlot.job == "effect")).all() == [0]
    assert db.session.get_one(Outbox, row).tries == 2


def _run_alone(app: Flask, row: int) -> None:
    with app.app_context():
        queue.run_outbox(row)
        db.session.remove()


def test_a_late_error_does_not_take_the_row_from_whoever_has_it_now(app: Flask) -> None:
    row = a_row()
    late = outbox.lease(row)
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        assert outbox.lease(row) is not None
        assert late is not None
        outbox.give_back(late, "too late")

        held = db.session.get_one(Outbox, row, populate_existing=True)
        assert held.lease_until is not None and held.error is None


def test_a_team_is_told_once_though_its_job_runs_twice(app: Flask) -> None:
    support = a_department()
    an_agent(support)
    a_ticket(department=support)
    db.session.commit()
    row = db.session.scalars(select(Outbox.id).where(Outbox.job == "notifications.tell_department")).one()

    queue.run_outbox(row)
    queue.run_outbox(row)

    told = select(func.count()).select_from(Notification).where(Notification.kind == Notice.TICKET_CREATED)
    assert db.session.scalar(told) == 1


def test_a_lease_given_by_a_clock_that_ran_ahead_ends_when_the_clock_is_set_right(app: Flask) -> None:
    row = a_row()
    with time_machine.travel(clock.now() + dt.timedelta(hours=1)):
        assert outbox.lease(row) is not None

    assert (row, "urgent") in outbox.overdue()
    assert outbox.lease(row) is not None


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour back"])
def test_a_clock_that_jumps_starts_no_slot_twice(app: Flask, hours: int) -> None:
    now = clock.now()
    for moment in (now, now + dt.timedelta(hours=hours), now, now + dt.timedelta(hours=hours)):
        with time_machine.travel(moment, tick=False):
            slots.claim("tickets.recount_tally", 60, "bulk")

    assert rows(Outbox.job == "tickets.recount_tally") == 2
    assert db.session.scalar(select(func.count()).select_from(JobSlot)) == 2


@pytest.mark.parametrize(
    "change",
    [dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)],
    ids=["spring", "autumn"],
)
def test_the_hour_that_a_change_of_the_clocks_skips_or_repeats_has_as_many_slots_as_any(
    app: Flask, monkeypatch: pytest.MonkeyPatch, change: dt.datetime
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for minutes in range(-90, 90, 5):
            with time_machine.travel(change + dt.timedelta(minutes=minutes), tick=False):
                slots.claim("tickets.recount_tally", 300, "bulk")
                slots.claim("tickets.recount_tally", 300, "bulk")
    finally:
        monkeypatch.undo()
        time.tzset()

    assert rows(Outbox.job == "tickets.recount_tally") == 36
