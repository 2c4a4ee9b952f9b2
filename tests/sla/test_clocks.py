"""A ticket's clocks follow its events, in the events' own transactions."""

import datetime as dt

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.extensions import db
from app.sla import clocks, jobs
from app.sla.fold import ClockState
from app.sla.models import Hours, SlaClock, SlaPolicy, SlaTarget
from app.sla.promises import Metric
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.lifecycle import status_for
from app.tickets.thread import Channel, Words
from tests.factories import a_priority, a_ticket, acting, an_agent, setting

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
FRIDAY_NIGHT = dt.datetime(2026, 3, 6, 23, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def a_policy(**minutes: int) -> SlaPolicy:
    """In the place of the seeded one: the same for every priority."""
    db.session.query(SlaPolicy).delete()
    policy = SlaPolicy(name="Ours", targets=[SlaTarget(priority_rank=rank, **minutes) for rank in (1, 2, 3, 4)])
    db.session.add(policy)
    db.session.flush()
    return policy


def clocks_of(ticket) -> dict[str, SlaClock]:
    return {
        row.metric.value: row
        for row in db.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.id))
    }


def states(ticket) -> dict[str, str]:
    return {metric: row.state.value for metric, row in clocks_of(ticket).items()}


@pytest.mark.parametrize(
    ("rank", "opened", "due"),
    [
        (4, MONDAY, MONDAY + HOUR),
        (3, MONDAY, MONDAY + 4 * HOUR),
        (2, MONDAY, MONDAY + DAY),
        (1, MONDAY, MONDAY + 7 * DAY),
        (4, FRIDAY_NIGHT, FRIDAY_NIGHT + HOUR),
        (2, FRIDAY_NIGHT, FRIDAY_NIGHT + DAY),
        (1, FRIDAY_NIGHT, FRIDAY_NIGHT + 7 * DAY),
        (1, MONDAY + 5 * DAY, MONDAY + 11 * DAY - 9 * HOUR + DAY),
    ],
    ids=[
        "critical: an hour",
        "high: four",
        "normal: a day",
        "low: five business days",
        "critical at night",
        "normal over a weekend",
        "low over a weekend",
        "low on a Saturday: from Monday on",
    ],
)
def test_what_a_new_desk_promises(app, rank, opened, due):
    with time_machine.travel(opened, tick=False):
        ticket = a_ticket(priority=a_priority(rank))

    if opened.weekday() == 5:
        due = dt.datetime(2026, 3, 13, 9, tzinfo=dt.UTC)  # Saturday 9:00, five working days later
    assert ticket.first_response_due_at == ticket.next_due_at == due
    assert ticket.resolution_due_at is None


def test_a_business_day_is_one_of_the_desks_own_wall(app):
    setting(time_zone="Europe/Berlin")
    with time_machine.travel(
        dt.datetime(2026, 3, 27, 9, tzinfo=dt.UTC), tick=False
    ):  # Friday; the clocks go forward on Sunday
        ticket = a_ticket(priority=a_priority(1))

    assert ticket.first_response_due_at == dt.datetime(2026, 4, 3, 8, tzinfo=dt.UTC)


def test_no_answer_is_owed_for_what_staff_opened(app):
    ticket = a_ticket(opened_by_staff=True, by=acting(an_agent()), via=Channel.STAFF)

    assert clocks_of(ticket) == {}
    assert ticket.next_due_at is None


def test_the_first_reply_fulfils_the_promise_and_the_second_reads_nothing(app, at_most):
    ticket, agent = a_ticket(), acting(an_agent())
    db.session.commit()
    ticket.reply(Words("On it"), by=agent)
    db.session.commit()
    with time_machine.travel(MONDAY + 9000 * DAY, tick=False), at_most(40) as statements:
        ticket.reply(Words("Done"), by=agent)
        db.session.commit()

    assert states(ticket) == {"first_response": "fulfilled"}
    assert ticket.next_due_at is None
    assert ticket.first_response_due_at is not None
    assert not [each for each in statements if "sla_" in each]


def test_what_promises_cost(app, at_most):
    """In statements: two for a new ticket, four for its first answer."""
    ticket, agent = a_ticket(), acting(an_agent())
    db.session.commit()
    with at_most(60) as opening:
        a_ticket(requester=ticket.requester)
        db.session.commit()
    assert ticket.status, ticket.priority
    with at_most(60) as answering:
        ticket.reply(Words("On it"), by=agent)
        db.session.commit()

    mine = ("sla_", "FROM ticket_event", "next_due_at=")
    assert sum(any(name in each for name in mine) for each in opening) <= 2
    assert sum(any(name in each for name in mine) for each in answering) <= 4


def test_a_note_answers_nobody(app):
    ticket = a_ticket()

    ticket.note(Words("He again"), by=acting(an_agent()))

    assert states(ticket) == {"first_response": "running"}


def test_resolving_without_an_answer_needed_none(app):
    ticket = a_ticket(state=State.RESOLVED)

    assert states(ticket) == {"first_response": "fulfilled"}
    assert ticket.next_due_at is None


