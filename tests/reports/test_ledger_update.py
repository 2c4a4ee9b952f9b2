"""An update books the times of tickets that ended before there were ledgers, a page a job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, select

from app.accounts.viewer import SYSTEM
from app.core import clock, queue
from app.core.extensions import db
from app.core.outbox import Outbox
from app.reports import jobs, ledgercount
from app.reports.ledgers import ROWS, TicketLedger
from app.tickets.models import Ticket
from tests.factories import a_customer, a_ticket, run_jobs

BEFORE = "0032"
LONG_AGO = dt.datetime(2024, 3, 4, 9, tzinfo=dt.UTC)


@pytest.fixture
def long_ended(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[object, ...]]]:
    """Seven that ended years ago and one that goes on, none of them in a ledger; what their rows ought to be."""
    monkeypatch.setattr(ledgercount, "AT_ONCE", 3)
    with time_machine.travel(LONG_AGO, tick=False) as now:
        customer = a_customer()
        for place in range(8):
            ticket = a_ticket(requester=customer)
            now.shift(dt.timedelta(hours=1 + place))
            if place != 4:
                ticket.resolve(by=SYSTEM)
        db.session.commit()
    kept = rows()
    db.session.execute(delete(TicketLedger))
    db.session.execute(delete(Outbox))
    db.session.commit()
    db.session.remove()
    yield kept
    db.session.rollback()
    upgrade()


def rows() -> list[tuple[object, ...]]:
    db.session.commit()
    return [tuple(row) for row in db.session.execute(select(ROWS).order_by(ROWS.c.ticket_id))]


def put_on_its_way() -> list[Outbox]:
    wanted = select(Outbox).where(Outbox.job == "reports.file_ended", Outbox.done_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Outbox.id)))


def updated() -> None:
    db.session.remove()
    downgrade(revision=BEFORE)
    upgrade()


def test_after_the_update_every_ticket_that_ended_is_booked(long_ended: list[tuple[object, ...]]) -> None:
    updated()
    pages = 0
    while waiting := put_on_its_way():
        assert len(waiting) == 1 and waiting[0].queue == "reports"
        queue.run_outbox(waiting[0].id)
        db.session.expire_all()
        pages += 1

    assert len(long_ended) == 7
    assert (rows(), pages) == (long_ended, 3)


def test_a_worker_that_dies_in_it_goes_on_with_that_page(long_ended: list[tuple[object, ...]]) -> None:
    updated()
    queue.run_outbox(put_on_its_way()[0].id)
    db.session.expire_all()
    jobs.file_ended(**put_on_its_way()[0].arguments)
    db.session.flush()
    db.session.rollback()  # what the database does for a process that is no more
    assert rows() == long_ended[:3]
    run_jobs()

    assert rows() == long_ended


def test_done_twice_and_after_the_nightly_count_it_changes_nothing(long_ended: list[tuple[object, ...]]) -> None:
    for _ in range(2):
        updated()
        run_jobs()
    ledgercount.recount(LONG_AGO.date(), clock.now().date())

    assert rows() == long_ended


def test_a_ticket_that_is_opened_again_meanwhile_is_not_booked(long_ended: list[tuple[object, ...]]) -> None:
    updated()
    queue.run_outbox(put_on_its_way()[0].id)
    db.session.expire_all()
    last = db.session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
    last.reopen(by=SYSTEM)
    run_jobs()

    assert rows() == long_ended[:-1]


def test_a_desk_without_tickets_is_given_no_job(app: Flask) -> None:
    updated()

    assert put_on_its_way() == []
