"""The pages of reports: figures against what happened, each reader's own, in few statements, and what an export writes."""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from app.core.extensions import db
from app.desk.reports import PLACES
from app.reports import jobs
from app.tickets.thread import Words
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    setting,
    sign_in,
    sign_in_customer,
    staff,
)

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
YEAR = "?period=this_year"


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(NOON + dt.timedelta(hours=hours), tick=False)


def table(client: FlaskClient, section: str, name: str, query: str = "") -> list[list[str]]:
    answer = client.get(f"/admin/reports/{section}/{name}.csv{query}")
    assert answer.status_code == 200, answer.status_code
    return list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))


def a_busy_desk() -> None:
    """Two departments with their agents, two categories, tickets of a few weeks, some answered and resolved."""
    for place in range(2):
        department, category = a_department(f"Place {place}"), a_category(f"Topic {place}")
        agent = an_agent(department, name=f"worker{place}")
        for n in range(4 + place):
            with at(-24 * 7 * n - 3):
                ticket = a_ticket(f"Gizmo broken {n}", department=department, category=category, assignee=agent)
            with at(-24 * 7 * n):
                ticket.reply(Words("An answer"), by=acting(agent))
                if n % 2:
                    ticket.resolve(by=acting(agent))
    db.session.commit()


@pytest.mark.parametrize("section", [*PLACES, "month"])
def test_every_section_stands_on_an_empty_desk_and_on_a_busy_one(app: Flask, client: FlaskClient, section: str) -> None:
    setting(satisfaction=True)
    with at(30):
        sign_in(client, a_supervisor())
        assert client.get(f"/admin/reports/{section}").status_code == 200
    a_busy_desk()
    with at(30):
        jobs.recount()
        jobs.sum_up()
        jobs.find_trends()
        db.session.commit()
        for query in ("", YEAR, "?period=days&n=365&grain=week", "?period=last_month&grain=day"):
            assert client.get(f"/admin/reports/{section}{query}").status_code == 200


@pytest.mark.parametrize(("section", "most"), [("volume", 12), ("resolution", 12), ("responses", 12), ("team", 12), ("categories", 12), ("sla", 12), ("trends", 12), ("mine", 12), ("month", 32)])  # fmt: skip
def test_a_report_of_a_year_asks_few_statements(app: Flask, client: FlaskClient, at_most: Callable, section: str, most: int) -> None:  # fmt: skip
    a_busy_desk()
    with at(30):
        jobs.sum_up()
        sign_in(client, a_supervisor())
        client.get(f"/admin/reports/{section}")
        db.session.expire_all()
        with at_most(most):
            assert client.get(f"/admin/reports/{section}?period=days&n=365").status_code == 200


def test_the_volume_of_each_step_and_its_backlog_are_what_happened(app: Flask, client: FlaskClient) -> None:
    with at(-24 * 40):
        a_ticket("Old")
    with at(-24 * 8):
        done, other = a_ticket("One"), a_ticket("Two")
    with at(-24 * 2):
        done.resolve(by=acting(an_agent()))
        done.close(by=acting(an_agent()))
    with at(-3):
        other.resolve(by=acting(an_agent()))
        other.reopen(by=acting(an_agent()))
        db.session.commit()
    with at(0):
        sign_in(client, a_supervisor())
        lines = table(client, "volume", "volume", "?period=range&from=2026-02-23&to=2026-03-10&grain=week")

    assert lines[0] == ["Week of", "New", "Resolved", "Closed", "Reopened", "Open at the end"]
    assert lines[1:] == [
        ["23 Feb", "0", "0", "0", "0", "1"],
        ["2 Mar", "2", "1", "1", "0", "2"],
        ["9 Mar", "0", "1", "0", "1", "2"],
    ]


def test_numbers_lead_to_the_tickets_behind_them(app: Flask, client: FlaskClient) -> None:
    with at(-24):
        category = a_category("Lost parcels")
        a_ticket("Behind the number", category=category)
        a_ticket("Of another topic")
        db.session.commit()
    with at(0):
        sign_in(client, a_supervisor())
        page = client.get("/admin/reports/categories?period=this_month").text
        href = re.search(r'<a href="(/admin/tickets/[^"]+)">Lost parcels</a>', page)
        assert href is not None
        listed = client.get(href[1].replace("&amp;", "&")).text

    assert "Behind the number" in listed
    assert "Of another topic" not in listed


def test_an_agent_reads_their_own_figures_and_nobody_elses(app: Flask, client: FlaskClient) -> None:
    a_busy_desk()
    with at(1):
        jobs.sum_up()
        me = staff("Support Agent", name="myself")
        mine = a_ticket("Mine", assignee=me)
        mine.reply(Words("Done"), by=acting(me))
        db.session.commit()
        sign_in(client, me)
        pages = [
            client.get(f"/admin/reports/{query}").text for query in ("", "mine?period=this_year&agent=1&department=1")
        ]
        hidden = [
            client.get(f"/admin/reports/{section}").status_code for section in (*PLACES, "month", "team/team.csv")
        ]
        lines = table(client, "mine", "own", "?period=this_week&grain=week")

    assert hidden == [
        403 if one == "month" else 200 if one == "mine" else 404 for one in (*PLACES, "month", "team/team.csv")
    ]
    assert lines[1:] == [["9 Mar", "1", "0", "1", "0.0", "", ""]] or lines[1][1:4] == ["1", "0", "1"]
    for page in pages:
        assert not re.search(r"worker|Worker|Place \d|Topic \d", page)
        assert ">My figures<" in page and "/admin/reports/team" not in page


