"""How departments hand out work each in their own way, and what a ticket asks of people."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.availability import name_stand_in, of_person, said, set_availability
from app.accounts.models import Availability, StaffProfile
from app.accounts.skills import Skill
from app.accounts.viewer import SYSTEM
from app.assignment import jobs, queue
from app.assignment.models import AssignmentLog, Pool
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.tickets.choices import State
from tests.factories import (
    a_category,
    a_department,
    a_priority,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
    sign_in,
)

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SUNDAY = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def automatic(app):
    setting(auto_assignment=True)


def a_pool(department, category=None, **given) -> Pool:
    pool = Pool(department=department, category=category, **given)
    db.session.add(pool)
    db.session.flush()
    return pool


def a_skill(name: str, *people) -> Skill:
    skill = Skill(name=name, people=list(people))
    db.session.add(skill)
    db.session.flush()
    return skill


def profile(agent) -> StaffProfile:
    return db.session.get_one(StaffProfile, agent.id)


def last_reason() -> str:
    return db.session.scalars(select(AssignmentLog.reason).order_by(AssignmentLog.id.desc())).first() or ""


def test_a_ticket_goes_to_who_has_all_the_skills_its_category_asks_for(automatic):
    department = a_department()
    some, both = an_agent(department), an_agent(department)
    skills = [a_skill("French", some, both), a_skill("Invoices", both)]
    category = a_category(skills=skills)
    for _ in range(2):
        assert a_ticket(department=department, category=category).assignee is both
    assert a_ticket(department=department).assignee is some


def test_one_of_the_skills_is_enough_where_the_category_says_so(automatic):
    department = a_department()
    an_agent(department)
    some = an_agent(department)
    category = a_category(skills=[a_skill("French", some), a_skill("Invoices")], any_skill=True)

    assert a_ticket(department=department, category=category).assignee is some


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda skilled: setattr(skilled, "active", False), "Nobody here has the skill French."),
        (lambda skilled: setattr(profile(skilled), "availability", Availability.AWAY), "Nobody with the skill French is available."),
        (lambda skilled: setattr(profile(skilled), "capacity", 0), "Everybody with the skill French who is available holds as many tickets as they can."),
    ],
    ids=["nobody has it", "who has it is away", "who has it is full"],
)  # fmt: skip
def test_a_ticket_that_nobody_can_take_says_which_skill_lacks(automatic, spoil, reason):
    department = a_department()
    an_agent(department)
    skilled = an_agent(department)
    category = a_category(skills=[a_skill("French", skilled)])
    spoil(skilled)
    db.session.flush()

    assert a_ticket(department=department, category=category).assignee is None
    assert last_reason() == reason


def test_a_department_hands_out_although_the_desk_does_not(app):
    mine, other = a_department(), a_department()
    agent = an_agent(mine, other)
    a_pool(mine, method="round_robin")

    assert a_ticket(department=mine).assignee is agent
    assert a_ticket(department=other).assignee is None


def test_a_department_that_is_off_hands_out_nothing_by_itself(automatic):
    mine, other = a_department(), a_department()
    agent = an_agent(mine, other)
    a_pool(mine, method="off")
    ticket = a_ticket(department=mine)
    db.session.commit()
    jobs.drain()

    assert ticket.assignee is None
    assert a_ticket(department=other).assignee is agent
    assert queue.hand_out([ticket.id]) == 1


def test_a_category_has_a_pool_of_its_own_over_that_of_its_department(automatic):
    department, category = a_department(), a_category()
    agent = an_agent(department)
    a_pool(department, method="off", previous_days=0)
    a_pool(department, category, method="least_loaded")

    assert a_ticket(department=department).assignee is None
    assert a_ticket(department=department, category=category).assignee is agent


def test_a_change_of_a_pool_holds_at_once(automatic):
    department = a_department()
    agent = an_agent(department)
    pool = a_pool(department, method="off")
    assert a_ticket(department=department).assignee is None
    pool.method = ""
    db.session.flush()

    assert a_ticket(department=department).assignee is agent


def test_a_pool_waits_for_business_hours_or_does_not(automatic):
    inside, always = a_department(), a_department()
    agent = an_agent(inside, always)
    a_pool(inside, hours="inside")
    with time_machine.travel(SUNDAY, tick=False):
        waits = a_ticket(department=inside)
        assert waits.assignee is None
        assert a_ticket(department=always).assignee is agent
        db.session.commit()
    with time_machine.travel(MONDAY, tick=False):
        jobs.drain()

    assert waits.assignee is agent


@pytest.mark.parametrize(("days", "back"), [(3, True), (2, False), (0, False)], ids=["within", "too late", "never"])
def test_a_reopened_ticket_goes_back_within_the_days_of_its_pool(automatic, days, back):
    department = a_department()
    a_pool(department, previous_days=days)
    had, other = an_agent(department), an_agent(department)
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket(department=department, assignee=had)
        for _ in range(3):
            a_ticket(department=department, assignee=had)
        ticket.resolve(by=SYSTEM)
        ticket.assign_to(None, by=SYSTEM)
        now.shift(dt.timedelta(days=2, hours=12))
        ticket.reopen(by=SYSTEM)

    assert ticket.assignee is (had if back else other)


def test_what_becomes_of_the_tickets_of_who_goes_away_is_each_pools_choice(automatic):
    kept, given = a_department(), a_department()
    a_pool(given, absent="open")
    agent = an_agent(kept, given)
    there = an_agent(kept, given)
    one, other = (a_ticket(department=place, assignee=agent) for place in (kept, given))
    set_availability(profile(agent), Availability.AWAY, None, by=acting(agent))
    run_jobs()

    assert (one.assignee, other.assignee) == (agent, there)


def test_what_nobody_can_take_goes_to_whom_the_pool_names_also_while_away(automatic):
    department = a_department()
    lead = an_agent(department, availability=Availability.AWAY)
    an_agent(department, capacity=0)
    a_pool(department, fallback=lead)
    ticket = a_ticket(department=department)

    assert ticket.assignee is lead
    assert last_reason() == "named by the pool for what nobody else can take, although away"


def test_the_stand_in_of_an_absent_fallback_is_asked_first(automatic):
    department = a_department()
    lead, deputy = an_agent(department, availability=Availability.AWAY, name="lea"), an_agent(name="dan")
    name_stand_in(profile(lead), deputy, acting(lead))
    a_pool(department, fallback=lead)

    assert a_ticket(department=department).assignee is deputy
    assert last_reason() == "stands in for Lea Test, whom the pool names"


def test_a_fallback_without_room_or_access_gets_nothing(automatic):
    department = a_department()
    full, outsider = an_agent(department, capacity=0), an_agent(a_department())
    pool = a_pool(department, fallback=full)
    assert a_ticket(department=department).assignee is None
    pool.fallback = outsider
    db.session.flush()

    assert a_ticket(department=department).assignee is None


def test_what_nobody_here_can_take_is_sent_on_once(automatic):
    here, there = a_department("Here"), a_department("There")
    an_agent(here, capacity=0)
    agent = an_agent(there, capacity=1)
    a_pool(here, fallback_department=there)
    a_pool(there, fallback_department=here)
    ticket, late = a_ticket(department=here), a_ticket(department=here)
    run_jobs()
    jobs.drain()
    jobs.drain()

    assert (ticket.department, ticket.assignee) == (there, agent)
    assert (late.department, late.assignee) == (there, None)


def test_a_weightier_ticket_takes_more_of_what_one_can_hold(automatic):
    department = a_department()
    a_pool(department, weight_critical=3)
    agent = an_agent(department, capacity=4)
    tickets = [a_ticket(department=department, priority=a_priority(rank)) for rank in (2, 4, 4, 2)]

    assert [ticket.assigned for ticket in tickets] == [True, True, False, False]
    assert queue.open_tickets()[agent.id] == 4


def test_waiting_tickets_count_half_where_the_desk_says_so(automatic):
    setting(assignment_waiting_half=True)
    department = a_department()
    busy, waiting = an_agent(department), an_agent(department)
    a_ticket(department=department, assignee=busy)
    for state in (State.WAITING, State.HOLD, State.WAITING):
        a_ticket(department=department, assignee=waiting, state=state)
    db.session.commit()

    assert queue.open_tickets()[waiting.id] == 1.5
    assert a_ticket(department=department).assignee is busy


@pytest.mark.parametrize("method", ["least_loaded", "round_robin"])
def test_each_gets_tickets_by_their_share(automatic, method):
    setting(assignment_method=method)
    department = a_department()
    whole, half = an_agent(department), an_agent(department, share_percent=50)
    for _ in range(12):
        a_ticket(department=department)
        db.session.commit()
    held = queue.open_tickets()

    assert (held[whole.id], held[half.id]) == (8, 4)


def test_a_low_ticket_is_served_before_a_newer_critical_one_once_it_waited_long(automatic):
    setting(assignment_ageing_hours=24)
    department = a_department()
    agent = an_agent(department, capacity=1, availability=Availability.OFFLINE)
    with time_machine.travel(MONDAY, tick=False) as now:
        old = a_ticket(department=department, priority=a_priority(1))
        now.shift(dt.timedelta(hours=71))
        critical = a_ticket(department=department, priority=a_priority(4))
        db.session.commit()
        assert queue.waiting_for([agent.id]) == [critical.id, old.id]
        now.shift(dt.timedelta(hours=1))
        assert queue.waiting_for([agent.id]) == [old.id, critical.id]


def test_whom_an_absent_person_names_is_told_to_who_chooses_them(app):
    away, deputy = an_agent(name="lea", availability=Availability.AWAY), an_agent(name="dan")
    name_stand_in(profile(away), deputy, acting(away))

    assert said(of_person(away.id), "Lea Test") == "Lea Test is away. Stand-in: Dan Test."


def test_nobody_stands_in_for_themselves_and_only_who_may_names_one_for_others(app):
    agent, colleague = an_agent(), an_agent()
    with pytest.raises(Invalid):
        name_stand_in(profile(agent), agent, acting(agent))
    with pytest.raises(Forbidden):
        name_stand_in(profile(agent), colleague, acting(colleague))
    name_stand_in(profile(agent), colleague, acting(a_supervisor()))

    assert profile(agent).stand_in is colleague


def test_one_names_ones_own_stand_in(client, app):
    agent, colleague = an_agent(), an_agent()
    sign_in(client, agent)
    client.post("/admin/me/stand-in", data={"stand_in": colleague.id})
    refused = client.post("/admin/me/stand-in", data={"stand_in": agent.id})

    db.session.expire_all()
    assert refused.status_code == 422
    assert profile(agent).stand_in_id == colleague.id


def test_a_place_has_one_pool(client, app):
    department = a_department()
    sign_in(client, an_admin())
    form = {"department": department.id, "category": "__None", "method": "off", "hours": "", "absent": ""}
    first = client.post("/admin/pools/add", data=form)
    again = client.post("/admin/pools/add", data=form)

    assert (first.status_code, again.status_code) == (302, 200)
    assert "There is a pool for this already: please change that one." in again.text
    assert len(db.session.scalars(select(Pool)).all()) == 1


def test_the_ticket_tells_who_was_in_question(client, automatic):
    department = a_department()
    an_agent(department, name="ada", availability=Availability.AWAY)
    an_agent(department, name="bob")
    ticket, waits = a_ticket(department=department), a_ticket(department=a_department())
    sign_in(client, a_supervisor())
    page = client.get(f"/admin/tickets/{ticket.number}/why").text

    assert "Given to Bob Test" in page
    assert "Ada Test" in page and "away" in page
    assert client.get(f"/admin/tickets/{waits.number}/why").status_code == 200
