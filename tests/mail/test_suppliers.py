"""Mail to suppliers and back: its own thread, whoever answers, and never a word of it to a customer."""

from __future__ import annotations

import asyncio
import smtplib
import threading as threads
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from app.accounts.models import Customer
from app.core import storage
from app.core.extensions import db
from app.mail import addresses, incoming, parsing, receiver
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.notifications.models import Notice, Notification
from app.tickets import suppliers
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.supplied import Turn
from app.tickets.suppliers import Question
from app.tickets.thread import Attachment, Channel, Message, MessageKind, Words
from tests.factories import a_customer, a_supplier, a_ticket, acting, an_agent, run_jobs
from tests.mail.smtp import Sink, serving
from tests.mail.test_bounced import BOUNCE

SECRET = "The fuser unit costs four hundred in secret"
ANSWER = "We have two of them on the shelf"


def ask(ticket: Ticket, supplier, by, text: str = SECRET, **given) -> Delivery:
    words = Words(text, via=Channel.STAFF)
    suppliers.ask(ticket, Question(supplier.contacts[0], given.pop("subject", "A spare part"), words, **given), by)
    run_jobs()
    return db.session.scalars(
        select(Delivery).where(Delivery.kind == "supplier_asked").order_by(Delivery.id.desc())
    ).first()


def an_answer(delivery: Delivery, sender: str = "", token: bool = True, text: str = ANSWER, **headers) -> bytes:
    mail = EmailMessage()
    sent = parsing.read(delivery.raw)
    mail["From"], mail["Subject"] = sender or delivery.address, f"Re: {delivery.subject}"
    mail["To"] = sent.reply_to.address if token else addresses.sender_address()
    mail["Message-ID"] = headers.pop("message_id", "<answer-1@maker.test>")
    if headers.pop("threaded", True):
        mail["In-Reply-To"] = f"<{delivery.rfc_message_id}>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def come(raw: bytes) -> tuple[RawMail, Message]:
    row = incoming.store(raw, "smtp")
    run_jobs()
    row = db.session.get_one(RawMail, row.id, populate_existing=True)
    assert row.state is RawState.DELIVERED, row.verdict
    return row, db.session.get_one(Message, row.entry_id)


@pytest.fixture
def scene(app):
    user = an_agent()
    supplier = a_supplier("Printer Works", people=("jo@maker.test", "kim@maker.test"), language="de")
    ticket = a_ticket("A private matter", assignee=user, requester=a_customer("Ada Secretive"))
    db.session.commit()
    return acting(user), supplier, ticket


def test_the_mail_says_what_was_written_to_them_and_nothing_else_of_the_ticket(scene):
    agent, supplier, ticket = scene
    ticket.note(Words("A note between us."), by=agent)

    mail = parsing.read(ask(ticket, supplier, agent).raw)

    whole = f"{mail.subject}\n{parsing.plain_text(mail)}\n{mail.html}"
    assert mail.subject == f"[{ticket.display}] A spare part"
    assert SECRET in whole
    assert [
        word for word in ("private matter", "Secretive", "burns", "between us", "/admin/", "/portal/") if word in whole
    ] == []
    assert "schrieb" in whole, "in the supplier's language"
    assert not mail.automatic


def test_chosen_messages_and_files_go_along(scene):
    agent, supplier, ticket = scene
    first = ticket.messages[0]
    key = storage.save(b"a picture")
    file = Attachment(
        ticket_id=ticket.id,
        message_id=first.id,
        name="burnt.txt",
        type="text/plain",
        bytes=9,
        sha256="0",
        storage_key=key,
    )
    db.session.add(file)
    db.session.flush()

    mail = parsing.read(ask(ticket, supplier, agent, along=(first.id,), files=(file.id,)).raw)

    assert "It burns since this morning." in parsing.plain_text(mail)
    assert [(part.name, part.content) for part in mail.attachments] == [("burnt.txt", b"a picture")]


