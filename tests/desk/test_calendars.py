"""An admin keeps calendars: weeks, dates that differ, public holidays; what cannot be kept is refused with a sentence."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.models import Department
from app.core.extensions import db
from app.core.outbox import Outbox
from app.hours import calendars
from app.hours.models import Calendar, CalendarDate
from app.sla.models import Hours, SlaPolicy
from tests.factories import (
    a_calendar,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    run_jobs,
    setting,
    sign_in,
)

MONDAY = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
WEEK = {f"day-{place}": "09:00–12:00, 13:00–17:00" if place < 5 else "" for place in range(7)}


@pytest.fixture
def admin(app, client):
    sign_in(client, an_admin())
    db.session.commit()
    return client


def named(name):
    db.session.expire_all()
    return db.session.scalars(select(Calendar).where(Calendar.name == name)).one()


def test_an_admin_makes_a_calendar_and_a_promise_follows_it(app, client):
    """Two hours in business hours, asked on Monday at nine: the new calendar begins at ten and closes on Tuesday."""
    with time_machine.travel(MONDAY, tick=False):
        admin = client
        sign_in(admin, an_admin())
        policy = db.session.scalars(select(SlaPolicy)).one()
        policy.hours = Hours.BUSINESS
        for target in policy.targets:
            target.first_response_minutes, target.first_response_business_days = 180, None
        department = a_department("Night watch")
        ticket, elsewhere = a_ticket(department=department), a_ticket()
        db.session.commit()
        assert ticket.first_response_due_at == MONDAY + dt.timedelta(hours=3)

        admin.post(
            "/admin/calendars/new", data={"name": "Late", "zone": "", **WEEK, "day-0": "15-17", "day-1": "10:00–12:00"}
        )
        late = named("Late")
        admin.post(
            f"/admin/departments/edit/{department.id}",
            data={"name": "Night watch", "calendar": late.id, "active": "y", "position": 0},
        )
        run_jobs()
        assert ticket.first_response_due_at == MONDAY + dt.timedelta(days=1, hours=2)
        assert elsewhere.first_response_due_at == MONDAY + dt.timedelta(hours=3)

        admin.post(
            f"/admin/calendars/{late.id}/dates", data={"date": "2026-11-24", "kind": "holiday", "holiday": "Outing"}
        )
        run_jobs()
        assert ticket.first_response_due_at == MONDAY + dt.timedelta(days=2, hours=1)

        admin.post(
            f"/admin/calendars/{late.id}",
            data={"name": "Late", "version": named("Late").version, **WEEK, "day-0": "9-11, 13-17"},
        )
        run_jobs()
        db.session.refresh(ticket)
        assert ticket.first_response_due_at == MONDAY + dt.timedelta(hours=5)  # after the break


def test_a_ticket_that_moves_to_another_department_is_counted_by_its_calendar(app):
    with time_machine.travel(MONDAY, tick=False):
        db.session.scalars(select(SlaPolicy)).one().hours = Hours.BUSINESS
        late = a_department(calendar=a_calendar("Late", "15:00-23:00"))
        ticket = a_ticket()
        before = ticket.first_response_due_at
        ticket.move_to(late, by=acting(a_supervisor()))
        db.session.commit()

    assert ticket.first_response_due_at != before
    assert ticket.first_response_due_at == calendars.hours_for(late.id).add(MONDAY, dt.timedelta(hours=24))


def test_the_desks_zone_moves_what_is_counted_by_it(app):
    with time_machine.travel(MONDAY, tick=False):
        policy = db.session.scalars(select(SlaPolicy)).one()
        policy.hours = Hours.BUSINESS
        ticket = a_ticket()
        db.session.commit()
        before = ticket.first_response_due_at
        setting(time_zone="America/New_York")
        db.session.commit()
        run_jobs()
        db.session.refresh(ticket)

    assert ticket.first_response_due_at != before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"day-0": "17:00-09:00"}, "Monday: 17:00 to 09:00 must end later"),
        ({"day-1": "09:00-09:00"}, "must end later"),
        ({"day-2": "09:00-12:00, 11:00-14:00"}, "begins before the one"),
        ({"day-3": "all day"}, "is no span"),
        ({"zone": "Europe/Atlantis"}, "There is no time zone"),
        ({"name": ""}, "Please write a name"),
        ({"name": "Business hours"}, "already"),
        ({f"day-{place}": "" for place in range(7)}, "No day has any hours"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else None,
)
def test_what_nobody_can_keep_is_refused_beside_its_field_and_stays_typed(admin, typed, sentence):
    answer = admin.post("/admin/calendars/new", data={"name": "Odd one", "zone": "Europe/Berlin", **WEEK, **typed})

    assert answer.status_code == 422 and sentence in answer.text
    assert all(not value or value in answer.text for value in typed.values())
    assert "Europe/" in answer.text  # what was right stays, too
    assert [row.name for row in db.session.scalars(select(Calendar).order_by(Calendar.id))] == [
        "Business hours",
        "Always",
    ]


def test_a_calendar_of_holidays_alone_is_refused(admin):
    admin.post("/admin/calendars/new", data={"name": "Christmas", "day-4": "09:00-10:00"})
    calendar = named("Christmas")
    for month in range(1, 13):
        for day in range(1, 32):
            try:
                falls_on = dt.date(2028, month, day)
            except ValueError:
                continue
            if (month, day) != (12, 31):
                calendar.dates.append(CalendarDate(falls_on=falls_on, every_year=True, kind="holiday", spans=[]))
    db.session.commit()

    answer = admin.post(
        f"/admin/calendars/{calendar.id}/dates", data={"date": "2028-12-31", "every_year": "on", "kind": "holiday"}
    )

    assert answer.status_code == 422 and "less than an hour of working time" in answer.text
    assert len(named("Christmas").dates) == 365


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"date": ""}, "Please choose a day"),
        ({"date": "0001-01-01"}, "between 1970"),
        ({"date": "2026-12-24", "kind": "hours"}, "at least one span"),
        ({"date": "2026-12-24", "kind": "hours", "hours": "12-9"}, "end later"),
        ({"date": "2026-12-25"}, "in the calendar already"),
        ({"date": "2027-12-26", "every_year": "on"}, "in the calendar already"),
    ],
)
def test_a_date_that_cannot_be_is_refused_and_stays_typed(admin, typed, sentence):
    calendar = named("Business hours")
    calendar.dates += [
        CalendarDate(falls_on=dt.date(2026, 12, 25), kind="holiday", spans=[]),
        CalendarDate(falls_on=dt.date(2026, 12, 26), every_year=True, kind="holiday", spans=[]),
    ]
    db.session.commit()

    answer = admin.post(
        f"/admin/calendars/{calendar.id}/dates", data={"kind": "holiday", "holiday": "My own words", **typed}
    )

    assert answer.status_code == 422 and sentence in answer.text and "My own words" in answer.text
    assert len(named("Business hours").dates) == 2


def test_a_date_is_added_seen_and_removed(admin):
    calendar = named("Business hours")
    admin.post(f"/admin/calendars/{calendar.id}/dates", data={"date": "2026-12-24", "every_year": "on", "kind": "hours", "hours": "9-12", "holiday": "Christmas Eve"})  # fmt: skip
    date = named("Business hours").dates[0]
    page = admin.get(f"/admin/calendars/{calendar.id}").text

    assert "Christmas Eve" in page and "09:00–12:00" in page and "every year" in page
    assert calendars.hours_for(None).spans_on(dt.date(2031, 12, 24)) == ((540, 720),)
    admin.post(f"/admin/calendars/{calendar.id}/dates/{date.id}/delete")
    assert named("Business hours").dates == []
    assert calendars.hours_for(None).spans_on(dt.date(2031, 12, 24)) == ((540, 1020),)


def test_public_holidays_are_looked_at_taken_in_and_not_doubled(admin):
    calendar = named("Business hours")
    asked = {"country": "DE", "region": "BY", "first": "2026", "last": "2027"}
    address = f"/admin/calendars/{calendar.id}/holidays"

    preview = admin.get(address, query_string=asked).text
    assert 'value="2026-01-06"' in preview and "Bayern" in preview
    assert named("Business hours").dates == []
    dates = [f"{year}-{rest}" for year in (2026, 2027) for rest in ("01-06", "12-25")]
    for _again in range(2):
        admin.post(address, data={**asked, "date": [*dates, "2026-02-02"]})
    rows = named("Business hours").dates

    assert [(str(row.falls_on), row.source) for row in rows] == [(date, "DE-BY") for date in sorted(dates)]
    assert "1 holiday was added" not in admin.get(address, query_string=asked).text
    assert 'value="2026-01-06"' not in admin.get(address, query_string=asked).text  # it is there
    assert calendars.hours_for(None).spans_on(dt.date(2026, 1, 6)) == ()


def test_a_date_that_stands_there_is_left_as_it_is_by_public_holidays(admin):
    calendar = named("Business hours")
    admin.post(f"/admin/calendars/{calendar.id}/dates", data={"date": "2026-12-25", "kind": "hours", "hours": "10-11"})
    admin.post(
        f"/admin/calendars/{calendar.id}/holidays",
        data={"country": "DE", "region": "", "first": "2026", "last": "2026", "date": ["2026-12-25"]},
    )

    assert [(row.kind.value, row.source) for row in named("Business hours").dates] == [("hours", "")]


@pytest.mark.parametrize("asked", [{"country": "XX"}, {"country": "DE", "region": "Atlantis"}, {"country": "DE", "first": "2030", "last": "2026"}, {"country": "DE", "first": "1999", "last": "2030"}])  # fmt: skip
def test_odd_wishes_for_holidays_are_answered(admin, asked):
    address = f"/admin/calendars/{named('Business hours').id}/holidays"

    assert admin.get(address, query_string=asked).status_code == 200
    assert admin.post(address, data={**asked, "date": ["2026-12-25", "x"]}).status_code in (303, 422)


def test_the_calendar_of_the_desk_and_one_in_use_stay(admin):
    standard, used, free = named("Business hours"), a_calendar("Used"), a_calendar("Free")
    a_department("Branch", calendar=used)
    db.session.commit()
    for calendar in (standard, used, free):
        admin.post(f"/admin/calendars/{calendar.id}/delete")
    page = admin.get("/admin/calendars/").text

    db.session.expire_all()
    assert sorted(db.session.scalars(select(Calendar.name))) == ["Always", "Business hours", "Used"]
    assert "Branch" in page


def test_another_calendar_becomes_the_desks(admin):
    always = named("Always")
    admin.post(f"/admin/calendars/{always.id}/standard")
    db.session.expire_all()

    assert [row.name for row in db.session.scalars(select(Calendar).where(Calendar.standard.is_(True)))] == ["Always"]
    assert calendars.hours_for(None).never_closes
    assert db.session.scalar(select(Outbox.id).where(Outbox.job == "sla.check")) is not None


def test_hours_are_copied_to_the_days_after_without_saving(admin):
    calendar = named("Business hours")
    answer = admin.post(
        f"/admin/calendars/{calendar.id}",
        data={"name": "Other", **dict.fromkeys(WEEK, ""), "day-0": "8-15", "deed": "copy-0"},
    )

    assert answer.status_code == 200 and answer.text.count('value="8-15"') == 5
    assert named("Business hours").days[0] == ((540, 1020),)


def test_who_saves_over_somebody_elses_change_is_told(admin):
    calendar = named("Business hours")
    seen = calendar.version
    admin.post(f"/admin/calendars/{calendar.id}/dates", data={"date": "2026-12-24", "kind": "holiday"})
    answer = admin.post(f"/admin/calendars/{calendar.id}", data={"name": "Mine", "version": seen, **WEEK})

    assert answer.status_code == 409 and "meanwhile" in answer.text and "Mine" in answer.text
    assert (
        admin.post(f"/admin/calendars/{calendar.id}", data={"name": "Mine", "version": seen + 1, **WEEK}).status_code
        == 303
    )


def test_a_zone_that_is_gone_is_said_on_the_pages(admin):
    gone = a_calendar("Old", zone="Europe/Atlantis")
    db.session.commit()

    assert "This time zone is gone" in admin.get("/admin/calendars/").text
    assert "is gone from the world" in admin.get(f"/admin/calendars/{gone.id}").text


def test_a_supervisor_keeps_no_calendars(app, client):
    sign_in(client, a_supervisor())
    db.session.commit()

    assert client.get("/admin/calendars/").status_code in (302, 403)
    client.post("/admin/calendars/new", data={"name": "Mine", **WEEK})
    assert db.session.scalar(select(Calendar.id).where(Calendar.name == "Mine")) is None


def test_a_department_without_a_calendar_follows_the_desk_again(admin):
    department = a_department("Branch", calendar=a_calendar("Used"))
    db.session.commit()
    admin.post(
        f"/admin/departments/edit/{department.id}",
        data={"name": "Branch", "calendar": "__None", "active": "y", "position": 0},
    )
    db.session.expire_all()

    assert db.session.get(Department, department.id).calendar_id is None
    assert calendars.hours_for(department.id) == calendars.hours_for(None)