def test_a_supervisor_of_a_department_reads_its_figures_alone(app: Flask, client: FlaskClient) -> None:
    ours, theirs = a_department("Ours"), a_department("Theirs")
    with at(-3):
        for department, count in ((ours, 2), (theirs, 5)):
            for _ in range(count):
                a_ticket("Gadgets", department=department)
        a_ticket("Private", department=theirs).reply(Words("Hello"), by=acting(an_agent(theirs, name="stranger")))
        db.session.commit()
    with at(24):
        jobs.find_trends()
        db.session.commit()
        sign_in(client, staff("Supervisor", (ours,)))
        volume = table(client, "volume", "volume", "?period=this_year&grain=month")
        foreign = table(client, "volume", "volume", f"?period=this_year&grain=month&department={theirs.id}")
        pages = [client.get(f"/admin/reports/{section}").text for section in (*PLACES, "month")]

    assert volume[0] == ["Month", "New", "Resolved", "Closed", "Reopened"]
    assert [int(row[1]) for row in volume[1:]] == [0, 0, 2]
    assert [int(row[1]) for row in foreign[1:]] == [0, 0, 0]
    assert not any("gadgets" in page or "Theirs" in page for page in pages)
    assert "Stranger" not in pages[list(PLACES).index("team")].partition("<table")[2]


def test_developers_and_customers_read_no_report(app: Flask, client: FlaskClient) -> None:
    sign_in(client, staff("Developer"))
    assert client.get("/admin/reports/").status_code in (302, 403)
    sign_in_customer(app.test_client(), a_customer())
    other = app.test_client()
    sign_in_customer(other, a_customer())
    assert other.get("/admin/reports/volume").status_code == 302


@pytest.mark.parametrize(("query", "sentence"), [
    ("?period=range&from=2026-13-01&to=2026-03-01", "“2026-13-01” is no date."),
    ("?period=range&from=2026-03-02&to=2026-03-01", "The period ends before it begins."),
    ("?period=range&from=2026-03-02", "Please give both days of the period."),
    ("?period=range&from=1980-01-01&to=2026-01-01", "A period has at most ten years."),
    ("?period=range&from=0001-01-01&to=9999-12-31", "“0001-01-01” is no date."),
    ("?period=days&n=0", "“0” is no number of days from 1 to 3653."),
    ("?period=days&n=99999999999999999999", "is no number of days"),
    ("?period=yesterday", "“yesterday” is nothing to choose here."),
    ("?grain=hour", "“hour” is nothing to choose here."),
    ("?department=x%27%20OR%201", "is nothing to choose here."),
    ("?period=days&n=400&grain=day", "This is a long time: it is shown in longer steps."),
])  # fmt: skip
def test_what_makes_no_sense_is_said_in_a_sentence_and_the_usual_is_shown(app: Flask, client: FlaskClient, query: str, sentence: str) -> None:  # fmt: skip
    sign_in(client, a_supervisor())
    answer = client.get(f"/admin/reports/volume{query}")

    assert answer.status_code == 200
    said = re.search(r'role="alert">(.*?)</p>', answer.text, re.S)
    assert said is not None and sentence in said[1].replace("&#39;", "'")
    assert 'class="kpis"' in answer.text


def test_the_form_keeps_what_was_chosen(app: Flask, client: FlaskClient) -> None:
    category = a_category("Lost parcels")
    sign_in(client, a_supervisor())
    page = client.get(f"/admin/reports/volume?period=range&from=2026-02-29&to=2026-03-01&category={category.id}").text

    assert f'<option value="{category.id}" selected>Lost parcels</option>' in page
    assert 'name="from" value="2026-02-29"' in page and 'name="to" value="2026-03-01"' in page
    assert "“2026-02-29” is no date." in page


def test_an_export_is_numbers_and_text_and_never_a_formula(app: Flask, client: FlaskClient) -> None:
    with at(-3):
        a_ticket(category=a_category("=HYPERLINK(1)"))
        db.session.commit()
    with at(0):
        sign_in(client, a_supervisor())
        lines = table(client, "categories", "categories")
        book = client.get("/admin/reports/categories/categories.xlsx")
        missing = client.get("/admin/reports/categories/nothing.csv")

    assert lines[1][:3] == ["'=HYPERLINK(1)", "1", "1.0"]
    sheet = load_workbook(io.BytesIO(book.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[1][:3] == ("'=HYPERLINK(1)", 1, 1)
    assert missing.status_code == 404
    assert "attachment" in book.headers["Content-Disposition"]


def test_without_the_right_to_export_there_is_none(app: Flask, client: FlaskClient) -> None:
    from flask_appbuilder.security.sqla.models import PermissionView, Role
    from sqlalchemy import select

    role = db.session.scalars(select(Role).where(Role.name == "Supervisor")).one()
    kept = list(role.permissions)
    role.permissions = [one for one in kept if str(one) != "can export on Ticket"]
    assert len(role.permissions) == len(kept) - 1 and isinstance(kept[0], PermissionView)
    try:
        db.session.commit()
        sign_in(client, a_supervisor())
        assert client.get("/admin/reports/team/team.csv").status_code == 403
        assert ".csv" not in client.get("/admin/reports/team").text
    finally:
        role.permissions = kept
        db.session.commit()
