"""What must hold for every calendar, zone and instant: the laws of working time."""

import datetime as dt
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.hours.business import BusinessHours
from app.hours.spans import Spans
from app.hours.stretch import BusinessDays, Stretch
from app.hours.zones import zone_named

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # clocks changed at midnight
    "America/St_Johns",  # … and here at one minute past
    "America/Nuuk",  # … and here an hour before
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # skipped 30 December 2011
    "Africa/Casablanca",  # twice around Ramadan
    "Asia/Tehran",
    "Asia/Kathmandu",
]
TURNING_POINTS = [dt.datetime.fromisoformat(f"{day}T12:00+00:00") for day in (
    "2011-12-30", "2015-02-21", "2015-10-17", "2008-11-02", "2009-03-08", "2024-03-30", "2024-10-26",
    "2024-10-05", "2024-04-06", "2024-03-10", "2024-11-03", "2016-03-20", "2016-09-20", "2019-05-05",
)]  # fmt: skip
SECOND = dt.timedelta(seconds=1)
INSTANT = dt.timedelta(microseconds=1)

durations = st.integers(1, 30 * 3600).map(lambda seconds: seconds * SECOND)
instants = st.one_of(
    st.datetimes(dt.datetime(2003, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
    st.builds(
        lambda turn, minutes: turn + dt.timedelta(minutes=minutes),
        st.sampled_from(TURNING_POINTS),
        st.integers(-4000, 4000),
    ),
)


@st.composite
def spans(draw: st.DrawFn, most: int = 3) -> Spans:
    quarters = draw(st.lists(st.integers(0, 96), unique=True, max_size=2 * most).filter(lambda q: len(q) % 2 == 0))
    ends = [15 * quarter for quarter in sorted(quarters)]
    return tuple(zip(ends[::2], ends[1::2], strict=True))


@st.composite
def calendars(draw: st.DrawFn) -> BusinessHours:
    week = draw(st.tuples(*[spans()] * 7).filter(any))
    near = st.sampled_from(TURNING_POINTS).flatmap(
        lambda turn: st.integers(-3, 3).map(lambda days: turn.date() + dt.timedelta(days=days))
    )
    return BusinessHours(
        week,
        draw(st.sampled_from(ZONES)),
        holidays=draw(st.frozensets(near, max_size=2)),
        shifts=draw(st.dictionaries(near, spans(), max_size=2)),
        breaks=draw(st.dictionaries(near, spans(2), max_size=2)),
    )


laws = settings(max_examples=60, deadline=None)


@laws
@given(calendars(), instants, durations)
def test_what_is_added_lies_within(hours: BusinessHours, start: dt.datetime, allowance: dt.timedelta) -> None:
    assert hours.within(start, hours.add(start, allowance)) == allowance


@laws
@given(calendars(), instants, durations)
def test_add_answers_the_earliest_such_instant(
    hours: BusinessHours, start: dt.datetime, allowance: dt.timedelta
) -> None:
    assert hours.within(start, hours.add(start, allowance) - INSTANT) == allowance - INSTANT


@laws
@given(calendars(), instants, durations, durations)
def test_adding_twice_is_adding_the_sum(
    hours: BusinessHours, start: dt.datetime, a: dt.timedelta, b: dt.timedelta
) -> None:
    assert hours.add(hours.add(start, a), b) == hours.add(start, a + b)


@laws
@given(calendars(), instants, durations)
def test_what_is_subtracted_lies_within_and_is_the_latest(
    hours: BusinessHours, end: dt.datetime, s: dt.timedelta
) -> None:
    start = hours.subtract(end, s)

    assert hours.within(start, end) == s
    assert hours.within(start + INSTANT, end) == s - INSTANT


@laws
@given(calendars(), st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_working_time_splits_anywhere(hours: BusinessHours, at: list[dt.datetime]) -> None:
    first, middle, last = at
    last = min(last, middle + dt.timedelta(days=400))
    first = max(first, middle - dt.timedelta(days=400))

    assert hours.within(first, last) == hours.within(first, middle) + hours.within(middle, last)


@laws
@given(calendars(), instants)
def test_open_spans_stand_in_order_and_never_overlap(hours: BusinessHours, start: dt.datetime) -> None:
    end = start + dt.timedelta(days=9)
    open_spans = hours.segments(start, end)

    assert all(opens < closes for opens, closes in open_spans)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(open_spans))
    assert sum((closes - opens for opens, closes in open_spans), dt.timedelta()) == hours.within(start, end)
    assert all(hours.active(opens) and hours.active(closes - INSTANT) for opens, closes in open_spans)


@laws
@given(calendars(), instants)
def test_the_next_open_moment_is_open_and_nothing_before_it_is(hours: BusinessHours, at: dt.datetime) -> None:
    opening = hours.add(at, dt.timedelta())

    assert hours.active(opening)
    assert hours.within(at, opening) == dt.timedelta()
    assert (opening == at) == hours.active(at)


@laws
@given(calendars(), instants)
def test_a_desk_works_until_it_closes_and_not_after(hours: BusinessHours, at: dt.datetime) -> None:
    closing = hours.next_close(at)

    if closing is not None:
        assert hours.active(closing - INSTANT)
        assert not hours.active(closing)
        opening = hours.add(at, dt.timedelta())
        assert hours.within(opening, closing) == closing - opening


@laws
@given(calendars(), instants, st.integers(1, 12))
def test_working_days_end_at_an_open_moment_and_each_is_later(
    hours: BusinessHours, start: dt.datetime, days: int
) -> None:
    later = hours.add_days(start, days)

    assert hours.active(later)
    assert start < later <= hours.add_days(start, days + 1)
    assert hours.subtract_days(start, days) < start


@given(instants, durations)
def test_round_the_clock_working_time_is_time(start: dt.datetime, allowance: dt.timedelta) -> None:
    always = BusinessHours.always()

    assert always.add(start, allowance) == start + allowance
    assert always.subtract(start, allowance) == start - allowance
    assert always.within(start, start + allowance) == allowance


@laws
@given(st.sampled_from(ZONES), instants, durations)
def test_a_week_of_whole_days_is_round_the_clock_in_every_zone(
    zone: str, start: dt.datetime, allowance: dt.timedelta
) -> None:
    whole_days = BusinessHours((((0, 24 * 60),),) * 7, zone, holidays=frozenset({dt.date(1990, 1, 1)}))

    assert whole_days.add(start, allowance) == start + allowance
    assert whole_days.subtract(start, allowance) == start - allowance


@settings(max_examples=40, deadline=None)
@given(calendars(), st.sampled_from(["UTC", "Asia/Kathmandu"]), instants, st.integers(1, 3000))
def test_where_clocks_never_change_the_wall_clock_says_what_is_open(
    hours: BusinessHours, zone: str, start: dt.datetime, minutes: int
) -> None:
    """Against counting every minute, the slow way that nobody can get wrong."""
    hours = BusinessHours(hours.week, zone)
    start = start.replace(second=0, microsecond=0)
    away = dt.timedelta(minutes=345 if zone == "Asia/Kathmandu" else 0)
    walls = (start + away + dt.timedelta(minutes=minute) for minute in range(minutes))
    counted = sum(
        any(opens <= wall.hour * 60 + wall.minute < closes for opens, closes in hours.week[wall.weekday()])
        for wall in walls
    )

    assert hours.within(start, start + dt.timedelta(minutes=minutes)) == dt.timedelta(minutes=counted)


allowances = st.one_of(durations, st.integers(1, 8).map(BusinessDays))
pauses = st.lists(st.integers(-600, 9000), max_size=8, unique=True).filter(lambda minutes: len(minutes) % 2 == 0)


@laws
@given(calendars(), instants, allowances, pauses)
def test_a_pause_never_brings_a_deadline_forward(
    hours: BusinessHours, start: dt.datetime, allowance: dt.timedelta | BusinessDays, minutes: list[int]
) -> None:
    ends = [start + dt.timedelta(minutes=minute) for minute in sorted(minutes)]
    pauses = tuple(zip(ends[::2], ends[1::2], strict=True))

    due = [Stretch(hours, start, allowance, pauses[:known]).due_at for known in range(len(pauses) + 1)]

    assert due == sorted(due)


@laws
@given(calendars(), instants, durations, pauses)
def test_a_deadline_is_where_the_allowance_is_used_up(
    hours: BusinessHours, start: dt.datetime, allowance: dt.timedelta, minutes: list[int]
) -> None:
    ends = [start + dt.timedelta(minutes=minute) for minute in sorted(minutes)]
    stretch = Stretch(hours, start, allowance, tuple(zip(ends[::2], ends[1::2], strict=True)))

    assert stretch.elapsed(stretch.due_at) == allowance
    assert stretch.elapsed(stretch.due_at - INSTANT) == allowance - INSTANT
    assert not stretch.breached(stretch.due_at)
    assert stretch.breached(stretch.due_at + INSTANT)


@laws
@given(st.sampled_from(ZONES), instants)
def test_an_instant_read_off_the_wall_is_found_again(zone: str, at: dt.datetime) -> None:
    """Unless the wall showed this time before."""
    hours = BusinessHours((((0, 24 * 60),),) * 7, zone)
    wall = at.astimezone(zone_named(zone))
    assume(wall.fold == 0)

    assert hours.resolve_local(wall.replace(tzinfo=None)) == at
