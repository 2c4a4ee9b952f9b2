"""Mail to and from tickets that are one: everybody writes and is answered under the number they know, and reads no more than before."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import Customer
from app.core.extensions import db
from app.mail import addresses, composing, incoming
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import Delivery, RawMail, RawState
from app.tickets import merging
from app.tickets.choices import State
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.thread import Message, MessageKind, Words
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting


def merged() -> tuple[Ticket, Ticket, Any]:
    first = a_ticket("The first subject", text="the first ones canary")
    second = a_ticket("The second subject", text="the second ones canary")
    agent = acting(a_supervisor())
    first.reply(Words("answer for the first alone"), by=agent)
    merging.merge(second, into=first, by=agent)
    db.session.commit()
    return first, second, agent


def come_in(sender: str, to: str, subject: str = "Re: something", **headers: str) -> RawMail:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("A reply by mail.")
    row = incoming.store(mail.as_bytes(), "smtp", sender, to)
    row_id = row.id
    run_jobs()
    return db.session.get_one(RawMail, row_id)


def token(ticket: Ticket, customer: Customer) -> str:
    return addresses.reply_address(ticket.id, Recipient(RecipientKind.CUSTOMER, customer.id))


def entry(row: RawMail) -> Message:
    assert row.state is RawState.DELIVERED, row.verdict
    return db.session.get_one(Message, row.entry_id)


def to_merged(second: Ticket, way: str) -> RawMail:
    sender, desk = second.requester.email, addresses.sender_address()
    if way == "token":
        return come_in(sender, token(second, second.requester))
    if way == "subject":
        return come_in(sender, desk, f"Re: [{second.display}] The second subject")
    if way == "a mail of ours":
        ours = db.session.scalars(select(Delivery).where(Delivery.ticket_id == second.id)).first()
        assert ours is not None
        return come_in(sender, desk, In_Reply_To=addresses.message_id_for(ours.id))
    own = db.session.scalars(select(Message).where(Message.origin_ticket_id == second.id)).first()
    assert own is not None
    own.message_id = "theirs@elsewhere.test"
    db.session.commit()
    return come_in(sender, desk, References="<theirs@elsewhere.test>")


@pytest.mark.parametrize("way", ["token", "subject", "a mail of ours", "a mail of theirs"])
def test_mail_for_the_merged_ticket_lands_in_the_primary_and_is_its_own(app: Flask, way: str) -> None:
    first, second, agent = merged()

    said = entry(to_merged(second, way))

    assert (said.ticket_id, said.origin_ticket_id, said.trusted) == (first.id, second.id, True)
    assert db.session.scalar(select(RawMail.id).where(RawMail.state == RawState.QUARANTINED)) is None
    merging.unmerge(second, by=agent)
    assert (said.ticket_id, said.origin_ticket_id) == (second.id, None)


def test_a_stranger_who_names_the_merged_number_stays_unverified(app: Flask) -> None:
    first, second, _agent = merged()

    row = come_in("stranger@nowhere.test", token(second, second.requester))

    assert entry(row).trusted is False and entry(row).ticket_id == first.id
    assert first.state is State.OPEN


def test_a_machines_answer_for_the_merged_ticket_is_a_note_in_the_primary(app: Flask) -> None:
    first, second, _agent = merged()

    said = entry(come_in(second.requester.email, token(second, second.requester), Auto_Submitted="auto-replied"))

    assert (said.kind, said.ticket_id, said.origin_ticket_id) == (MessageKind.NOTE, first.id, second.id)


def test_a_reply_to_a_closed_primary_reopens_it_or_opens_a_new_ticket_of_the_writers_own(app: Flask) -> None:
    first, second, agent = merged()
    first.close(by=agent)
    db.session.commit()
    assert entry(to_merged(second, "token")).ticket_id == first.id
    assert first.live

    setting(reopen_policy="new_always")
    first.close(by=agent)
    db.session.commit()
    said = entry(come_in(second.requester.email, token(second, second.requester), "Re: again"))

    assert said.ticket_id not in (first.id, second.id)
    assert (said.ticket.subject, said.ticket.requester_id) == (second.subject, second.requester_id)


def mails_of(reply: Message) -> dict[str, bytes]:
    sent = db.session.scalars(select(Delivery).where(Delivery.message_id == reply.id, Delivery.kind == "staff_replied"))
    return {delivery.address: composing.compose(delivery).raw for delivery in sent}


def test_an_answer_goes_to_everybody_once_under_their_own_number_and_without_the_others_words(app: Flask) -> None:
    first, second, agent = merged()
    for ticket, address in ((first, "one@cc.test"), (second, "two@cc.test"), (second, "one@cc.test")):
        db.session.add(Participant(ticket_id=ticket.id, role=ParticipantRole.CC, email=address, approved=True))

    mails = mails_of(first.reply(Words("An answer for all."), by=agent))

    assert set(mails) == {first.requester.email, second.requester.email, "one@cc.test", "two@cc.test"}
    theirs = mails[second.requester.email].decode()
    assert f"[{second.display}] The second subject" in theirs and f"/portal/tickets/{second.number}" in theirs
    for address in (second.requester.email, "two@cc.test"):
        for word in ("the first ones canary", "answer for the first alone", "The first subject"):
            assert word not in mails[address].decode()
    assert "the second ones canary" not in mails[first.requester.email].decode()


def test_one_customer_of_both_gets_one_mail(app: Flask) -> None:
    customer, agent = a_customer(), acting(a_supervisor())
    first, second = a_ticket(requester=customer), a_ticket(requester=customer)
    merging.merge(second, into=first, by=agent)

    reply = first.reply(Words("Once."), by=agent)

    sent = db.session.scalars(select(Delivery).where(Delivery.message_id == reply.id)).all()
    assert [delivery.address for delivery in sent] == [customer.email]


def test_merging_and_taking_apart_write_to_no_customer_and_end_nothing_twice(app: Flask) -> None:
    agent, supervisor = an_agent(), acting(a_supervisor())
    first, second = a_ticket(), a_ticket(assignee=agent)
    db.session.commit()
    deliveries = select(Delivery.id).order_by(Delivery.id)
    before = db.session.scalars(deliveries).all()

    merging.merge(second, into=first, by=supervisor)
    merging.unmerge(second, by=supervisor)
    run_jobs()

    assert db.session.scalars(deliveries).all() == before


def test_nothing_leaves_for_anybody_while_the_primary_is_hidden(app: Flask) -> None:
    first, _second, agent = merged()
    first.hide(by=agent)

    reply = first.reply(Words("secret"), by=agent)

    sent = db.session.scalars(select(Delivery).where(Delivery.message_id == reply.id)).all()
    assert {delivery.state.value for delivery in sent} == {"suppressed"}
