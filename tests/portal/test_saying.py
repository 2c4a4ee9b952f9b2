"""A customer says by one press in a mail that a ticket stays open or is solved, without signing in."""

import datetime as dt
import re

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.mail import saying
from app.mail.saying import Deed
from app.tickets import inactivity
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.thread import Words
from app.tickets.timeline import Did
from tests.factories import a_customer, a_ticket, acting, an_agent, setting
from tests.links import bent
from tests.mail.test_outgoing import bodies, the_mail


def waiting(**given: object) -> Ticket:
    ticket = a_ticket("Canary subject", state=State.WAITING, **given)
    db.session.commit()
    return ticket


def path(ticket: Ticket, deed: Deed) -> str:
    return saying.link(ticket, deed).partition("8080")[2]


def said(ticket: Ticket) -> list[tuple[Did, int | None]]:
    db.session.expire_all()
    return [(event.what, event.customer_id) for event in ticket.events]


def test_the_reminder_holds_both_links_in_text_and_html(app: Flask) -> None:
    ticket = waiting()
    with time_machine.travel(clock.now() + dt.timedelta(days=8)):
        inactivity.remind_waiting()
        mail = the_mail("waiting_reminder")
        keep, solved = (saying.link(db.session.get_one(Ticket, ticket.id), deed) for deed in Deed)

    for body in bodies(mail):
        assert keep in body and solved in body
    assert "Closes on" in bodies(mail)[0]


def test_looking_changes_nothing_and_a_press_keeps_it_open_once(app: Flask, client: FlaskClient) -> None:
    ticket = waiting()
    ticket.reminded_at = clock.now()
    db.session.commit()
    link, customer, before = path(ticket, Deed.KEEP), ticket.requester_id, said(ticket)
    closing = inactivity.closes_at(ticket)

    with time_machine.travel(clock.now() + dt.timedelta(days=3)):
        shown = client.get(link)
        assert said(ticket) == before
        done, again, later = client.post(link), client.post(link), client.get(link)
        closes_later = inactivity.closes_at(db.session.get_one(Ticket, ticket.id))

    assert "Keep this ticket open?" in shown.text and "We keep it open." in done.text
    assert again.status_code == later.status_code == 404
    assert "This was said already" in again.text
    assert said(ticket) == [*before, (Did.KEPT_OPEN, customer)]
    assert ticket.state is State.WAITING and ticket.reminded_at is None
    assert closing and closes_later and closes_later - closing == pytest.approx(dt.timedelta(days=3), abs=dt.timedelta(minutes=1))  # fmt: skip


def test_a_press_on_solved_closes_it_in_the_customers_name(app: Flask, client: FlaskClient) -> None:
    ticket = waiting()
    link, customer = path(ticket, Deed.SOLVED), ticket.requester_id

    assert "Is it solved?" in client.get(link).text
    assert "Thank you for telling us." in client.post(link).text

    assert said(ticket)[-1] == (Did.CLOSED, customer)
    assert ticket.state is State.CLOSED
    assert client.post(link).status_code == 404


def test_a_resolved_ticket_is_opened_again_by_keeping_it(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket(state=State.RESOLVED)
    db.session.commit()
    text = bodies(the_mail("ticket_resolved"))[0]

    client.post(re.search(r"No, keep it open:\s+\S+?(/portal/say/\S+)", text).group(1))  # type: ignore[union-attr]

    assert said(ticket)[-1][0] is Did.REOPENED
    assert ticket.live


def test_a_link_ends_with_the_stay_it_was_made_for(app: Flask, client: FlaskClient) -> None:
    ticket = waiting()
    link = path(ticket, Deed.SOLVED)
    ticket.reopen(by=SYSTEM)
    ticket.set_status(ticket.status, by=SYSTEM)
    with time_machine.travel(clock.now() + dt.timedelta(hours=1)):
        ticket.hold(by=SYSTEM)
        db.session.commit()

        assert client.get(link).status_code == client.post(link).status_code == 404
    assert ticket.state is State.HOLD


@pytest.mark.parametrize("what", ["a letter more", "another letter", "nothing of ours", "a number"])
def test_a_forged_link_says_nothing(app: Flask, client: FlaskClient, what: str) -> None:
    link = path(waiting(), Deed.SOLVED)
    forged = {"a letter more": link + "x", "another letter": bent(link), "nothing of ours": "/portal/say/none", "a number": "/portal/say/1"}[what]  # fmt: skip

    for answer in (client.get(forged), client.post(forged)):
        assert answer.status_code == 404
        assert "Canary subject" not in answer.text


@pytest.mark.parametrize("why", ["hidden", "inactive", "settings", "open"])
def test_what_a_customer_may_not_do_no_link_does(app: Flask, client: FlaskClient, why: str) -> None:
    ticket = waiting()
    link = path(ticket, Deed.SOLVED)
    if why == "hidden":
        ticket.hidden_from_client = True
    elif why == "inactive":
        ticket.requester.active = False
    elif why == "settings":
        setting(customer_can_close=False)
    else:
        ticket.set_status(a_ticket().status, by=SYSTEM)
    db.session.commit()

    assert client.post(link).status_code == 404
    db.session.expire_all()
    assert ticket.state is not State.CLOSED
    assert saying.links(ticket)["solved_link"] == ""


def test_nobody_else_gets_the_links(app: Flask) -> None:
    """A copy of the mail goes to somebody who could press in the customer's name."""
    from tests.mail.test_outgoing import a_copy

    ticket = waiting()
    a_copy(ticket, "cc@customer.test")
    stranger = a_ticket(requester=a_customer("Stranger", verified_at=None), state=State.WAITING)
    for each in (ticket, stranger):
        each.reply(Words("We ask again."), by=acting(an_agent()))
    own, copied, unproven = (
        "".join(bodies(the_mail("staff_replied", address=address)))
        for address in (ticket.requester.email, "cc@customer.test", stranger.requester.email)
    )

    assert "/portal/say/" in own
    assert "/portal/say/" not in copied and "/portal/say/" not in unproven


def test_the_portal_tells_of_it_and_so_does_the_desk(app: Flask, client: FlaskClient) -> None:
    from tests.factories import sign_in_customer

    ticket = waiting(requester=a_customer("Ada"))
    client.post(path(ticket, Deed.KEEP))
    sign_in_customer(client, ticket.requester)

    assert "Ada keeps the ticket open" in client.get(f"/portal/tickets/{ticket.number}").text
    assert ticket.events[-1].sentence == "keeps the ticket open"
