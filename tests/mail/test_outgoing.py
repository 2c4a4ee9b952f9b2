"""What a mail of the desk holds, and what is held back."""

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import time_machine
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import addresses, composing, outgoing, transport
from app.mail.addresses import RecipientKind
from app.mail.models import Delivery, DeliveryState, RawMail
from app.mail.quoting import visible
from app.notifications.models import Notice, Notification
from app.satisfaction import asking as ratings
from app.tickets import collecting, files, suppliers
from app.tickets.collecting import Wanted
from app.tickets.conversation import Then
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.tasks import NewTask
from app.tickets.tasks import create as create_task
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_supervisor, a_supplier, a_ticket, acting, an_agent, run_jobs, setting


def mails(kind: str, **criteria: object) -> list[Delivery]:
    db.session.commit()
    while transport.deliver_due():  # one run ends after seconds, wherever it is
        pass
    db.session.expire_all()
    return list(
        db.session.scalars(select(Delivery).where(Delivery.kind == kind).filter_by(**criteria).order_by(Delivery.id))
    )


def the_mail(kind: str, **criteria: object) -> EmailMessage:
    (delivery,) = mails(kind, **criteria)
    assert delivery.raw is not None, delivery.reason
    return message_from_bytes(delivery.raw, policy=policy.default)  # type: ignore[return-value]


def bodies(mail: EmailMessage) -> tuple[str, str]:
    plain, html = (mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    return plain, html


def a_reply(ticket: Ticket, text: str = "Have you tried water?", **words: object) -> None:
    ticket.reply(Words(text, via=Channel.STAFF, **words), by=acting(an_agent()))


def a_copy(ticket: Ticket, email: str, approved: bool = True) -> Participant:
    part = Participant(ticket_id=ticket.id, role=ParticipantRole.CC, email=email, approved=approved)
    db.session.add(part)
    db.session.flush()
    return part


def test_a_reply_comes_whole_with_the_thread_before_it_and_the_way_back(app):
    ticket = a_ticket("Fire", text="It burns.")
    ticket.reply(Words("Have you tried water?\n\nKind regards", via=Channel.STAFF), by=acting(an_agent(name="jonas")))

    mail = the_mail("staff_replied")
    text, html = bodies(mail)

    assert text.startswith("##- Please type your reply above this line -##\n")
    assert mail["Subject"] == f"[{ticket.display}] Fire"
    assert mail["From"].addresses[0].display_name == "Jonas Test (Deskhand)"
    assert mail["From"].addresses[0].addr_spec == "support@deskhand.example"
    for body in (text, html):
        assert "Have you tried water?" in body and "It burns." in body
        assert f"{app.config['PUBLIC_URL']}/portal/tickets/{ticket.number}" in body
    token = addresses.read_token(mail["Reply-To"].addresses[0].addr_spec)
    assert token == (ticket.id, RecipientKind.CUSTOMER, ticket.requester_id)
    assert "Auto-Submitted" not in mail


def test_an_answer_written_above_our_words_is_all_that_is_read_of_it(app):
    ticket = a_ticket(text="It burns.")
    a_reply(ticket)
    text, _html = bodies(the_mail("staff_replied"))
    quoted = "".join(f"> {line}\n" for line in text.splitlines())

    assert visible(f"No, what is water?\n\n{quoted}", "") == "No, what is water?"


def test_a_machines_mail_says_that_it_is_one(app):
    a_ticket()

    mail = the_mail("ticket_created")

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"]


def test_the_mails_of_one_ticket_stay_in_one_thread(app):
    ticket = a_ticket()
    ticket.messages[0].message_id = "first@customer.test"
    first = the_mail("ticket_created")
    a_reply(ticket)
    second = the_mail("staff_replied")

    assert first["In-Reply-To"] == "<first@customer.test>"
    assert second["References"].split() == ["<first@customer.test>", first["Message-ID"]]
    assert second["In-Reply-To"] == first["Message-ID"]
    assert addresses.read_message_id(second["Message-ID"]) is not None
    assert first["Subject"] == second["Subject"]


def test_references_keep_the_first_and_the_newest(app):
    ticket = a_ticket()
    for n in range(30):
        ticket.receive(
            Words(f"message {n}", via=Channel.MAIL, message_id=f"{n:02}.{'x' * 90}@customer.test"),
            by=CustomerActor.of(ticket.requester),
        )
    a_reply(ticket)

    ids = the_mail("staff_replied")["References"].split()

    assert len(ids) == composing.MOST_REFERENCES
    assert ids[-1] == f"<29.{'x' * 90}@customer.test>"


@pytest.mark.parametrize("subject", ["Hi\r\nBcc: victim@corp.test", "Hi\nBcc: victim@corp.test", "Hi\x0bBcc: victim@corp.test", "Hi\u2028Bcc: victim@corp.test"], ids=["crlf", "lf", "vertical tab", "line separator"])  # fmt: skip
def test_no_line_end_gets_into_a_header(app, subject):
    ticket = a_ticket()
    ticket.subject = subject
    ticket.requester.name = f"Eve\r\nBcc: victim@corp.test{subject}"
    a_reply(ticket)

    (delivery,) = mails("staff_replied")
    mail = message_from_bytes(delivery.raw, policy=policy.default)

    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == [ticket.requester.email]
    assert b"\nBcc" not in delivery.raw.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "name", ['"victim@corp.test"', "victim@corp.test, Eve", "Eve <victim@corp.test>", "Ève; victim@corp.test", "‮evil"]
)
def test_a_display_name_never_becomes_a_recipient(app, name):
    ticket = a_ticket(requester=a_customer("Eve", email="eve@other.test"))
    ticket.requester.name = name
    a_reply(ticket)

    mail = the_mail("staff_replied")

    assert [address.addr_spec for address in mail["To"].addresses] == ["eve@other.test"]


