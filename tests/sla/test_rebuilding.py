"""After a change of the policies every running promise is counted anew, also when the next change comes meanwhile, or a worker dies."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.core import queue
from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla import clocks, jobs, keeping, policies, rebuilding
from app.sla.models import SlaPolicy, SlaRebuild
from app.sla.promises import Metric
from app.tickets.models import Ticket
from tests.factories import a_customer, a_ticket, run_jobs

MINUTE = dt.timedelta(minutes=1)
TICKETS = 7


@pytest.fixture(autouse=True)
def pages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of three tickets; seven tickets are three of them."""
    monkeypatch.setattr(jobs, "PAGE", 3)
    customer = a_customer()
    for _ in range(TICKETS):
        a_ticket(requester=customer)
    db.session.commit()
    yield


def promise(minutes: int) -> None:
    """A first answer in so many, whatever the priority."""
    policy = db.session.scalars(select(SlaPolicy)).one()
    targets = {(rank, Metric.FIRST_RESPONSE): minutes * MINUTE for rank in (1, 2, 3, 4)}
    keeping.keep(policy, keeping.Wanted(policy.name, targets=targets))
    db.session.commit()


def promised() -> set[float]:
    """In minutes, of all tickets."""
    db.session.expire_all()
    tickets = db.session.scalars(select(Ticket)).all()
    return {(ticket.first_response_due_at - ticket.created_at) / MINUTE for ticket in tickets if ticket.first_response_due_at}  # fmt: skip


def waiting() -> list[Outbox]:
    checks = select(Outbox).where(Outbox.job == "sla.check", Outbox.done_at.is_(None))
    return list(db.session.scalars(checks.order_by(Outbox.id)))


def step() -> None:
    """The oldest page that waits."""
    queue.run_outbox(waiting()[0].id)
    db.session.expire_all()


def runs() -> list[tuple[int, int, int, bool]]:
    rows = db.session.scalars(select(SlaRebuild).order_by(SlaRebuild.id)).all()
    return [(row.total, row.done, row.moved, row.ended_at is not None) for row in rows]


def test_how_far_it_is_can_be_read_page_by_page(app: Flask) -> None:
    promise(90)
    seen = [runs()[0]]
    while waiting():
        step()
        seen.append(runs()[0])

    assert seen == [(7, 0, 0, False), (7, 3, 3, False), (7, 6, 6, False), (7, 7, 7, True)]
    assert promised() == {90}


def test_a_run_gives_way_to_a_later_change_and_what_it_had_done_is_counted_anew(app: Flask) -> None:
    promise(90)
    step()
    assert promised() == {90, 1440}
    promise(30)
    run_jobs()

    assert promised() == {30}
    assert runs() == [(7, 3, 3, False), (7, 7, 7, True)]
    latest = rebuilding.latest()
    assert latest is not None and latest.ended_at is not None
    assert not any(clocks.rebuild(ticket) for ticket in db.session.scalars(select(Ticket)))


def test_going_back_to_what_was_promised_moves_only_what_had_been_moved(app: Flask) -> None:
    promise(90)
    run_jobs()
    promise(30)
    step()
    promise(90)
    run_jobs()

    assert promised() == {90}
    assert runs()[-1] == (7, 7, 3, True)


def test_a_worker_that_dies_in_a_page_counts_it_once(app: Flask) -> None:
    promise(90)
    step()
    page = waiting()[0]
    jobs.check(**page.arguments)
    db.session.flush()
    db.session.rollback()  # what the database does for a process that is no more
    assert (promised(), runs()) == ({90, 1440}, [(7, 3, 3, False)])
    run_jobs()

    assert (promised(), runs()) == ({90}, [(7, 7, 7, True)])


@pytest.mark.parametrize("app", ["postgresql"], indirect=True)  # on SQLite one transaction writes at a time
def test_a_page_that_waited_for_its_tickets_while_the_promises_changed_writes_nothing_of_the_old_ones(
    app: Flask,
) -> None:
    """It has begun, then the next run goes past it: with the tickets in hand it sees that it is not asked any more."""
    promise(90)
    old = dict(waiting()[0].arguments)
    begun, passed = threading.Event(), threading.Event()

    def hold(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.current_thread() is slow and "FOR UPDATE OF ticket" in statement and not begun.is_set():
            begun.set()
            passed.wait(60)

    def page() -> None:
        with app.app_context():
            policies.in_force()
            jobs.check(**old)
            db.session.commit()

    slow = threading.Thread(target=page)
    event.listen(db.engine, "before_cursor_execute", hold)
    try:
        slow.start()
        assert begun.wait(60)
        promise(30)
        run_jobs()
        passed.set()
        slow.join(60)
    finally:
        passed.set()
        event.remove(db.engine, "before_cursor_execute", hold)

    assert promised() == {30}
    assert runs()[-1] == (7, 7, 7, True)
