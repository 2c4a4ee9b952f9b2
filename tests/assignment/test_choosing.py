"""Who gets a new ticket, and who never does."""

import datetime as dt
from collections import Counter

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import SYSTEM
from app.assignment import queue
from app.assignment.choosing import choose
from app.assignment.models import AssignmentLog
from app.core import clock
from app.core.extensions import db
from app.tickets.choices import State
from app.tickets.thread import Channel
from app.tickets.timeline import Did
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
    staff,
)

METHODS = ("least_loaded", "round_robin")


@pytest.fixture
def automatic(app):
    setting(auto_assignment=True)


def loads(*agents) -> list[int]:
    held = queue.open_tickets()
    return [held[agent.id] for agent in agents]


def profile(agent) -> StaffProfile:
    return db.session.get_one(StaffProfile, agent.id)


def test_without_the_setting_a_ticket_is_nobodys(app):
    department = a_department()
    an_agent(department)

    assert a_ticket(department=department).assignee is None


@pytest.mark.parametrize("method", METHODS)
def test_equal_agents_get_equally_many(automatic, method):
    setting(assignment_method=method)
    department = a_department()
    agents = [an_agent(department) for _ in range(3)]

    for _ in range(7):
        a_ticket(department=department)
        db.session.commit()

    assert sorted(loads(*agents)) == [2, 2, 3]


@pytest.mark.parametrize("method", METHODS)
def test_also_within_one_transaction_and_one_tick_of_the_clock(automatic, method):
    setting(assignment_method=method)
    department = a_department()
    agents = [an_agent(department) for _ in range(3)]

    with time_machine.travel(dt.datetime(2026, 3, 2, tzinfo=dt.UTC), tick=False):
        for _ in range(8):
            a_ticket(department=department)

    assert sorted(loads(*agents)) == [2, 3, 3]


def test_the_least_loaded_is_measured_against_what_each_can_hold(automatic):
    department = a_department()
    large, small = an_agent(department, capacity=10), an_agent(department, capacity=5)

    for _ in range(9):
        a_ticket(department=department)

    assert loads(large, small) == [6, 3]


def test_what_waits_weighs_nothing(automatic):
    department = a_department()
    busy, waiting = an_agent(department), an_agent(department)
    a_ticket(department=department, assignee=busy)
    for state in (State.WAITING, State.HOLD):
        a_ticket(department=department, assignee=waiting, state=state)
    db.session.commit()

    assert a_ticket(department=department).assignee is waiting


def test_a_returning_agent_is_not_flooded(automatic):
    setting(assignment_method="round_robin")
    department = a_department()
    returning, there = an_agent(department), an_agent(department)
    profile(returning).availability = Availability.OFFLINE
    for _ in range(4):
        a_ticket(department=department)
    profile(returning).availability = Availability.AVAILABLE
    for _ in range(4):
        a_ticket(department=department)

    assert loads(returning, there) == [2, 6]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda agent, customer: setattr(profile(agent), "availability", Availability.OFFLINE),
        lambda agent, customer: setattr(profile(agent), "availability", Availability.AWAY),
        lambda agent, customer: setattr(profile(agent), "capacity", 0),
        lambda agent, customer: setattr(agent, "active", False),
        lambda agent, customer: setattr(agent, "roles", []),
        lambda agent, customer: setattr(customer, "email", agent.email.upper()),
    ],
    ids=["offline", "away", "full", "switched off", "without a right", "the requester"],
)
def test_never_to_somebody_who_may_not_have_it(automatic, spoil):
    department, customer = a_department(), a_customer()
    agent = an_agent(department)
    spoil(agent, customer)
    db.session.flush()

    ticket = a_ticket(department=department, requester=customer)

    assert ticket.assignee is None
    assert db.session.scalars(select(AssignmentLog)).one().agent_id is None


def test_never_to_another_department(automatic):
    mine, other = a_department(), a_department()
    an_agent(other)
    agent = an_agent(mine, capacity=1)

    assert a_ticket(department=mine).assignee is agent
    assert a_ticket(department=mine).assignee is None


def test_a_department_without_members_is_everybodys_who_may_answer_there(automatic):
    department, elsewhere = a_department(), a_department()
    an_agent(elsewhere)
    admin = an_admin()

    assert a_ticket(department=department).assignee is admin


def test_a_developer_gets_tickets_of_their_category_only(automatic):
    department = a_department()
    developer = staff("Developer", (department,))

    assert a_ticket(department=department, category=a_category()).assignee is None
    technical = next(iter(acting(developer).categories))
    from app.tickets.choices import Category

    assert a_ticket(department=department, category=db.session.get(Category, technical)).assignee is developer


