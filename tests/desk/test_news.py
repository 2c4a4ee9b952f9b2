"""What an open list asks now and then: whether its tickets were active since it was drawn."""

import datetime as dt
import re

import pytest

from app.core import clock
from app.core.extensions import db
from app.desk import lookups
from app.desk.tabs import views
from app.tickets.lists import SavedView
from tests.desk.test_list import LIST, as_
from tests.factories import a_department, a_priority, a_supervisor, a_ticket, acting, an_agent


def since(page):
    return re.search(r'data-since="([^"]+)"', page.text)[1]


def news(client, at, query=""):
    answer = (
        client.get(LIST + "news" + query, query_string=None if query else {"since": at})
        if not query
        else client.get(f"{LIST}news{query}&since={at.replace('+', '%2B')}")
    )
    return answer.json["new"] if answer.status_code == 200 else answer.status_code


def test_only_what_came_after_the_page_was_drawn_is_news(app, client):
    a_ticket("before")
    as_(client, a_supervisor())
    at = since(client.get(LIST))

    assert news(client, at) == 204
    a_ticket("after"), a_ticket("after, too")
    db.session.commit()
    assert news(client, at) == 2
    assert news(client, clock.now().isoformat()) == 204


def test_news_are_of_this_list_and_of_what_its_reader_sees(app, client):
    own = a_department("Own")
    as_(client, an_agent(own))
    at = since(client.get(LIST))
    a_ticket("foreign", priority=a_priority(4))
    db.session.commit()

    assert news(client, at) == 204
    a_ticket("mine", department=own, priority=a_priority(1))
    db.session.commit()
    assert (news(client, at, "?priority=4"), news(client, at, "?view=unassigned"), news(client, at)) == (204, 1, 1)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "yesterday",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "9999-12-31T23:59:59+14:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "x" * 900,
    ],
)
def test_a_bent_instant_has_no_news(app, client, at):
    a_ticket()
    as_(client, a_supervisor())

    assert news(client, at) == 204


def test_a_quiet_desk_answers_with_one_look_at_an_index(app, client, at_most):
    a_ticket()
    as_(client, a_supervisor())
    later = (clock.now() + dt.timedelta(minutes=1)).isoformat()
    news(client, later)

    with at_most(4):  # SQLite's BEGIN, the session, the settings, the newest
        assert news(client, later) == 204


def test_a_stranger_learns_nothing(app, client):
    a_ticket()
    db.session.commit()

    assert client.get(LIST + "news?since=2026-01-01T00:00:00%2B00:00").status_code == 302


def test_the_numbers_of_saved_views_come_a_moment_later(app, client):
    a_ticket(priority=a_priority(4)), a_ticket()
    agent = an_agent()
    db.session.add(SavedView(name="Hot", owner_id=agent.id, query="priority=4", columns=""))
    as_(client, agent)
    [view] = views(lookups.of_list(acting(agent)))

    assert client.get(LIST + "numbers").json == {str(view.id): "1"}