def test_the_next_question_goes_on_in_the_same_mail_thread_and_the_customers_in_theirs(scene):
    agent, supplier, ticket = scene
    ticket.reply(Words("We ask around."), by=agent)
    first = ask(ticket, supplier, agent)
    come(an_answer(first))

    second = parsing.read(ask(ticket, supplier, agent, "And the price?").raw)
    ticket.reply(Words("Soon."), by=agent)
    run_jobs()
    to_customer = db.session.scalars(
        select(Delivery).where(Delivery.kind == "staff_replied").order_by(Delivery.id)
    ).all()[-1]

    assert second.references == (first.rfc_message_id, "answer-1@maker.test")
    assert first.rfc_message_id not in parsing.read(to_customer.raw).references


def test_an_answer_is_the_suppliers_message_and_opens_the_ticket(scene):
    agent, supplier, ticket = scene
    _row, message = come(an_answer(ask(ticket, supplier, agent)))

    assert (message.kind, message.supplier_id, message.text, message.trusted) == (
        MessageKind.SUPPLIER,
        supplier.id,
        ANSWER,
        True,
    )
    assert (message.author_name, message.customer_id) == ("Jo Kim", None)
    assert (ticket.state, ticket.supplier_turn) == (State.OPEN, Turn.ANSWERED)
    assert db.session.scalar(select(Notification.kind).where(Notification.kind == Notice.SUPPLIER_ANSWERED))
    assert db.session.scalar(select(Customer.id).where(Customer.email_key == "jo@maker.test")) is None, (
        "no customer is made"
    )


@pytest.mark.parametrize(
    "way",
    [{"sender": "kim@maker.test"}, {"token": False}, {"token": False, "threaded": False}],
    ids=["a colleague of theirs", "to our plain address, in the thread", "by the number in the subject"],
)
def test_it_is_theirs_by_each_way_that_proves_it(scene, way):
    agent, supplier, ticket = scene

    _row, message = come(an_answer(ask(ticket, supplier, agent), **way))

    assert (message.ticket_id, message.kind, message.trusted) == (ticket.id, MessageKind.SUPPLIER, True)


def test_an_answer_to_an_answer_finds_the_thread_by_their_own_message_id(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)
    come(an_answer(delivery))
    more = an_answer(
        delivery,
        token=False,
        threaded=False,
        message_id="<answer-2@maker.test>",
        text="Oh, and it is red.",
        References="<answer-1@maker.test>",
    )

    _row, message = come(more.replace(f"Subject: Re: {delivery.subject}".encode(), b"Subject: more"))

    assert (message.ticket_id, message.kind) == (ticket.id, MessageKind.SUPPLIER)


def test_a_stranger_with_the_address_is_held_as_unverified(scene):
    agent, supplier, ticket = scene

    row, message = come(an_answer(ask(ticket, supplier, agent), sender="Mal <mal@evil.test>"))

    assert (message.kind, message.trusted) == (MessageKind.SUPPLIER, False)
    assert (ticket.state, ticket.supplier_turn) == (State.HOLD, Turn.WAITING)
    assert "mal@evil.test" in message.author_name
    assert "unverified" in row.verdict


def test_the_customer_who_got_hold_of_the_address_writes_nothing_that_others_of_theirs_read(scene):
    agent, supplier, ticket = scene

    _row, message = come(an_answer(ask(ticket, supplier, agent), sender=ticket.requester.email))

    assert (message.kind, message.trusted, message.customer_id) == (MessageKind.SUPPLIER, False, None)


def test_a_supplier_that_was_taken_off_is_a_stranger(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)
    suppliers.remove(ticket, supplier, agent)

    _row, message = come(an_answer(delivery))

    assert (message.kind, message.trusted, ticket.supplier_turn) == (MessageKind.SUPPLIER, False, None)


def test_whoever_left_the_company_is_a_stranger_and_gets_nothing_more(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)
    supplier.contacts[0].active = False

    _row, message = come(an_answer(delivery))

    assert not message.trusted


