"""Away until a time, planned absences, and what becomes of tickets meanwhile: with a moved clock, in zones, and each once."""

import datetime as dt
import re
import threading

import pytest
import time_machine
from sqlalchemy import select

from app.accounts import absences, availability
from app.accounts.absences import Absence
from app.accounts.availability import Presence
from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.audit import Audit
from app.core.errors import Forbidden, Invalid
from app.core.events import _reactions
from app.core.extensions import db
from app.tickets.thread import Words
from tests.factories import a_supervisor, a_ticket, acting, an_agent, run_jobs, setting, sign_in

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def noon(app):
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


def profile_of(person) -> StaffProfile:
    return db.session.get_one(StaffProfile, person.id, populate_existing=True)


def switches() -> list[dict]:
    return [
        row.changed for row in db.session.scalars(select(Audit).order_by(Audit.id)) if "availability" in row.changed
    ]


def goes_away(person, until=None, reason=None) -> None:
    availability.set_availability(profile_of(person), Availability.AWAY, until, acting(person), reason)
    db.session.commit()


def planned(person, first: dt.date, last: dt.date, **more) -> Absence:
    absence = Absence(staff_id=person.id, starts_on=first, ends_on=last, **more)
    absences.plan(absence, acting(person))
    db.session.add(absence)
    db.session.commit()
    return absence


def test_away_until_an_hour_ends_by_itself_and_fetches_what_waits(noon):
    agent = an_agent()
    goes_away(agent, NOON + dt.timedelta(hours=1), "Dentist")
    setting(auto_assignment=True)
    ticket = a_ticket()
    run_jobs()
    assert ticket.assignee_id is None

    noon.shift(3599)
    availability.come_back()
    assert profile_of(agent).availability is Availability.AWAY
    noon.shift(1)
    availability.come_back()
    run_jobs()

    assert profile_of(agent).availability is Availability.AVAILABLE
    assert profile_of(agent).away_reason is None
    assert ticket.assignee_id == agent.id


def test_two_that_look_at_once_bring_somebody_back_once(app):
    with time_machine.travel(NOON, tick=False) as moved:
        agent = an_agent()
        goes_away(agent, NOON + dt.timedelta(hours=1))
        db.session.commit()
        moved.shift(3600)
        begin, came, problems = threading.Barrier(3), [], []
        kept = list(_reactions[Presence.CAME])
        _reactions[Presence.CAME].append(lambda profile: came.append(profile.user_id))

        def run() -> None:
            with app.app_context():
                begin.wait()
                try:
                    availability.come_back()
                    db.session.commit()
                except Exception as problem:  # said below, where the test can fail
                    problems.append(problem)
                finally:
                    db.session.remove()

        runs = [threading.Thread(target=run) for _ in range(3)]
        for one in runs:
            one.start()
        for one in runs:
            one.join()
        _reactions[Presence.CAME][:] = kept

        assert problems == []
        assert len(came) == 1


def test_a_planned_absence_begins_and_ends_by_itself(noon):
    agent = an_agent()
    planned(agent, dt.date(2026, 11, 25), dt.date(2026, 11, 26), reason="Holiday")
    assert profile_of(agent).availability is Availability.AVAILABLE

    noon.move_to(dt.datetime(2026, 11, 24, 23, 59, 59, tzinfo=dt.UTC))
    absences.begin_due()
    assert profile_of(agent).availability is Availability.AVAILABLE
    noon.shift(1)
    absences.begin_due()
    profile = profile_of(agent)
    assert (profile.availability, profile.away_until, profile.away_reason) == (Availability.AWAY, dt.datetime(2026, 11, 27, tzinfo=dt.UTC), "Holiday")  # fmt: skip

    noon.move_to(dt.datetime(2026, 11, 27, tzinfo=dt.UTC))
    availability.come_back()
    assert profile_of(agent).availability is Availability.AVAILABLE


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("Europe/Berlin", dt.datetime(2027, 3, 27, 23, 0, tzinfo=dt.UTC)),
        ("Pacific/Auckland", dt.datetime(2027, 3, 27, 11, 0, tzinfo=dt.UTC)),
        ("America/Los_Angeles", dt.datetime(2027, 3, 28, 7, 0, tzinfo=dt.UTC)),
    ],
)
def test_its_days_are_those_of_the_persons_zone(noon, zone, begins):
    agent = an_agent(time_zone=zone)
    planned(agent, dt.date(2027, 3, 28), dt.date(2027, 3, 28))

    noon.move_to(begins - dt.timedelta(seconds=1))
    absences.begin_due()
    assert profile_of(agent).availability is Availability.AVAILABLE
    noon.move_to(begins)
    absences.begin_due()
    assert profile_of(agent).availability is Availability.AWAY


