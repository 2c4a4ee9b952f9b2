"""How we did, as a customer is asked: on the ticket's page, and by a mail's link without signing in."""

from __future__ import annotations

import datetime as dt

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from app.core import clock
from app.core.extensions import db
from app.satisfaction import links
from app.satisfaction.models import Rating
from app.tickets import merging
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_organization, setting, sign_in_customer
from tests.links import bent
from tests.satisfaction.desk import a_solved, asking_desk, ratings

HOSTILE = "<script>alert(1)</script>{{ 7*7 }}\u202e =cmd|'/c calc'!A1"


def a_link(**given: object) -> tuple[Rating, str]:
    asking_desk()
    ticket = a_solved(**given)
    rating = next(each for each in ratings() if each.ticket_id == ticket.id)
    return rating, links.of(rating).partition("/portal")[2].join(("/portal", ""))


def now_of(rating: Rating) -> tuple[int | None, str | None]:
    db.session.rollback()
    found = db.session.get_one(Rating, rating.id, populate_existing=True)
    return found.score, found.comment


def test_the_link_shows_the_question_and_opening_it_gives_nothing(client: FlaskClient) -> None:
    rating, link = a_link(subject="Printer & more")
    for query in ("", "?score=5", "?score=<b>"):
        answer = client.get(link + query)
        assert answer.status_code == 200 and "How did we do?" in answer.text and "Printer &amp; more" in answer.text

    assert now_of(rating) == (None, None)
    assert 'value="1" required checked' in client.get(f"{link}?score=1").text


def test_a_press_without_an_account_gives_it_and_another_changes_it(client: FlaskClient) -> None:
    rating, link = a_link()

    first = client.post(link, data={"score": "1", "comment": "Too slow."})
    assert first.status_code == 303 and now_of(rating) == (1, "Too slow.")
    assert "Too slow." in client.get(link).text
    client.post(link, data={"score": "5", "comment": ""})
    assert now_of(rating) == (5, None)


def test_hostile_words_are_words(client: FlaskClient) -> None:
    _rating, link = a_link()
    client.post(link, data={"score": "5", "comment": HOSTILE})

    shown = client.get(link).text
    assert "<script>alert" not in shown and str(escape("<script>alert(1)</script>{{ 7*7 }}")) in shown


def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(client: FlaskClient) -> None:
    rating, link = a_link()
    without = client.post(link, data={"score": "", "comment": "kept words"})
    long = client.post(link, data={"score": "5", "comment": "w" * 2001})

    assert without.status_code == long.status_code == 422
    assert "Please choose one of the answers." in without.text and "kept words" in without.text
    assert (
        "At most 2000 characters." in long.text
        and "w" * 2001 in long.text
        and 'value="5" required checked' in long.text
    )
    assert now_of(rating) == (None, None)


@pytest.mark.parametrize("end", ["forged", "bent", "over", "off", "merged", "spam", "hidden", "moved", "inactive"])
def test_every_link_that_is_over_answers_alike(client: FlaskClient, end: str) -> None:
    rating, link = a_link()
    ticket, person = rating.ticket, rating.customer
    at = clock.now()
    if end == "forged":
        link = "/portal/rating/WzEsIjAwIl0.AAAA"
    elif end == "bent":
        link = bent(link)
    elif end == "over":
        at += dt.timedelta(days=15)
    elif end == "off":
        setting(satisfaction=False)
    elif end == "merged":
        merging.merge(ticket, into=a_ticket(), by=acting(a_supervisor()))
    elif end == "spam":
        ticket.mark_spam(by=acting(a_supervisor()))
    elif end == "hidden":
        ticket.hidden_from_client = True
    elif end == "moved":
        person.email = "somebody.else@customer.test"
    else:
        person.active = False
    db.session.commit()

    with clock.at(at):
        shown, given = client.get(link), client.post(link, data={"score": "1"})
    assert shown.status_code == given.status_code == 404
    assert "This link does not work (any more)" in shown.text and rating.ticket.subject not in shown.text
    assert now_of(rating) == (None, None)


def test_a_link_to_an_open_ticket_still_takes_the_answer_for_which_it_was_sent(client: FlaskClient) -> None:
    rating, link = a_link()
    from app.accounts.viewer import SYSTEM

    rating.ticket.reopen(by=SYSTEM)
    db.session.commit()

    assert client.post(link, data={"score": "5"}).status_code == 303
    assert now_of(rating)[0] == 5


def test_the_tickets_page_asks_its_requester_alone(client: FlaskClient) -> None:
    asking_desk()
    firm = an_organization()
    person, colleague = a_customer(organization=firm), a_customer(organization=firm)
    ticket, live = a_solved(requester=person), a_ticket(requester=person)
    number, other = ticket.number, live.number
    sign_in_customer(client, person)
    asked = client.get(f"/portal/tickets/{number}").text
    assert 'id="rating"' in asked and 'id="rating"' not in client.get(f"/portal/tickets/{other}").text
    assert (
        client.post(f"/portal/tickets/{number}/rating", data={"score": "1", "comment": "Too slow."}).status_code == 303
    )
    assert "Too slow." in client.get(f"/portal/tickets/{number}").text

    sign_in_customer(client, colleague)
    seen = client.get(f"/portal/tickets/{number}").text
    assert 'id="rating"' not in seen and "Too slow." not in seen and "rated" not in seen
    assert client.post(f"/portal/tickets/{number}/rating", data={"score": "5"}).status_code == 409
    assert ratings()[0].score == 1


def test_a_stranger_rates_no_ticket(client: FlaskClient) -> None:
    asking_desk()
    number = a_solved().number
    assert client.post(f"/portal/tickets/{number}/rating", data={"score": "5"}).status_code == 302
    sign_in_customer(client, a_customer())

    assert client.post(f"/portal/tickets/{number}/rating", data={"score": "5"}).status_code == 404
    assert ratings()[0].score is None
