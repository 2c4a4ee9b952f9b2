"""Follow-up, action required, snooze: what each date does, once, and what no date touches."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import Delivery
from app.notifications.inbox import Wanted, prefer
from app.notifications.models import Notice, Notification
from app.tickets import jobs
from app.tickets.choices import State
from app.tickets.dates import Finished
from app.tickets.merging import merge, unmerge
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.thread import Words
from app.tickets.timeline import Did
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_agent, run_jobs

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def now():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def told(user, kind):
    db.session.commit()
    wanted = select(Notification).where(Notification.staff_id == user.id, Notification.kind == kind)
    return db.session.scalars(wanted).all()


def mailed(user, kind):
    return db.session.scalars(select(Delivery).where(Delivery.staff_id == user.id, Delivery.kind == kind.value)).all()


def again(job):
    """What a worker does that crashed after the commit: the same rows of the outbox once more."""
    for row in db.session.scalars(select(Outbox).where(Outbox.job == job, Outbox.due_at <= clock.now())).all():
        getattr(jobs, job.partition(".")[2])(**row.arguments)
    db.session.commit()


def whats(ticket):
    db.session.refresh(ticket)
    return [event.what for event in ticket.events]


def test_a_follow_up_reminds_the_assignee_in_the_app_and_by_mail_once(app, now):
    agent, setter = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=agent)
    ticket.follow_up(START + 3 * HOUR, by=acting(setter))
    now.move_to(START + 3 * HOUR - SECOND)
    run_jobs()
    early = len(told(agent, Notice.FOLLOW_UP))
    now.move_to(START + 3 * HOUR)
    run_jobs()
    again("tickets.remind")

    assert early == 0
    assert len(told(agent, Notice.FOLLOW_UP)) == 1
    assert len(mailed(agent, Notice.FOLLOW_UP)) == 1
    assert told(setter, Notice.FOLLOW_UP) == []
    assert whats(ticket).count(Did.FOLLOW_UP_DUE) == 1


def test_whoever_set_it_is_reminded_while_nobody_has_the_ticket(app, now):
    setter = an_agent()
    a_ticket().follow_up(START + HOUR, by=acting(setter))
    now.move_to(START + HOUR)
    run_jobs()

    assert len(told(setter, Notice.FOLLOW_UP)) == 1


def test_a_reminder_comes_late_rather_than_never(app, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.follow_up(START + HOUR, by=SYSTEM)
    ticket.require_action(START + 2 * DAY, by=SYSTEM)
    db.session.commit()
    now.move_to(START + 9 * DAY)
    run_jobs()

    assert len(told(agent, Notice.FOLLOW_UP)) == 1
    assert [one.parts.get("over") for one in told(agent, Notice.ACTION_REQUIRED)] == ["1"], "not the day before as well"


@pytest.mark.parametrize("then", [None, START + 5 * DAY], ids=["cleared", "changed"])
def test_an_old_date_reminds_of_nothing(app, now, then):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    for change in (ticket.follow_up, ticket.require_action):
        change(START + 2 * DAY, by=SYSTEM)
        change(then, by=SYSTEM)
    now.move_to(START + 3 * DAY)
    run_jobs()

    assert told(agent, Notice.FOLLOW_UP) == []
    assert told(agent, Notice.ACTION_REQUIRED) == []


def test_a_date_that_was_changed_after_its_reminder_reminds_anew(app, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.follow_up(START + HOUR, by=SYSTEM)
    now.move_to(START + HOUR)
    run_jobs()
    ticket.follow_up(START + 2 * HOUR, by=SYSTEM)
    now.move_to(START + 2 * HOUR)
    run_jobs()

    assert len(told(agent, Notice.FOLLOW_UP)) == 2


def test_a_finished_ticket_reminds_of_nothing(app, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.follow_up(START + HOUR, by=SYSTEM)
    ticket.require_action(START + HOUR, by=SYSTEM)
    ticket.snooze(START + HOUR, by=SYSTEM)
    ticket.close(by=SYSTEM)
    now.move_to(START + HOUR)
    run_jobs()

    assert not {Did.FOLLOW_UP_DUE, Did.ACTION_DUE, Did.WOKE} & set(whats(ticket))
    assert told(agent, Notice.FOLLOW_UP) == []


def test_an_action_is_told_of_a_day_before_and_when_it_is_over(app, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.require_action(START + 3 * DAY, by=SYSTEM)
    for days in (2, 3, 4):
        now.move_to(START + days * DAY)
        run_jobs()
        again("tickets.remind")

    assert [one.parts.get("over") for one in told(agent, Notice.ACTION_REQUIRED)] == [None, "1"]
    assert len(mailed(agent, Notice.ACTION_REQUIRED)) == 2


def test_nobody_is_reminded_more_than_they_want(app, now):
    agent = an_agent()
    prefer(agent.id, Notice.FOLLOW_UP, Wanted(app=True, mail=False))
    a_ticket(assignee=agent).follow_up(START + HOUR, by=SYSTEM)
    now.move_to(START + HOUR)
    run_jobs()

    assert len(told(agent, Notice.FOLLOW_UP)) == 1
    assert [each.state.value for each in mailed(agent, Notice.FOLLOW_UP)] == ["suppressed"]


def seen_awake(user, ticket):
    awake = TicketQuery.seen_by(acting(user)).awake().where(Ticket.id == ticket.id)
    return db.session.scalar(awake.statement) is not None


def test_a_snoozed_ticket_is_back_at_its_instant_even_before_any_worker_ran(app, now):
    supervisor = a_supervisor()
    ticket = a_ticket()
    ticket.snooze(START + HOUR, by=acting(supervisor))
    db.session.commit()
    asleep = not seen_awake(supervisor, ticket) and ticket.asleep(clock.now())
    now.move_to(START + HOUR)

    assert asleep
    assert seen_awake(supervisor, ticket)
    assert not ticket.asleep(clock.now())


def test_whoever_snoozed_it_is_told_once_that_it_is_back(app, now):
    agent = an_agent()
    ticket = a_ticket()
    ticket.snooze(START + HOUR, by=acting(agent))
    now.move_to(START + HOUR)
    run_jobs()
    again("tickets.wake")

    assert len(told(agent, Notice.SNOOZE_OVER)) == 1
    assert whats(ticket).count(Did.WOKE) == 1
    assert ticket.snoozed_until is None
    assert ticket.woke_at == START + HOUR


def test_a_customer_who_writes_brings_it_back_at_once(app, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent, state=State.WAITING)
    ticket.snooze(START + DAY, by=acting(agent))
    now.shift(HOUR)
    ticket.receive(Words("Any news?"), by=CustomerActor.of(ticket.requester))
    run_jobs()
    now.move_to(START + DAY)
    run_jobs()

    assert ticket.snoozed_until is None
    assert ticket.woke_at == START + HOUR
    assert whats(ticket).count(Did.WOKE) == 1
    assert told(agent, Notice.SNOOZE_OVER) == [], "they heard that the customer replied"


def test_snoozing_touches_neither_status_nor_promises_nor_place_in_the_list(app, now):
    ticket = a_ticket()
    kept = ("state", "status_id", "next_due_at", "first_response_due_at", "resolution_due_at", "last_activity_at")
    before = [getattr(ticket, name) for name in kept]
    now.shift(HOUR)
    ticket.snooze(START + DAY, by=SYSTEM)
    db.session.commit()

    assert [getattr(ticket, name) for name in kept] == before


def test_waking_and_snoozing_again_leave_their_events_and_no_old_end_wakes_it(app, now):
    ticket = a_ticket()
    ticket.snooze(START + HOUR, by=SYSTEM)
    ticket.wake(by=SYSTEM)
    ticket.wake(by=SYSTEM)
    ticket.snooze(START + DAY, by=SYSTEM)
    now.move_to(START + HOUR)
    run_jobs()

    assert ticket.asleep(clock.now())
    assert whats(ticket)[-3:] == [Did.SNOOZED, Did.WOKE, Did.SNOOZED]


@pytest.mark.parametrize("verb", ["follow_up", "require_action", "snooze"])
@pytest.mark.parametrize("at", [START, START - DAY, START + dt.timedelta(days=365 * 9)], ids=["now", "past", "far"])
def test_a_date_lies_in_the_future_and_not_too_far(app, now, verb, at):
    with pytest.raises(Invalid, match="future"):
        getattr(a_ticket(), verb)(at, by=SYSTEM)


@pytest.mark.parametrize("verb", ["follow_up", "require_action", "snooze"])
def test_a_finished_ticket_takes_no_date_but_gives_one_up(app, now, verb):
    ticket = a_ticket()
    ticket.follow_up(START + DAY, by=SYSTEM)
    ticket.resolve(by=SYSTEM)
    with pytest.raises(Finished):
        getattr(ticket, verb)(START + HOUR, by=SYSTEM)
    ticket.follow_up(None, by=SYSTEM)

    assert ticket.follow_up_at is None


def test_customers_set_no_dates_and_read_nothing_of_them(app, now):
    ticket = a_ticket()
    customer = CustomerActor.of(ticket.requester)
    for verb in (ticket.follow_up, ticket.require_action, ticket.snooze):
        with pytest.raises(Forbidden):
            verb(START + DAY, by=customer)
        verb(START + DAY, by=SYSTEM)

    assert not any(event.public for event in ticket.events[-3:])


def test_the_date_of_a_merged_ticket_is_told_of_where_it_goes_on(app, now):
    agent = an_agent()
    ticket, primary = a_ticket(assignee=agent), a_ticket(assignee=agent, requester=a_customer())
    ticket.follow_up(START + HOUR, by=SYSTEM)
    merge(ticket, into=primary, by=acting(a_supervisor()))
    now.move_to(START + HOUR)
    run_jobs()

    assert [one.ticket_id for one in told(agent, Notice.FOLLOW_UP)] == [primary.id]


def test_what_is_taken_out_again_has_the_dates_it_had(app, now):
    supervisor = acting(a_supervisor())
    ticket, primary = a_ticket(), a_ticket()
    ticket.follow_up(START + DAY, by=SYSTEM)
    ticket.snooze(START + 2 * DAY, by=SYSTEM)
    merge(ticket, into=primary, by=supervisor)
    primary_dates = (primary.follow_up_at, primary.snoozed_until)
    unmerge(ticket, by=supervisor)

    assert (ticket.follow_up_at, ticket.snoozed_until) == (START + DAY, START + 2 * DAY)
    assert primary_dates == (None, None)