def test_a_day_that_loses_an_hour_is_absent_until_its_end(noon):
    agent = an_agent(time_zone="Europe/Berlin")
    planned(agent, dt.date(2027, 3, 28), dt.date(2027, 3, 28))
    noon.move_to(dt.datetime(2027, 3, 28, 8, tzinfo=dt.UTC))
    absences.begin_due()

    assert profile_of(agent).away_until == dt.datetime(2027, 3, 28, 22, tzinfo=dt.UTC)


def test_who_comes_back_earlier_is_not_sent_away_again(noon):
    agent = an_agent()
    planned(agent, NOON.date(), NOON.date() + DAY)
    absences.begin_due()
    availability.set_availability(profile_of(agent), Availability.AVAILABLE, None, acting(agent))
    db.session.commit()
    absences.begin_due()

    assert profile_of(agent).availability is Availability.AVAILABLE


def test_an_absence_that_was_missed_sends_nobody_away(noon):
    agent = an_agent()
    planned(agent, dt.date(2026, 11, 25), dt.date(2026, 11, 26))
    noon.move_to(dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
    absences.begin_due()

    assert profile_of(agent).availability is Availability.AVAILABLE


@pytest.mark.parametrize("state", [Availability.OFFLINE, Availability.AWAY])
def test_who_is_away_for_longer_stays_so(noon, state):
    agent = an_agent(availability=state)
    planned(agent, NOON.date(), NOON.date())
    absences.begin_due()
    profile = profile_of(agent)

    assert (profile.availability, profile.away_until) == (state, None)


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-25", "2026-11-24"), ("2026-11-20", "2026-11-21"), ("2026-11-25", "2028-11-25"), ("2036-11-25", "2036-11-26")],
    ids=["backwards", "over", "for years", "in ten years"],
)  # fmt: skip
def test_what_is_no_absence_is_refused(noon, first, last):
    with pytest.raises(Invalid):
        planned(an_agent(), dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def test_nobody_plans_the_absence_of_others_without_the_right(noon):
    agent, other = an_agent(), an_agent()
    absence = Absence(staff_id=other.id, starts_on=NOON.date(), ends_on=NOON.date())
    with pytest.raises(Forbidden):
        absences.plan(absence, acting(agent))
    absences.plan(absence, acting(a_supervisor()))


@pytest.mark.parametrize(
    ("choice", "kept"), [("keep", (True, True, True)), ("unanswered", (False, True, True)), ("open", (False, False, True))]
)  # fmt: skip
def test_who_goes_away_gives_back_what_the_desk_says(noon, choice, kept):
    agent = an_agent()
    unanswered, answered, waiting = (a_ticket(assignee=agent) for _ in range(3))
    for ticket in (answered, waiting):
        ticket.reply(Words("Done?"), by=acting(agent))
    waiting.wait(by=acting(agent))
    setting(tickets_of_absent=choice)
    goes_away(agent)
    run_jobs()

    db.session.expire_all()
    assert tuple(ticket.assignee_id == agent.id for ticket in (unanswered, answered, waiting)) == kept


def test_what_is_given_back_goes_to_who_is_there_and_not_back(noon):
    agent, other = an_agent(), an_agent()
    ticket = a_ticket(assignee=agent)
    setting(tickets_of_absent="open", auto_assignment=True)
    goes_away(agent)
    run_jobs()

    db.session.expire_all()
    assert ticket.assignee_id == other.id


def test_who_came_back_before_the_job_ran_keeps_theirs(noon):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    setting(tickets_of_absent="open")
    goes_away(agent)
    availability.set_availability(profile_of(agent), Availability.AVAILABLE, None, SYSTEM)
    run_jobs()

    db.session.expire_all()
    assert ticket.assignee_id == agent.id


def test_whoever_assigns_to_somebody_away_is_told_so(noon, client):
    agent, boss = an_agent(name="anna"), a_supervisor()
    ticket = a_ticket()
    goes_away(agent, NOON + DAY, "Dentist")
    sign_in(client, boss)
    path = f"/admin/tickets/{ticket.number}/properties"

    told = client.post(path, data={"assignee": agent.id}, headers={"Accept": "application/json"}).json
    assert told["said"] == "Anna Test is away until Tue 24 Nov 2026, 12:00 UTC. Reason: Dentist"
    page = client.get(f"/admin/tickets/{ticket.number}").text
    assert "Anna Test is away until" in page
    ticket.receive(Words("?"), by=CustomerActor.of(ticket.requester))


def test_a_supervisor_who_sends_somebody_home_is_noted_and_one_s_own_is_not(noon):
    agent, boss = an_agent(), a_supervisor()
    goes_away(agent)
    assert switches() == []
    availability.set_availability(profile_of(agent), Availability.AVAILABLE, None, acting(boss))
    db.session.commit()

    assert switches() == [{"availability": ["away", "available"]}]


def test_the_switch_takes_a_day_a_time_and_a_reason(noon, client):
    agent = an_agent(time_zone="Europe/Berlin")
    sign_in(client, agent)
    client.post(
        "/admin/availability",
        data={"availability": "away", "until": "2026-11-23T18:00", "reason": " At the\n dentist "},
    )

    profile = profile_of(agent)
    assert (profile.away_until, profile.away_reason) == (dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC), "At the dentist")
    for wrong in ("soon", "2026-11-22T10:00", "2099-01-01T10:00"):
        answer = client.post("/admin/availability", data={"availability": "away", "until": wrong})
        assert answer.status_code in (302, 303, 422)
        assert profile_of(agent).away_until == dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)