def test_the_customers_own_staff_come_first(automatic):
    department = a_department()
    an_agent(department)
    own = an_agent(department)
    a_ticket(department=department, assignee=own)
    ticket = a_ticket(department=department, requester=a_customer(staff=[own]))

    assert ticket.assignee is own
    assert ticket.events[-1].particulars["reason"] == "looks after this customer"


def test_who_had_it_before_gets_it_back_when_it_is_reopened(automatic):
    department = a_department()
    had, other = an_agent(department), an_agent(department)
    ticket = a_ticket(department=department, assignee=had)
    for _ in range(3):
        a_ticket(department=department, assignee=had)
    ticket.resolve(by=SYSTEM)
    ticket.assign_to(None, by=SYSTEM)
    ticket.reopen(by=SYSTEM)

    assert ticket.assignee is had
    assert other is not had


def test_outside_business_hours_it_waits(automatic):
    setting(assignment_hours=True, time_zone="Europe/Berlin")
    department = a_department()
    agent = an_agent(department)
    with time_machine.travel(dt.datetime(2026, 3, 2, 7, tzinfo=dt.UTC), tick=False):
        ticket = a_ticket(department=department)
        assert ticket.assignee is None
        db.session.commit()
    with time_machine.travel(dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC), tick=False):
        queue.drain()

    assert ticket.assignee is agent


def test_whom_staff_name_for_a_ticket_of_theirs_keeps_it(automatic):
    department = a_department()
    an_agent(department)
    named = an_agent(department)
    ticket = a_ticket(department=department, by=acting(an_admin()), via=Channel.STAFF)
    ticket.assign_to(named, by=acting(an_admin()))
    run_jobs()

    assert ticket.assignee is named
    assert [event.what for event in ticket.events].count(Did.ASSIGNED) == 1


def test_a_ticket_staff_typed_in_without_a_name_is_handed_out_after_the_commit(automatic):
    department = a_department()
    agent = an_agent(department)
    ticket = a_ticket(department=department, by=acting(an_admin()), via=Channel.STAFF)
    run_jobs()

    assert ticket.assignee is agent


def test_the_pick_says_why(automatic):
    department = a_department()
    agent, full = an_agent(department), an_agent(department, capacity=0)
    ticket = a_ticket(department=department)

    log = db.session.scalars(select(AssignmentLog)).one()
    assert (log.agent_id, log.method, log.reason) == (agent.id, "least_loaded", "least loaded, 0/30 open")
    assert {each["id"]: each["refused"] for each in log.candidates["considered"]} == {agent.id: None, full.id: "full"}
    assert ticket.events[-1].particulars["reason"] == log.reason


def test_the_same_state_makes_the_same_pick(automatic):
    department = a_department()
    for _ in range(3):
        an_agent(department)
    setting(auto_assignment=False)
    ticket = a_ticket(department=department)

    assert {choose(ticket).agent for _ in range(3)} == {choose(ticket).agent}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(sorted(Availability)), st.booleans()), min_size=1, max_size=4
    ),
    st.lists(st.integers(1, 4), max_size=10),
    st.sampled_from(METHODS),
)
def test_after_a_drain_nothing_is_queued_while_somebody_may_have_it(app, people, ranks, method):
    department, elsewhere = a_department(), a_department()
    agents = [
        (
            an_agent(department if here else elsewhere, capacity=capacity, availability=availability),
            capacity,
            availability,
            here,
        )
        for capacity, availability, here in people
    ]
    setting(auto_assignment=False, assignment_method=method)
    placeholder = an_agent(department, capacity=0)
    tickets = [a_ticket(department=department, priority=a_priority(rank)) for rank in ranks]
    setting(auto_assignment=True)
    db.session.commit()

    given = queue.drain()

    eligible = [
        (agent, capacity)
        for agent, capacity, availability, here in agents
        if here and availability is Availability.AVAILABLE
    ]
    held = Counter(ticket.assignee_id for ticket in tickets)
    assert given == min(len(tickets), sum(capacity for _, capacity in eligible))
    assert held[placeholder.id] == 0
    for agent, capacity, *_ in agents:
        assert held[agent.id] <= (capacity if (agent, capacity) in eligible else 0)
    served = [ticket.priority_rank for ticket in tickets if ticket.assignee_id]
    left = [ticket.priority_rank for ticket in tickets if not ticket.assignee_id]
    assert not left or not served or min(served) >= max(left)
    for ticket in tickets:
        ticket.close(by=SYSTEM)
    db.session.commit()
    assert clock.now() is not None
