"""Calendars out of rows: the same arithmetic as by hand, for each department its own, and changed for every process at once."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.extensions import db
from app.hours import calendars, written
from app.hours.business import BusinessHours
from app.hours.models import Calendar, CalendarDate, DateKind
from app.hours.spans import BadHours, joined
from app.hours.weeks import working_week
from tests.factories import a_calendar, a_department, setting

MONDAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
MINUTE = st.integers(0, 1439)
SPANS = st.lists(st.tuples(MINUTE, st.integers(1, 300)), max_size=3).map(
    lambda found: joined((start, min(start + long, 1440)) for start, long in found)
)
DATES = st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31))
ROWS = st.lists(st.tuples(DATES, st.booleans(), SPANS), max_size=6, unique_by=lambda row: row[0])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])


def standard() -> Calendar:
    return db.session.scalars(select(Calendar).where(Calendar.standard.is_(True))).one()


def lists(spans):
    return [list(span) for span in spans]


def test_a_desk_begins_with_nine_to_five_in_its_own_zone(app):
    setting(time_zone="Europe/Berlin")

    assert calendars.hours_for(None) == working_week("Europe/Berlin")
    assert [row.name for row in db.session.scalars(select(Calendar).order_by(Calendar.id))] == [
        "Business hours",
        "Always",
    ]
    assert calendars.hours_of(db.session.scalar(select(Calendar.id).where(Calendar.name == "Always"))).never_closes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(week=st.lists(SPANS, min_size=7, max_size=7), holidays=ROWS, others=ROWS, zone=ZONES, start=st.integers(0, 700), amount=st.integers(0, 4000))  # fmt: skip
def test_a_calendar_out_of_rows_counts_as_the_hours_built_by_hand(week, holidays, others, zone, start, amount):
    """The dates are held against a plain look at each of them, year by year."""
    week[0] = week[0] or ((540, 1020),)
    taken = {date for date, _every, _spans in holidays}
    others = [row for row in others if row[0] not in taken]
    calendar = Calendar(name="x", zone=zone, week=[lists(day) for day in week])
    calendar.dates = [
        *(CalendarDate(falls_on=date, every_year=every, kind=DateKind.HOLIDAY, spans=[]) for date, every, _ in holidays),
        *(CalendarDate(falls_on=date, every_year=every, kind=DateKind.HOURS, spans=lists(spans)) for date, every, spans in others),
    ]  # fmt: skip
    years = range(2025, 2032)
    byhand = BusinessHours(
        week=tuple(week), zone=zone,
        holidays=frozenset(each for date, every, _ in holidays for each in every_time(date, every, years)),
        shifts={
            each: spans
            for every_first in (True, False)
            for date, every, spans in others
            if every is every_first
            for each in every_time(date, every, years)
        },
    )  # fmt: skip
    at, allowance = MONDAY + dt.timedelta(days=start), dt.timedelta(minutes=amount)

    assert calendar.hours(zone).segments(at, at + dt.timedelta(days=400)) == byhand.segments(
        at, at + dt.timedelta(days=400)
    )
    assert calendar.hours(zone).add(at, allowance) == byhand.add(at, allowance)
    assert calendar.hours(zone).never_closes == byhand.never_closes


def every_time(date, every, years):
    if not every:
        yield date
        return
    for year in years:
        try:
            yield date.replace(year=year)
        except ValueError:  # 29 February
            continue


def test_a_department_follows_its_own_calendar_and_all_others_the_standard_one(app):
    late = a_calendar("Late shift", "14:00-22:00")
    own, other = a_department(calendar=late), a_department()
    db.session.commit()

    assert calendars.hours_for(own.id) == calendars.hours_of(late.id)
    assert calendars.hours_for(own.id).add(MONDAY, dt.timedelta(hours=1)).hour == 15
    assert calendars.hours_for(other.id) == calendars.hours_for(None) == working_week("UTC")

    own.calendar = None
    db.session.commit()
    assert calendars.hours_for(own.id) == working_week("UTC")


@pytest.mark.parametrize("deed", ["week", "date", "gone date"])
def test_what_was_kept_of_a_calendar_is_forgotten_with_each_change(app, deed):
    row = standard()
    row.dates.append(CalendarDate(falls_on=dt.date(2026, 11, 24), kind=DateKind.HOLIDAY, spans=[]))
    db.session.commit()
    before = calendars.hours_for(None)
    if deed == "week":
        row.week = [lists(((600, 700),))] * 7
    elif deed == "date":
        row.dates.append(CalendarDate(falls_on=dt.date(2026, 11, 25), kind=DateKind.HOLIDAY, spans=[]))
    else:
        row.dates.clear()
    db.session.commit()

    assert calendars.hours_for(None) != before


def test_nothing_is_read_again_while_nothing_changes(app, at_most):
    department = a_department(calendar=a_calendar())
    db.session.commit()
    calendars.hours_for(department.id)

    with at_most(1):
        for _ in range(20):
            calendars.hours_for(department_id=1)


def test_a_zone_that_vanished_leaves_the_desk_at_work(app, caplog):
    gone = a_calendar(zone="Europe/Atlantis")
    db.session.commit()
    setting(time_zone="Europe/Berlin")

    assert calendars.hours_of(gone.id) == working_week("Europe/Berlin")
    assert "Europe/Atlantis" in caplog.text


def test_a_calendar_that_is_gone_counts_as_the_standard_one(app):
    assert calendars.hours_of(4711) == calendars.hours_of(None) == calendars.hours_for(4711) == working_week("UTC")


def test_the_day_on_which_clocks_change_has_its_real_hours(app):
    calendar = a_calendar(zone="Europe/Berlin", week="00:00-06:00")
    calendar.week = [[[0, 360]]] * 7
    db.session.commit()
    hours = calendars.hours_of(calendar.id)
    whole = dt.timedelta(days=1)
    long, short = (
        dt.datetime(2026, month, day, tzinfo=dt.UTC) - dt.timedelta(hours=before)
        for month, day, before in ((10, 25, 2), (3, 29, 1))
    )

    assert hours.within(long, long + whole) == dt.timedelta(hours=7)
    assert hours.within(short, short + whole - dt.timedelta(hours=1)) == dt.timedelta(hours=5)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00–12:00, 13:00–17:00", ((540, 720), (780, 1020))),
        ("9-17", ((540, 1020),)),
        ("13.30 - 17.00; 8 bis 12", ((480, 720), (810, 1020))),
        ("22:00-24:00", ((1320, 1440),)),
        ("  ", ()),
    ],
)
def test_hours_are_read_as_people_write_them(app, text, spans):
    assert written.read(text, "Monday") == spans
    assert written.read(written.shown(spans), "Monday") == spans


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9", "no span"), ("09:00-09:00", "end later"), ("17:00-09:00", "end later"), ("09:00-12:00, 11:00-13:00", "before the one"),
        ("09:00-25:00", "not a time"), ("morning-noon", "not a time"), ("9-12-15", "no span"), ("1-2," * 13, "at most"), ("²-3", "not a time"),
    ],
)  # fmt: skip
def test_hours_that_nobody_can_keep_are_refused_with_the_day_named(app, text, sentence):
    with pytest.raises(BadHours) as refusal:
        written.read(text, "Monday")

    assert sentence in str(refusal.value) and "Monday" in str(refusal.value)
