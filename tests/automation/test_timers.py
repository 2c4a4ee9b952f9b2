"""Rules of time: once for each stay, in business hours where they say so, whoever looks and however often."""

import datetime as dt
import threading

import pytest
import time_machine
from sqlalchemy import func, literal_column, select, update

from app.accounts.viewer import SYSTEM, CustomerActor
from app.automation import timers
from app.automation.models import Basis, Hours, RuleRun
from app.core.extensions import db
from app.hours.weeks import working_week
from app.tickets.choices import State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.automation.making import TAG, a_timer
from tests.factories import a_supervisor, a_ticket, acting

MONDAY = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def travel():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def seen(ticket):
    db.session.expire_all()
    return {tag.name for tag in ticket.tags} == {"seen"}


def test_it_acts_when_the_time_is_over_and_not_before(app, travel):
    a_timer(TAG, minutes=60)
    ticket = a_ticket()
    db.session.commit()
    travel.shift(59 * 60)
    assert timers.tick() == 0 and not seen(ticket)
    travel.shift(60)
    assert timers.tick() == 1 and seen(ticket)
    assert timers.tick() == 0


def test_each_stay_in_a_status_counts_anew(app, travel):
    a_timer({"do": "note", "text": "Still waiting"}, condition={"field": "state", "op": "is", "value": ["waiting"]})
    boss, ticket = acting(a_supervisor()), a_ticket()
    for _stay in range(2):
        ticket.set_status(status_for(State.WAITING), boss)
        db.session.commit()
        travel.shift(2 * 3600)
        timers.tick()
        timers.tick()
        ticket.set_status(status_for(State.OPEN), boss)
        db.session.commit()
        travel.shift(2 * 3600)
        timers.tick()

    assert db.session.scalar(select(func.count(RuleRun.id))) == 2


@pytest.mark.parametrize("basis", list(Basis))
def test_every_basis_counts_from_its_own_instant(app, travel, basis):
    a_timer(TAG, basis=basis, minutes=60)
    ticket, boss = a_ticket(), acting(a_supervisor())
    travel.shift(600)
    ticket.reply(Words("Hello"), by=boss)
    travel.shift(600)
    ticket.receive(Words("Hm"), by=CustomerActor.of(ticket.requester))
    travel.shift(600)
    ticket.set_status(status_for(State.WAITING), boss)
    ticket.next_due_at = MONDAY + dt.timedelta(hours=5)
    db.session.commit()
    due = {
        Basis.CREATED: 60, Basis.STAFF: 70, Basis.CUSTOMER: 80, Basis.STATUS: 90, Basis.ACTIVITY: 90, Basis.DUE: 4 * 60,
    }[basis]  # fmt: skip
    travel.move_to(MONDAY + dt.timedelta(minutes=due - 1))
    timers.tick()
    assert not seen(ticket)
    travel.move_to(MONDAY + dt.timedelta(minutes=due))
    timers.tick()
    assert seen(ticket)


def test_business_hours_do_not_pass_at_night(app, travel):
    a_timer(TAG, minutes=8 * 60 + 1, hours=Hours.BUSINESS)
    ticket = a_ticket()
    db.session.commit()
    travel.shift(12 * 3600)
    timers.tick()
    assert not seen(ticket)
    travel.move_to(MONDAY + dt.timedelta(days=1, hours=2))
    timers.tick()
    assert seen(ticket)


def test_closed_and_merged_tickets_are_left_alone(app, travel):
    from app.tickets.merging import merge

    a_timer(TAG, basis=Basis.CREATED, minutes=60)
    boss = acting(a_supervisor())
    closed, merged, into = a_ticket(), a_ticket(), a_ticket()
    closed.close(boss)
    merge(merged, into=into, by=boss)
    db.session.commit()
    travel.shift(7200)
    timers.tick()
    assert [seen(one) for one in (closed, merged, into)] == [False, False, True]


def test_one_ticket_that_fails_does_not_keep_the_others_waiting(app, travel):
    a_timer(TAG, basis=Basis.CREATED)
    first, second = a_ticket(), a_ticket()
    db.session.commit()
    db.session.execute(
        update(Ticket.__table__).where(Ticket.id == first.id).values(channel=literal_column("'telepathy'"))
    )
    db.session.commit()
    db.session.expunge(first)
    travel.shift(7200)
    assert timers.tick() == 1 and seen(second)


def test_business_hours_before_a_promise_may_lie_beyond_a_weekend(app, travel):
    a_timer(TAG, basis=Basis.DUE, minutes=4 * 60, hours=Hours.BUSINESS)
    ticket = a_ticket()
    ticket.next_due_at = MONDAY + dt.timedelta(days=7, hours=1)  # Monday at ten: an hour of that day, three of Friday
    db.session.commit()
    friday = MONDAY + dt.timedelta(days=4)
    ends = working_week("UTC").subtract(ticket.next_due_at, dt.timedelta(hours=4))
    assert ends.date() == friday.date()
    travel.move_to(ends - dt.timedelta(minutes=1))
    timers.tick()
    assert not seen(ticket)
    travel.move_to(ends)
    timers.tick()
    assert seen(ticket)


def test_many_tickets_are_more_than_a_batch(app, travel, monkeypatch):
    monkeypatch.setattr(timers, "BATCH", 2)
    a_timer(TAG, basis=Basis.CREATED)
    tickets = [a_ticket() for _ in range(5)]
    db.session.commit()
    travel.shift(7200)
    assert timers.tick() == 5 and all(seen(one) for one in tickets)


def test_four_who_look_at_once_act_once(app, travel):
    a_timer({"do": "note", "text": "Late"}, basis=Basis.CREATED)
    tickets = [a_ticket() for _ in range(8)]
    db.session.commit()
    travel.shift(7200)
    problems = []

    def look():
        with app.app_context():
            try:
                timers.tick()
            except Exception as problem:
                problems.append(problem)
            finally:
                db.session.remove()

    watchers = [threading.Thread(target=look) for _ in range(4)]
    for one in watchers:
        one.start()
    for one in watchers:
        one.join()
    db.session.expire_all()
    assert not problems
    assert [ticket.message_count for ticket in tickets] == [2] * 8
    assert db.session.scalar(select(func.count(RuleRun.id))) == 8


def test_a_system_note_is_no_activity_that_starts_a_timer_again_and_again(app, travel):
    """It counts from the last activity, and its own deed is one: a pause keeps it from answering itself."""
    a_timer({"do": "note", "text": "Quiet here"}, basis=Basis.ACTIVITY, pause_minutes=24 * 60)
    ticket = a_ticket(by=None)
    db.session.commit()
    for _hour in range(10):
        travel.shift(3601)
        timers.tick()
    db.session.refresh(ticket)
    assert ticket.message_count == 2
    assert SYSTEM.name == ticket.messages[-1].author_name
