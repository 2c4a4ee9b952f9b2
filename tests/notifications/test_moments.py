"""When a joint mail comes and when a quiet time ends, on the clocks of its person: zones, summer time, touching times."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from app.notifications import moments
from app.notifications.models import Rhythm
from app.notifications.wishes import usual_plan

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def a_plan(**changes):
    plan = usual_plan()
    for name, value in changes.items():
        setattr(plan, name, value)
    return plan


@pytest.mark.parametrize(
    ("rhythm", "zone", "now", "then"),
    [
        (Rhythm.HOURLY, BERLIN, "2026-11-23T10:20", "2026-11-23T11:00"),
        (Rhythm.HOURLY, BERLIN, "2026-11-23T11:00", "2026-11-23T12:00"),
        (Rhythm.HOURLY, "Asia/Kolkata", "2026-11-23T10:20", "2026-11-23T11:00"),
        (Rhythm.DAILY, BERLIN, "2026-11-23T07:59", "2026-11-23T08:00"),
        (Rhythm.DAILY, BERLIN, "2026-11-23T08:00", "2026-11-24T08:00"),
        (Rhythm.DAILY, BERLIN, "2026-03-28T09:00", "2026-03-29T08:00"),
        (Rhythm.DAILY, "America/New_York", "2026-10-31T09:00", "2026-11-01T08:00"),
        (Rhythm.DAILY, "Pacific/Auckland", "2026-11-23T09:00", "2026-11-24T08:00"),
        (Rhythm.WEEKLY, BERLIN, "2026-11-23T08:00", "2026-11-30T08:00"),
        (Rhythm.WEEKLY, BERLIN, "2026-11-25T12:00", "2026-11-30T08:00"),
    ],
    ids=[
        "the next full hour", "on the hour the one after", "an hour of a zone with a half", "later today", "at the very moment tomorrow",
        "over the night that loses an hour", "over the night that gains one", "at the other end of the world", "a week later", "on Monday",
    ],
)  # fmt: skip
def test_the_next_digest_comes_at_its_hour_there(rhythm, zone, now, then):
    assert moments.next_digest(a_plan(rhythm=rhythm), zone, at(now, zone)) == at(then, zone)


def test_a_time_the_clocks_skip_still_comes_once():
    plan = a_plan(digest_minute=2 * 60 + 30)
    first = moments.next_digest(plan, BERLIN, at("2026-03-28T12:00"))

    assert first == dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
    assert moments.next_digest(plan, BERLIN, first) == at("2026-03-30T02:30")


def test_a_time_that_comes_twice_is_the_first():
    plan = a_plan(digest_minute=2 * 60 + 30)
    first = moments.next_digest(plan, BERLIN, at("2026-10-24T12:00"))

    assert first == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    assert moments.next_digest(plan, BERLIN, first) == at("2026-10-26T02:30")


NIGHTS = {"quiet_days": "01234", "quiet_from": 18 * 60, "quiet_to": 8 * 60}


@pytest.mark.parametrize(
    ("plan", "now", "then"),
    [
        (NIGHTS, "2026-11-23T12:00", None),
        (NIGHTS, "2026-11-23T18:00", "2026-11-24T08:00"),
        (NIGHTS, "2026-11-24T07:59", "2026-11-24T08:00"),
        (NIGHTS, "2026-11-24T08:00", None),
        (NIGHTS, "2026-11-28T07:00", "2026-11-28T08:00"),
        (NIGHTS, "2026-11-28T20:00", None),
        ({**NIGHTS, "quiet_whole_days": "56"}, "2026-11-27T19:00", "2026-11-30T00:00"),
        ({**NIGHTS, "quiet_days": "012346", "quiet_whole_days": "56"}, "2026-11-27T19:00", "2026-11-30T08:00"),
        ({"quiet_days": "0", "quiet_from": 720, "quiet_to": 780}, "2026-11-23T12:30", "2026-11-23T13:00"),
        ({**NIGHTS, "quiet_days": "56"}, "2026-03-28T23:00", "2026-03-29T08:00"),
        ({"undisturbed_until": at("2026-11-23T17:00")}, "2026-11-23T12:00", "2026-11-23T17:00"),
        ({**NIGHTS, "undisturbed_until": at("2026-11-23T19:00")}, "2026-11-23T12:00", "2026-11-24T08:00"),
        ({"undisturbed_until": at("2026-12-24T19:00")}, "2026-11-23T12:00", "2026-12-24T19:00"),
        ({"undisturbed_until": at("2026-11-23T11:00")}, "2026-11-23T12:00", None),
    ],
    ids=[
        "by day", "from its first second", "until its last", "not a second longer", "Friday's night ends on Saturday", "Saturday has none",
        "a night and a weekend are one", "and the night after it", "at noon", "over the lost hour", "said for once", "into the night",
        "for weeks", "over",
    ],
)  # fmt: skip
def test_a_quiet_time_ends_where_its_clocks_say(plan, now, then):
    assert moments.quiet_until(a_plan(**plan), BERLIN, at(now)) == (at(then) if then else None)


def test_quiet_times_without_a_gap_are_told():
    assert moments.endless(a_plan(quiet_whole_days="0123456"), BERLIN, at("2026-11-23T12:00"))
    assert not moments.endless(a_plan(quiet_whole_days="012345"), BERLIN, at("2026-11-23T12:00"))
    assert not moments.endless(a_plan(), BERLIN, at("2026-11-23T12:00"))
