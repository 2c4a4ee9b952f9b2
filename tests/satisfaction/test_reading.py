"""What staff read of ratings: beside the ticket, in the list, as a report, by the API; and what goes with a customer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core import clock, web
from app.core.extensions import db
from app.desk.asked import read
from app.desk.customererase import erase
from app.desk.customerexport import export
from app.satisfaction import reading
from app.satisfaction.models import Rating
from app.satisfaction.reading import Wanted
from app.tickets.models import Ticket
from tests.api.desk import a_program
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    sign_in,
)
from tests.satisfaction.desk import a_rating, a_solved, asking_desk

Budget = Callable[[int], AbstractContextManager[list[str]]]


def test_beside_a_ticket_stand_its_rating_and_the_customers_others(app: Flask, client: FlaskClient) -> None:
    asking_desk()
    person = a_customer()
    a_rating(5, requester=person, subject="Earlier")
    number = a_rating(1, "Nobody <called> back.", requester=person).ticket.number
    sign_in(client, a_supervisor())

    page = client.get(f"/admin/tickets/{number}").text
    assert "1 good of 2" in page and "Nobody &lt;called&gt; back." in page and "This ticket" in page


def test_ratings_of_tickets_one_may_not_see_are_neither_shown_nor_counted(app: Flask) -> None:
    asking_desk()
    mine, theirs = a_department(), a_department()
    person = a_customer()
    own = a_rating(5, requester=person, department=mine, agent=an_agent(mine)).ticket
    a_rating(1, "secret words", requester=person, department=theirs, agent=an_agent(theirs))
    agent = acting(an_agent(mine))
    own.assign_to(db.session.get(type(own.assignee), agent.id), by=acting(a_supervisor()))  # type: ignore[arg-type]
    db.session.flush()

    found = reading.of_customer(person.id, [own.id], agent)
    assert [(one.score, one.all_count) for one in found] == [(5, 1)]


def test_a_ticket_whose_customer_never_rated_asks_nothing_more_of_the_database(
    app: Flask, client: FlaskClient, at_most: Budget
) -> None:
    asking_desk()
    number = a_solved().number
    sign_in(client, a_supervisor())
    client.get(f"/admin/tickets/{number}")
    with at_most(12) as statements:
        client.get(f"/admin/tickets/{number}")

    assert not any("FROM rating JOIN" in one for one in statements)


@pytest.mark.parametrize(
    ("asked", "found"),
    [("rating:good", {5, 4}), ("rating:fair", {3}), ("rating:bad", {1, 2}), ("rated:yes", {1, 2, 3, 4, 5}), ("rating:none", {None})],
)  # fmt: skip
def test_the_list_is_narrowed_by_what_was_said(app: Flask, asked: str, found: set[int | None]) -> None:
    asking_desk(satisfaction_scale="stars")
    for score in (1, 2, 3, 4, 5):
        a_rating(score)
    a_ticket()
    db.session.commit()

    listing = read(MultiDict({"q": asked}))
    ids = db.session.scalars(listing.ids(acting(a_supervisor()))).all()
    assert set(db.session.scalars(select(Ticket.rating).where(Ticket.id.in_(ids)))) == found
    assert listing.rating is not None


def test_the_export_says_it(app: Flask, client: FlaskClient) -> None:
    asking_desk(satisfaction_scale="stars")
    a_rating(4)
    sign_in(client, a_supervisor())

    lines = client.get("/admin/tickets/export.csv?view=everything&rating=good").text.splitlines()
    assert "Rating" in lines[0] and lines[1].split(",")[lines[0].split(",").index("Rating")] == "4"


def test_a_report_adds_up_shares_and_who_answered_against_the_period_before(app: Flask) -> None:
    asking_desk(satisfaction_scale="stars")
    category, agent = a_category(), an_agent()
    for score in (5, 4, 1):
        a_rating(score, "words" if score == 1 else "", category=category, agent=agent)
    a_solved()
    with clock.at(clock.now() - dt.timedelta(days=20)):
        a_rating(5)
    today, viewer = web.desk_day(clock.now()), acting(a_supervisor())
    first = today - dt.timedelta(days=9)

    assert reading.given(Wanted(), first, today) == [(3, 2, 1)]
    assert reading.given(Wanted(agent=agent.id, category=category.id), first, today) == [(3, 2, 1)]
    assert reading.given(Wanted(), first - dt.timedelta(days=20), first - dt.timedelta(days=1)) == [(1, 1, 0)]
    assert reading.asked(Wanted(), first, today) == (4, 3)
    assert [one.comment for one in reading.comments(Wanted(), first, today, viewer)] == ["words"]


def test_the_report_page_and_its_files(app: Flask, client: FlaskClient) -> None:
    asking_desk()
    a_rating(1, "=cmd|'/c calc'!A1")
    sign_in(client, a_supervisor())

    page = client.get("/admin/reports/satisfaction").text
    assert "What customers said" in page and "=cmd" in page
    sheet = client.get("/admin/reports/satisfaction/comments.csv").text
    assert "'=cmd" in sheet
    for table in ("agent", "category", "answers"):
        assert client.get(f"/admin/reports/satisfaction/{table}.xlsx").status_code == 200
    sign_in(client, an_agent())
    assert client.get("/admin/reports/satisfaction").status_code == 404


def test_a_desk_that_asks_nobody_offers_no_such_report(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_supervisor())

    assert "/admin/reports/satisfaction" not in client.get("/admin/reports/").text
    assert client.get("/admin/reports/satisfaction").status_code == 404


def test_a_program_reads_them(app: Flask, client: FlaskClient) -> None:
    asking_desk()
    agent = an_agent()
    ticket = a_rating(1, "Too slow.", agent=agent).ticket
    a_rating(5)
    number, name = ticket.number, agent.username
    program = a_program(client, a_supervisor())

    assert program.get(f"/tickets/{number}").json["rating"] == 1
    assert [item["number"] for item in program.get("/tickets?rating=bad").json["items"]] == [number]
    (item,) = program.get(f"/tickets/{number}/ratings").json["items"]
    assert (item["score"], item["verdict"], item["comment"], item["assignee"]) == (1, "bad", "Too slow.", name)


def test_a_customers_words_go_with_them_and_the_figure_stays(app: Flask, tmp_path: Path) -> None:
    asking_desk()
    person = a_customer("Kanari Vogel")
    address = person.email
    rating = a_rating(1, "I am Kanari Vogel.", requester=person)
    own, others = rating.id, a_rating(5, "As Kanari Vogel said.").id
    export(address, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "customer.json").read_text())

    erase(address, with_tickets=False)
    kept = {row.id: (row.score, row.comment) for row in db.session.scalars(select(Rating))}
    assert told["tickets"][0]["ratings"][0]["comment"] == "I am Kanari Vogel."
    assert kept == {own: (1, None), others: (5, "(erased)")}


def test_the_settings_page_ticks_statuses(app: Flask, client: FlaskClient) -> None:
    from app.settings import desk
    from tests.factories import a_status

    closed = a_status("Closed").id
    sign_in(client, an_admin())
    form = {"satisfaction": "on", "satisfaction_statuses": [str(closed)], "satisfaction_delay_hours": "1", "satisfaction_pause_days": "0", "satisfaction_scale": "stars", "satisfaction_days": "7", "satisfaction_question_en": "Fine?"}  # fmt: skip
    client.post("/admin/settings/satisfaction", data=form)
    db.session.rollback()
    page = client.get("/admin/settings/satisfaction").text

    assert desk.current().satisfaction_statuses == str(closed)
    assert f'name="satisfaction_statuses" value="{closed}" checked' in page and "Fine?" in page
    wrong = client.post("/admin/settings/satisfaction", data={**form, "satisfaction_days": "0"})
    assert wrong.status_code == 422 and f'value="{closed}" checked' in wrong.text
