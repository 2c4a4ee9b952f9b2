"""Mail that comes in: which ticket, who may, never twice, never lost."""

import asyncio
import smtplib
import threading as threads
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.core.extensions import db
from app.mail import addresses, incoming, receiver
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import RawMail, RawState
from app.tickets.choices import State
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Channel, Message, MessageKind
from tests.factories import a_customer, a_ticket, an_agent, an_organization, run_jobs

DESK = "support@deskhand.example"


def a_mail(sender="ada@northwind.test", to=DESK, text="It is on fire.", subject="Help", **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = headers.pop("message_id", f"<{abs(hash((sender, to, text, subject)))}@northwind.test>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def delivered(raw, **more) -> RawMail:
    row = incoming.store(raw, "smtp", **more)
    run_jobs()
    return db.session.get_one(RawMail, row.id, populate_existing=True)


def reply_to(ticket, recipient=None):
    return addresses.reply_address(ticket.id, recipient or Recipient(RecipientKind.CUSTOMER, ticket.requester_id))


def test_a_fresh_mail_becomes_a_ticket_of_its_sender(app):
    row = delivered(a_mail(sender="Ada Sørensen <ada@northwind.test>", subject="Printer"))

    ticket = db.session.get_one(Ticket, row.ticket_id)
    assert row.state is RawState.DELIVERED
    assert (ticket.subject, ticket.requester.name, ticket.channel) == ("Printer", "Ada Sørensen", Channel.MAIL)
    assert ticket.messages[0].text == "It is on fire."


def test_the_same_message_twice_becomes_one_entry(app):
    raw = a_mail()
    delivered(raw)

    again = delivered(raw)

    assert again.state is RawState.DUPLICATE
    assert db.session.scalar(select(func.count(Ticket.id))) == 1


def test_a_reply_to_our_address_is_added_without_its_quotation_and_reopens(app):
    customer = a_customer(email="ada@northwind.test")
    ticket = a_ticket(requester=customer, state=State.CLOSED)
    text = "It burns again.\n\nOn Mon, 2 Nov 2026 at 10:00, Desk wrote:\n> Have you tried water?\n"

    row = delivered(a_mail(to=reply_to(ticket), text=text))

    message = db.session.get_one(Message, row.entry_id)
    assert message.ticket_id == ticket.id
    assert message.text == "It burns again."
    assert "Have you tried water?" in message.full_text
    assert db.session.get_one(Ticket, ticket.id).state is State.OPEN


def test_a_stranger_with_the_address_of_a_reply_is_kept_unverified(app):
    ticket = a_ticket(state=State.CLOSED)

    row = delivered(a_mail(sender="mallory@elsewhere.test", to=reply_to(ticket), text="Please send me everything"))

    message = db.session.get_one(Message, row.entry_id)
    assert message.ticket_id == ticket.id
    assert not message.trusted
    assert db.session.get_one(Ticket, ticket.id).state is State.CLOSED


def test_a_colleague_of_the_requester_takes_part(app):
    organization = an_organization()
    ticket = a_ticket(requester=a_customer(organization=organization))
    a_customer(email="bob@northwind.test", organization=organization)

    row = delivered(a_mail(sender="bob@northwind.test", to=reply_to(ticket)))

    assert db.session.get_one(Message, row.entry_id).trusted


@pytest.mark.parametrize(
    ("known", "same"), [(True, True), (False, False)], ids=["from the requester", "from a stranger"]
)
def test_a_number_in_the_subject_counts_only_from_somebody_who_takes_part(app, known, same):
    ticket = a_ticket(requester=a_customer(email="ada@northwind.test"))

    row = delivered(
        a_mail(sender="ada@northwind.test" if known else "eve@other.test", subject=f"Re: [{ticket.display}] Help")
    )

    assert (row.ticket_id == ticket.id) is same


def test_staff_answer_by_mail_only_through_the_address_made_for_them(app):
    agent = an_agent()
    ticket = a_ticket()
    address = reply_to(ticket, Recipient(RecipientKind.STAFF, agent.id))

    right = delivered(a_mail(sender=agent.email, to=address, text="Use water."))
    forged = delivered(a_mail(sender=agent.email, to=reply_to(ticket), text="Send your password."))
    stolen = delivered(a_mail(sender="mallory@elsewhere.test", to=address, text="Send your password."))

    assert db.session.get_one(Message, right.entry_id).staff_id == agent.id
    assert db.session.get_one(Message, forged.entry_id).staff_id is None
    assert not db.session.get_one(Message, forged.entry_id).trusted
    assert stolen.state is RawState.QUARANTINED


def test_an_absence_note_is_kept_as_a_note_and_changes_nothing(app):
    ticket = a_ticket(requester=a_customer(email="ada@northwind.test"), state=State.WAITING)

    row = delivered(a_mail(to=reply_to(ticket), text="I am away", Auto_Submitted="auto-replied"))

    assert db.session.get_one(Message, row.entry_id).kind is MessageKind.NOTE
    assert db.session.get_one(Ticket, ticket.id).state is State.WAITING


def test_a_mail_without_sender_is_quarantined_and_kept(app):
    row = delivered(b"Subject: nobody\r\n\r\nhello\r\n")

    assert row.state is RawState.QUARANTINED
    assert row.content == b"Subject: nobody\r\n\r\nhello\r\n"


def test_a_broken_mime_tree_still_becomes_a_ticket(app):
    raw = b"From: ada@northwind.test\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nhello"

    row = delivered(raw)

    assert db.session.get_one(Ticket, row.ticket_id).messages[0].text == "hello"


def test_our_own_mail_coming_back_is_ignored(app):
    assert delivered(a_mail(sender=DESK)).state is RawState.IGNORED


def test_others_in_copy_wait_for_an_agents_word(app):
    row = delivered(a_mail(Cc="carl@elsewhere.test"))

    parts = db.session.scalars(select(Participant).where(Participant.ticket_id == row.ticket_id)).all()
    assert [(part.email, part.approved) for part in parts] == [("carl@elsewhere.test", False)]


def test_an_existing_customers_name_stays(app):
    a_customer("Ada", email="ada@northwind.test")

    delivered(a_mail(sender="Somebody Else <ADA@northwind.test>"))

    assert db.session.scalars(select(Customer.name).where(Customer.email_key == "ada@northwind.test")).all() == ["Ada"]


def test_the_receiver_takes_mail_for_the_desk_alone(app):
    port: list[int] = []
    loop, ready = asyncio.new_event_loop(), threads.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(receiver.listen(app, "127.0.0.1", 0))
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())

    thread = threads.Thread(target=serve)
    thread.start()
    ready.wait(10)
    try:
        with smtplib.SMTP("127.0.0.1", port[0], timeout=20) as client:
            client.sendmail("ada@northwind.test", [DESK], a_mail(text="By SMTP"))
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("ada@northwind.test", ["somebody@elsewhere.test"], a_mail())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

    run_jobs()
    assert db.session.scalars(select(Message.text)).all() == ["By SMTP"]


def test_an_accepted_copy_and_the_requester_of_a_hidden_ticket_are_heard(app):
    ticket = a_ticket()
    db.session.add(Participant(ticket_id=ticket.id, role="cc", email="carl@elsewhere.test", approved=True))
    copied = delivered(a_mail(sender="Carl@elsewhere.test", to=reply_to(ticket), text="I agree"))
    ticket.hidden_from_client = True
    hidden = delivered(a_mail(sender=ticket.requester.email, to=reply_to(ticket), text="Any news?"))

    assert [db.session.get_one(Message, row.entry_id).trusted for row in (copied, hidden)] == [True, True]


def test_a_mail_of_ours_that_a_server_sent_back_is_ignored(app):
    ticket = a_ticket()
    sent = addresses.message_id_for(7)

    row = delivered(a_mail(sender=ticket.requester.email, to=reply_to(ticket), message_id=sent))

    assert row.state is RawState.IGNORED
    assert len(ticket.messages) == 1
