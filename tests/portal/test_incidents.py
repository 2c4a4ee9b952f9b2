"""A published incident stands on customers' pages with a title and a sentence; a press makes a ticket of their own that belongs to it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.extensions import db
from app.core.limits import Bound
from app.desk import erasing
from app.mail.models import Delivery
from app.tickets import banners, incidents
from app.tickets.incidents import Incident
from app.tickets.models import Ticket
from app.tickets.timeline import Did
from tests.desk.test_incidents import an_incident
from tests.desk.test_list import as_
from tests.factories import (  # fmt: skip
    a_customer,
    a_department,
    a_super_admin,
    a_supervisor,
    acting,
    setting,
    sign_in_customer,
)

TITLE, SENTENCE = "The telephone lines are down", "We expect them back at noon."


def a_banner(**given: Any) -> tuple[Ticket, int]:
    parent = an_incident(subject="SECRET of Northwind", text="SECRET words", **given)
    banners.publish(parent, TITLE, SENTENCE, by=acting(a_supervisor()))
    db.session.commit()
    return parent, db.session.scalars(select(Incident.id).where(Incident.ticket_id == parent.id)).one()


def press(client: FlaskClient, banner: int) -> Any:
    answer = client.post(f"/portal/incidents/{banner}/affected")
    db.session.expire_all()
    return answer


def children(parent: Ticket) -> list[Ticket]:
    return list(db.session.scalars(incidents.tickets_of(parent.id, acting(a_supervisor()))))


def test_customers_and_guests_read_the_title_and_the_sentence_and_nothing_else(app: Flask, client: FlaskClient) -> None:
    parent, _banner = a_banner()
    pages = [client.get(path).text for path in ("/portal/contact", "/help/")]
    sign_in_customer(client, a_customer())
    pages += [client.get(path).text for path in ("/portal/tickets", "/portal/tickets/new")]

    for page in pages:
        assert TITLE in page and SENTENCE in page and "I am affected too" in page
        assert "SECRET" not in page and parent.display not in page


def test_a_press_makes_one_ticket_and_the_next_leads_to_it(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner()
    sign_in_customer(client, customer := a_customer())

    first, second = press(client, banner), press(client, banner)

    (child,) = children(parent)
    assert first.location == second.location == f"/portal/tickets/{child.number}"
    assert (child.subject, child.requester_id, child.department_id) == (TITLE, customer.id, parent.department_id)
    page = client.get(first.location).text
    assert "I am affected too: " + TITLE in page and "SECRET" not in page and parent.display not in page
    assert [event.what for event in parent.events].count(Did.INCIDENT_GREW) == 1


def test_it_goes_with_the_incident_or_when_it_is_withdrawn(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    ended, withdrawn, gone = a_banner(), a_banner(), a_banner()
    db.session.commit()
    ended[0].resolve(by=acting(boss))
    banners.withdraw(withdrawn[0], by=acting(boss))
    db.session.commit()
    erasing.delete_ticket(gone[0], by=acting(a_super_admin()))
    sign_in_customer(client, a_customer())

    assert TITLE not in client.get("/portal/tickets").text
    assert [press(client, each[1]).status_code for each in (ended, withdrawn, gone)] == [404] * 3
    assert banners.shown() == []
    assert Did.INCIDENT_WITHDRAWN in [event.what for event in ended[0].events]


def test_presses_are_counted_as_new_tickets_are(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    banner_ids = [a_banner()[1] for _ in range(2)]
    monkeypatch.setitem(app.config["LIMITS"], "new_ticket", Bound(1, 3600))
    sign_in_customer(client, a_customer())

    assert [press(client, each).status_code for each in banner_ids] == [303, 429]


def test_nobody_presses_without_a_session_or_by_a_link(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner()

    assert "/portal/login" in press(client, banner).location
    sign_in_customer(client, a_customer())
    assert client.get(f"/portal/incidents/{banner}/affected").status_code == 405
    assert press(client, 2**63).status_code == 404
    assert children(parent) == []


def test_a_guest_who_came_from_the_banner_joins_it(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner()
    form = client.get(f"/portal/contact?incident={banner}").text
    assert f'name="incident" value="{banner}"' in form and f'value="{TITLE}"' in form
    asked = {"name": "Gus", "email": "gus@guest.example", "subject": TITLE, "message": "Mine too", "incident": str(banner)}  # fmt: skip

    assert client.post("/portal/contact", data=asked).status_code == 200
    client.post("/portal/contact", data={**asked, "incident": "999"})
    client.post("/portal/contact", data={**asked, "incident": "x\x00"})

    db.session.expire_all()
    assert [child.requester.email for child in children(parent)] == ["gus@guest.example"]
    assert db.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.kind == "guest_proof")) == 3


def test_a_guest_who_says_it_twice_has_one_ticket_with_all_their_words(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner()
    asked = {"name": "Gus", "email": "gus@guest.example", "subject": TITLE, "message": "Mine too", "incident": str(banner)}  # fmt: skip

    first = client.post("/portal/contact", data={**asked, "form": "one"}).text
    second = client.post("/portal/contact", data={**asked, "form": "two", "message": "And the fax", "email": "GUS@guest.example"})  # fmt: skip
    client.post("/portal/contact", data={**asked, "email": "other@guest.example"})

    db.session.expire_all()
    told, other = sorted(children(parent), key=lambda one: one.id)
    assert [message.text for message in told.messages] == ["Mine too", "And the fax"]
    assert other.requester.email == "other@guest.example"
    assert "gus@guest.example" in first.casefold() and second.status_code == 200


def test_words_under_an_address_that_was_proved_do_not_enter_its_ticket(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner()
    asked = {"name": "Gus", "email": "gus@guest.example", "subject": TITLE, "message": "Mine too", "incident": str(banner)}  # fmt: skip
    client.post("/portal/contact", data=asked)
    (mine,) = children(parent)
    mine.proven = True
    db.session.commit()

    client.post("/portal/contact", data={**asked, "message": "Somebody else's"})

    db.session.expire_all()
    assert [message.text for message in mine.messages] == ["Mine too"]
    assert children(parent) == [mine]


def test_a_supervisor_publishes_changes_and_withdraws(app: Flask, client: FlaskClient) -> None:
    parent = an_incident()
    as_(client, a_supervisor())
    here = f"/admin/tickets/{parent.number}/incident"

    wrong = client.post(f"{here}/banner", data={"title": "", "sentence": "x" * 300})
    assert (
        wrong.status_code == 422 and "At most 250 characters" in wrong.text and "Please write something" in wrong.text
    )
    client.post(f"{here}/banner", data={"title": "<b>Down</b>", "sentence": "All of it."})
    assert "Withdraw it" in client.get(here).text and "&lt;b&gt;Down" in client.get("/portal/contact").text
    client.post(f"{here}/banner", data={"withdraw": "1"})
    assert "Down" not in client.get("/portal/contact").text
    client.post(f"{here}/banner", data={"title": "Down", "sentence": "All of it."})
    client.post(f"{here}/end")
    assert "Down" not in client.get("/portal/contact").text


def test_a_desk_that_asks_for_a_category_asks_the_presser(app: Flask, client: FlaskClient) -> None:
    parent, banner = a_banner(department=a_department())
    setting(require_category=True)
    db.session.commit()
    sign_in_customer(client, a_customer())

    assert press(client, banner).location.startswith("/portal/tickets/new?subject=The%20telephone")
    assert children(parent) == []
