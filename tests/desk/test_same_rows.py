"""The quick ways of the list give the rows, the order and the numbers of the plain way: one rule, one walk, one COUNT."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.accounts.models import Department
from app.accounts.viewer import SYSTEM, Viewer
from app.core import clock
from app.core.extensions import db
from app.desk.listing import Listing
from app.desk.listpage import ListPage
from app.desk.promise import promise_of
from app.desk.queues import Queue, in_queue
from app.reports.volume import of_tickets, today, volume
from app.tickets.choices import Category, State
from app.tickets.lifecycle import status_for
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.queues import TicketQuery
from app.tickets.visibility import parts_of, sees, sees_whole_departments, visible_to
from tests.factories import (
    a_category,
    a_department,
    a_priority,
    a_ticket,
    acting,
    an_agent,
    setting,
    staff,
)

KINDS = (
    "agent",
    "agent of a department",
    "agent of two",
    "agent of an empty one",
    "developer",
    "supervisor",
    "supervisor of a department",
    "admin",
)
TICKETS = 60
LIVE_QUEUES = [queue for queue in Queue if queue is not Queue.EVERYTHING]


def a_viewer(kind: str, departments: list[Department]) -> Viewer:
    own = {"agent of a department": departments[:1], "agent of two": departments[:2], "agent of an empty one": departments[3:], "supervisor of a department": departments[1:2]}.get(kind, [])  # fmt: skip
    role = {"agent": "Support Agent", "developer": "Developer", "supervisor": "Supervisor", "admin": "Admin"}[
        kind.split()[0]
    ]
    return acting(staff(role, tuple(own)))


def a_random_desk(seed: int) -> tuple[list[Department], list[Viewer]]:
    """Tickets in every state, of everybody, shared and taken part in, many of them active at the same instant."""
    draw = random.Random(seed)
    departments = [a_department(f"Department {n}") for n in range(4)]
    categories: list[Category | None] = [a_category("One"), a_category("Two"), None]
    viewers = [a_viewer(kind, departments) for kind in KINDS]
    now = clock.now()
    for n in range(TICKETS):
        ticket = a_ticket(
            f"t{n}",
            department=draw.choice(departments[:3]),
            category=draw.choice(categories),
            priority=a_priority(draw.randint(1, 4)),
        )
        ticket._enter(status_for(draw.choice(list(State))), SYSTEM)
        ticket.assignee_id = draw.choice([None, None, *(viewer.id for viewer in viewers)])
        ticket.needs_response = draw.random() < 0.5
        ticket.last_activity_at = now - dt.timedelta(minutes=draw.randint(0, 30))
        if draw.random() < 0.2:
            db.session.add(
                Participant(ticket_id=ticket.id, role=ParticipantRole.MENTIONED, staff_id=draw.choice(viewers).id)
            )
        if draw.random() < 0.2:
            db.session.add(
                Participant(
                    ticket_id=ticket.id, role=ParticipantRole.DEPARTMENT, department_id=draw.choice(departments).id
                )
            )
    db.session.commit()
    return departments, viewers


def plain(listing: Listing, viewer: Viewer) -> tuple[list[int], int]:
    """One walk in the order of the list, and COUNT."""
    ids = listing.ids(viewer)
    count = db.session.scalar(ids.with_only_columns(func.count()).order_by(None))
    return list(db.session.scalars(ids.limit(25).offset((listing.page - 1) * 25))), int(count or 0)


@pytest.mark.parametrize(("seed", "wide"), [(1, False), (2, True)], ids=["own and unassigned", "whole departments"])
def test_every_queue_and_filter_shows_what_one_walk_and_a_count_give(app: Flask, seed: int, wide: bool) -> None:
    setting(agents_see_departments=wide)
    departments, viewers = a_random_desk(seed)
    draw = random.Random(seed)
    filters = [
        {}, {"priority": 3}, {"state": State.WAITING}, {"category": 0}, {"department": departments[1].id}, {"assigned": "me"}, {"assigned": "nobody"},
        {"assigned": str(viewers[1].id), "priority": 2}, {"status": status_for(State.OPEN).id, "department": departments[0].id},
    ]  # fmt: skip

    for viewer in viewers:
        assert ListPage.of(Listing(), viewer).sums == {each: counted(each, viewer) for each in LIVE_QUEUES}
        for queue in LIVE_QUEUES:
            for narrowed in [{}, *draw.sample(filters, 2)]:
                listing = Listing(view=queue, page=draw.choice([1, 1, 2]), **narrowed)  # type: ignore[arg-type]
                ids, count = plain(listing, viewer)
                page = ListPage.of(listing, viewer)
                if ids:
                    assert ([line.id for line in page.tickets], page.total) == (ids, count), (
                        viewer.role_names,
                        listing,
                    )


def counted(queue: Queue, viewer: Viewer) -> int:
    return int(db.session.scalar(in_queue(queue, viewer).statement.with_only_columns(func.count()).order_by(None)) or 0)


def test_a_line_of_the_list_says_what_the_whole_ticket_says(app: Flask) -> None:
    _departments, viewers = a_random_desk(3)
    admin = viewers[-1]

    now = clock.now()
    with clock.at(now):
        page = ListPage.of(Listing(view=Queue.EVERYTHING), admin)

    assert len(page.tickets) == 25
    for line, row in zip(page.tickets, page.rows, strict=True):
        ticket = db.session.get_one(Ticket, line.id)
        assert (row.sla, row.sla_text) == promise_of(ticket, now)[:2]  # type: ignore[arg-type]
        assert row.display == ticket.display
        assert row.assignee == (ticket.assignee.get_full_name() if ticket.assignee else None)
        assert row.unread == (ticket.needs_response and ticket.live)
        assert row.tags == tuple(sorted(tag.name for tag in ticket.tags))
        assert (line.customer, line.organization) == (ticket.requester.name or ticket.requester.email, None)
        assert (line.status, line.colour) == (ticket.status.name, ticket.status.colour)
        assert (row.department, row.status, row.priority) == (
            ticket.department.name,
            ticket.status.name,
            ticket.priority.name,
        )
        assert row.category == (ticket.category.name if ticket.category else "–")


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_an_agents_few_tickets_are_not_looked_for_among_everybodys(app: Flask) -> None:
    """The plan: every arm of the row rule comes from an index in the order of the list, and the last one from the few they take part in.

    PostgreSQL plans by figures that it gathers by itself, whenever it likes: there the bench tells.
    """
    own = a_department("Own")
    agent = acting(an_agent(own))
    a_ticket("elsewhere", department=a_department("Other"))
    db.session.commit()

    wanted = TicketQuery.seen_by(agent).live().newest(agent, 25)
    plan = _plan(wanted)

    assert "ix_ticket_nobodys" in plan
    assert "ix_ticket_live_activity" not in plan
    assert "SCAN ticket\n" not in plan


def _plan(wanted: object) -> str:
    compiled = wanted.compile(db.engine, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return "\n".join(row[3] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))) + "\n"


def test_the_rule_for_one_ticket_says_with_its_parts_at_hand_what_it_says_without_and_for_lists(app: Flask) -> None:
    _departments, viewers = a_random_desk(4)
    tickets = list(db.session.scalars(select(Ticket)))

    for viewer in viewers:
        listed = set(db.session.scalars(select(Ticket.id).where(visible_to(viewer))))
        for ticket in tickets[::3]:
            assert sees(viewer, ticket, parts_of(ticket)) == sees(viewer, ticket) == (ticket.id in listed)


@pytest.mark.parametrize("wide", [False, True], ids=["own and nobody's", "whole departments"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_the_days_of_a_viewers_tickets_are_those_of_all_they_see(app: Flask, zone: str, wide: bool) -> None:
    _departments, viewers = a_random_desk(7)
    setting(agents_see_departments=wide, time_zone=zone)
    last, days, there = today(), 400, ZoneInfo(zone)

    for viewer in viewers:
        if sees_whole_departments(viewer):
            continue
        found, seen = volume(viewer, last, days), list(db.session.scalars(select(Ticket).where(visible_to(viewer))))
        done = [ticket.resolved_at for ticket in seen if ticket.resolved_at]
        assert found.opened == Counter(ticket.created_at.astimezone(there).date() for ticket in seen), viewer.name
        assert found.resolved == Counter(at.astimezone(there).date() for at in done), viewer.name
        assert found == of_tickets(visible_to(viewer), last, days)
