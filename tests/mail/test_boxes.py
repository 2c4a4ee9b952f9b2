"""Several mailboxes: what comes to one is its department's, is answered from it by its own server, and stays apart from the others."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock, sealing
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail import boxes, boxrules, hooks, incoming, transport
from app.mail.boxes import Health, Mailbox, Security, SignIn
from app.mail.boxrules import Typed
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import (  # fmt: skip
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_ticket,
    acting,
    an_admin,
    run_jobs,
    setting,
)
from tests.mail.smtp import Sink, serving
from tests.security.receiving import listening


def a_box(name: str = "Billing", address: str = "billing@desk.test", **given: Any) -> Mailbox:
    box = Mailbox(name=name, **{"sign_in": SignIn.PASSWORD, "poll_seconds": 60, "folder": "INBOX", "after": "keep", **given})  # fmt: skip
    box.after = boxes.After(box.after)
    boxrules.keep(box, Typed(address))
    db.session.add(box)
    db.session.commit()
    return box


def raw(to: str, number: int = 1, sender: str = "ada@customer.test", **more: str) -> bytes:
    head = {"From": f"Ada <{sender}>", "To": to, "Subject": f"Fire {number}", "Message-ID": f"<fire-{number}@customer.test>", **more}  # fmt: skip
    return (
        "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items()) + "\r\nHelp!\r\n"
    ).encode()


def came(content: bytes, **given: Any) -> Ticket:
    row_id = incoming.store(content, "smtp", **given).id
    run_jobs()
    row = db.session.get_one(RawMail, row_id, populate_existing=True)
    assert row.state is RawState.DELIVERED, row.verdict
    return db.session.get_one(Ticket, row.ticket_id)


def answered(ticket: Ticket, text: str = "We look into it.") -> Delivery:
    ticket.reply(Words(text), by=acting(an_admin()))
    db.session.commit()
    run_jobs()
    return db.session.scalars(select(Delivery).where(Delivery.kind == "staff_replied", Delivery.ticket_id == ticket.id).order_by(Delivery.id.desc())).first()  # fmt: skip


@pytest.fixture
def sink(app) -> Iterator[tuple[Sink, int]]:
    sink = Sink()
    with serving(sink) as port:
        yield sink, port


def test_a_mail_opens_a_ticket_where_its_mailbox_says(app):
    department, category, priority = a_department("Money"), a_category("Invoices"), a_priority(1)
    box = a_box(department=department, category=category, priority=priority, aliases="invoices@desk.test")

    by_name, by_alias = came(raw("Billing <BILLING@desk.test>")), came(raw("invoices+x@desk.test", 2))
    other = came(raw("support@deskhand.example", 3))

    for ticket in (by_name, by_alias):
        assert (ticket.mailbox_id, ticket.department, ticket.category, ticket.priority) == (box.id, department, category, priority)  # fmt: skip
    assert other.mailbox_id is None and other.department != department


def test_its_tickets_are_answered_from_it_by_its_own_server_with_its_signature(app, sink):
    server, port = sink
    box = a_box(sender_name="Desk Billing", signature="Your money people\nRoom 7", smtp_host="127.0.0.1", smtp_port=port, smtp_security=Security.PLAIN)  # fmt: skip
    theirs = answered(came(raw("billing@desk.test")))
    ours = answered(came(raw("support@deskhand.example", 2, sender="bob@customer.test")))

    assert (theirs.state, ours.state) == (DeliveryState.SENT, DeliveryState.CAPTURED)
    assert "support@deskhand.example" not in b"".join(server.mails).decode()
    mail = server.parsed()[-1]
    assert mail["From"].addresses[0].addr_spec == "billing@desk.test"
    assert "Desk Billing" in mail["From"].addresses[0].display_name
    assert mail["Reply-To"].addresses[0].addr_spec.startswith("billing+")
    assert mail["Message-ID"].endswith("@desk.test>")
    assert all(sender.startswith("billing+") and sender.endswith("@desk.test") for sender in server.senders)
    assert all("Your money people" in part.get_content() and "Room 7" in part.get_content() for part in mail.iter_parts())  # fmt: skip
    assert b"From: Deskhand <support@deskhand.example>" in ours.raw or b"support@deskhand.example" in ours.raw
    assert b"Your money people" not in ours.raw
    assert box.signature not in theirs.ticket.messages[-1].text


def test_an_answer_to_it_comes_back_to_the_ticket(app):
    a_box()
    ticket = came(raw("billing@desk.test"))
    sent = answered(ticket)
    reply_to = message_from_bytes(sent.raw, policy=policy.default)["Reply-To"].addresses[0].addr_spec

    assert came(raw(reply_to, 2), recipient=reply_to) == ticket


def test_a_department_can_be_answered_from_its_mailbox_whatever_way_the_ticket_came(app):
    department = a_department("Money")
    box = a_box(department=department, for_department=True)

    assert boxes.in_force().answering(None, department.id).id == box.id
    assert b"billing@desk.test" in answered(a_ticket(department=department)).raw
    assert boxes.in_force().answering(None, a_department().id).main


def test_a_foreign_message_id_counts_in_its_own_mailbox_alone(app):
    a_box()
    first = came(raw("support@deskhand.example"))
    stranger = came(raw("billing@desk.test", 2, In_Reply_To="<fire-1@customer.test>"))
    same = came(raw("support@deskhand.example", 3, In_Reply_To="<fire-1@customer.test>"))

    assert stranger != first and stranger.mailbox_id is not None
    assert same == first
    assert came(raw("billing@desk.test", 4, References="<fire-2@customer.test>")) == stranger


def test_the_desks_address_of_today_is_its_main_mailbox_and_stays_a_setting(app):
    main = db.session.scalars(select(Mailbox).where(Mailbox.main.is_(True))).one()
    setting(mail_from="help@elsewhere.test")

    assert main.at == boxes.in_force().main.address == "help@elsewhere.test"
    boxrules.keep(main, Typed("desk@elsewhere.test"))
    db.session.commit()
    assert boxes.in_force().main.address == "desk@elsewhere.test"
    assert main.address is None
    with pytest.raises(HelpdeskError, match="main mailbox stays"):
        boxrules.remove(main)


def test_a_mailbox_that_is_switched_off_takes_nothing_and_is_stood_in_for(app):
    box = a_box()
    ticket = came(raw("billing@desk.test"))
    box.active = False
    db.session.commit()

    assert b"support+" in answered(ticket).raw
    db.session.commit()
    with listening(app) as port, smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.ehlo("x.test")
        line.mail("a@x.test")
        assert line.rcpt("billing@desk.test")[0] == 550


def test_the_receiver_takes_mail_for_every_mailbox_and_for_nobody_else(app):
    a_box(aliases="invoices@desk.test")
    with listening(app) as port, smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.ehlo("x.test")
        line.mail("ada@customer.test")
        codes = [line.rcpt(to)[0] for to in ("billing@desk.test", "Invoices+tag@desk.test", "support@deskhand.example", "nobody@desk.test")]  # fmt: skip
        assert codes == [250, 250, 250, 550]
        assert line.data(raw("billing@desk.test"))[0] == 250
        assert line.docmd("MAIL FROM:<a@x.test> SIZE=99999999")[0] == 552

    run_jobs()
    assert len(db.session.scalars(select(Ticket)).all()) == 1


def test_lmtp_answers_once_for_each_recipient(app):
    a_box()
    with listening(app, lmtp=True) as port, smtplib.LMTP("127.0.0.1", port) as line:
        line.ehlo("mx.test")
        line.mail("ada@customer.test")
        assert [line.rcpt(to)[0] for to in ("billing@desk.test", "support@deskhand.example", "no@desk.test")] == [250, 250, 550]  # fmt: skip
        assert [line.data(raw("billing@desk.test"))[0], line.getreply()[0]] == [250, 250]
        assert line.noop()[0] == 250

    run_jobs()
    assert [ticket.subject for ticket in db.session.scalars(select(Ticket))] == ["Fire 1"]


@pytest.mark.parametrize(
    "given, address, field",
    [
        ({}, "no address", "own_address"),
        ({}, "support@deskhand.example", "own_address"),
        ({}, "a+b@desk.test", "own_address"),
        ({"aliases": "x@desk.test nonsense"}, "b@desk.test", "aliases"),
        ({"imap_host": "imap.test", "user": ""}, "b@desk.test", "user"),
        ({"user": "b"}, "b@desk.test", "password"),
        ({"imap_host": "imap test", "user": "b"}, "b@desk.test", "imap_host"),
        ({"after": "move"}, "b@desk.test", "after_folder"),
        ({"poll_seconds": 1}, "b@desk.test", "poll_seconds"),
        ({"smtp_port": 70000}, "b@desk.test", "smtp_port"),
        ({"for_department": True}, "b@desk.test", "for_department"),
        ({"sign_in": SignIn.OAUTH2}, "b@desk.test", "client_id"),
        ({"sign_in": SignIn.OAUTH2, "client_id": "x", "token_url": "http://evil.test/"}, "b@desk.test", "token_url"),
    ],
)
def test_what_cannot_work_is_said_beside_its_field(app, given, address, field):
    with pytest.raises(Invalid) as refusal:
        a_box(address=address, **given)

    assert field in refusal.value.fields


def test_a_password_travels_over_no_open_line_in_production(app, monkeypatch):
    monkeypatch.setitem(app.config, "PRODUCTION", True)

    with pytest.raises(Invalid) as refusal:
        a_box(imap_host="imap.test", imap_security=Security.PLAIN, user="b", secret="x")
    assert "imap_security" in refusal.value.fields
    a_box(imap_host="127.0.0.1", imap_security=Security.PLAIN, user="b", secret="x")


def test_secrets_are_sealed_and_opened_by_the_key_alone(app):
    box = Mailbox(name="B", poll_seconds=60, folder="INBOX", sign_in=SignIn.PASSWORD, user="b", after=boxes.After.KEEP)
    boxrules.keep(box, Typed("b@desk.test", password="canary"))

    assert "canary" not in box.secret
    assert sealing.opened("mailbox", box.secret) == "canary"
    assert sealing.opened("another purpose", box.secret) is None


def test_a_server_that_hangs_is_waited_for_once_and_the_others_get_their_mail(app, sink, monkeypatch):
    _server, port = sink
    hanging = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr("app.mail.line.TIMEOUT_SECONDS", 0.3)
    a_box("Hangs", "hangs@desk.test", smtp_host="127.0.0.1", smtp_port=hanging.getsockname()[1], smtp_security=Security.PLAIN)  # fmt: skip
    a_box(smtp_host="127.0.0.1", smtp_port=port, smtp_security=Security.PLAIN)
    tickets = [came(raw("hangs@desk.test")), came(raw("billing@desk.test", 2))]
    with hanging:
        states = [answered(ticket).state for ticket in tickets]

    assert states == [DeliveryState.QUEUED, DeliveryState.SENT]


def test_how_a_mailbox_is_doing(app):
    box = a_box()
    assert box.health is Health.RECEIVES
    box.imap_host = "imap.test"
    assert box.health is Health.WAITING
    box.reached_at = box.due_at = clock.now()
    assert box.health is Health.FINE
    box.failures, box.error = 1, "no route"
    assert box.health is Health.FINE
    box.failures = 3
    assert box.health is Health.TROUBLE
    box.failures, box.error = 0, None
    with time_machine.travel(clock.now() + dt.timedelta(minutes=11)):
        assert box.health is Health.FORGOTTEN
    box.paused = True
    assert box.health is Health.PAUSED


def test_trouble_with_a_mailbox_degrades_the_desk_and_does_not_take_it_down(client, app):
    from app.desk import checks

    box = a_box(imap_host="imap.test", user="b", secret="x")
    assert [check.degraded for check in checks.measure() if check.name == "mailboxes"] == [False]
    box.failures, box.error = 3, "NO you are not welcome"
    db.session.commit()

    found = next(check for check in checks.measure() if check.name == "mailboxes")
    assert found.ok and found.degraded and "NO you are not welcome" in found.told
    assert "mailboxes" in client.get("/readyz").json["degraded"]


def a_hook(client: Any, box: Mailbox, secret: str, content: bytes, at: dt.datetime | None = None, **wrong: str) -> Any:
    stamp = str(int((at or clock.now()).timestamp()))
    signed = {"X-Deskhand-Timestamp": stamp, "X-Deskhand-Signature": "sha256=" + hooks.signature_of(secret, stamp, content)}  # fmt: skip
    return client.post(f"/hooks/mail/{box.id}", data=content, headers=signed | wrong, content_type="message/rfc822")


def test_a_signed_mail_by_http_is_taken_once(client, app):
    box = a_box()
    secret = hooks.new_secret(box)
    db.session.commit()

    at = clock.now()
    first, second = (a_hook(client, box, secret, raw("somebody@else.test"), at=at) for _ in range(2))
    later = a_hook(client, box, secret, raw("somebody@else.test"), at=at + dt.timedelta(seconds=5))

    assert (first.status_code, second.status_code, later.status_code) == (202, 409, 202)
    assert later.json == {"state": "duplicate"}
    run_jobs()
    assert [ticket.mailbox_id for ticket in db.session.scalars(select(Ticket))] == [box.id]


@pytest.mark.parametrize(
    "wrong, minutes",
    [({}, -6), ({}, 6), ({"X-Deskhand-Signature": ""}, 0), ({"X-Deskhand-Signature": "ü"}, 0), ({"X-Deskhand-Timestamp": "soon"}, 0)],
    ids=["too old", "from the future", "unsigned", "no hex", "no instant"],
)  # fmt: skip
def test_whoever_cannot_sign_is_refused_and_nothing_is_kept(client, app, wrong, minutes):
    box = a_box()
    secret = hooks.new_secret(box)
    db.session.commit()

    at = clock.now() + dt.timedelta(minutes=minutes)
    assert a_hook(client, box, secret, raw("a@b.test"), at=at, **wrong).status_code == 401
    assert a_hook(client, box, secret + "x", raw("a@b.test")).status_code == 401
    assert db.session.scalars(select(RawMail)).all() == []


def test_a_mailbox_without_a_secret_takes_nothing_by_http(client, app):
    assert a_hook(client, a_box(), "no secret", raw("a@b.test")).status_code == 401


def test_a_mail_too_large_is_refused_by_http(client, app, monkeypatch):
    box = a_box()
    secret = hooks.new_secret(box)
    db.session.commit()
    monkeypatch.setattr(incoming, "MOST_BYTES", 10)

    assert a_hook(client, box, secret, raw("a@b.test")).status_code == 413
    assert db.session.scalars(select(RawMail)).all() == []


def test_the_pipe_keeps_a_mail_and_asks_to_try_again_when_it_cannot(app, monkeypatch):
    a_box()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["desk", "mail", "pipe"], input=raw("billing@desk.test")).exit_code == 0
    monkeypatch.setattr(incoming, "store", lambda *_given, **_more: (_ for _ in ()).throw(OSError("full")))

    refused = runner.invoke(args=["desk", "mail", "pipe"], input=raw("billing@desk.test", 2))

    assert refused.exit_code == 75
    run_jobs()
    assert [ticket.subject for ticket in db.session.scalars(select(Ticket))] == ["Fire 1"]


def test_a_mailbox_that_mail_came_by_is_not_deleted(app):
    box = a_box()
    came(raw("billing@desk.test"))

    with pytest.raises(HelpdeskError, match="Switch it off"):
        boxrules.remove(box)


def test_the_customer_of_no_mailbox_is_answered_by_the_desks_own(app):
    assert b"support+" in answered(a_ticket(requester=a_customer())).raw
    assert transport.deliver_due() == 0
