"""Business hours, one rule at a time."""

import datetime as dt
import timeit

import pytest

from app.core.errors import HelpdeskError
from app.hours.business import BusinessHours, NoWorkingTime
from app.hours.spans import BadHours, Spans, minute_of
from app.hours.zones import UnknownZone

NINE_TO_FIVE: Spans = ((9 * 60, 17 * 60),)
NIGHT: Spans = ((0, 6 * 60), (22 * 60, 24 * 60))
CLOSED: Spans = ()
HOUR = dt.timedelta(hours=1)
MONDAY = dt.date(2024, 1, 8)


def office(zone: str = "UTC", **exceptions: object) -> BusinessHours:
    return BusinessHours((NINE_TO_FIVE,) * 5 + (CLOSED,) * 2, zone, **exceptions)  # type: ignore[arg-type]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_time_used_up_at_closing_is_due_at_closing() -> None:
    assert office().add(utc("2024-01-12T16:00"), HOUR) == utc("2024-01-12T17:00")


def test_one_second_more_is_due_after_the_weekend() -> None:
    assert office().add(utc("2024-01-12T16:00"), HOUR + dt.timedelta(seconds=1)) == utc("2024-01-15T09:00:01")


def test_a_desk_is_closed_at_its_minute_of_closing() -> None:
    assert office().active(utc("2024-01-08T16:59:59.999999"))
    assert not office().active(utc("2024-01-08T17:00"))


def test_a_holiday_beats_a_shift() -> None:
    hours = office(holidays=frozenset({MONDAY}), shifts={MONDAY: NINE_TO_FIVE})

    assert hours.within(utc("2024-01-08"), utc("2024-01-09")) == dt.timedelta()


def test_a_yearly_holiday_comes_every_year() -> None:
    hours = office(annual_holidays=frozenset({(12, 25)}))

    assert not hours.active(utc("2023-12-25T12:00"))
    assert not hours.active(utc("2024-12-25T12:00"))
    assert hours.active(utc("2024-12-24T12:00"))


def test_a_shift_replaces_the_hours_of_its_date_and_breaks_are_cut_out_last() -> None:
    hours = office(shifts={MONDAY: ((6 * 60, 20 * 60),)}, breaks={MONDAY: ((12 * 60, 13 * 60),)})

    assert hours.segments(utc("2024-01-08"), utc("2024-01-09")) == [
        (utc("2024-01-08T06:00"), utc("2024-01-08T12:00")),
        (utc("2024-01-08T13:00"), utc("2024-01-08T20:00")),
    ]


def test_a_shift_without_hours_closes_its_date() -> None:
    assert not office(shifts={MONDAY: CLOSED}).active(utc("2024-01-08T12:00"))


def test_reversed_ends_hold_no_time() -> None:
    assert office().within(utc("2024-01-08T15:00"), utc("2024-01-08T10:00")) == dt.timedelta()
    assert BusinessHours.always().within(utc("2024-01-08T15:00"), utc("2024-01-08T10:00")) == dt.timedelta()


def test_spans_that_adjoin_are_one() -> None:
    hours = BusinessHours((((9 * 60, 12 * 60), (12 * 60, 17 * 60)),) * 7)

    assert hours.segments(utc("2024-01-08"), utc("2024-01-09")) == [(utc("2024-01-08T09:00"), utc("2024-01-08T17:00"))]


def test_adding_three_working_days_takes_less_than_fifty_microseconds() -> None:
    """The best of several tries, so that a busy machine does not count."""
    hours = office("Europe/Berlin", holidays=frozenset({MONDAY}))
    tries = timeit.repeat(lambda: hours.add(utc("2024-01-05T10:13"), 24 * HOUR), number=200, repeat=9)

    assert min(tries) / 200 < 50e-6


def test_a_night_shift_closes_in_the_morning_and_not_at_midnight() -> None:
    hours = BusinessHours((NIGHT,) * 7)

    assert hours.next_close(utc("2024-01-08T23:00")) == utc("2024-01-09T06:00")
    assert hours.next_close(utc("2024-01-08T12:00")) == utc("2024-01-09T06:00")


def test_a_desk_that_never_closes_has_no_next_close() -> None:
    assert BusinessHours.always().next_close(utc("2024-01-08T12:00")) is None


def test_the_day_the_clocks_go_back_has_25_hours() -> None:
    all_day = BusinessHours((((0, 24 * 60),),) * 7, "Europe/Berlin", annual_holidays=frozenset({(1, 1)}))

    assert all_day.within(utc("2020-10-24T22:00"), utc("2020-10-25T23:00")) == 25 * HOUR


