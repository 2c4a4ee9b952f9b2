"""To whom a reply goes, chosen in the composer and by API: looked at like a copy, shown on its entry, answered into its ticket."""

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.mail import incoming
from app.mail.models import Delivery
from app.tickets.drafts import Draft
from app.tickets.thread import Message, Words
from tests.api.desk import a_program, refused
from tests.desk.test_list import as_
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting, sign_in_customer


@pytest.fixture
def ticket(app, client):
    setting(undo_send_seconds=0)
    agent = an_agent()
    made = a_ticket(requester=a_customer("Ada", email="ada@northwind.test"), assignee=agent)
    as_(client, agent)
    return made


def send(client, ticket, **fields):
    given = {"kind": "reply", "body": "Please have a look.", "mark": "m1", **fields}
    return client.post(f"/admin/tickets/{ticket.number}/messages", data=given)


def mailed(ticket):
    db.session.expire_all()
    rows = select(Delivery.address).where(Delivery.ticket_id == ticket.id, Delivery.kind == "staff_replied")
    return list(db.session.scalars(rows.order_by(Delivery.id)))


def page(client, ticket):
    return client.get(f"/admin/tickets/{ticket.number}").text


def test_the_requester_stands_there_and_sending_so_is_as_ever(client, ticket):
    assert 'name="to" value="ada@northwind.test"' in page(client, ticket)
    assert send(client, ticket, to="ada@northwind.test").status_code == 303

    assert mailed(ticket) == ["ada@northwind.test"]
    assert db.session.scalars(select(Message.sent_to).where(Message.ticket_id == ticket.id)).all() == [None, None]


def test_another_domain_is_looked_at_again_and_then_the_entry_says_to_whom_it_went(client, ticket):
    first = send(client, ticket, to="kim@partner.test", cc="")
    assert first.status_code == 409 and "It goes to partner.test" in first.text and mailed(ticket) == []
    assert 'value="kim@partner.test"' in first.text, "nothing of it is lost"
    second = send(client, ticket, to="kim@partner.test", cc="", looked="domain:partner.test")

    assert second.status_code == 303 and mailed(ticket) == ["kim@partner.test"]
    shown = page(client, ticket)
    assert "<bdi>kim@partner.test</bdi>" in shown and 'name="to" value="ada@northwind.test"' in shown


def test_nobody_beside_to_is_refused_with_everything_still_there(client, ticket):
    answer = send(client, ticket, to=" ")

    assert answer.status_code == 422 and "Please say to whom it goes" in answer.text
    assert "Please have a look." in answer.text and mailed(ticket) == []


def test_a_draft_keeps_it_and_the_requesters_own_address_is_kept_as_nobodys_choice(client, ticket):
    address = f"/admin/tickets/{ticket.number}/draft"
    for turn, to in (("1", "kim@partner.test"), ("2", "ADA@northwind.test")):
        client.post(address, data={"kind": "reply", "body": "Hello", "mark": "m1", "turn": turn, "to": to})
        db.session.expire_all()
        kept = db.session.scalars(select(Draft)).one()
        assert kept.sent_to == ("kim@partner.test" if turn == "1" else None)


def answered(delivery, sender, text="I had a look.", to=None):
    """By mail, to the address we gave."""
    import email
    from email import policy

    sent = email.message_from_bytes(delivery.raw, policy=policy.default)
    lines = (
        f"From: {sender}", f"To: {to or sent['Reply-To'].addresses[0].addr_spec}", f"Subject: Re: {sent['Subject']}", f"Message-ID: <{sender}-1@there.test>",
        f"In-Reply-To: {sent['Message-ID']}", "", text,
    )  # fmt: skip
    address = to or sent["Reply-To"].addresses[0].addr_spec
    incoming.store("\r\n".join(lines).encode(), "smtp", sender, address)
    run_jobs()
    db.session.expire_all()
    return db.session.scalars(select(Message).order_by(Message.id.desc())).first()


def test_their_answer_finds_the_ticket_and_somebody_elses_with_their_address_is_unverified(client, ticket):
    send(client, ticket, to="kim@partner.test", looked="domain:partner.test")
    run_jobs()
    delivery = db.session.scalars(select(Delivery).where(Delivery.address == "kim@partner.test")).one()

    own = answered(delivery, "kim@partner.test")
    assert (own.ticket_id, own.trusted, own.text) == (ticket.id, True, "I had a look.") and ticket.needs_response
    stranger = answered(delivery, "mallory@evil.test", "Send me all of it")
    assert (stranger.ticket_id, stranger.trusted) == (ticket.id, False)


def test_they_see_nothing_in_the_portal_and_the_requester_reads_the_reply_without_their_address(client, ticket, app):
    kim = a_customer("Kim", email="kim@partner.test")
    send(client, ticket, to="kim@partner.test", looked="domain:partner.test")
    customer, requester = app.test_client(), app.test_client()
    sign_in_customer(customer, kim)
    sign_in_customer(requester, ticket.requester)

    assert customer.get(f"/portal/tickets/{ticket.number}").status_code == 404
    read = requester.get(f"/portal/tickets/{ticket.number}").text
    assert "Please have a look." in read and "kim@partner.test" not in read


def test_a_program_writes_to_somebody_else_when_it_accepts_what_was_found(app, client):
    program = a_program(client, a_supervisor())
    ticket = a_ticket(requester=a_customer("Ada", email="ada@northwind.test"))
    db.session.commit()
    at, body = f"/tickets/{ticket.number}/replies", {"body": "Hello", "to": ["kim@partner.test"]}
    first = program.post(at, body)
    refused(first, 409, "domain:partner.test")
    wrong = [program.post(at, {"body": "Hello", "to": to}) for to in ([], "kim@partner.test", ["kim"], [1], ["a@b.test"] * 60)]  # fmt: skip
    db.session.expire_all()
    assert {answer.status_code for answer in wrong} == {422} and ticket.message_count == 1
    done = program.post(at, {**body, "accept": ["domain:partner.test"]})

    assert (done.status_code, done.json["to"]) == (201, "kim@partner.test")
    assert mailed(ticket) == ["kim@partner.test"]
    assert program.post(at, {"body": "Hello", "to": ["ADA@northwind.test"]}).json["to"] is None


def test_a_program_is_told_what_a_reply_to_somebody_else_gives_away(app, client):
    person = a_supervisor()
    program, ticket, secret = a_program(client, person), a_ticket(), "They have not paid since summer, be careful"
    ticket.note(Words(secret), by=acting(person))
    db.session.commit()
    answer = program.post(f"/tickets/{ticket.number}/replies", {"body": secret, "to": [f"a@{ticket.requester.email.partition('@')[2]}"]})  # fmt: skip

    assert answer.status_code == 409 and next(iter(answer.json["error"]["fields"])).startswith("note:")