def test_one_s_absences_are_planned_and_deleted_on_the_account_page(noon, client):
    agent, other = an_agent(), an_agent()
    theirs = planned(other, NOON.date(), NOON.date())
    sign_in(client, agent)
    client.post("/admin/me/absences/", data={"starts_on": "2026-12-24", "ends_on": "2026-12-31", "reason": "Holiday"})
    assert "24 Dec" in client.get("/admin/me/").text

    (mine,) = absences.coming(agent.id)
    assert client.post(f"/admin/me/absences/{theirs.id}/delete").status_code == 404
    client.post(f"/admin/me/absences/{mine.id}/delete")
    assert absences.coming(agent.id) == []
    assert len(absences.coming(other.id)) == 1


def test_supervisors_see_and_plan_everybodys_and_agents_do_not(noon, client):
    agent, boss = an_agent(name="anna"), a_supervisor()
    planned(agent, NOON.date(), NOON.date() + DAY, reason="Holiday")
    sign_in(client, boss)
    assert "Holiday" in client.get("/admin/availability/planned/list/").text
    client.post(
        "/admin/availability/planned/add",
        data={"staff": agent.id, "starts_on": "2026-12-24", "ends_on": "2026-12-24", "reason": ""},
    )
    assert len(absences.coming(agent.id)) == 2

    sign_in(client, agent)
    assert client.get("/admin/availability/planned/list/").status_code in (302, 403, 404)


def test_the_days_of_an_absence_are_chosen_in_a_calendar(app, client):
    sign_in(client, a_supervisor())

    page = client.get("/admin/availability/planned/add").text

    assert re.findall(r'<input[^>]* id="(?:starts|ends)_on"[^>]* type="date"', page) and "datepicker" not in page


def test_a_person_s_pages_speak_in_their_time_zone(noon, client):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    sign_in(client, agent)
    assert "12:00 UTC" in client.get(f"/admin/tickets/{ticket.number}").text

    assert client.post("/admin/me/time-zone", data={"time_zone": "Mars/Olympus"}).status_code == 422
    client.post("/admin/me/time-zone", data={"time_zone": "America/New_York"})
    assert "07:00 EST" in client.get(f"/admin/tickets/{ticket.number}").text
    client.post("/admin/me/time-zone", data={"time_zone": ""})
    assert "12:00 UTC" in client.get(f"/admin/tickets/{ticket.number}").text
    assert clock.now() == NOON