def test_another_priority_counts_from_the_original_start(app):
    with time_machine.travel(MONDAY, tick=False):
        ticket = a_ticket(priority=a_priority(2))
    with time_machine.travel(MONDAY + 2 * HOUR, tick=False):
        ticket.set_priority(a_priority(3), by=SYSTEM)

    assert ticket.first_response_due_at == ticket.next_due_at == MONDAY + 4 * HOUR
    assert clocks_of(ticket)["first_response"].started_at == MONDAY


def test_resolution_stands_still_while_the_customer_has_to_answer(app):
    a_policy(resolution_minutes=120)
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket = a_ticket()
        now.shift(HOUR)
        ticket.wait(by=SYSTEM)
        assert states(ticket) == {"resolution": "paused"}
        assert ticket.resolution_due_at is None
        now.shift(DAY)
        ticket.receive(Words("Here"), by=CustomerActor.of(ticket.requester))

    assert ticket.resolution_due_at == MONDAY + DAY + 2 * HOUR
    assert clocks_of(ticket)["resolution"].paused_seconds == 86400


def test_every_customer_message_is_owed_an_answer(app):
    a_policy(first_response_minutes=60, next_response_minutes=30)
    ticket, agent = a_ticket(), acting(an_agent())
    for _ in range(2):
        ticket.reply(Words("Have you tried water?"), by=agent, then=Then.WAIT)
        ticket.receive(Words("Yes"), by=CustomerActor.of(ticket.requester))

    rows = db.session.scalars(
        select(SlaClock).where(SlaClock.metric == Metric.NEXT_RESPONSE).order_by(SlaClock.cycle)
    ).all()
    assert [(row.cycle, row.state) for row in rows] == [(1, ClockState.FULFILLED), (2, ClockState.RUNNING)]


def test_business_hours_count_from_nine_to_five(app):
    a_policy(first_response_minutes=120).hours = Hours.BUSINESS
    db.session.flush()
    with time_machine.travel(FRIDAY_NIGHT, tick=False):
        ticket = a_ticket()

    assert ticket.first_response_due_at == dt.datetime(2026, 3, 9, 11, tzinfo=dt.UTC)


def test_a_changed_policy_moves_running_clocks_and_leaves_what_ended(app):
    answered, waiting = a_ticket(), a_ticket()
    answered.reply(Words("Yes"), by=acting(an_agent()))
    kept = answered.first_response_due_at
    a_policy(first_response_minutes=5)
    jobs.check()
    db.session.commit()

    assert waiting.first_response_due_at == waiting.created_at + dt.timedelta(minutes=5)
    assert answered.first_response_due_at == kept


def test_without_a_policy_nothing_is_promised(app):
    ticket = a_ticket()
    for policy in db.session.scalars(select(SlaPolicy)):
        policy.active = False
    jobs.check()
    db.session.commit()

    assert ticket.next_due_at is None
    assert a_ticket().next_due_at is None


def test_the_nightly_check_heals_what_somebody_spoilt(app):
    ticket = a_ticket()
    due_at = ticket.next_due_at
    clocks_of(ticket)["first_response"].due_at = MONDAY
    ticket.next_due_at = None
    db.session.commit()

    jobs.check()
    db.session.commit()

    assert ticket.next_due_at == clocks_of(ticket)["first_response"].due_at == due_at


DEEDS = {
    "the customer writes": lambda ticket, agent: ticket.receive(Words("Well?"), by=CustomerActor.of(ticket.requester)),
    "we answer": lambda ticket, agent: ticket.reply(Words("So"), by=agent),
    "we answer and wait": lambda ticket, agent: ticket.reply(Words("So?"), by=agent, then=Then.WAIT),
    "hold": lambda ticket, agent: ticket._enter(status_for(State.HOLD)),
    "open": lambda ticket, agent: ticket._enter(status_for(State.OPEN)),
    "resolve": lambda ticket, agent: ticket.resolve(by=SYSTEM),
    "close": lambda ticket, agent: ticket.close(by=SYSTEM),
    "reopen": lambda ticket, agent: ticket.reopen(by=SYSTEM),
    "more urgent": lambda ticket, agent: ticket.set_priority(a_priority(4), by=SYSTEM),
    "less urgent": lambda ticket, agent: ticket.set_priority(a_priority(1), by=SYSTEM),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(1, 3000)), max_size=8))
def test_replaying_the_events_gives_the_same_rows(app, deeds):
    a_policy(first_response_minutes=60, next_response_minutes=240, resolution_minutes=1440)
    with time_machine.travel(MONDAY, tick=False) as now:
        ticket, agent = a_ticket(), acting(an_agent())
        for deed, minutes in deeds:
            now.shift(dt.timedelta(minutes=minutes))
            DEEDS[deed](ticket, agent)
        kept = [
            (row.metric, row.cycle, row.state, row.due_at, row.ended_at, row.paused_seconds)
            for row in clocks_of(ticket).values()
        ]
        assert not clocks.rebuild(ticket)
        db.session.query(SlaClock).filter_by(ticket_id=ticket.id).delete()
        db.session.expire_all()
        clocks.rebuild(ticket)

    again = [
        (row.metric, row.cycle, row.state, row.due_at, row.ended_at, row.paused_seconds)
        for row in clocks_of(ticket).values()
    ]
    assert again == kept
    db.session.rollback()
