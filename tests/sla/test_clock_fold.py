"""The clocks of a ticket, event by event."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.hours.business import BusinessHours
from app.hours.stretch import Allowance, BusinessDays
from app.sla.fold import ClockRow, ClockState, clocks, next_due_at
from app.sla.promises import DONE, STANDS_STILL, WAITING, Metric, Policy, Target
from app.sla.story import Event, Happened

FIRST, NEXT, UPDATE, RESOLUTION = Metric
CUSTOMER_OPENS, STAFF_OPENS, MESSAGE, REPLY, ENTERS, POLICY, MERGES, UNMERGES = (
    Happened.OPENED_BY_CUSTOMER,
    Happened.OPENED_BY_STAFF,
    Happened.CUSTOMER_MESSAGE,
    Happened.STAFF_REPLY,
    Happened.STATE_ENTERED,
    Happened.POLICY_APPLIED,
    Happened.MERGED,
    Happened.UNMERGED,
)
NINE = dt.datetime(2024, 1, 8, 9, tzinfo=dt.UTC)  # a Monday
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


def at(minutes: int, what: Happened, state: str = "", policy: Policy | None = None) -> Event:
    return Event(
        NINE + minutes * MINUTE, what, state or ("new" if what in (CUSTOMER_OPENS, STAFF_OPENS) else ""), policy
    )


def a_policy(hours: int = 4, **options: bool) -> Policy:
    return Policy({metric: a_target(metric, hours * HOUR) for metric in Metric}, **options)


def a_target(metric: Metric, allowance: Allowance, hours: BusinessHours | None = None) -> Target:
    return Target(allowance, hours or BusinessHours.always(), STANDS_STILL[metric])


def latest(metric: Metric, *events: Event, policy: Policy | None = None) -> ClockRow | None:
    rows = [row for row in clocks(events, policy or a_policy()) if row.metric is metric]
    return rows[-1] if rows else None


def states(*events: Event, policy: Policy | None = None) -> dict[Metric, str]:
    return {row.metric: row.state.value for row in clocks(events, policy or a_policy())}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([at(0, CUSTOMER_OPENS)], {FIRST: "running", RESOLUTION: "running"}),
        ([at(0, STAFF_OPENS)], {UPDATE: "running", RESOLUTION: "running"}),
        ([at(0, CUSTOMER_OPENS), at(5, MESSAGE)], {FIRST: "running", RESOLUTION: "running"}),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY)],
            {FIRST: "fulfilled", UPDATE: "running", RESOLUTION: "running"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY), at(9, MESSAGE)],
            {FIRST: "fulfilled", UPDATE: "cancelled", NEXT: "running", RESOLUTION: "running"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY), at(9, MESSAGE), at(12, REPLY)],
            {FIRST: "fulfilled", NEXT: "fulfilled", UPDATE: "running", RESOLUTION: "running"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, ENTERS, "waiting")],
            {FIRST: "running", RESOLUTION: "paused"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY), at(5, ENTERS, "hold")],
            {FIRST: "fulfilled", UPDATE: "paused", RESOLUTION: "paused"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, ENTERS, "waiting"), at(9, ENTERS, "open")],
            {FIRST: "running", RESOLUTION: "running"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, ENTERS, "resolved")],
            {FIRST: "fulfilled", RESOLUTION: "fulfilled"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY), at(9, MESSAGE), at(12, ENTERS, "closed")],
            {FIRST: "fulfilled", NEXT: "cancelled", UPDATE: "cancelled", RESOLUTION: "fulfilled"},
        ),
        (
            [at(0, CUSTOMER_OPENS), at(5, REPLY), at(6, MERGES)],
            {FIRST: "fulfilled", UPDATE: "cancelled", RESOLUTION: "cancelled"},
        ),
        ([at(0, STAFF_OPENS), at(5, MESSAGE)], {UPDATE: "cancelled", NEXT: "running", RESOLUTION: "running"}),
        ([at(0, STAFF_OPENS, "closed")], {UPDATE: "cancelled", RESOLUTION: "fulfilled"}),
        (
            [at(0, CUSTOMER_OPENS), at(5, ENTERS, "resolved"), at(6, REPLY)],
            {FIRST: "fulfilled", RESOLUTION: "fulfilled"},
        ),
    ],
    ids=[
        "a customer opens",
        "staff open",
        "a second message before the first reply",
        "the first reply",
        "the customer answers",
        "the second reply",
        "waiting does not silence the first response",
        "hold after a reply",
        "open again",
        "resolved without a reply",
        "closed without answering",
        "merged",
        "the customer answers what staff opened",
        "a call logged after the fact",
        "a last word after resolving",
    ],
)
def test_what_an_event_does_to_the_clocks(events: list[Event], expected: dict[Metric, str]) -> None:
    assert states(*events) == expected


def test_the_next_response_is_due_from_the_oldest_unanswered_message() -> None:
    row = latest(NEXT, at(0, CUSTOMER_OPENS), at(5, REPLY), at(10, MESSAGE), at(90, MESSAGE))

    assert row and row.due_at == NINE + 10 * MINUTE + 4 * HOUR


def test_each_answer_is_a_cycle_of_its_own() -> None:
    events = [at(0, CUSTOMER_OPENS), at(5, REPLY), at(10, MESSAGE), at(15, REPLY), at(20, MESSAGE)]

    cycles = [(row.cycle, row.state) for row in clocks(events, a_policy()) if row.metric is NEXT]

    assert cycles == [(1, ClockState.FULFILLED), (2, ClockState.RUNNING)]


def test_waiting_moves_the_resolution_by_the_working_time_waited() -> None:
    office = BusinessHours((((9 * 60, 17 * 60),),) * 5 + ((),) * 2)
    policy = Policy({RESOLUTION: a_target(RESOLUTION, 4 * HOUR, office)})
    waited = [at(7 * 60, ENTERS, "waiting"), at(25 * 60, ENTERS, "open")]  # 16:00 to 10:00, two working hours

    row = latest(RESOLUTION, at(6 * 60, CUSTOMER_OPENS), *waited, policy=policy)

    assert row and row.paused(NINE + 26 * HOUR) == 2 * HOUR
    assert row.due_at == dt.datetime(2024, 1, 9, 13, tzinfo=dt.UTC)


def test_from_waiting_to_hold_is_one_pause() -> None:
    row = latest(RESOLUTION, at(0, CUSTOMER_OPENS), at(60, ENTERS, "waiting"), at(90, ENTERS, "hold"))

    assert row and row.paused_since == NINE + HOUR
    assert row.due_at is None
    assert row.elapsed(NINE + 5 * HOUR) == HOUR
    assert row.paused(NINE + 5 * HOUR) == 4 * HOUR


def test_a_pause_after_the_deadline_excuses_nothing() -> None:
    row = latest(RESOLUTION, at(0, CUSTOMER_OPENS), at(300, ENTERS, "waiting"))

    assert row and row.state is ClockState.PAUSED
    assert row.breached_at == NINE + 4 * HOUR
    assert row.overrun(NINE + 9 * HOUR) == HOUR


def test_a_reopened_ticket_goes_on_without_the_time_it_was_resolved() -> None:
    row = latest(
        RESOLUTION, at(0, CUSTOMER_OPENS), at(60, ENTERS, "resolved"), at(300, MESSAGE), at(300, ENTERS, "open")
    )

    assert row and (row.cycle, row.state) == (1, ClockState.RUNNING)
    assert row.due_at == NINE + 8 * HOUR


def test_a_reopened_ticket_starts_afresh_where_the_policy_says_so() -> None:
    afresh = a_policy(new_cycle_on_reopen=True)
    row = latest(RESOLUTION, at(0, CUSTOMER_OPENS), at(60, ENTERS, "resolved"), at(300, ENTERS, "open"), policy=afresh)

    assert row and (row.cycle, row.due_at) == (2, NINE + 9 * HOUR)


@pytest.mark.parametrize("reopening", [(MESSAGE, ENTERS), (ENTERS, MESSAGE)], ids=["message first", "state first"])
def test_the_message_that_reopens_starts_the_next_response(reopening: tuple[Happened, Happened]) -> None:
    events = [at(300, what, "open" if what is ENTERS else "") for what in reopening]
    row = latest(NEXT, at(0, CUSTOMER_OPENS), at(5, REPLY), at(60, ENTERS, "resolved"), *events)

    assert row and (row.state, row.started_at) == (ClockState.RUNNING, NINE + 300 * MINUTE)


def test_of_two_messages_to_a_resolved_ticket_the_older_one_is_owed_an_answer_once_it_reopens() -> None:
    resolved = [at(0, CUSTOMER_OPENS), at(5, REPLY), at(60, ENTERS, "resolved"), at(300, MESSAGE), at(310, MESSAGE)]
    assert latest(NEXT, *resolved) is None

    row = latest(NEXT, *resolved, at(320, ENTERS, "open"))

    assert row and row.started_at == NINE + 300 * MINUTE


def test_what_happens_to_a_merged_ticket_starts_no_clock() -> None:
    merged = [at(0, CUSTOMER_OPENS), at(30, MERGES), at(30, ENTERS, "closed")]

    assert clocks([*merged, at(40, ENTERS, "open"), at(50, MESSAGE), at(60, REPLY)], a_policy()) == clocks(
        merged, a_policy()
    )


def test_closing_a_resolved_ticket_changes_nothing() -> None:
    resolved = [at(0, CUSTOMER_OPENS), at(60, ENTERS, "resolved")]

    assert clocks([*resolved, at(900, ENTERS, "closed")], a_policy()) == clocks(resolved, a_policy())


def test_a_higher_priority_counts_from_the_original_start_and_keeps_the_pauses() -> None:
    paused = [at(0, CUSTOMER_OPENS), at(10, ENTERS, "waiting"), at(30, ENTERS, "open")]
    row = latest(RESOLUTION, *paused, at(40, POLICY, policy=a_policy(hours=1)))

    assert row and row.due_at == NINE + 80 * MINUTE


def test_what_was_kept_stays_kept_under_a_stricter_policy() -> None:
    row = latest(FIRST, at(0, CUSTOMER_OPENS), at(120, REPLY), at(130, POLICY, policy=a_policy(hours=1)))

    assert row and row.state is ClockState.FULFILLED
    assert row.due_at == NINE + 4 * HOUR
    assert row.breached_at is None


def test_a_policy_without_targets_promises_nothing() -> None:
    assert clocks([at(0, CUSTOMER_OPENS), at(5, REPLY)], Policy()) == []


def test_a_policy_that_comes_later_counts_from_the_start() -> None:
    row = latest(FIRST, at(0, CUSTOMER_OPENS), at(30, POLICY, policy=a_policy()), policy=Policy())

    assert row and row.due_at == NINE + 4 * HOUR


def test_a_promise_kept_in_its_last_moment_is_kept() -> None:
    kept = latest(FIRST, at(0, CUSTOMER_OPENS), at(240, REPLY))
    late = latest(FIRST, at(0, CUSTOMER_OPENS), at(241, REPLY))

    assert kept and kept.breached_at is None
    assert late and late.breached_at == NINE + 4 * HOUR
    assert late.overrun(NINE + 9 * HOUR) == MINUTE


def test_undoing_a_merge_sets_its_clocks_going_again() -> None:
    merged = [at(0, CUSTOMER_OPENS), at(30, MERGES), at(30, ENTERS, "closed")]
    assert states(*merged) == {FIRST: "cancelled", RESOLUTION: "cancelled"}

    assert states(*merged, at(90, UNMERGES), at(90, ENTERS, "open")) == {FIRST: "running", RESOLUTION: "running"}


def test_a_message_that_came_to_a_merged_ticket_is_owed_an_answer_once_the_merge_is_undone() -> None:
    row = latest(NEXT, at(0, CUSTOMER_OPENS), at(5, REPLY), at(30, MERGES), at(40, MESSAGE), at(90, UNMERGES))

    assert row and row.started_at == NINE + 40 * MINUTE


def test_five_working_days_are_due_at_the_same_time_on_the_wall() -> None:
    weekdays = BusinessHours((((0, 24 * 60),),) * 5 + ((),) * 2)
    policy = Policy({FIRST: a_target(FIRST, BusinessDays(5), weekdays)})
    row = latest(FIRST, at(0, CUSTOMER_OPENS), policy=policy)

    assert row and row.due_at == NINE + dt.timedelta(days=7)
    assert row.stretch.allowed == dt.timedelta(days=5)


def test_a_warning_comes_when_its_share_of_the_allowance_is_used_up() -> None:
    row = latest(RESOLUTION, at(0, CUSTOMER_OPENS), at(60, ENTERS, "waiting"), at(120, ENTERS, "open"))

    assert row and row.stretch.at_share(80) == NINE + 252 * MINUTE
    assert row.stretch.at_share(25) == NINE + HOUR


def test_the_next_deadline_is_the_least_of_the_running_ones() -> None:
    policy = Policy({FIRST: a_target(FIRST, HOUR), RESOLUTION: a_target(RESOLUTION, 2 * HOUR)})

    assert next_due_at(clocks([at(0, CUSTOMER_OPENS)], policy)) == NINE + HOUR
    assert next_due_at(clocks([at(0, CUSTOMER_OPENS), at(5, REPLY)], policy)) == NINE + 2 * HOUR
    assert next_due_at(clocks([at(0, CUSTOMER_OPENS), at(5, ENTERS, "closed")], policy)) is None


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    later = st.sampled_from([MESSAGE, REPLY, ENTERS, POLICY, MERGES, UNMERGES])
    state = st.sampled_from(["new", "open", "waiting", "hold", "resolved", "closed"])
    kinds = [draw(st.sampled_from([CUSTOMER_OPENS, STAFF_OPENS])), *draw(st.lists(later, max_size=14))]
    minutes = sorted(draw(st.lists(st.integers(0, 3000), min_size=len(kinds), max_size=len(kinds))))
    policies = st.builds(
        a_policy, st.integers(1, 20), new_cycle_on_reopen=st.booleans(), counts_first_message=st.booleans()
    )
    return [
        Event(NINE + minute * MINUTE, what, draw(state), draw(policies) if what is POLICY else None)
        for minute, what in zip(minutes, kinds, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(stories())
def test_whatever_happens_a_promise_is_owed_once_at_a_time_and_its_cycles_are_counted(events: list[Event]) -> None:
    rows = clocks(events, a_policy())

    for metric in Metric:
        of_metric = [row for row in rows if row.metric is metric]
        assert [row.cycle for row in of_metric] == list(range(1, len(of_metric) + 1))
        assert all(row.ended_at for row in of_metric[:-1])
        assert all(before.ended_at <= after.started_at for before, after in pairwise(of_metric) if before.ended_at)


@settings(max_examples=60, deadline=None)
@given(stories())
def test_whatever_happens_time_is_either_worked_or_paused(events: list[Event]) -> None:
    for row in clocks(events, a_policy()):
        now = row.ended_at or events[-1].at
        assert row.elapsed(now) + row.paused(now) == now - row.started_at
        assert row.elapsed(now) >= dt.timedelta()
        assert row.breached(now) == (row.overrun(now) > dt.timedelta())


@settings(max_examples=60, deadline=None)
@given(stories(), st.integers(1, 20))
def test_a_running_clock_counts_as_if_its_policy_had_always_been_in_force(events: list[Event], hours: int) -> None:
    """Unless the policies differ in more than their targets."""
    told = [event for event in events if event.what is not POLICY]
    changed = clocks([*told, Event(events[-1].at, POLICY, policy=a_policy(hours))], a_policy())
    always = clocks(told, a_policy(hours))

    assert [row for row in changed if not row.ended_at] == [row for row in always if not row.ended_at]


@settings(max_examples=60, deadline=None)
@given(stories())
def test_while_we_wait_for_the_customer_only_answers_are_due(events: list[Event]) -> None:
    state = [event.state for event in events if event.what in (CUSTOMER_OPENS, STAFF_OPENS, ENTERS)][-1]
    assume(state not in DONE)
    rows = {row.metric: row for row in clocks(events, a_policy()) if not row.ended_at}

    assert all((rows[metric].due_at is None) == (state in WAITING) for metric in (UPDATE, RESOLUTION) if metric in rows)
    assert all(rows[metric].due_at for metric in (FIRST, NEXT) if metric in rows)


@settings(max_examples=60, deadline=None)
@given(stories())
def test_while_a_ticket_is_merged_none_of_its_clocks_runs(events: list[Event]) -> None:
    merged = [*events, at(3001, MERGES)]

    assert all(
        row.ended_at for row in clocks([*merged, at(3002, ENTERS, "closed"), at(3003, ENTERS, "open")], a_policy())
    )
