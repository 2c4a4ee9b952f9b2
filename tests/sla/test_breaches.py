"""A broken promise is told exactly once."""

import datetime as dt
import threading

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.accounts.viewer import SYSTEM
from app.core import events
from app.core.extensions import db
from app.reactions import REACTIONS
from app.sla import jobs
from app.sla.models import SlaClock, SlaFired
from app.tickets.thread import Words
from app.tickets.timeline import Did, TicketEvent
from tests.factories import a_priority, a_ticket, acting, an_agent

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


def told(ticket) -> list[str]:
    return [event.particulars["metric"] for event in ticket.events if event.what is Did.BREACHED]


@pytest.mark.parametrize(
    ("late", "expected"),
    [(-SECOND, []), (0 * SECOND, []), (SECOND, ["first_response"])],
    ids=["a second before", "in its last moment", "a second late"],
)
def test_a_promise_kept_in_its_last_moment_is_kept(app, late, expected):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        now.move_to(MONDAY + HOUR + late)
        jobs.enforce()
        db.session.commit()

    assert told(ticket) == expected


def test_the_breach_is_told_once_and_says_what_was_promised(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        now.shift(2 * HOUR)
        for _ in range(3):
            jobs.enforce()
            db.session.commit()
            now.shift(HOUR)

    breach = next(event for event in ticket.events if event.what is Did.BREACHED)
    assert told(ticket) == ["first_response"]
    assert breach.particulars["due_at"] == (MONDAY + HOUR).isoformat()
    assert ticket.next_due_at == MONDAY + HOUR


def test_a_late_answer_tells_of_the_breach_itself_when_the_enforcer_was_down(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        now.shift(2 * HOUR)
        ticket.reply(Words("Sorry"), by=acting(an_agent()))
        jobs.enforce()
        db.session.commit()

    clock = db.session.scalars(select(SlaClock)).one()
    assert told(ticket) == ["first_response"]
    assert (clock.overrun_seconds, clock.breached_at) == (3600, MONDAY + HOUR)


def test_a_late_answer_after_the_enforcer_tells_nothing_more(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        now.shift(2 * HOUR)
        jobs.enforce()
        ticket.reply(Words("Sorry"), by=acting(an_agent()))
        db.session.commit()

    assert told(ticket) == ["first_response"]


def test_a_deadline_that_lies_ahead_again_may_be_missed_again(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        now.shift(2 * HOUR)
        jobs.enforce()
        ticket.set_priority(a_priority(3), by=SYSTEM)
        assert ticket.next_due_at == MONDAY + 4 * HOUR
        now.shift(3 * HOUR)
        jobs.enforce()
        db.session.commit()

    assert told(ticket) == ["first_response", "first_response"]
    broken = select(SlaFired.epoch).where(SlaFired.level == 100).order_by(SlaFired.epoch)
    assert db.session.scalars(broken).all() == [1, 2]


def test_going_back_to_a_deadline_already_missed_tells_nothing_new(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(3))
        now.shift(5 * HOUR)
        jobs.enforce()
        ticket.set_priority(a_priority(4), by=SYSTEM)
        jobs.enforce()
        db.session.commit()

    assert told(ticket) == ["first_response"]


def test_a_breach_that_cannot_be_told_does_not_silence_the_others(app):
    """A listener that fails on one ticket, as a mistake in a later version might."""
    with time_machine.travel(MONDAY, tick=False) as now:
        spoilt, other = a_ticket(priority=a_priority(4)), a_ticket(priority=a_priority(4))
        db.session.commit()
        now.shift(2 * HOUR)

        def fail(event: TicketEvent) -> None:
            if event.ticket is spoilt:
                raise LookupError("nobody to tell")

        events.react({Did.BREACHED: (fail,)})
        jobs.enforce()
        db.session.commit()
        assert (told(spoilt), told(other)) == ([], ["first_response"])
        events.react(REACTIONS)
        now.shift(HOUR)
        jobs.enforce()
        db.session.commit()

    assert (told(spoilt), told(other)) == (["first_response"], ["first_response"])


def test_a_fault_of_the_database_puts_no_clock_off(app):
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(priority=a_priority(4))
        db.session.commit()
        now.shift(2 * HOUR)

        def fail(event: TicketEvent) -> None:
            raise OperationalError("UPDATE ticket", {}, Exception("deadlock detected"))

        events.react({Did.BREACHED: (fail,)})
        with pytest.raises(OperationalError):
            jobs.enforce()
        db.session.rollback()
        events.react(REACTIONS)
        jobs.enforce()
        db.session.commit()

    assert told(ticket) == ["first_response"]


def test_two_enforcers_at_once_tell_of_each_breach_once(app):
    tickets = 130
    with time_machine.travel(MONDAY, tick=False):
        for _ in range(tickets):
            a_ticket(priority=a_priority(4))
        db.session.commit()
    start = threading.Barrier(2)

    def enforce() -> None:
        with app.app_context():
            start.wait()
            for _attempt in range(9):
                try:
                    jobs.enforce()
                    db.session.commit()
                except OperationalError:  # too long a wait for SQLite's one writer: the worker tries again, too
                    db.session.rollback()
                else:
                    break

    threads = [threading.Thread(target=enforce) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs.enforce()
    db.session.commit()

    breaches = select(func.count(), func.count(TicketEvent.ticket_id.distinct())).where(
        TicketEvent.what == Did.BREACHED
    )
    assert tuple(db.session.execute(breaches).one()) == (tickets, tickets)
