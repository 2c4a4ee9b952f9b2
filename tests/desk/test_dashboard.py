"""The dashboard tells each reader of their own tickets, in few statements."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.desk.dashboard import Dashboard
from app.tickets.thread import Words
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    setting,
    sign_in,
)

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(NOON + dt.timedelta(hours=hours), tick=False)


def late(ticket: Any, hours: float) -> Any:
    ticket.next_due_at = clock.now() - dt.timedelta(hours=hours)
    return ticket


def shown(page: str, chart: str) -> dict[str, Any]:
    found = re.search(rf'<script type="application/json" id="{chart}" nonce="[^"]+">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def test_a_supervisor_reads_the_numbers_of_the_desk(app: Flask, client: FlaskClient) -> None:
    agent, category = an_agent(name="maya"), a_category("Billing & co")
    with at(-24):
        first = a_ticket("Late", assignee=agent, category=category)
    with at(-22):
        first.reply(Words("Hello"), by=acting(agent))
        late(a_ticket("Later still"), 2)
    with at(0):
        a_ticket("Done", category=category).resolve(by=SYSTEM)
        late(first, 5)
        sign_in(client, a_supervisor())
        page = client.get("/admin/dashboard?days=7").text

    assert [re.sub(r"\s+", " ", value) for value in re.findall(r'<span class="v">([^<]+)</span>', page)] == [
        "2",
        "1",
        "2",
        "1h 45m",
    ]
    volume = shown(page, "volume")
    assert volume["labels"][-2:] == ["9 Mar", "10 Mar"]
    assert [series["data"][-2:] for series in volume["sets"]] == [[2, 1], [0, 1]]
    assert shown(page, "categories")["labels"] == ["Billing & co", "No category"]
    assert (shown(page, "workload")["labels"], [series["data"] for series in shown(page, "workload")["sets"]]) == (
        ["Maya Test", "Unassigned"],
        [[1, 1], [1, 1]],
    )
    assert shown(page, "waits")["sets"][0]["data"][-2:] == [105, None]
    assert page.index("24h over" if "24h over" in page else "1d 0h over") < page.index("5h 00m over")


def test_who_sees_a_part_gets_numbers_of_that_part_alone(app: Flask, client: FlaskClient) -> None:
    ours, theirs, boss = a_department(), a_department(), a_supervisor()
    for department, subject in ((ours, "Ours"), (theirs, "canary")):
        ticket = a_ticket(subject, department=department, category=a_category(f"About {subject}"))
        ticket.reply(Words("Hello"), by=acting(boss))
        late(ticket, 3)
        a_ticket(subject, department=department, requester=a_customer(f"Customer of {subject}")).resolve(by=SYSTEM)
    agent = an_agent(ours)
    sign_in(client, agent)

    for departments in (True, False):
        setting(agents_see_departments=departments)
        db.session.commit()
        page = client.get("/admin/dashboard").text
        board = Dashboard.of(acting(agent), 7)

        assert "canary" not in page
        assert [board.open, board.unassigned, board.overdue] == [1, 1, 1]
        assert [sum(series["data"]) for series in shown(page, "volume")["sets"]] == [2, 1]
        assert [line.subject for line in board.attention] == ["Ours"]


def test_an_assignee_of_a_foreign_ticket_is_not_counted_for_an_agent(app: Flask) -> None:
    setting(agents_see_departments=False)
    agent, other = an_agent(), an_agent()
    late(a_ticket("Mine", assignee=agent), 1)
    late(a_ticket("Theirs", assignee=other), 1)
    db.session.commit()

    board = Dashboard.of(acting(agent), 7)

    assert (board.open, board.overdue) == (1, 1)
    assert board.charts["workload"]["labels"] == [agent.get_full_name()]
    assert [line.subject for line in board.attention] == ["Mine"]


def test_pending_tickets_are_mine_and_the_longest_waiting_stand_first(app: Flask) -> None:
    agent = an_agent()
    me = acting(agent)
    with at(0):
        answered = a_ticket("Answered", assignee=agent)
        a_ticket("Not mine")
    with at(1):
        a_ticket("Waits long", assignee=agent)
        told = a_ticket("Told", assignee=agent)
        a_ticket("Waiting for them", assignee=agent).wait(by=SYSTEM)
    with at(2):
        answered.reply(Words("Hello"), by=me)
        answered.receive(Words("Still broken"), by=SYSTEM)
        told.reply(Words("We look into it"), by=me)
        db.session.commit()

        assert [(line.subject, line.words) for line in Dashboard.of(me, 7).pending] == [
            ("Waits long", "1h 00m"),
            ("Answered", "0m"),
            ("Told", "1h 00m"),
        ]


def test_a_better_and_a_worse_wait_are_told(app: Flask) -> None:
    boss = a_supervisor()
    for day, minutes in ((-8, 100), (-1, 40)):
        with at(day * 24):
            ticket = a_ticket()
        with at(day * 24 + minutes / 60):
            ticket.reply(Words("Hello"), by=acting(boss))
    db.session.commit()
    with at(0):
        wait = Dashboard.of(acting(a_supervisor()), 7).wait

    assert (wait.better, (wait.change or "").split()[-1]) == (True, "less")


def test_more_overdue_than_are_counted_is_said(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.desk.dashboard.OVERDUE_CAP", 2)
    for _n in range(3):
        late(a_ticket(), 1)
    sign_in(client, a_supervisor())

    page = client.get("/admin/dashboard/").text

    assert "2+" in page
    assert [series["label"] for series in shown(page, "workload")["sets"]] == ["Open"]


def test_an_empty_desk_has_a_dashboard(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_super_admin())

    for days in ("7", "14", "30", "99999999", "x", ""):
        assert client.get(f"/admin/dashboard?days={days}").status_code == 200


def test_the_dashboard_asks_for_its_right(app: Flask, client: FlaskClient) -> None:
    assert client.get("/admin/dashboard").status_code == 302


def test_words_of_people_are_shown_as_words(app: Flask, client: FlaskClient) -> None:
    agent = an_agent()
    late(a_ticket("</script><img src=x>", assignee=agent, category=a_category("</script><b>")), 1)
    sign_in(client, agent)

    page = client.get("/admin/dashboard").text

    assert "<img src=x>" not in page and "</script><b>" not in page
    assert shown(page, "categories")["labels"] == ["</script><b>"]


@pytest.mark.parametrize("person", [a_supervisor, an_agent])
def test_the_dashboard_costs_few_statements(
    app: Flask, client: FlaskClient, at_most: Callable, person: Callable
) -> None:
    user = person()
    for n in range(5):
        late(a_ticket(assignee=user, category=a_category(), priority=a_priority(n % 4 + 1)), n + 1)
    sign_in(client, user)
    client.get("/admin/dashboard")

    with at_most(12):
        assert client.get("/admin/dashboard").status_code == 200
