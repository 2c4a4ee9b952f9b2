"""A notice of many similar tickets leads to them, ticked, and one press makes the incident."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.extensions import db
from app.notifications.models import Notice, Notification
from app.search import surges
from app.tickets import incidents
from app.tickets.models import Ticket
from tests.desk.test_list import as_
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, run_jobs, staff

COLD = ("The heating is cold", "All radiators of the building are cold since last night.")


def a_surge(many: int = 5, **given: object) -> list[Ticket]:
    made = [a_ticket(COLD[0], text=COLD[1], **given) for _n in range(many)]
    db.session.commit()
    surges.notice()
    db.session.commit()
    return made


def test_the_notice_leads_to_the_tickets_and_one_press_makes_the_incident(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    surge = a_surge()
    later = a_surge(1)[0]
    as_(client, boss)
    notice = db.session.scalars(select(Notification).where(Notification.kind == Notice.SURGE)).one()

    page = client.get(client.post(f"/admin/notifications/{notice.id}/open").location).text
    assert all(f'name="with" value="{one.number}" checked' in page for one in (*surge, later))
    client.post("/admin/tickets/incident", data={"primary": surge[0].number, "with": [one.number for one in (*surge, later)]})  # fmt: skip
    run_jobs(5)
    db.session.expire_all()

    assert incidents.reach(surge[0].id, acting(boss)).tickets == 5
    assert client.get(notice.place).location == f"/admin/tickets/{surge[0].number}/incident"


def test_the_page_shows_only_what_one_sees_and_makes_nothing_without_the_right(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    foreign = [a_ticket(*COLD[:1], text=COLD[1], department=theirs) for _n in range(3)]
    own = a_surge(5, department=mine)
    place = f"/admin/tickets/incident?surge={foreign[0].id}"

    as_(client, an_agent(mine))
    page = client.get(place).text
    assert all(one.display in page for one in own) and not any(one.display in page for one in foreign)
    assert 'name="primary"' not in page
    as_(client, staff("Supervisor", departments=(a_department(),)))
    assert not any(one.display in client.get(place).text for one in (*own, *foreign))
    for nonsense in ("", "x", "0", "9" * 30, "1'"):
        assert client.get("/admin/tickets/incident", query_string={"surge": nonsense}).status_code == 200