def test_an_absence_note_of_theirs_answers_nothing_and_is_not_answered(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)
    mails = len(db.session.scalars(select(Delivery.id)).all())

    _row, message = come(an_answer(delivery, Auto_Submitted="auto-replied", text="I am away."))

    assert (message.kind, ticket.supplier_turn, ticket.state) == (MessageKind.SUPPLIER, Turn.WAITING, State.HOLD)
    assert len(db.session.scalars(select(Delivery.id)).all()) == mails


def test_a_mail_that_comes_back_is_said_in_the_ticket_and_to_its_agent(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)

    raw = BOUNCE.format(address=delivery.address, message_id=f"<{delivery.rfc_message_id}>")
    incoming.store(raw.encode(), "smtp")
    run_jobs()

    assert db.session.get_one(Delivery, delivery.id, populate_existing=True).state is DeliveryState.FAILED
    assert not supplier.contacts[0].address_works
    assert "came back" in ticket.messages[-1].text
    assert db.session.scalar(select(Notification.kind).where(Notification.kind == Notice.MAIL_FAILED))
    held = ask(ticket, supplier, agent)
    assert held.state is DeliveryState.SUPPRESSED


def test_no_mail_to_a_customer_carries_a_suppliers_word(scene):
    agent, supplier, ticket = scene
    come(an_answer(ask(ticket, supplier, agent)))
    ticket.reply(Words("A new one comes on Monday."), by=agent)
    ticket.resolve(by=agent)
    run_jobs()

    mails = db.session.scalars(
        select(Delivery).where(Delivery.customer_id.is_not(None), Delivery.raw.is_not(None))
    ).all()
    assert any("A new one comes" in _whole(mail) for mail in mails)
    assert [
        mail.kind
        for mail in mails
        if any(word in _whole(mail) for word in (SECRET, ANSWER, "Printer Works", "maker.test"))
    ] == []


def test_a_mail_about_anything_else_never_goes_to_a_supplier(scene):
    agent, supplier, ticket = scene
    delivery = ask(ticket, supplier, agent)
    delivery.message_id = ticket.messages[0].id
    from app.mail.outgoing import held_back

    assert held_back(delivery) is not None


def test_ask_and_answer_over_real_smtp(app, scene):
    agent, supplier, ticket = scene
    run_jobs()
    sink = Sink()
    with serving(sink) as port:
        before = app.config["MAIL_URL"]
        app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
        try:
            ask(ticket, supplier, agent)
        finally:
            app.config["MAIL_URL"] = before
    sent = sink.parsed()[0]
    assert sink.recipients == ["jo@maker.test"]
    db.session.commit()  # nobody else can write while this test reads

    with receiving(app) as port, smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        answer = EmailMessage()
        answer["From"], answer["To"], answer["Subject"] = "jo@maker.test", sent["Reply-To"], f"Re: {sent['Subject']}"
        answer["Message-ID"], answer["In-Reply-To"] = "<real-1@maker.test>", sent["Message-ID"]
        answer.set_content(f"{ANSWER}\n\n> {SECRET}\n")
        client.send_message(answer)
    run_jobs()

    db.session.expire_all()
    last = db.session.get_one(Ticket, ticket.id).messages[-1]
    assert (last.kind, last.text, last.trusted) == (MessageKind.SUPPLIER, ANSWER, True)


def _whole(mail: Delivery) -> str:
    read = parsing.read(mail.raw)
    return "\n".join((read.subject, parsing.plain_text(read), read.html or "", mail.raw.decode("utf-8", "replace")))


class receiving:
    """The port of the desk's own receiver, in a thread of its own."""

    def __init__(self, app) -> None:
        self.app, self.loop, self.ready, self.port = app, asyncio.new_event_loop(), threads.Event(), 0

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(receiver.listen(self.app, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        server.close()
        self.loop.run_until_complete(server.wait_closed())

    def __enter__(self) -> int:
        self.thread = threads.Thread(target=self._serve)
        self.thread.start()
        self.ready.wait(10)
        return self.port

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
