"""A timer: one of a person's runs at a time, whatever tabs, restarts and clocks do; a forgotten one is stopped."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.viewer import viewer
from app.core.errors import NotThere
from app.core.extensions import db
from app.notifications.models import Notice, Notification
from app.tickets import timers
from app.tickets.jobs import stop_timers
from app.tickets.merging import merge
from app.tickets.models import Ticket
from app.tickets.timeentries import TimeEntry
from app.tickets.timeline import Did
from app.tickets.timers import Timer
from tests.factories import a_supervisor, a_ticket, acting, an_agent, setting, sign_in

NOON = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)


def test_a_timer_counts_what_it_ran_and_stopping_writes_it_down(app: Flask) -> None:
    agent, ticket = acting(an_agent()), a_ticket()
    with time_machine.travel(NOON, tick=False) as clock:
        timer = timers.start(ticket, agent)
        clock.shift(600)
        timer.pause()
        clock.shift(3600)
        timers.start(ticket, agent)
        clock.shift(301)

        entry = timers.stop(timer, agent)
        db.session.commit()

    assert (entry.minutes, ticket.time_spent_minutes) == (16, 16), "a minute begun counts"
    assert entry.activity is not None and entry.activity.initial
    assert timers.of(agent) == []


def test_starting_a_second_pauses_the_first(app: Flask) -> None:
    agent, first, second = acting(an_agent()), a_ticket(), a_ticket()
    one = timers.start(first, agent)

    two = timers.start(second, agent)
    db.session.commit()

    assert (one.running, two.running) == (False, True)
    assert [timer.ticket_id for timer in timers.of(agent)] == [second.id, first.id]


def test_a_night_in_which_the_clocks_change_has_its_real_hours(app: Flask) -> None:
    setting(time_zone="Europe/Berlin")
    agent, ticket = acting(an_agent()), a_ticket()
    with time_machine.travel(dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC), tick=False) as clock:
        timer = timers.start(ticket, agent)
        clock.shift(3600)  # 01:30 becomes 03:30 on the wall

        assert timer.elapsed(dt.datetime.now(dt.UTC)) == 3600
    with time_machine.travel(dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC), tick=False) as clock:
        timer = timers.start(a_ticket(), agent)
        clock.shift(3600)  # 02:30 comes twice

        assert timers.stop(timer, agent).minutes == 60


def test_it_runs_on_through_a_new_session(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    with time_machine.travel(NOON, tick=False) as clock:
        timers.start(ticket, acting(agent))
        db.session.commit()
        agent_id = agent.id
        db.session.remove()
        clock.shift(120)

        person = viewer(agent_id)
        assert person is not None
        shown = timers.first_of(person)

    assert shown is not None and (shown.seconds, shown.running) == (120, True)


def test_a_forgotten_timer_is_stopped_at_the_settings_length_and_its_owner_is_told(app: Flask) -> None:
    setting(timer_most_hours=2)
    agent, ticket = an_agent(), a_ticket()
    with time_machine.travel(NOON, tick=False) as clock:
        timers.start(ticket, acting(agent))
        db.session.commit()
        clock.shift(2 * 3600 - 1)
        stop_timers()
        assert timers.of(acting(agent))[0].running

        clock.shift(5 * 3600)
        stop_timers()
        stop_timers()

    timer = db.session.scalars(select(Timer)).one()
    assert (timer.running, timer.seconds, timer.forgotten) == (False, 7200, True)
    assert [event.sentence for event in ticket.events if event.what is Did.TIMER_STOPPED] == [f"stopped the timer of {agent.get_full_name()} after 2 h"]  # fmt: skip
    notices = db.session.scalars(select(Notification).where(Notification.kind == Notice.TIMER_STOPPED)).all()
    assert [notice.staff_id for notice in notices] == [agent.id]
    assert db.session.scalar(select(func.count(TimeEntry.id))) == 0, "whether it was work is theirs to say"


def test_a_setting_of_nothing_stops_no_timer(app: Flask) -> None:
    setting(timer_most_hours=0)
    agent, ticket = an_agent(), a_ticket()
    with time_machine.travel(NOON, tick=False) as clock:
        timers.start(ticket, acting(agent))
        db.session.commit()
        clock.shift(100 * 3600)
        stop_timers()

        assert timers.of(acting(agent))[0].running


def test_a_timer_on_a_merged_ticket_is_written_down_where_that_goes_on(app: Flask) -> None:
    boss = acting(a_supervisor())
    ticket, into = a_ticket(), a_ticket()
    timer = timers.start(ticket, boss)
    merge(ticket, into=into, by=boss)
    db.session.commit()

    timers.stop(timer, boss)
    db.session.commit()

    assert (ticket.time_spent_minutes, into.time_spent_minutes) == (0, 1)


def test_nobody_stops_a_colleagues_timer(app: Flask) -> None:
    agent, other = acting(an_agent()), acting(an_agent())
    timer = timers.start(a_ticket(), agent)

    with pytest.raises(NotThere):
        timers.own(timer.id, other)


def at_once(app: Flask, agent_id: int, deeds: list) -> list[str]:
    """Each in a session of its own, beginning together; what each met."""
    db.session.commit()  # on SQLite ours would be the one writer
    gate, met = threading.Barrier(len(deeds)), ["" for _ in deeds]

    def run(place: int) -> None:
        with app.app_context():
            try:
                gate.wait(10)
                agent = viewer(agent_id)
                deeds[place](agent)
                db.session.commit()
            except Exception as problem:  # what it was is what the test asks
                met[place] = type(problem).__name__
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return met


def test_two_tabs_that_start_at_once_leave_one_running(app: Flask) -> None:
    agent = an_agent()
    numbers = [a_ticket().id for _ in range(2)]
    agent_id = agent.id

    met = at_once(app, agent_id, [lambda by, one=one: timers.start(db.session.get_one(Ticket, one), by) for one in numbers])  # fmt: skip

    assert met == ["", ""]
    db.session.expire_all()
    assert sorted(timer.running for timer in db.session.scalars(select(Timer))) == [False, True]


def test_two_tabs_that_stop_at_once_write_it_down_once(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    timer = timers.start(ticket, acting(agent))
    db.session.commit()
    agent_id, timer_id, ticket_id = agent.id, timer.id, ticket.id

    met = at_once(app, agent_id, [lambda by: timers.stop(timers.own(timer_id, by), by)] * 2)

    assert sorted(met) == ["", "NotThere"]
    db.session.expire_all()
    assert db.session.scalars(select(TimeEntry.ticket_id)).all() == [ticket_id]


def test_the_bell_tells_every_page_of_the_timer_and_names_no_ticket_one_lost(app: Flask, client: FlaskClient) -> None:
    agent, ticket = an_agent(), a_ticket()
    sign_in(client, agent)
    assert client.get("/admin/notifications/unread").json["timer"] is None
    timer = timers.start(ticket, acting(agent))
    db.session.commit()
    timer_id = timer.id

    assert client.get("/admin/notifications/unread").json["timer"]["number"] == ticket.display
    ticket.assign_to(an_agent(), by=acting(a_supervisor()))
    db.session.commit()
    told = client.get("/admin/notifications/unread").json["timer"]
    assert (told["number"], told["url"]) == (None, None)

    assert client.post(f"/admin/time/timers/{timer_id}", data={"do": "stop"}, headers={"Accept": "application/json"}).status_code == 403  # fmt: skip
    assert client.post(f"/admin/time/timers/{timer_id}", data={"do": "discard"}, headers={"Accept": "application/json"}).json == {"done": True}  # fmt: skip
    assert client.get("/admin/notifications/unread").json["timer"] is None