@pytest.mark.parametrize(
    "email", ["a@b.test, victim@corp.test", "a@b.test\r\nBcc: victim@corp.test", "a b@c.test", "<a@b.test>", "ä@b.test"]
)
def test_an_address_that_is_none_is_written_to_by_nobody(app, email):
    customer = a_customer("Eve", email=email)
    a_ticket(requester=customer)

    (delivery,) = mails("ticket_created")

    assert delivery.state in (DeliveryState.FAILED, DeliveryState.SUPPRESSED)
    assert delivery.reason


def test_a_notes_words_are_in_no_mail_at_all(app):
    agent, other = an_agent(), an_agent(name="mentioned")
    ticket = a_ticket(assignee=agent)
    a_copy(ticket, "colleague@customer.test")
    ticket.note(
        Words(
            "canary: he is a known arsonist @mentioned",
            attachments=(files.keep("canary.txt", b"canary", acting(agent)),),
        ),
        by=acting(agent),
    )
    ticket.receive(Words("Any news?"), by=CustomerActor.of(ticket.requester))
    ticket.reply(Words("Yes."), by=acting(other), then=Then.RESOLVE)
    run_jobs()

    sent = [(row.kind, row.raw) for row in db.session.scalars(select(Delivery))]

    assert {"staff_replied", "mention", "customer_replied", "ticket_created"} <= {kind for kind, _ in sent}
    assert not [kind for kind, raw in sent if b"canary" in raw or b"Y2FuYXJ5" in raw]


def test_a_note_asked_to_be_mailed_to_a_customer_is_held_back(app):
    ticket = a_ticket()
    note = ticket.note(Words("canary"), by=acting(an_agent()))

    delivery = outgoing.put_notice(
        "staff_replied", customer_id=ticket.requester_id, ticket_id=ticket.id, message_id=note.id
    )

    assert delivery.state is DeliveryState.SUPPRESSED


def test_whoever_is_mentioned_in_a_note_answers_its_writer_and_not_the_customer(app):
    writer, _mentioned = an_agent(), an_agent(name="mona")
    a_ticket().note(Words("@mona is he serious?"), by=acting(writer))

    mail = the_mail("mention")

    assert mail["Reply-To"].addresses[0].addr_spec == writer.email
    assert "support+" not in str(mail)


def test_everybody_in_copy_whom_an_agent_approved_gets_a_mail_of_their_own(app):
    ticket = a_ticket()
    a_copy(ticket, "colleague@customer.test")
    a_copy(ticket, "stranger@elsewhere.test", approved=False)
    a_copy(ticket, ticket.requester.email.upper())
    a_reply(ticket)

    sent = mails("staff_replied")

    assert [row.address for row in sent] == [ticket.requester.email.casefold(), "colleague@customer.test"]
    assert b"colleague" not in sent[0].raw and ticket.requester.email.encode() not in sent[1].raw


def test_an_address_nobody_proved_is_confirmed_to_without_a_word_of_its_sender(app):
    stranger = a_customer("Victor Victim", email="victim@corp.test", verified_at=None)
    ticket = a_ticket(
        "Cheap pills at evil.test", requester=stranger, text="Click evil.test/now", via=Channel.MAIL, proven=False
    )

    (delivery,) = mails("ticket_created")
    said = delivery.raw.decode() + "".join(bodies(the_mail("ticket_created")))

    for word in ("pills", "evil.test", "Victor", "Victim", "Click"):
        assert word not in said
    assert ticket.display in said
    assert f"{app.config['PUBLIC_URL']}/portal/prove/" in said


