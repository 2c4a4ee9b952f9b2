"""The switch in the menu, and the page of those who look after others."""

import datetime as dt

import pytest

from app.accounts.models import Availability, StaffProfile
from app.core import clock
from app.core.extensions import db
from tests.factories import a_supervisor, an_agent, sign_in


def profile(person) -> StaffProfile:
    db.session.expire_all()
    return db.session.get_one(StaffProfile, person.id)


def test_an_agent_says_that_they_are_away_for_two_hours(app, client):
    agent = an_agent()
    sign_in(client, agent)

    answer = client.post("/admin/availability", data={"availability": "away", "hours": "2", "next": "/admin/tickets/"})

    assert (answer.status_code, answer.location) == (302, "/admin/tickets/")
    assert profile(agent).availability is Availability.AWAY
    assert abs(profile(agent).away_until - clock.now() - dt.timedelta(hours=2)) < dt.timedelta(minutes=1)


def test_the_way_back_stays_on_the_desk(app, client):
    sign_in(client, an_agent())

    answer = client.post("/admin/availability", data={"availability": "offline", "next": "https://elsewhere.example/"})

    assert "elsewhere" not in answer.location


@pytest.mark.parametrize(
    "given",
    [{"availability": "asleep"}, {"availability": "away", "hours": "-1"}, {"availability": "away", "hours": "٣"}, {}],
    ids=["no such word", "minus an hour", "another script", "nothing"],
)
def test_what_makes_no_sense_changes_nothing(app, client, given):
    agent = an_agent()
    sign_in(client, agent)

    answer = client.post("/admin/availability", data=given, headers={"Accept": "application/json"})

    assert answer.status_code in (302, 422)
    assert profile(agent).availability is Availability.AVAILABLE


def test_a_stranger_switches_nothing(app, client):
    assert client.post("/admin/availability", data={"availability": "away"}).status_code in (302, 401, 403)


def test_a_supervisor_sends_somebody_home(app, client):
    agent = an_agent()
    sign_in(client, a_supervisor())

    page = client.get("/admin/availability/staff/list/")
    answer = client.post(
        f"/admin/availability/staff/edit/{agent.id}", data={"availability": "offline", "capacity": "7"}
    )

    assert page.status_code == 200
    assert agent.last_name in page.text
    assert answer.status_code == 302
    assert (profile(agent).availability, profile(agent).capacity) == (Availability.OFFLINE, 7)


def test_an_agent_does_not_see_that_page(app, client):
    agent = an_agent()
    sign_in(client, agent)

    assert client.get("/admin/availability/staff/list/").status_code in (302, 403)
    client.post(f"/admin/availability/staff/edit/{agent.id}", data={"capacity": "0", "availability": "available"})
    assert profile(agent).capacity is None


def test_the_switch_shows_where_one_stands(app, client):
    from flask import g, render_template

    from tests.factories import acting

    agent = an_agent(availability=Availability.AWAY)
    with app.test_request_context("/admin/tickets/"):
        g.user = acting(agent)
        html = render_template("assignment/_switch.html")

    assert '<details class="away" open>' in html
    assert html.count('aria-pressed="false"') == 2
