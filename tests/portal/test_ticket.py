"""One ticket as its customer reads it, answers it, closes it, keeps it open."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock, html, storage
from app.core.extensions import db
from app.tickets import files
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel, Message, Words
from app.tickets.timeline import Did
from tests.factories import (
    a_customer,
    a_department,
    a_priority,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    an_organization,
    setting,
    sign_in_customer,
)

Budget = Callable[[int], AbstractContextManager[list[str]]]
CANARY = "canary-7c1"


def page(client: FlaskClient, ticket: Ticket, query: str = "") -> str:
    answer = client.get(f"/portal/tickets/{ticket.number}{query}")
    assert answer.status_code == 200
    return answer.text


def signed_in(client: FlaskClient, **given: object) -> tuple[Customer, Ticket]:
    customer = a_customer(name="Ada")
    ticket = a_ticket(requester=customer, **given)
    sign_in_customer(client, customer)
    return customer, ticket


def again(ticket: Ticket) -> Ticket:
    db.session.rollback()
    return db.session.get_one(Ticket, ticket.id, populate_existing=True)


def test_the_thread_holds_messages_and_deeds_in_the_order_of_time(client: FlaskClient) -> None:
    _, ticket = signed_in(client, text="First words")
    agent = an_agent(name="maya")
    ticket.assign_to(agent, by=SYSTEM)
    ticket.reply(Words("Staff answer", via=Channel.STAFF), by=acting(agent), then=Then.WAIT)
    db.session.commit()

    text = page(client, ticket)

    places = [
        text.index(words)
        for words in (
            "First words",
            "Maya Test is working on your ticket",
            "Staff answer",
            "Status changed to Waiting for you",
        )
    ]
    assert places == sorted(places)
    assert "System · " in text


def test_no_byte_of_a_note_reaches_a_customer(client: FlaskClient) -> None:
    _, ticket = signed_in(client)
    agent = acting(an_admin())
    file = files.keep(f"{CANARY}.txt", CANARY.encode(), agent)
    note = ticket.note(Words(CANARY, via=Channel.STAFF, attachments=(file,)), by=agent)
    ticket.tag(CANARY, by=SYSTEM)
    db.session.commit()

    for path in (
        "/portal/tickets",
        f"/portal/tickets/{ticket.number}",
        "/portal/account",
        "/portal/tickets/new",
        f"/portal/tickets/new/suggest?subject={CANARY}",
    ):
        assert CANARY.encode() not in client.get(path).data
    assert client.get(f"/portal/files/{note.attachments[0].id}").status_code == 404


def test_strangers_get_the_same_404_as_for_what_does_not_exist(client: FlaskClient) -> None:
    ticket = a_ticket()
    hidden = a_ticket()
    hidden.hidden_from_client = True
    sign_in_customer(client, a_customer())
    own_hidden = hidden.number

    for number in (ticket.number, own_hidden, 987654321, 10**30):
        for way, path in (
            ("get", ""),
            ("post", "/reply"),
            ("post", "/close"),
            ("post", "/keep"),
            ("get", "/keep"),
            ("get", "/close"),
        ):
            answer = getattr(client, way)(
                f"/portal/tickets/{number}{path}", **({"data": {"message": "hello"}} if way == "post" else {})
            )
            assert answer.status_code == 404, (number, path)
    assert again(ticket).message_count == 1


def test_a_colleague_reads_and_answers(client: FlaskClient) -> None:
    organization = an_organization()
    ticket = a_ticket(requester=a_customer(name="Ada", organization=organization))
    bob = a_customer(name="Bob", organization=organization)
    sign_in_customer(client, bob)

    assert "from your colleague Ada" in page(client, ticket)
    assert client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": "I help Ada"}).status_code == 303
    assert again(ticket).messages[-1].author_name == "Bob"


def test_who_left_the_organization_sees_nothing_of_it_any_more(client: FlaskClient) -> None:
    organization = an_organization()
    ticket = a_ticket(requester=a_customer(organization=organization))
    bob = a_customer(organization=organization)
    sign_in_customer(client, bob)
    bob.organization = an_organization()
    db.session.commit()

    assert client.get(f"/portal/tickets/{ticket.number}").status_code == 404


def test_a_reply_goes_into_the_thread_and_moves_a_waiting_ticket(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="waiting")

    answer = client.post(
        f"/portal/tickets/{ticket.number}/reply", data={"message": "Here it is"}, follow_redirects=True
    )

    assert "Sent." in answer.text
    ticket = again(ticket)
    assert ticket.state is State.OPEN
    assert (ticket.messages[-1].text, ticket.messages[-1].via) == ("Here it is", Channel.PORTAL)


def test_a_reply_reopens_a_closed_ticket_or_opens_a_new_one_as_the_desk_wants(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="closed")

    client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": "It is back"})
    assert again(ticket).state is State.OPEN

    again(ticket).close(by=SYSTEM)
    setting(customer_can_reopen=False)
    db.session.commit()
    answer = client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": "And again"}, follow_redirects=True)

    assert "we opened a new one for you" in answer.text
    assert "And again" in answer.text
    assert "Belongs together with ticket" in answer.text
    assert again(ticket).state is State.CLOSED


@pytest.mark.parametrize("message", ["", "   \n ", "x" * 500_001], ids=["empty", "blank", "too long"])
def test_a_reply_that_is_refused_keeps_what_was_typed(client: FlaskClient, message: str) -> None:
    _, ticket = signed_in(client)

    answer = client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": message})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert message.strip()[:50] in answer.text
    assert again(ticket).message_count == 1


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", "Grüße 你好 Привет مرحبا 👩‍🚀", "a\r\nBcc: x", "{{ 7*7 }} {% raw %}", "a\x00b"],
    ids=["html", "scripts", "header", "template", "a NUL"],
)
def test_whatever_is_written_is_shown_and_never_run(client: FlaskClient, words: str) -> None:
    _, ticket = signed_in(client)

    client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": words})

    assert str(escape(words.replace("\r\n", "¶").replace("\x00", ""))).replace("¶", "<br>\n") in page(client, ticket)
    assert "<script>alert" not in page(client, ticket)


def test_closing_with_a_last_word(client: FlaskClient) -> None:
    _, ticket = signed_in(client)

    client.post(f"/portal/tickets/{ticket.number}/close", data={"last": "A restart cured it"})
    client.post(f"/portal/tickets/{ticket.number}/close")

    ticket = again(ticket)
    assert ticket.state is State.CLOSED
    assert ticket.messages[-1].text == "A restart cured it"
    assert "Ada closed the ticket" in page(client, ticket)


def test_closing_is_not_offered_where_customers_may_not(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="resolved")
    setting(customer_can_close=False)
    db.session.commit()

    assert "/close" not in page(client, ticket)
    assert client.post(f"/portal/tickets/{ticket.number}/close", data={"last": "please"}).status_code == 403
    assert again(ticket).message_count == 1


def test_keeping_open_counts_the_days_anew(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="waiting")
    ticket.status_since = clock.now() - dt.timedelta(days=13)
    db.session.commit()

    assert "Closes on" in page(client, ticket)
    client.post(f"/portal/tickets/{ticket.number}/keep")

    assert clock.now() - again(ticket).status_since < dt.timedelta(minutes=1)


def test_a_mails_button_asks_before_it_does_anything(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="waiting")
    since = ticket.status_since

    for path in ("keep", "close"):
        assert 'method="post"' in client.get(f"/portal/tickets/{ticket.number}/{path}").text

    assert (again(ticket).state, again(ticket).status_since) == (State.WAITING, since)


def test_the_promise_says_when_we_answer(client: FlaskClient) -> None:
    _, ticket = signed_in(client)
    ticket.first_response_due_at = None
    db.session.commit()
    assert "Our answer" not in page(client, ticket)

    ticket = again(ticket)
    ticket.first_response_due_at = clock.now() + dt.timedelta(hours=30)
    db.session.commit()
    assert "Our answer by" in page(client, ticket)

    ticket = again(ticket)
    ticket.first_response_due_at = clock.now() - dt.timedelta(hours=1)
    db.session.commit()
    assert "Our answer is late" in page(client, ticket)

    ticket = again(ticket)
    ticket.reply(Words("Here"), by=acting(an_agent()))
    db.session.commit()
    assert "Our answer" not in page(client, ticket)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "We wait for your answer"),
        ("hold", "This ticket is paused"),
        ("resolved", "Is it solved?"),
        ("closed", "This ticket is closed"),
    ],
)
def test_each_state_says_what_comes_next(client: FlaskClient, state: str, words: str) -> None:
    _, ticket = signed_in(client, state=state)

    assert words in page(client, ticket)


def test_without_a_timer_nothing_is_said_of_closing(client: FlaskClient) -> None:
    _, ticket = signed_in(client, state="waiting")
    setting(waiting_close_days=0)
    db.session.commit()

    assert "Closes on" not in page(client, ticket)


def test_a_mail_keeps_its_form_and_its_pictures_but_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    customer, ticket = signed_in(client)
    picture = Attachment(
        name="a.png",
        type="image/png",
        bytes=3,
        sha256="",
        storage_key=storage.save(b"png"),
        content_id="p1@x",
        inline=True,
        customer_id=customer.id,
    )
    db.session.add(picture)
    marked = html.clean(
        '<b>Bold</b><img src="cid:p1@x"><img src="cid:gone"><img src="https://evil.test/x.png"><script>x</script>'
    )
    ticket.receive(Words("Bold", html=marked, via=Channel.MAIL, attachments=(picture,)), by=CustomerActor.of(customer))
    db.session.commit()

    text = page(client, ticket)

    assert "<b>Bold</b>" in text
    assert f'src="/portal/files/{picture.id}?inline=1"' in text
    assert ' src="https://evil' not in text
    assert "cid:" not in text
    assert "by mail" in text


def test_what_staff_call_things_inside_stays_inside(client: FlaskClient) -> None:
    _, ticket = signed_in(client)
    admin = acting(an_admin())
    ticket.set_priority(a_priority(4), by=admin)
    ticket.move_to(a_department("Billing"), by=admin)
    ticket.rename("Another subject", by=admin)
    stranger = a_ticket("A stranger's")
    ticket.record(Did.LINKED, admin, number=stranger.display, other_id=stranger.id)
    db.session.commit()

    text = page(client, ticket)

    assert "Priority changed to Critical" in text
    assert "Passed to Billing" in text
    assert stranger.display not in text


def test_reading_a_ticket_changes_nothing_and_costs_few_statements(client: FlaskClient, at_most: Budget) -> None:
    _, ticket = signed_in(client)
    agent = acting(an_agent())
    for number in range(6):
        ticket.reply(Words(f"answer {number}"), by=agent)
    db.session.commit()
    number = ticket.number
    db.session.expire_all()

    with at_most(9) as statements:
        client.get(f"/portal/tickets/{number}")

    assert not [statement for statement in statements if not statement.lstrip().upper().startswith(("SELECT", "BEGIN"))]
    assert db.session.scalar(select(func.count()).select_from(Message)) == 7
