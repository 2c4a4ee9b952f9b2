"""A ticket that is merged or spam owes nothing meanwhile; taken out again it owes what it owed, as if it had never stopped."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor, Viewer
from app.core.extensions import db
from app.sla import clocks
from app.sla.models import SlaClock, SlaPolicy, SlaTarget
from app.tickets import merging
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import a_ticket, acting, an_admin

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WAYS = ["merged", "spam"]


def a_policy() -> None:
    db.session.query(SlaPolicy).delete()
    minutes = {"first_response_minutes": 240, "next_response_minutes": 240, "resolution_minutes": 2880}
    db.session.add(SlaPolicy(name="Ours", targets=[SlaTarget(priority_rank=rank, **minutes) for rank in (1, 2, 3, 4)]))
    db.session.flush()


def aside(ticket: Ticket, way: str, by: Viewer) -> None:
    if way == "merged":
        merging.merge(ticket, into=a_ticket(), by=by)
    else:
        ticket.mark_spam(by=by)


def back(ticket: Ticket, by: Viewer) -> None:
    if ticket.merged:
        merging.unmerge(ticket, by=by)
    else:
        ticket.unmark_spam(by=by)


def rows(ticket: Ticket) -> list[tuple[object, ...]]:
    columns = (SlaClock.metric, SlaClock.cycle, SlaClock.state, SlaClock.due_at, SlaClock.ended_at, SlaClock.paused_seconds, SlaClock.overrun_seconds)  # fmt: skip
    kept = select(*columns).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.metric, SlaClock.cycle)
    return [tuple(row) for row in db.session.execute(kept)]


def states(ticket: Ticket) -> dict[str, str]:
    return {row[0].value: row[2].value for row in rows(ticket)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", WAYS)
def test_a_ticket_set_aside_before_anything_else_happened_has_kept_no_promise(app: Flask, way: str) -> None:
    a_policy()
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket()
        now.shift(HOUR)
        aside(ticket, way, acting(an_admin()))

    assert states(ticket) == {"first_response": "cancelled", "resolution": "cancelled"}
    assert {row[4] for row in rows(ticket)} == {MONDAY + HOUR}


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_back_is_owed_as_if_nothing_had_been(app: Flask, way: str) -> None:
    a_policy()
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket, agent = a_ticket(), acting(an_admin())
        now.shift(HOUR)
        aside(ticket, way, agent)
        now.shift(HOUR)
        back(ticket, agent)

    assert states(ticket) == {"first_response": "running", "resolution": "running"}
    assert ticket.next_due_at == MONDAY + 4 * HOUR


DEEDS = {
    "the customer writes": lambda ticket, agent: ticket.receive(Words("Well?"), by=CustomerActor.of(ticket.requester)),
    "we answer": lambda ticket, agent: ticket.reply(Words("So"), by=agent),
    "we answer and wait": lambda ticket, agent: ticket.reply(Words("So?"), by=agent, then=Then.WAIT),
    "resolve": lambda ticket, agent: ticket.resolve(by=SYSTEM),
    "reopen": lambda ticket, agent: ticket.reopen(by=SYSTEM),
    "merge": lambda ticket, agent: aside(ticket, "merged", agent),
    "spam": lambda ticket, agent: aside(ticket, "spam", agent),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(1, 400)), max_size=8))
def test_set_aside_and_taken_back_in_any_order_replaying_gives_the_same_rows(
    app: Flask, deeds: list[tuple[str, int]]
) -> None:
    """A ticket that is aside comes back before anything else is done to it."""
    a_policy()
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket, agent = a_ticket(), acting(an_admin())
        for deed, minutes in deeds:
            now.shift(dt.timedelta(minutes=minutes))
            if ticket.merged or ticket.spam:
                back(ticket, agent)
            DEEDS[deed](ticket, agent)
        kept = rows(ticket)
        assert not clocks.rebuild(ticket)
        db.session.query(SlaClock).filter_by(ticket_id=ticket.id).delete()
        db.session.expire_all()
        clocks.rebuild(ticket)

    assert rows(ticket) == kept
    assert not (ticket.merged or ticket.spam) or "running" not in states(ticket).values()
    db.session.rollback()
