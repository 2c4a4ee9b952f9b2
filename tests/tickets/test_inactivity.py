"""What time does to a ticket that nobody touches."""

import datetime as dt

import pytest
import time_machine

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.extensions import db
from app.tickets import inactivity
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.thread import Words
from app.tickets.timeline import Did
from tests.factories import a_ticket, acting, an_agent, setting

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


def run_all() -> None:
    inactivity.close_waiting()
    inactivity.remind_waiting()
    inactivity.close_resolved()


def reminders(ticket) -> int:
    return [event.what for event in ticket.events].count(Did.REMINDED)


@pytest.mark.parametrize(
    ("state", "after", "reminded", "then"),
    [
        (State.WAITING, 7 * DAY - SECOND, 0, State.WAITING),
        (State.WAITING, 7 * DAY, 1, State.WAITING),
        (State.WAITING, 14 * DAY - SECOND, 1, State.WAITING),
        (State.WAITING, 14 * DAY, 0, State.CLOSED),
        (State.HOLD, 400 * DAY, 0, State.HOLD),
        (State.OPEN, 400 * DAY, 0, State.OPEN),
        (State.RESOLVED, 7 * DAY - SECOND, 0, State.RESOLVED),
        (State.RESOLVED, 7 * DAY, 0, State.CLOSED),
    ],
    ids=[
        "a second before the reminder",
        "reminded",
        "a second before closing",
        "closed without a late reminder",
        "hold never",
        "open never",
        "resolved a second less",
        "resolved is closed",
    ],
)
def test_after_some_days(app, state, after, reminded, then):
    with time_machine.travel(START, tick=False) as now:
        ticket = a_ticket(state=state)
        db.session.commit()
        now.move_to(START + after)
        run_all()

    assert reminders(ticket) == reminded
    assert ticket.state is then


def test_a_reminder_comes_once_per_stay_and_says_when_it_closes(app):
    with time_machine.travel(START, tick=False) as now:
        ticket = a_ticket(state=State.WAITING)
        for _ in range(3):
            now.shift(3 * DAY)
            run_all()
        first = ticket.events[-1]
        assert (first.what, first.particulars["closes_at"]) == (Did.REMINDED, (START + 14 * DAY).isoformat())
        ticket.receive(Words("Still there"), by=CustomerActor.of(ticket.requester))
        ticket.wait(by=SYSTEM)
        db.session.commit()
        now.shift(8 * DAY)
        run_all()
        run_all()

    assert reminders(ticket) == 2
    assert ticket.state is State.WAITING


@pytest.mark.parametrize(
    "deed",
    [
        lambda ticket: ticket.keep_open(by=CustomerActor.of(ticket.requester)),
        lambda ticket: ticket.reply(Words("One more thing"), by=acting(an_agent()), then=Then.KEEP),
    ],
    ids=["keep it open", "our reply"],
)
def test_the_days_begin_anew(app, deed):
    with time_machine.travel(START, tick=False) as now:
        ticket = a_ticket(state=State.WAITING)
        now.shift(10 * DAY)
        deed(ticket)
        db.session.commit()
        now.shift(6 * DAY)
        run_all()
        assert (reminders(ticket), ticket.state) == (0, State.WAITING)
        now.shift(8 * DAY)
        run_all()

    assert ticket.state is State.CLOSED


def test_a_customer_who_wrote_is_not_closed_on(app):
    """Where the vocabulary keeps the status on a customer's reply."""
    with time_machine.travel(START, tick=False) as now:
        ticket = a_ticket(state=State.WAITING)
        ticket.status.after_customer_reply = None
        now.shift(DAY)
        ticket.receive(Words("Here you are"), by=CustomerActor.of(ticket.requester))
        db.session.commit()
        now.shift(30 * DAY)
        run_all()

    assert (reminders(ticket), ticket.state) == (0, State.WAITING)


def test_zero_days_is_never(app):
    setting(waiting_reminder_days=0, waiting_close_days=0, resolved_close_days=0)
    with time_machine.travel(START, tick=False) as now:
        waiting, resolved = a_ticket(state=State.WAITING), a_ticket(state=State.RESOLVED)
        db.session.commit()
        now.shift(400 * DAY)
        run_all()

    assert (waiting.state, reminders(waiting), resolved.state) == (State.WAITING, 0, State.RESOLVED)


def test_closing_by_time_is_the_systems_deed_and_a_reply_brings_it_back(app):
    with time_machine.travel(START, tick=False) as now:
        ticket = a_ticket(state=State.WAITING)
        db.session.commit()
        now.shift(20 * DAY)
        assert inactivity.close_waiting() == 1
        assert inactivity.close_waiting() == 0
        assert [event.actor_name for event in ticket.events if event.what is Did.CLOSED] == [SYSTEM.name]
        ticket.receive(Words("I was ill"), by=CustomerActor.of(ticket.requester))

    assert ticket.state is State.OPEN


def test_a_batch_at_a_time(app, monkeypatch):
    monkeypatch.setattr(inactivity, "BATCH", 2)
    with time_machine.travel(START, tick=False) as now:
        tickets = [a_ticket(state=State.RESOLVED) for _ in range(3)]
        db.session.commit()
        now.shift(8 * DAY)
        assert [inactivity.close_resolved() for _ in range(3)] == [2, 1, 0]

    assert {ticket.state for ticket in tickets} == {State.CLOSED}
