"""Levels of a promise: what each does to the ticket, and who hears of it when nobody looked for hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, select

from app.accounts.models import Availability, StaffProfile, department_member
from app.accounts.viewer import SYSTEM
from app.core import outbox, queue
from app.core.extensions import db
from app.core.outbox import Outbox
from app.notifications.models import Notification, Way
from app.notifications.watching import watch
from app.sla import jobs
from app.sla.models import SlaClock, SlaFired, SlaPolicy
from app.tickets.choices import Priority
from app.tickets.models import Ticket
from app.tickets.thread import Words
from app.tickets.timeline import Did
from tests.factories import a_department, a_priority, a_supervisor, a_ticket, acting, an_admin, an_agent, run_jobs

Now = time_machine.Traveller
MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def now(app: Flask) -> Iterator[Now]:
    with time_machine.travel(MONDAY, tick=False) as now:
        yield now


def levels(*given: tuple[int, str, str]) -> None:
    """(code, whom it tells, what it does) of the policy that holds; it promises a first answer in 24 hours, whatever the priority."""
    policy = db.session.scalars(select(SlaPolicy)).one()
    for target in policy.targets:
        target.first_response_minutes, target.first_response_business_days = 24 * 60, None
    policy.levels = [{"code": code, "tell": tell.split(), "act": act} for code, tell, act in given]
    db.session.commit()


def enforce() -> None:
    jobs.enforce()
    db.session.commit()


def changes(ticket: Ticket, what: Did) -> int:
    db.session.refresh(ticket)
    return sum(event.what is what and event.actor_kind == "system" for event in ticket.events)


def fired() -> list[tuple[int, bool]]:
    return [tuple(row) for row in db.session.execute(select(SlaFired.level, SlaFired.skipped).order_by(SlaFired.level))]


def told(kind: str = "sla_breach") -> list[str]:
    rows = select(User.username).join(Notification, Notification.staff_id == User.id).where(Notification.kind == kind)
    return sorted(db.session.scalars(rows))


def late(minutes: int = 1) -> dt.timedelta:
    return 24 * HOUR + minutes * MINUTE


def test_each_level_that_raises_the_priority_does_so_once(now: Now) -> None:
    levels((100, "", "raise"), (160, "", "raise"))
    ticket = a_ticket(priority=a_priority(1))
    first = ticket.next_due_at or MONDAY
    ranks = []
    for moment in (first + MINUTE, first + 2 * MINUTE, first + 61 * MINUTE, first + 9 * HOUR):
        now.move_to(moment)
        enforce()
        run_jobs()
        ranks.append(ticket.priority_rank)

    assert ranks == [2, 2, 3, 3]
    assert changes(ticket, Did.PRIORITY_CHANGED) == 2
    assert ticket.events[-1].particulars["promise"] == "Always"


def test_nothing_is_more_urgent_than_the_most_urgent(now: Now) -> None:
    levels((100, "", "raise"))
    ticket = a_ticket(priority=a_priority(4))
    now.shift(late())
    enforce()
    run_jobs()

    assert (ticket.priority_rank, changes(ticket, Did.PRIORITY_CHANGED)) == (4, 0)


def test_a_priority_that_is_switched_off_is_skipped(now: Now) -> None:
    levels((100, "", "raise"))
    ticket = a_ticket(priority=a_priority(2))
    db.session.scalars(select(Priority).where(Priority.rank == 3)).one().active = False
    now.shift(late())
    enforce()
    run_jobs()

    assert ticket.priority_rank == 4


def lead_of(ticket: Ticket, **given: object) -> User:
    lead = an_agent(ticket.department, **given)
    ticket.department.lead_id = lead.id
    db.session.commit()
    return lead


def a_late_ticket(now: Now, **given: Any) -> Ticket:
    """Its level is reached; the job that acts waits in the outbox."""
    ticket = a_ticket(**given)
    db.session.commit()
    now.shift(late())
    enforce()
    return ticket


def test_the_lead_gets_the_ticket_once_and_who_gets_it_from_them_keeps_it(now: Now) -> None:
    levels((100, "", "lead"))
    department = a_department()
    ticket = a_ticket(department=department, assignee=an_agent(department))
    lead, other = lead_of(ticket), an_agent(department)
    now.shift(late())
    enforce()
    run_jobs()
    assert ticket.assignee is lead

    now.shift(MINUTE)
    ticket.assign_to(other, by=acting(lead))
    now.shift(HOUR)
    enforce()
    run_jobs()

    assert ticket.assignee is other
    assert sum(event.what is Did.ASSIGNED for event in ticket.events) == 3


@pytest.mark.parametrize("act", ["raise", "lead"])
def test_what_a_person_chose_before_the_job_came_stands(now: Now, act: str) -> None:
    levels((100, "", act))
    department = a_department()
    mine = an_agent(department)
    ticket = a_ticket(department=department, priority=a_priority(2))
    lead_of(ticket)
    now.shift(late())
    enforce()
    now.shift(MINUTE)
    ticket.set_priority(a_priority(1), by=acting(mine))
    ticket.assign_to(mine, by=acting(mine))
    run_jobs()

    assert (ticket.priority_rank, ticket.assignee) == (1, mine)


@pytest.mark.parametrize("act", ["raise", "lead"])
def test_what_a_person_chose_before_the_level_is_changed_by_it(now: Now, act: str) -> None:
    """So does what a rule does meanwhile: only people choose."""
    levels((100, "", act))
    department = a_department()
    mine = an_agent(department)
    ticket = a_ticket(department=department, priority=a_priority(3))
    lead = lead_of(ticket)
    ticket.set_priority(a_priority(2), by=acting(mine))
    ticket.assign_to(mine, by=acting(mine))
    now.shift(late())
    enforce()
    now.shift(MINUTE)
    ticket.assign_to(None, by=SYSTEM)
    run_jobs()

    assert ticket.priority_rank == 3 if act == "raise" else ticket.assignee is lead


def test_without_a_lead_the_ticket_stays_where_it_is(now: Now) -> None:
    levels((100, "", "lead"))
    ticket = a_late_ticket(now)
    run_jobs()

    assert ticket.assignee is None
    assert _failed() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lead: setattr(db.session.get_one(StaffProfile, lead.id), "availability", Availability.OFFLINE),
        lambda lead: setattr(db.session.get_one(StaffProfile, lead.id), "availability", Availability.AWAY),
        lambda lead: setattr(lead, "active", False),
        lambda lead: setattr(lead, "roles", []),
        lambda lead: lead_of_another_department(lead),
    ],
    ids=["offline", "away", "switched off", "without a right", "in another department"],
)
def test_a_lead_who_cannot_have_it_does_not_get_it_and_no_job_fails(now: Now, spoil: Callable[[User], object]) -> None:
    levels((100, "", "lead"))
    department = a_department()
    holder = an_agent(department)
    ticket = a_ticket(department=department, assignee=holder)
    lead = lead_of(ticket)
    spoil(lead)
    now.shift(late())
    enforce()
    run_jobs()

    assert ticket.assignee is holder
    assert _failed() == []


def lead_of_another_department(lead: User) -> None:
    db.session.execute(delete(department_member).where(department_member.c.staff_id == lead.id))
    elsewhere = a_department()
    elsewhere.members.append(lead)
    db.session.flush()


def test_who_stands_in_for_a_lead_who_is_away_gets_it(now: Now) -> None:
    levels((100, "", "lead"))
    department = a_department()
    ticket = a_ticket(department=department)
    lead, deputy = lead_of(ticket), an_agent(department)
    profile = db.session.get_one(StaffProfile, lead.id)
    profile.availability, profile.stand_in_id = Availability.AWAY, deputy.id
    now.shift(late())
    enforce()
    run_jobs()

    assert ticket.assignee is deputy


def test_a_promise_kept_before_the_job_came_does_nothing(now: Now) -> None:
    levels((100, "", "raise"))
    ticket = a_late_ticket(now, priority=a_priority(2))
    ticket.reply(Words("Sorry"), by=acting(an_agent()))
    run_jobs()

    assert ticket.priority_rank == 2


@pytest.mark.parametrize("act", ["raise", "lead"])
def test_a_worker_that_dies_in_it_does_it_once(now: Now, act: str) -> None:
    """Its transaction is gone; the row is taken again when the lease is over. One who did it all and is run again changes nothing."""
    levels((100, "", act))
    ticket = a_ticket(department=a_department(), priority=a_priority(2))
    lead = lead_of(ticket)
    now.shift(late())
    enforce()
    waiting = db.session.scalars(select(Outbox).where(Outbox.job == "sla.act")).one()
    given = dict(waiting.arguments)
    held = outbox.lease(waiting.id)
    jobs.act(**given)
    db.session.flush()
    db.session.rollback()  # what the database does for a process that is no more
    assert held is not None and (ticket.priority_rank, ticket.assignee_id) == (2, None)

    now.shift(HOUR)
    queue.run_outbox(waiting.id)
    jobs.act(**given)
    db.session.commit()

    assert ticket.priority_rank == 3 if act == "raise" else ticket.assignee is lead
    assert changes(ticket, Did.PRIORITY_CHANGED if act == "raise" else Did.ASSIGNED) == 1


def test_of_levels_passed_while_nobody_looked_the_highest_alone_acts(now: Now) -> None:
    levels((50, "", "raise"), (100, "", "raise"), (160, "", "lead"), (100 + 48 * 60, "", "raise"))
    ticket = a_ticket(department=a_department(), priority=a_priority(2))
    lead = lead_of(ticket)
    now.shift(late(3 * 60))
    enforce()
    run_jobs()

    assert (ticket.priority_rank, ticket.assignee) == (2, lead)
    assert fired() == [(50, True), (100, False), (160, False)]
    assert db.session.scalars(select(SlaClock.next_fire_at)).one() == MONDAY + late(48 * 60)


def test_everybody_whom_a_passed_level_names_hears_once_of_the_highest(now: Now) -> None:
    """The shipped levels: the assignee before and at the end, the supervisors at the end, the lead an hour later."""
    department = a_department()
    a_supervisor(name="boss")
    ticket = a_ticket(department=department, assignee=an_agent(department, name="assignee"))
    ticket.department.lead_id = an_admin(name="lead").id
    watch(ticket, acting(an_admin(name="follower")), Way.FOLLOW)
    db.session.query(Notification).delete()
    db.session.commit()
    now.shift(late(3 * 60))
    for _ in range(3):
        enforce()
        run_jobs()
        now.shift(HOUR)

    assert told() == ["assignee", "boss", "follower", "lead"]
    assert told("sla_near") == []
    assert fired() == [(80, True), (100, False), (160, False)]
    spoken = [event.what for event in ticket.events if event.what in (Did.PROMISE_NEAR, Did.BREACHED, Did.PROMISE_LATE)]
    assert spoken == [Did.BREACHED, Did.PROMISE_LATE]


def test_levels_that_are_reached_one_by_one_tell_their_own_people_each(now: Now) -> None:
    department = a_department()
    a_ticket(department=department, assignee=an_agent(department, name="assignee"))
    department.lead_id = an_admin(name="lead").id
    a_supervisor(name="boss")
    db.session.query(Notification).delete()
    db.session.commit()
    heard = []
    for moment in (MONDAY + 20 * HOUR, MONDAY + late(), MONDAY + late(61)):
        now.move_to(moment)
        enforce()
        run_jobs()
        heard.append((told("sla_near"), told()))

    assert heard == [
        (["assignee"], []),
        (["assignee"], ["assignee", "boss"]),
        (["assignee"], ["assignee", "boss", "lead"]),
    ]
    assert fired() == [(80, False), (100, False), (160, False)]


def test_a_warning_alone_passed_over_by_a_later_warning_is_told_as_that_one(now: Now) -> None:
    levels((50, "supervisors", ""), (80, "assignee", ""))
    department = a_department()
    a_supervisor(name="boss")
    a_ticket(department=department, assignee=an_agent(department, name="assignee"))
    db.session.query(Notification).delete()
    db.session.commit()
    now.shift(20 * HOUR)
    enforce()
    run_jobs()

    assert (told("sla_near"), told()) == (["assignee", "boss"], [])
    assert fired() == [(50, True), (80, False)]


def _failed() -> list[str | None]:
    db.session.expire_all()
    return list(db.session.scalars(select(Outbox.error).where(Outbox.error.is_not(None))))
