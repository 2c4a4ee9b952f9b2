"""What is nobody's is handed out as soon as somebody has room, to exactly one."""

import datetime as dt
import threading

import pytest
import time_machine
from sqlalchemy import func, select

from app.accounts.availability import of_person, set_availability
from app.accounts.models import Availability, Department, StaffProfile
from app.accounts.viewer import SYSTEM
from app.assignment import jobs, queue
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.timeline import Did, TicketEvent
from tests.factories import a_department, a_priority, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def automatic(app):
    setting(auto_assignment=True)


def profile(agent) -> StaffProfile:
    return db.session.get_one(StaffProfile, agent.id)


def test_closing_a_ticket_makes_room_for_the_next(automatic):
    department = a_department()
    agent = an_agent(department, capacity=1)
    first, second = a_ticket(department=department), a_ticket(department=department)
    db.session.commit()

    first.close(by=SYSTEM)
    run_jobs()

    assert second.assignee is agent


def test_the_most_urgent_is_served_first_then_the_oldest(automatic):
    department = a_department()
    an_agent(department, capacity=2, availability=Availability.OFFLINE)
    tickets = [a_ticket(department=department, priority=a_priority(rank)) for rank in (1, 2, 4, 2)]
    set_availability(db.session.scalars(select(StaffProfile)).one(), Availability.AVAILABLE, None, by=SYSTEM)
    run_jobs()

    assert [ticket.assigned for ticket in tickets] == [False, True, True, False]


def test_an_absence_ends_by_itself(automatic):
    department = a_department()
    agent = an_agent(department)
    with time_machine.travel(NOON, tick=False) as now:
        set_availability(profile(agent), Availability.AWAY, NOON + dt.timedelta(hours=1), by=acting(agent))
        ticket = a_ticket(department=department)
        db.session.commit()
        jobs.drain()
        assert ticket.assignee is None
        now.shift(dt.timedelta(hours=1))
        jobs.drain()
        assert of_person(agent.id).state is Availability.AVAILABLE

    assert ticket.assignee is agent


def test_whoever_goes_away_keeps_their_tickets(automatic):
    department = a_department()
    agent = an_agent(department)
    ticket = a_ticket(department=department)
    set_availability(profile(agent), Availability.OFFLINE, None, by=acting(agent))
    run_jobs()
    jobs.drain()

    assert ticket.assignee is agent


def test_the_tickets_of_somebody_switched_off_go_to_others(automatic):
    department = a_department()
    gone, there = an_agent(department), an_agent(department)
    tickets = [a_ticket(department=department, assignee=gone) for _ in range(3)]
    gone.active = False
    db.session.commit()
    jobs.drain()

    assert {ticket.assignee for ticket in tickets} == {there}


def test_whoever_left_the_department_keeps_none_of_its_tickets(automatic):
    department, elsewhere = a_department(), a_department()
    leaving, there = an_agent(department, elsewhere), an_agent(department)
    kept = a_ticket(department=elsewhere, assignee=leaving)
    lost = a_ticket(department=department, assignee=leaving)
    department.members.remove(leaving)
    db.session.commit()
    jobs.drain()

    assert (kept.assignee, lost.assignee) == (leaving, there)


def test_a_ticket_that_moves_is_taken_from_whoever_has_no_access_and_given_on(automatic):
    here, there = a_department(), a_department()
    an_agent(here)
    other = an_agent(there)
    ticket = a_ticket(department=here)
    ticket.move_to(there, by=SYSTEM)
    run_jobs()

    assert ticket.assignee is other


def test_a_person_chosen_meanwhile_stands(automatic):
    department = a_department()
    an_agent(department)
    chosen = an_agent(department)
    setting(auto_assignment=False)
    ticket = a_ticket(department=department)
    setting(auto_assignment=True)
    ticket.assign_to(chosen, by=SYSTEM)
    db.session.commit()

    assert queue.give_queued(ticket.id) is None
    assert ticket.assignee is chosen


def test_only_who_has_the_right_sets_the_availability_of_others(app):
    agent, colleague = an_agent(), an_agent()

    set_availability(profile(agent), Availability.AWAY, None, by=acting(a_supervisor()))
    with pytest.raises(Forbidden):
        set_availability(profile(agent), Availability.AVAILABLE, None, by=acting(colleague))
    with pytest.raises(Invalid):
        set_availability(profile(agent), Availability.AWAY, clock.now() - dt.timedelta(hours=1), by=acting(agent))

    assert of_person(agent.id).state is Availability.AWAY


def at_once(app, *deeds) -> list[Exception]:
    """Each in a thread with a session of its own; what went wrong in them."""
    wrong, start = [], threading.Barrier(len(deeds))

    def run(deed) -> None:
        with app.app_context():
            try:
                start.wait()
                deed()
            except Exception as problem:
                wrong.append(problem)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return wrong


def held() -> dict[int | None, int]:
    return dict(
        db.session.execute(
            select(Ticket.assignee_id, func.count()).where(Ticket.live.is_(True)).group_by(Ticket.assignee_id)
        ).all()
    )


def assignments() -> set[int]:
    """How often a ticket was assigned."""
    return set(
        db.session.scalars(
            select(func.count())
            .select_from(TicketEvent)
            .where(TicketEvent.what == Did.ASSIGNED)
            .group_by(TicketEvent.ticket_id)
        )
    )


@pytest.mark.parametrize("method", ["least_loaded", "round_robin"])
def test_picks_made_at_once_see_each_other(app, method):
    """Each of four workers has tickets of its own to hand out, so that nothing but the picks makes them wait."""
    department = a_department()
    for _ in range(3):
        an_agent(department, capacity=7)
    ids = [a_ticket(department=department).id for _ in range(24)]
    setting(auto_assignment=True, assignment_method=method)
    db.session.commit()

    def give(mine: list[int]) -> None:
        for ticket_id in mine:
            queue.give_queued(ticket_id)
            db.session.commit()

    wrong = at_once(app, *[lambda mine=ids[n::4]: give(mine) for n in range(4)])

    tickets = held()
    assert wrong == []
    assert tickets.pop(None) == 3
    assert sorted(tickets.values()) == [7, 7, 7]


def test_drains_at_once_give_each_ticket_once(app):
    department = a_department()
    for _ in range(3):
        an_agent(department, capacity=7)
    for _ in range(24):
        a_ticket(department=department)
    setting(auto_assignment=True)
    db.session.commit()

    assert at_once(app, *[jobs.drain] * 4) == []
    jobs.drain()

    tickets = held()
    assert tickets.pop(None) == 3
    assert sorted(tickets.values()) == [7, 7, 7]
    assert assignments() == {1}


@pytest.mark.parametrize("method", ["least_loaded", "round_robin"])
def test_tickets_that_come_at_once_have_one_assignee_each_and_spread_evenly(automatic, app, method):
    """Four people write at the same time, and the queue is drained between their tickets."""
    setting(assignment_method=method)
    department = a_department()
    for _ in range(3):
        an_agent(department, capacity=7)
    a_ticket(department=a_department(), state=State.CLOSED)  # the first number of all is given alone
    department_id = department.id
    db.session.commit()

    def write() -> None:
        for _ in range(6):
            a_ticket(department=db.session.get_one(Department, department_id))
            db.session.commit()
            jobs.drain()

    wrong = at_once(app, *[write] * 4)

    tickets = held()
    assert wrong == []
    assert tickets.pop(None) == 24 - 21
    assert sorted(tickets.values()) == [7, 7, 7]
    assert assignments() == {1}
