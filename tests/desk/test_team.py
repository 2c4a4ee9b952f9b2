"""Team load: who holds how much, what waits and why, and the way from one to another."""

import datetime as dt
import re

import pytest

from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import SYSTEM
from app.assignment import queue
from app.core import clock
from app.core.extensions import db
from app.desk.teamload import Asked, TeamLoad
from app.tickets.choices import State
from app.tickets.models import Ticket
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    setting,
    sign_in,
    staff,
)

PAGE = "/admin/team/"
MOST = 12


def load(viewer, **asked) -> TeamLoad:
    db.session.commit()
    return TeamLoad.of(Asked(**asked), acting(viewer))


def row(team, agent):
    return next(one for one in team.agents if one.id == agent.id)


def test_each_agent_stands_with_what_they_hold(app):
    department = a_department()
    busy, away = an_agent(department, capacity=4), an_agent(department, availability=Availability.AWAY)
    for state in (State.OPEN, State.OPEN, State.OPEN, State.WAITING, State.HOLD, State.CLOSED):
        a_ticket(department=department, assignee=busy, state=state)
    late = a_ticket(department=department, assignee=busy)
    late.next_due_at = clock.now() - dt.timedelta(minutes=1)
    team = load(a_supervisor())

    one = row(team, busy)
    assert (one.open, one.capacity, one.waiting, one.overdue, one.share) == (4, 4, 2, 1, 100)
    assert one.oldest == min(
        ticket.awaiting_since
        for ticket in db.session.query(Ticket)
        if ticket.awaiting_since and ticket.state in queue.WEIGHS
    )
    assert [each.id for each in team.agents] == [busy.id, away.id]
    assert not row(team, away).available


def test_who_is_in_a_department_sees_its_people_and_tickets_alone(app):
    mine, other = a_department(), a_department()
    here, elsewhere = an_agent(mine), an_agent(other)
    seen, hidden = a_ticket(department=mine), a_ticket(department=other)
    viewer = a_supervisor(departments=(mine,))
    team = load(viewer, department=other.id, agent=elsewhere.id)
    whole = load(viewer)

    assert (team.agents, team.queue, team.chosen) == ([], [], None)
    assert here.id in [one.id for one in whole.agents]
    assert elsewhere.id not in [one.id for one in whole.agents]
    assert [held.ticket.id for held in whole.queue] == [seen.id]
    assert hidden.id not in [held.ticket.id for held in whole.queue]


def test_the_queue_stands_in_its_order_and_says_why_each_waits(app):
    setting(auto_assignment=True)
    empty, full, away = a_department(), a_department(), a_department()
    customer = a_customer()
    an_agent(full, capacity=0)
    an_agent(away, availability=Availability.OFFLINE)
    staff("Developer", (empty,))
    db.session.flush()
    tickets = [
        a_ticket(department=full, priority=a_priority(1)),
        a_ticket(department=away, priority=a_priority(4)),
        a_ticket(department=empty, category=a_category(), requester=customer),
    ]
    team = load(a_supervisor())

    assert [held.ticket for held in team.queue] == [tickets[1], tickets[2], tickets[0]]
    assert [held.reason for held in team.queue] == [
        "Nobody is available.",
        "Nobody who is available has access to this ticket.",
        "Everybody who is available holds as many tickets as they can.",
    ]


def test_a_ticket_that_somebody_could_take_names_them(app):
    department = a_department()
    agent = an_agent(department, name="ada")
    a_ticket(department=department)

    assert load(a_supervisor()).queue[0].reason == "Tickets are not assigned automatically. Ada Test could take it."
    setting(auto_assignment=True)
    assert load(a_supervisor()).queue[0].reason == "Its turn comes: Ada Test could take it."
    assert agent is not None