def test_opening_in_the_hour_that_the_clocks_skip_moves_an_hour_later() -> None:
    early = BusinessHours((((2 * 60 + 30, 8 * 60),),) * 7, "Europe/Berlin")

    assert early.add(utc("2024-03-30T12:00"), dt.timedelta()) == utc("2024-03-31T01:30")  # 03:30 on the wall


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    nights = BusinessHours((((0, 6 * 60),),) * 7, "Australia/Lord_Howe")

    assert nights.within(utc("2024-10-05T12:00"), utc("2024-10-06T12:00")) == 5.5 * HOUR
    assert nights.within(utc("2024-04-06T12:00"), utc("2024-04-07T12:00")) == 6.5 * HOUR


def test_the_date_that_apia_skipped_is_no_working_day() -> None:
    hours = BusinessHours((NINE_TO_FIVE,) * 7, "Pacific/Apia")
    thursday_noon = hours.resolve_local(dt.datetime(2011, 12, 29, 12))

    assert hours.add_days(thursday_noon, 1) == hours.resolve_local(dt.datetime(2011, 12, 31, 12))
    assert hours.within(thursday_noon, thursday_noon + 24 * HOUR) == 8 * HOUR


def test_working_days_keep_the_time_on_the_wall_when_the_clocks_change() -> None:
    friday = utc("2024-03-29T09:00")  # 10:00 in Berlin, two days before summer time

    assert office("Europe/Berlin").add_days(friday, 1) == utc("2024-04-01T08:00")


@pytest.mark.parametrize("verb", ["add", "subtract"])
def test_a_calendar_of_holidays_only_refuses_instead_of_spinning(verb: str) -> None:
    holidays = frozenset(MONDAY + dt.timedelta(days=n) for n in range(-4000, 4000))
    hours = office(holidays=holidays)

    with pytest.raises(NoWorkingTime, match="too little working time"):
        getattr(hours, verb)(utc("2024-01-08T12:00"), HOUR)
    with pytest.raises(NoWorkingTime):
        getattr(hours, f"{verb}_days")(utc("2024-01-08T12:00"), 1)
    with pytest.raises(NoWorkingTime):
        hours.next_close(utc("2024-01-08T12:00"))


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        (BusinessHours((CLOSED,) * 7), "No day has any hours"),
        (BusinessHours((((540, 540),),) + (CLOSED,) * 6), "Monday: 09:00 to 09:00 must end later"),
        (BusinessHours((CLOSED,) * 6 + (((1320, 360),),)), "Sunday: 22:00 to 06:00 must end later"),
        (BusinessHours((((540, 1500),),) + (CLOSED,) * 6), "09:00 to 25:00"),
        (BusinessHours((((540, 720), (660, 1020)),) + (CLOSED,) * 6), "the span from 11:00 begins before"),
        (office(shifts={MONDAY: ((600, 540),)}), "2024-01-08: 10:00 to 09:00"),
        (office(breaks={MONDAY: ((600, 600),)}), "2024-01-08: 10:00 to 10:00"),
        (office("Europe/Atlantis"), "no time zone “Europe/Atlantis”"),
    ],
    ids=["no hours", "empty", "overnight", "past midnight", "overlap", "wrong shift", "empty break", "unknown zone"],
)
def test_hours_that_nobody_can_keep_are_refused_with_a_sentence(hours: BusinessHours, sentence: str) -> None:
    with pytest.raises(HelpdeskError, match=sentence):
        hours.validate()


def test_good_hours_are_accepted() -> None:
    office("Europe/Berlin", shifts={MONDAY: CLOSED}, breaks={MONDAY: ((720, 780),)}).validate()
    BusinessHours((NIGHT,) * 7).validate()
    BusinessHours.always().validate()
    BusinessHours((CLOSED,) * 7, shifts={MONDAY: NINE_TO_FIVE}).validate()


def test_equal_hours_are_equal_whatever_was_asked_of_them() -> None:
    asked, fresh = office(), office()
    asked.add(utc("2024-01-08T12:00"), HOUR)

    assert asked == fresh
    assert hash(asked) == hash(fresh)


@pytest.mark.parametrize("time", ["9", "25:00", "24:01", "12:60", "-1:00", "noon", "1²:00"])
def test_what_is_no_time_of_day_is_refused(time: str) -> None:
    with pytest.raises(BadHours, match="not a time of day"):
        minute_of(time)


@pytest.mark.parametrize("name", ["", "Europe", "../../etc/passwd", "europe/berlin"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        office(name).active(utc("2024-01-08T12:00"))
