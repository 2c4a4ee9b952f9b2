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

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.desk.reports import PLACES
from app.reports import jobs
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
    an_admin,
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