@pytest.mark.parametrize("kind", ["ticket_resolved", "ticket_closed", "waiting_reminder"])
def test_nor_does_any_later_automatic_mail_repeat_a_word_of_the_sender(app, kind):
    """Whoever resolves or closes the junk that came under a victim's address mails the victim none of it."""
    stranger = a_customer("Victor Victim", email="victim@corp.test", verified_at=None)
    ticket = a_ticket("Cheap pills at evil.test", requester=stranger, text="Click evil.test/now", via=Channel.FORM)
    outgoing.put_notice(kind, customer_id=stranger.id, ticket_id=ticket.id)

    said = the_mail(kind)["Subject"] + "".join(bodies(the_mail(kind)))

    for word in ("pills", "evil.test", "Victor", "Victim", "Click"):
        assert word not in said
    assert ticket.display in said


def test_what_staff_write_to_such_an_address_goes_whole(app):
    stranger = a_customer("Victor", email="victor@corp.test", verified_at=None)
    ticket = a_ticket("My invoice", requester=stranger, via=Channel.MAIL)
    a_reply(ticket)

    assert "My invoice" in the_mail("staff_replied")["Subject"]


def test_a_stranger_can_make_the_desk_write_to_one_address_twice_a_day(app):
    victim = a_customer("Victim", email="victim@corp.test", verified_at=None)
    for n in range(5):
        a_ticket(f"Round {n}", requester=victim, via=Channel.MAIL, proven=False)

    assert [row.state for row in mails("ticket_created")].count(DeliveryState.CAPTURED) == 2


def test_automatic_mail_to_one_address_ends_at_the_cap_and_answers_do_not(app):
    setting(mail_cap_an_hour=3)
    customer = a_customer()
    tickets = [a_ticket(requester=customer) for _ in range(5)]
    a_reply(tickets[0])
    captured = [row.state for row in mails("ticket_created")].count(DeliveryState.CAPTURED)

    assert captured == 3
    assert mails("staff_replied")[0].state is DeliveryState.CAPTURED
    with time_machine.travel(clock.now() + dt.timedelta(minutes=61)):
        assert (
            outgoing.put_notice("ticket_created", customer_id=customer.id, ticket_id=tickets[4].id).state
            is DeliveryState.QUEUED
        )


def test_a_flood_of_tickets_keeps_nobody_from_signing_in(app):
    setting(mail_cap_an_hour=1)
    customer = a_customer()
    a_ticket(requester=customer), a_ticket(requester=customer)

    link = outgoing.put_notice("sign_in_link", customer_id=customer.id, values={"link": "http://desk.test/x"})

    assert link.state is DeliveryState.QUEUED


def test_what_a_machine_wrote_is_not_answered_by_a_machine(app):
    ticket = a_ticket(via=Channel.MAIL)
    db.session.add(RawMail(via="smtp", sha256="0" * 64, content=b"x", entry_id=ticket.messages[0].id, automatic=True))

    (delivery,) = mails("ticket_created")

    assert delivery.state is DeliveryState.SUPPRESSED
    assert "machine" in delivery.reason


def test_a_hidden_ticket_is_told_to_no_customer(app):
    ticket = a_ticket()
    a_copy(ticket, "colleague@customer.test")
    ticket.hidden_from_client = True
    a_reply(ticket)

    assert {row.state for row in mails("staff_replied")} == {DeliveryState.SUPPRESSED}


def test_a_ticket_hidden_before_the_mail_left_is_told_to_no_customer(app):
    ticket = a_ticket()
    a_reply(ticket)
    ticket.hidden_from_client = True

    assert {row.state for row in mails("staff_replied")} == {DeliveryState.SUPPRESSED}


def test_nothing_is_mailed_to_the_desk_itself_or_to_a_mailbox_that_is_gone(app):
    a_ticket(requester=a_customer("Loop", email="Support+abc@deskhand.example"))
    a_ticket(requester=a_customer("Gone", address_works=False))
    a_ticket(requester=a_customer("Daemon", email="MAILER-DAEMON@elsewhere.test"))

    assert {row.state for row in mails("ticket_created")} == {DeliveryState.SUPPRESSED}


def test_small_files_travel_along_and_large_ones_are_a_link(app):
    setting(max_attachment_mb=20)
    agent, ticket = acting(an_agent()), a_ticket()
    kept = tuple(
        files.keep(name, content, agent)
        for name, content in (
            ("small.txt", b"hello"),
            ("large.bin", b"x" * (10 * 1024 * 1024 + 1)),
            ("ünïcode.pdf", b"%PDF-1.4 x"),
        )
    )
    a_reply(ticket, attachments=kept)

    mail = the_mail("staff_replied")
    text, _html = bodies(mail)

    assert {part.get_filename(): part.get_content_type() for part in mail.iter_attachments()} == {
        "small.txt": "text/plain",
        "ünïcode.pdf": "application/pdf",
    }
    assert "large.bin (10.0 MB)" in text


