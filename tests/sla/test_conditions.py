"""Of several policies the one that holds follows what a ticket is, forwards and when its events are replayed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Department
from app.accounts.viewer import SYSTEM, CustomerActor, Viewer
from app.core.extensions import db
from app.sla import clocks
from app.sla.models import SlaClock, SlaPolicy, SlaTarget
from app.tickets.choices import Category, Tag
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import a_category, a_department, a_priority, a_ticket, acting, an_agent

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
FIRST = "first_response_minutes"

Deed = Callable[[Ticket, Viewer], object]


def one(model: type[Any], name: str) -> Any:
    return db.session.scalars(select(model).where(model.name == name)).one()


DEEDS: dict[str, Deed] = {
    "to sales": lambda ticket, agent: ticket.move_to(one(Department, "Sales"), by=SYSTEM),
    "to support": lambda ticket, agent: ticket.move_to(one(Department, "Support desk"), by=SYSTEM),
    "about printers": lambda ticket, agent: ticket.set_category(one(Category, "Printers"), by=SYSTEM),
    "about nothing": lambda ticket, agent: ticket.set_category(None, by=SYSTEM),
    "tag": lambda ticket, agent: ticket.tag("vip", by=SYSTEM),
    "untag": lambda ticket, agent: ticket.untag("vip", by=SYSTEM),
    "critical": lambda ticket, agent: ticket.set_priority(a_priority(4), by=SYSTEM),
    "normal": lambda ticket, agent: ticket.set_priority(a_priority(2), by=SYSTEM),
    "the customer writes": lambda ticket, agent: ticket.receive(Words("Well?"), by=CustomerActor.of(ticket.requester)),
    "we answer": lambda ticket, agent: ticket.reply(Words("So"), by=agent),
    "we answer and wait": lambda ticket, agent: ticket.reply(Words("So?"), by=agent, then=Then.WAIT),
    "resolve": lambda ticket, agent: ticket.resolve(by=SYSTEM),
    "reopen": lambda ticket, agent: ticket.reopen(by=SYSTEM),
}


def a_policy(name: str, position: int, hours: int, **conditions: list[int]) -> None:
    minutes = {FIRST: 60 * hours, "next_response_minutes": 90 * hours, "resolution_minutes": 600 * hours}
    targets = [
        SlaTarget(priority_rank=rank, **{key: value // rank for key, value in minutes.items()}) for rank in (2, 4)
    ]
    db.session.add(SlaPolicy(name=name, position=position, conditions=conditions, targets=targets))


def a_desk() -> Ticket:
    """Its policies ask for a tag, a category in a department, a department; the last holds for every ticket."""
    db.session.query(SlaPolicy).delete()
    sales, support, printers = a_department("Sales"), a_department("Support desk"), a_category("Printers")
    vip = Tag(name="vip")
    db.session.add(vip)
    db.session.flush()
    a_policy("Vip", 0, 2, tag=[vip.id])
    a_policy("Printers of sales", 1, 4, category=[printers.id], department=[sales.id])
    a_policy("Sales", 2, 8, department=[sales.id])
    a_policy("All", 3, 16)
    db.session.flush()
    return a_ticket(department=support, priority=a_priority(2))


def rows(ticket: Ticket) -> list[tuple[Any, ...]]:
    columns = (SlaClock.metric, SlaClock.cycle, SlaClock.policy_id, SlaClock.state, SlaClock.due_at, SlaClock.ended_at, SlaClock.paused_seconds)  # fmt: skip
    kept = select(*columns).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.metric, SlaClock.cycle)
    return [tuple(row) for row in db.session.execute(kept)]


def holds(ticket: Ticket) -> str:
    """What a person would say who reads the list of policies from its top."""
    if "vip" in (tag.name for tag in ticket.tags):
        return "Vip"
    if ticket.department.name == "Sales":
        return "Printers of sales" if ticket.category and ticket.category.name == "Printers" else "Sales"
    return "All"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(1, 300)), max_size=10))
def test_whatever_happens_the_policy_that_holds_is_kept_and_replaying_gives_the_same_rows(
    app: Flask, deeds: list[tuple[str, int]]
) -> None:
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket, agent = a_desk(), acting(an_agent())
        for deed, minutes in deeds:
            now.shift(dt.timedelta(minutes=minutes))
            DEEDS[deed](ticket, agent)
        kept = rows(ticket)
        running = {row[2] for row in kept if row[3] in ("running", "paused")}
        assert running <= {one(SlaPolicy, holds(ticket)).id}
        assert not clocks.rebuild(ticket)
        db.session.query(SlaClock).filter_by(ticket_id=ticket.id).delete()
        db.session.expire_all()
        clocks.rebuild(ticket)

    assert rows(ticket) == kept
    db.session.rollback()


def test_a_ticket_that_moves_is_due_by_the_other_policy_from_its_start(app: Flask) -> None:
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_desk()
        at_first = ticket.first_response_due_at
        now.shift(dt.timedelta(hours=1))
        DEEDS["to sales"](ticket, acting(an_agent()))

    assert (at_first, ticket.first_response_due_at) == (MONDAY + dt.timedelta(hours=8), MONDAY + dt.timedelta(hours=4))