def test_the_page_is_quick_however_much_waits(client, at_most, app):
    departments = [a_department() for _ in range(3)]
    agents = [an_agent(one) for one in departments for _ in range(3)]
    for one in departments:
        for _ in range(4):
            a_ticket(department=one, requester=a_customer(staff=[agents[0]]))
            a_ticket(department=one, assignee=next(agent for agent in agents if agent in one.members))
    sign_in(client, a_supervisor())
    address = f"{PAGE}?agent={agents[0].id}"
    client.get(address)

    with at_most(MOST):
        page = client.get(address)

    assert page.text.count('name="rowid"') == 12 + 4


def ids_on(page) -> list[str]:
    return re.findall(r'name="rowid" value="(\d+)"', page.text)


def test_tickets_move_to_a_colleague_and_back_to_the_queue(client, app):
    department = a_department()
    one, other = an_agent(department), an_agent(department)
    tickets = [a_ticket(department=department, assignee=one) for _ in range(3)]
    sign_in(client, a_supervisor())
    ids = ids_on(client.get(f"{PAGE}?agent={one.id}"))

    moved = client.post(PAGE + "move", data={"rowid": ids[:2], "value": other.id, "agent": one.id})
    client.post(PAGE + "move", data={"rowid": ids[2:], "value": "nobody"})

    assert moved.location == f"{PAGE}?agent={one.id}"
    db.session.expire_all()
    assert [ticket.assignee for ticket in tickets] == [other, other, None]


def test_a_move_is_taken_back_by_one_press(client, app):
    department = a_department()
    one, other = an_agent(department), an_agent(department)
    ticket = a_ticket(department=department, assignee=one)
    sign_in(client, a_supervisor())
    client.post(PAGE + "move", data={"rowid": ticket.id, "value": other.id})
    address = re.search(r'action="(/admin/bulk/\d+/undo)"', client.get(PAGE).text)
    assert address is not None
    client.post(address[1])

    db.session.expire_all()
    assert ticket.assignee == one


@pytest.mark.parametrize("value", ["", "no-one", "999999"])
def test_a_move_to_nobody_known_moves_nothing(client, app, value):
    department = a_department()
    agent = an_agent(department)
    ticket = a_ticket(department=department, assignee=agent)
    sign_in(client, a_supervisor())
    client.post(PAGE + "move", data={"rowid": ticket.id, "value": value})

    db.session.expire_all()
    assert ticket.assignee == agent


def test_a_ticket_that_the_mover_does_not_see_stays(client, app):
    mine, other = a_department(), a_department()
    agent, colleague = an_agent(other), an_agent(other)
    ticket = a_ticket(department=other, assignee=agent)
    sign_in(client, a_supervisor(departments=(mine,)))
    client.post(PAGE + "move", data={"rowid": ticket.id, "value": colleague.id})
    client.post(PAGE + "assign", data={"rowid": ticket.id})

    db.session.expire_all()
    assert ticket.assignee == agent


def test_assign_now_hands_out_what_is_ticked_or_all_that_is_shown(client, app):
    department = a_department()
    agent = an_agent(department, capacity=2)
    tickets = [a_ticket(department=department) for _ in range(4)]
    sign_in(client, a_supervisor())
    client.post(PAGE + "assign", data={"rowid": tickets[3].id})
    client.post(PAGE + "assign")
    page = client.get(PAGE)

    db.session.expire_all()
    assert [ticket.assignee for ticket in tickets] == [agent, None, None, agent]
    assert "2 tickets stay in the queue" in page.text


def test_agents_have_no_such_page(client, app):
    sign_in(client, an_agent(a_department()))

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE + "assign").status_code == 403


def test_a_ticket_somebody_took_meanwhile_is_left_to_them(app):
    department = a_department()
    first, _second = an_agent(department), an_agent(department)
    ticket = a_ticket(department=department)
    ticket.assign_to(first, by=SYSTEM)
    db.session.commit()

    assert queue.hand_out([ticket.id]) == 0
    assert ticket.assignee is first
    assert db.session.get_one(StaffProfile, first.id).last_assigned_at is None