def test_many_mails_of_one_deed_wake_the_worker_once(app):
    ticket = a_ticket()
    for n in range(5):
        a_copy(ticket, f"colleague{n}@customer.test")
    a_reply(ticket)
    db.session.commit()

    assert db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.job == "mail.send_due")) == 1
    a_reply(a_ticket())
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.job == "mail.send_due")) == 2


@pytest.mark.parametrize("kind", sorted(outgoing.KINDS))
def test_every_kind_has_its_text_and_its_html(app, kind):
    setting(satisfaction=True)
    agent, ticket = an_agent(), a_ticket("5 < 6 & “7”", text="Is 5 < 6 & 7?")
    message_id = ticket.messages[0].id
    to = (
        {"customer_id": ticket.requester_id}
        if kind
        in (
            "ticket_created",
            "staff_replied",
            "ticket_closed",
            "ticket_resolved",
            "waiting_reminder",
            "sign_in_link",
            "guest_proof",
            "documents_asked",
            "documents_reminder",
            "rating_asked",
        )
        else {"staff_id": agent.id}
    )
    if kind in outgoing.TO_SUPPLIERS:
        supplier = a_supplier()
        to = {"supplier_contact_id": supplier.contacts[0].id}
        message_id = suppliers.hear(ticket, supplier, Words("Is 5 < 6 & 7?", via=Channel.MAIL), "Jo").id
    boss = acting(a_supervisor())
    asked = collecting.ask(ticket, Words("Your passport, please."), [Wanted("Passport")], None, boss)
    task = create_task(NewTask("Look <b>closely</b>"), boss, ticket)
    notice = Notification(staff_id=agent.id, ticket_id=ticket.id, kind=Notice.ASSIGNED)
    db.session.add(notice)
    db.session.flush()
    if kind == "rating_asked":
        ticket.resolve(by=boss)
    db.session.query(Delivery).delete()
    outgoing.put_notice(
        kind,
        ticket_id=None if kind in ({*outgoing.SECRET, "test_mail"} - {"documents_asked", "documents_reminder", "rating_asked"}) else ticket.id,
        message_id=message_id,
        task_id=task.id if kind.startswith("task_") else None,
        values={
            "rating": str(ratings.make(ticket).id), "link": "http://desk.test/x?a=1&b=2", "who": "Eve <b>", "was": "Low", "now": "High", "request": str(asked.id), "lines": str(notice.id),
        },
        **to,
    )  # fmt: skip

    mail = the_mail(kind)
    text, html = bodies(mail)

    assert mail["Subject"]
    assert len(text) > 60
    assert "&lt;" not in text and "{{" not in text and "\n\n\n" not in text
    assert "<b>" not in html.replace("</b>", "") or "Eve &lt;b&gt;" in html
    assert html.lstrip().startswith("<!DOCTYPE html>") and html.rstrip().endswith("</html>")


def test_a_reply_that_also_resolves_is_one_mail(app):
    ticket = a_ticket()
    ticket.reply(Words("Solved."), by=acting(an_agent()), then=Then.RESOLVE)

    text, _html = bodies(the_mail("staff_replied"))

    assert "We think this is solved" in text
    assert mails("ticket_resolved") == []


def test_the_customers_own_name_is_used_only_when_it_is_known_to_be_theirs(app):
    known = a_ticket(requester=a_customer("Ada Known"))
    assert "Hello Ada Known," in bodies(the_mail("ticket_created", ticket_id=known.id))[0]


def test_html_of_a_reply_is_sent_as_it_was_cleaned_with_addresses_that_lead_somewhere(app):
    ticket = a_ticket()
    a_reply(ticket, "See the page", html='<p>See <a href="/help/water">the <b>page</b></a></p>')

    _text, html = bodies(the_mail("staff_replied"))

    assert f'<a href="{app.config["PUBLIC_URL"]}/help/water">the <b>page</b></a>' in html


def test_a_customer_deleted_meanwhile_stops_nothing(app):
    customer = a_customer()
    delivery = outgoing.put_notice("sign_in_link", customer_id=customer.id, values={"link": "http://desk.test/x"})
    db.session.delete(db.session.get(Customer, customer.id))
    db.session.commit()

    assert [row.state for row in mails("sign_in_link")] == [DeliveryState.SUPPRESSED]
    assert delivery.customer_id is None
