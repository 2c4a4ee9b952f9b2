"""What automation never does, and always does, whatever the people, the tickets and the order of things."""

import datetime as dt
from collections import Counter

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.accounts.models import Availability, StaffProfile
from app.accounts.skills import Skill
from app.accounts.viewer import SYSTEM
from app.assignment import jobs, pools, queue
from app.assignment.choosing import choose
from app.assignment.crew import Crew
from app.assignment.models import AssignmentLog, Pool
from app.core.extensions import db
from app.tickets.models import Ticket
from tests.factories import a_category, a_department, a_priority, a_ticket, an_agent, setting

METHODS = ("least_loaded", "round_robin")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

people = st.fixed_dictionaries(
    {
        "here": st.booleans(),
        "capacity": st.integers(0, 4),
        "availability": st.sampled_from(Availability),
        "skilled": st.booleans(),
        "share_percent": st.sampled_from([50, 100, 200]),
    }
)
EQUAL = {
    "here": True,
    "capacity": 50,
    "availability": Availability.AVAILABLE,
    "skilled": False,
    "share_percent": 100,
}
work = st.fixed_dictionaries({"rank": st.integers(1, 4), "special": st.booleans()})


class Scene:
    """A department with invented people, and tickets that come and go in it."""

    def __init__(self, team, method, weight, hours=24):
        setting(auto_assignment=True, assignment_method=method, assignment_ageing_hours=hours)
        self.here, self.elsewhere = a_department(), a_department()
        self.agents = {an_agent(self.here if one["here"] else self.elsewhere, **_profile(one)).id: one for one in team}
        skilled = [db.session.get_one(StaffProfile, key).user for key, one in self.agents.items() if one["skilled"]]
        skill = Skill(name=f"Skill {self.here.id}", people=skilled)
        self.special = a_category(skills=[skill])
        db.session.add(Pool(department=self.here, weight_critical=weight))
        db.session.flush()

    def ticket(self, one) -> Ticket:
        category = self.special if one["special"] else None
        return a_ticket(department=self.here, priority=a_priority(one["rank"]), category=category)

    def held(self) -> dict[int, list[Ticket]]:
        found = {key: [] for key in self.agents}
        for ticket in db.session.scalars(select(Ticket).where(Ticket.department_id == self.here.id)):
            if ticket.assignee_id is not None:
                found[ticket.assignee_id].append(ticket)
        return found


def _profile(one) -> dict:
    return {key: one[key] for key in ("capacity", "availability", "share_percent")}


def forget(scene: Scene) -> None:
    """The next example begins with an empty queue."""
    for ticket in db.session.scalars(select(Ticket).where(Ticket.live.is_(True))):
        ticket.close(by=SYSTEM)
    for profile in db.session.scalars(select(StaffProfile)):
        profile.availability = Availability.OFFLINE
    db.session.execute(delete(AssignmentLog))
    db.session.commit()


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(
    team=st.lists(people, min_size=1, max_size=5),
    coming=st.lists(work, min_size=1, max_size=8),
    weight=st.integers(1, 3),
)
def test_nobody_gets_what_they_must_not_have_and_nothing_waits_while_somebody_may(app, method, team, coming, weight):
    scene = Scene(team, method, weight)
    tickets = [scene.ticket(one) for one in coming]
    db.session.commit()
    jobs.drain()

    held = scene.held()
    for staff_id, theirs in held.items():
        one = scene.agents[staff_id]
        weights = [weight if ticket.priority_rank == 4 else 1 for ticket in theirs]
        assert sum(weights) <= one["capacity"]
        assert not theirs or (one["here"] and one["availability"] is Availability.AVAILABLE)
        assert one["skilled"] or all(ticket.category is not scene.special for ticket in theirs)
    waiting = [ticket for ticket in tickets if ticket.assignee_id is None]
    assert sum(map(len, held.values())) + len(waiting) == len(tickets)
    crew = Crew.read(waiting, whole=True)
    assert [choose(ticket, crew=crew).agent for ticket in waiting] == [None] * len(waiting)
    forget(scene)


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(size=st.integers(1, 5), coming=st.integers(1, 14), returns=st.integers(0, 14))
def test_equals_hold_the_same_but_for_one(app, method, size, coming, returns):
    team = [EQUAL] * size
    scene = Scene(team, method, 1)
    for _ in range(coming):
        scene.ticket({"rank": 2, "special": False})
        if returns % 2:
            db.session.commit()

    sizes = [len(theirs) for theirs in scene.held().values()]
    assert max(sizes) - min(sizes) <= 1
    forget(scene)


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(team=st.lists(people, min_size=2, max_size=5), one=work)
def test_the_pick_depends_on_the_state_alone(app, method, team, one):
    scene = Scene(team, method, 1)
    setting(auto_assignment=False)
    ticket = scene.ticket(one)
    db.session.commit()
    alone, with_all = choose(ticket), choose(ticket, crew=Crew.read([ticket], whole=True))

    assert (alone.agent, alone.reason) == (with_all.agent, with_all.reason)
    assert alone.agent == choose(ticket).agent
    forget(scene)


@FEW
@given(
    ranks=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 200)), min_size=2, max_size=8),
    room=st.integers(1, 4),
    ageing=st.sampled_from([0, 24]),
)
def test_of_one_priority_nothing_later_is_served_first(app, ranks, room, ageing):
    nobody = {**EQUAL, "capacity": room, "availability": Availability.OFFLINE}
    scene = Scene([nobody], "least_loaded", 1, hours=ageing)
    start = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    tickets = []
    for rank, hours in ranks:
        with time_machine.travel(start + dt.timedelta(hours=hours), tick=False):
            tickets.append(scene.ticket({"rank": rank, "special": False}))
            db.session.commit()
    with time_machine.travel(start + dt.timedelta(hours=201), tick=False):
        db.session.get_one(StaffProfile, next(iter(scene.agents))).availability = Availability.AVAILABLE
        db.session.commit()
        jobs.drain()
    served = [ticket for ticket in tickets if ticket.assignee_id is not None]

    assert len(served) == min(room, len(tickets))
    for ticket in set(tickets) - set(served):
        earlier = [each for each in served if each.priority_rank == ticket.priority_rank]
        assert all((each.created_at, each.id) < (ticket.created_at, ticket.id) for each in earlier)
    forget(scene)


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(size=st.integers(1, 4), coming=st.integers(1, 10))
def test_another_agent_raises_nobodys_load(app, method, size, coming):
    def most(people_here: int) -> int:
        team = [EQUAL] * people_here
        scene = Scene(team, method, 1)
        for _ in range(coming):
            scene.ticket({"rank": 2, "special": False})
        found = max(len(theirs) for theirs in scene.held().values())
        forget(scene)
        return found

    assert most(size + 1) <= most(size)


@FEW
@given(moves=st.lists(st.integers(0, 2), min_size=1, max_size=4))
def test_a_ticket_that_moves_never_stays_with_who_has_no_access(app, moves):
    setting(auto_assignment=True)
    places = [a_department() for _ in range(3)]
    agents = {place.id: an_agent(place) for place in places}
    ticket = a_ticket(department=places[0])
    for move in moves:
        ticket.move_to(places[move], by=SYSTEM)
        db.session.flush()
        assert ticket.assignee in (None, agents[ticket.department_id])
        queue.give_queued(ticket.id)
        assert ticket.assignee is agents[ticket.department_id]
    ticket.close(by=SYSTEM)
    db.session.commit()


def test_the_rules_of_a_place_are_those_nearest_to_it(app):
    department, category = a_department(), a_category()
    setting(auto_assignment=True, assignment_previous_days=9, assignment_weight_high=2)
    db.session.add(Pool(department=department, method="round_robin", previous_days=5, weight_low=2))
    db.session.add(Pool(department=department, category=category, weight_low=3, absent="open"))
    db.session.flush()
    found = pools.rules_for(department.id, category.id)

    assert (found.automatic, found.method, found.previous_days, found.absent) == (True, "round_robin", 5, "open")
    assert found.weights == (3, 1, 2, 1)
    assert Counter(pools.rules_for(department.id + 99, None).weights) == Counter((1, 1, 2, 1))
