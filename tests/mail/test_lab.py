"""The mail lab: mails found and read, answered as anyone, tried without a trace, and a mail server that fails."""

from __future__ import annotations

import base64
import io
import json
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.core import storage
from app.core.audit import Audit
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.model import Base
from app.mail import addresses, incoming, letterbox, mailbox, parsing, played, rehearsing
from app.mail.addresses import Recipient, RecipientKind
from app.mail.boxes import Mailbox
from app.mail.letterbox import Letter
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.notifications import wishes
from app.notifications.models import Notice
from app.tickets.models import Ticket
from app.tickets.thread import MessageKind
from tests.factories import a_customer, a_ticket, an_admin, an_agent, run_jobs, sign_in
from tests.mail.smtp import Sink, serving

DESK = "support@deskhand.example"
LAB = "/admin/mail-lab"


def a_mail(
    text: str = "It is on fire.", sender: str = "Ada <ada@northwind.test>", to: str = DESK, **headers: str
) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = headers.pop("subject", "Help")
    mail["Message-ID"] = headers.pop("message_id", f"<{abs(hash((sender, to, text)))}@northwind.test>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def a_sent_mail(**given: Any) -> Delivery:
    """The confirmation of a customer's ticket, in the built-in mailbox."""
    ticket = a_ticket(**given)
    run_jobs()
    wanted = select(Delivery).where(Delivery.ticket_id == ticket.id, Delivery.kind == "ticket_created")
    return db.session.scalars(wanted).one()


def a_colleague_who_wants_mail() -> User:
    """Of every new ticket."""
    agent = an_agent()
    wishes.set_defaults(wishes.DESK, {Notice.TICKET_CREATED: wishes.Wanted(app=True, mail=True)}, "admin")
    db.session.commit()
    return agent


def token_of(ticket: Ticket) -> str:
    return addresses.reply_address(ticket.id, Recipient(RecipientKind.CUSTOMER, ticket.requester_id))


def rows() -> dict[str, list[str]]:
    """Every row of every table."""
    db.session.rollback()
    found = {table.name: sorted(map(repr, db.session.execute(select(table)))) for table in Base.metadata.sorted_tables}
    db.session.rollback()
    return found


def files() -> int:
    return sum(1 for handful in storage.store().list() for _file in handful)


# what-if


def test_the_what_if_says_what_the_delivery_then_does(app: Flask) -> None:
    a_customer("Bob")
    ticket = a_ticket()
    db.session.commit()
    raw = a_mail("Still on fire.\n\n-- \nAda\n\n> Please wait.", f"Ada <{ticket.requester.email}>", token_of(ticket))

    found = rehearsing.rehearse(raw)
    row = mailbox.take(raw)

    assert (found.outcome.state, found.outcome.verdict) == (row.state, row.verdict)
    assert found.outcome.ticket_number == ticket.number and not found.outcome.new
    assert found.visible.startswith("Still on fire.") and "Please wait." not in found.visible


@pytest.mark.parametrize(
    "raw",
    [
        a_mail("A new one", cc="boss@northwind.test"),
        a_mail("I am away", Auto_Submitted="auto-replied"),
        a_mail("", sender="", message_id=""),
        b"",
        b"\xff\xfe\x00 nothing like a mail",
        b"From: a@b.test\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n<b>hi</b><script>alert(1)</script>\n--x\nContent-Disposition: attachment; filename=a.txt\n\nfile\n--x--\n",
    ],
    ids=["a fresh mail with a copy", "an absence note", "nobody's", "nothing", "noise", "with HTML and a file"],
)
def test_the_what_if_leaves_no_trace(app: Flask, raw: bytes) -> None:
    an_agent()
    db.session.commit()
    before, kept = rows(), files()

    assert rehearsing.rehearse(raw).outcome.verdict

    assert rows() == before and files() == kept
    assert run_jobs() == 0


def test_the_what_if_shows_the_mails_that_would_leave_and_why_others_would_not(app: Flask) -> None:
    agent = a_colleague_who_wants_mail()

    found = rehearsing.rehearse(a_mail("Printer is on fire", subject="Printer"))

    kinds = {letter.kind: letter for letter in found.outcome.letters}
    assert kinds["ticket_created"].address == "ada@northwind.test" and not kinds["ticket_created"].held_back
    assert "#" in kinds["ticket_created"].subject and kinds["ticket_created"].text.strip()
    assert kinds["new_ticket"].address == agent.email, "the team's mails are written by a job of the delivery"
    held = rehearsing.rehearse(a_mail("Away", Auto_Submitted="auto-replied"))
    assert [letter.held_back for letter in held.outcome.letters if letter.kind == "ticket_created"] != [""]


def test_the_what_if_says_by_which_rule(app: Flask) -> None:
    ticket = a_ticket()
    db.session.commit()
    theirs = f"Ada <{ticket.requester.email}>"

    by_token = rehearsing.rehearse(a_mail("One", theirs, token_of(ticket)))
    by_number = rehearsing.rehearse(a_mail("Two", theirs, subject=f"Re: [{ticket.display}] Help"))
    by_nothing = rehearsing.rehearse(a_mail("Three", "Eve <eve@other.test>", subject=f"Re: [{ticket.display}] Help"))
    forged = rehearsing.rehearse(a_mail("Four", theirs, token_of(ticket).replace("+", "+a")))

    assert [one.fits for one in by_token.reasons if one.about == "ticket"] == [True]
    assert [one.fits for one in by_number.reasons if one.about == "ticket"] == [False, False, False, True]
    assert "takes no part" in [one.why for one in by_nothing.reasons if one.about == "ticket"][-1]
    assert "did not make it" in next(one.why for one in forged.reasons)
    assert by_nothing.outcome.new and forged.outcome.new


def test_a_stranger_at_somebodys_reply_address_would_be_kept_as_unverified(app: Flask) -> None:
    ticket = a_ticket()
    db.session.commit()

    found = rehearsing.rehearse(a_mail("Let me in", "Eve <eve@other.test>", token_of(ticket)))

    assert not found.outcome.trusted
    assert [one.fits for one in found.reasons if one.about == "sender"][-1] is False


def test_a_message_that_came_before_is_said_to_be_dropped(app: Flask) -> None:
    raw = a_mail()
    mailbox.take(raw)

    found = rehearsing.rehearse(raw)

    assert found.came_before and found.outcome.new
    assert mailbox.take(raw).state is RawState.DUPLICATE
    assert mailbox.take(mailbox.as_new(raw)).state is RawState.DELIVERED


def test_nothing_commits_inside_a_rehearsal(app: Flask) -> None:
    with pytest.raises(AssertionError), rehearsing.taken_back():
        a_customer("Nobody")
        db.session.commit()
    assert db.session.scalar(select(func.count(Customer.id))) == 0


def test_what_is_hidden_is_told_apart() -> None:
    from app.mail import quoting

    text = "It works now, thanks.\n\n-- \nAda Sørensen\nNorthwind\n\nOn Monday, support@desk.test wrote:\n> Does it work?\n"

    hidden = quoting.hidden(text, "")

    assert "Does it work?" in hidden.history and "It works" not in hidden.history
    both = quoting.hidden("It works now.\n\n-- \nAda Sørensen\nNorthwind\n", "")
    assert "Ada Sørensen" in both.signature and not both.history


# playing others


def test_an_answer_carries_copies_files_and_html(app: Flask) -> None:
    mail = a_sent_mail()
    letter = Letter(
        "",
        text="Look",
        html="<p>Look <b>here</b></p>",
        cc="boss@northwind.test",
        files=(("log.txt", "text/plain", b"lines"),),
    )

    row = mailbox.take(letterbox.composed(letterbox.answer_to(mail, letter), mail))

    ticket = db.session.get_one(Ticket, mail.ticket_id)
    entry = ticket.messages[-1]
    assert row.state is RawState.DELIVERED and row.ticket_id == ticket.id
    assert entry.text == "Look" and entry.html is not None and "<b>here</b>" in entry.html and "gmail" not in entry.html
    assert [(file.name, storage.load(file.storage_key)) for file in entry.attachments] == [("log.txt", b"lines")]
    assert parsing.read(mailbox.kept(row)).cc[0].address == "boss@northwind.test"


def test_one_mail_can_be_answered_as_somebody_else(app: Flask) -> None:
    mail = a_sent_mail()

    row = mailbox.take(
        letterbox.composed(letterbox.answer_to(mail, Letter("eve@other.test", "Eve", text="Me too")), mail)
    )

    entry = db.session.get_one(Ticket, row.ticket_id).messages[-1]
    assert not entry.trusted and entry.customer is not None and entry.customer.email == "eve@other.test"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"sender": "nobody"}, "sender"),
        ({"sender": "a@b.test\r\nBcc: c@d.test"}, "sender"),
        ({"to": "nobody"}, "to"),
        ({"cc": "<b>@<i>"}, "cc"),
        ({"cc": ", ".join(f"p{n}@mail.test" for n in range(21))}, "cc"),
        ({"text": " "}, "text"),
        ({"text": "x" * 200_001}, "text"),
        ({"html": "x" * 1_000_001}, "html"),
        ({"files": (("a", "a/b", b"x"),) * 21}, "files"),
    ],
)
def test_a_letter_that_cannot_be_sent_says_which_field(app: Flask, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        letterbox.composed(Letter(**{"sender": "ada@northwind.test", "text": "Words", **given}))
    assert set(refusal.value.fields) == {field}


def test_an_absence_note_is_kept_as_a_note_and_not_answered(app: Flask) -> None:
    mail = a_sent_mail()

    row = mailbox.take(letterbox.away(mail))
    run_jobs()

    ticket = db.session.get_one(Ticket, mail.ticket_id)
    assert row.automatic and ticket.messages[-1].kind is MessageKind.NOTE
    assert db.session.scalar(select(func.count(Delivery.id)).where(Delivery.id > mail.id, Delivery.state == DeliveryState.CAPTURED, Delivery.customer_id == ticket.requester_id)) == 0  # fmt: skip


@pytest.mark.parametrize("gone", [True, False], ids=["no such mailbox", "full"])
def test_a_bounce_is_noted_at_its_mail_and_switches_off_only_what_is_gone(app: Flask, gone: bool) -> None:
    mail = a_sent_mail()

    row = mailbox.take(letterbox.bounced(mail, gone))

    db.session.expire_all()
    assert row.state is RawState.DELIVERED and mail.bounced_at is not None and mail.state is DeliveryState.FAILED
    assert db.session.get_one(Ticket, mail.ticket_id).requester.address_works is not gone


# the pages


@pytest.fixture
def lab(client: FlaskClient) -> FlaskClient:
    sign_in(client, an_admin())
    return client


def test_mails_are_found_by_address_subject_and_ticket(lab: FlaskClient) -> None:
    mail = a_sent_mail(subject="Blue smoke")
    other = a_sent_mail(subject="Green slime")
    ticket = db.session.get_one(Ticket, mail.ticket_id)
    mine, foreign = f"{LAB}/{mail.id}", f"{LAB}/{other.id}"

    for words in (mail.address, ticket.display, f"{ticket.number}", "lue smok"):
        page = lab.get(f"{LAB}/", query_string={"q": words}).text
        assert f'href="{mine}?' in page and f'href="{foreign}?' not in page, words
    assert "Nothing was sent yet." in lab.get(f"{LAB}/?q=%25").text, "no letter stands for others"
    assert lab.get(f"{LAB}/?before={'9' * 30}").status_code == 200


def test_what_came_in_is_read_as_it_travelled(lab: FlaskClient) -> None:
    row = mailbox.take(a_mail("It is on fire.", subject="<b>bold</b>"))

    listed, page = lab.get(f"{LAB}/in/").text, lab.get(f"{LAB}/in/{row.id}?as=raw").text
    file = lab.get(f"{LAB}/in/{row.id}/download")

    assert "&lt;b&gt;bold" in listed and "<b>bold" not in listed + page
    assert "It is on fire." in page and "Message-ID:" in page
    assert file.data == mailbox.kept(row) and file.headers["Content-Disposition"].startswith("attachment")


def test_a_message_that_holds_its_reader_up_does_not_hold_up_the_page(
    lab: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = incoming.store(a_mail("It burns on and on.\n" * 500_000), "smtp")
    db.session.commit()
    monkeypatch.setitem(lab.application.config, "MAIL_READING_SECONDS", 0.02)

    for address in (f"{LAB}/in/{row.id}", f"{LAB}/in/{row.id}/html"):
        assert "Reading it took too long" in lab.get(address).text


def test_hostile_html_stands_in_a_frame_that_may_do_nothing(lab: FlaskClient) -> None:
    raw = b"From: x@y.test\nSubject: s\nContent-Type: text/html\n\n<script>parent.x=1</script><img src=http://track.test/p.png><form action=http://y.test>"
    row = mailbox.take(raw)

    frame, page = lab.get(f"{LAB}/in/{row.id}/html"), lab.get(f"{LAB}/in/{row.id}").text

    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and policy.endswith("sandbox") and "http" not in policy
    assert re.search(r"<iframe[^>]* sandbox ", page) and "<script>parent" not in page and "track.test" not in page


def test_a_file_is_looked_at_then_delivered(lab: FlaskClient) -> None:
    raw = a_mail("Look first", subject="First look")

    looked = lab.post(f"{LAB}/what-if", data={"eml": (io.BytesIO(raw), "a.eml"), "then": "look"})
    assert looked.status_code == 200 and db.session.scalar(select(func.count(RawMail.id))) == 0
    kept = re.search(r'name="kept" value="([^"]+)"', looked.text)
    assert kept and base64.b64decode(kept[1]) == raw
    taken = lab.post(f"{LAB}/deliver", data={"kept": kept[1]})

    assert taken.status_code == 302 and "/admin/tickets/" in taken.location
    assert db.session.scalars(select(Ticket.subject)).one() == "First look"
    note = db.session.scalars(select(Audit).where(Audit.what == "lab_delivered")).one()
    assert note.object_kind == "raw_mail" and "First look" not in repr(note.changed)


def test_a_pasted_message_is_what_if_too_and_stands_there_again(lab: FlaskClient) -> None:
    page = lab.post(f"{LAB}/what-if", data={"pasted": a_mail("Pasted words").decode(), "then": "look"}).text
    assert "It was carried out and taken back" in page and page.count("Pasted words") >= 2
    assert lab.post(f"{LAB}/what-if", data={"then": "look"}).status_code == 422
    assert lab.post(f"{LAB}/deliver", data={"kept": "no base64 at all"}).status_code == 422


def test_what_was_typed_stays_when_a_field_is_wrong(lab: FlaskClient) -> None:
    mail = a_sent_mail()

    page = lab.post(f"{LAB}/{mail.id}/answer", data={"sender": "nobody", "text": "My long answer", "cc": "x@y.test"})

    assert page.status_code == 422 and "My long answer" in page.text and "x@y.test" in page.text
    assert f'href="{LAB}/{mail.id}?as=raw"' in page.text, "the ways to look lead back to the mail"
    assert "Please type an email address." in page.text


def test_a_message_that_was_kept_is_replayed(lab: FlaskClient) -> None:
    row = mailbox.take(a_mail("Once"))

    page = lab.post(f"{LAB}/in/{row.id}/what-if", data={"then": "look"})
    again = lab.post(f"{LAB}/in/{row.id}/what-if", data={"then": "deliver"})

    assert "This message came before" in page.text
    assert again.status_code == 302 and db.session.scalar(select(func.count(Ticket.id))) == 2


def test_agents_and_supervisors_have_no_lab(client: FlaskClient) -> None:
    mail = a_sent_mail()
    sign_in(client, an_agent())
    asked = [client.get(f"{LAB}/in/"), client.post(f"{LAB}/server", data={"play": "hangs"}), client.post(f"{LAB}/{mail.id}/returns", data={"kind": "gone"})]  # fmt: skip
    assert {answer.status_code for answer in asked} <= {302, 403}
    assert played.present() is None and mail.bounced_at is None


# a desk with a mail server


def test_where_mails_leave_the_lab_sends_none_unless_told_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, sink = a_colleague_who_wants_mail(), Sink()
    with serving(sink) as port:
        monkeypatch.setitem(app.config, "MAIL_URL", f"smtp://127.0.0.1:{port}")

        quiet = mailbox.take(a_mail("Quietly"), quiet=True)
        run_jobs()
        assert sink.recipients == [], "no mail to the sender, none to the team"
        loud = mailbox.take(a_mail("Loudly"))
        run_jobs()

    assert {"ada@northwind.test", agent.email} <= set(sink.recipients)
    first, second = db.session.get_one(Ticket, quiet.ticket_id), db.session.get_one(Ticket, loud.ticket_id)
    assert first.messages[-1].kind is MessageKind.NOTE and "mail lab" in first.messages[-1].text
    assert len(second.messages) == 1


def test_where_mails_leave_the_page_asks_before_any_does(
    app: Flask, lab: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    with serving(sink) as port:
        monkeypatch.setitem(app.config, "MAIL_URL", f"smtp://127.0.0.1:{port}")
        page = lab.get(f"{LAB}/").text
        lab.post(f"{LAB}/write", data={"sender": "ceo@company.test", "text": "Words"})
        run_jobs()
        assert "This desk has a real mail server" in page and "Play a mail server" not in page and sink.mails == []
        assert lab.post(f"{LAB}/server", data={"play": "hangs"}).status_code == 422
        lab.post(f"{LAB}/write", data={"sender": "cfo@company.test", "text": "Words", "leave": "on"})
        run_jobs()

    assert "cfo@company.test" in sink.recipients and "ceo@company.test" not in sink.recipients


def test_where_mails_leave_nobody_writes_as_a_colleague(
    app: Flask, lab: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, agent = a_ticket(), an_agent()
    db.session.commit()
    to = addresses.reply_address(ticket.id, Recipient(RecipientKind.STAFF, agent.id))
    monkeypatch.setitem(app.config, "MAIL_URL", "smtp://127.0.0.1:1")

    refused = lab.post(
        f"{LAB}/what-if", data={"pasted": a_mail("As them", agent.email, to).decode(), "then": "deliver"}
    )

    assert refused.status_code == 422 and "colleague" in refused.text
    assert len(ticket.messages) == 1


# a server that fails


@pytest.mark.parametrize(
    ("play", "state", "works"),
    [
        ("refuses", DeliveryState.FAILED, True),
        ("unknown", DeliveryState.FAILED, False),
        ("full", DeliveryState.QUEUED, True),
        ("greylists", DeliveryState.QUEUED, True),
        ("hangs", DeliveryState.QUEUED, True),
    ],
)
def test_a_played_server_has_the_effect_of_a_real_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch, play: str, state: DeliveryState, works: bool
) -> None:
    monkeypatch.setattr(played, "HANGS_SECONDS", 0)
    admin = an_admin()
    played.begin(play, "", admin.username)
    db.session.commit()

    mail = a_sent_mail()

    db.session.expire_all()
    assert mail.state is state and mail.reason and mail.customer is not None and mail.customer.address_works is works
    played.end(admin.username)
    db.session.commit()
    run_jobs()
    db.session.expire_all()
    assert mail.state is (DeliveryState.FAILED if state is DeliveryState.FAILED else DeliveryState.CAPTURED)


def test_a_play_for_one_address_leaves_others_alone_and_ends_by_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = a_customer()
    played.begin("refuses", f" {customer.email.upper()} ", "admin")
    db.session.commit()

    assert a_sent_mail().state is DeliveryState.CAPTURED
    assert a_sent_mail(requester=customer).state is DeliveryState.FAILED
    monkeypatch.setattr(played, "LASTS", played.LASTS * 0)
    played.begin("refuses", "", "admin")
    assert played.present() is None


def test_nothing_is_played_while_a_mailbox_sends_by_a_server_of_its_own(lab: FlaskClient) -> None:
    box = Mailbox(name="Billing", address="billing@desk.test", smtp_host="127.0.0.1", smtp_port=9)
    db.session.add(box)
    db.session.commit()

    answer = lab.post(f"{LAB}/server", data={"play": "greylists"})

    assert answer.status_code == 422 and "has a real mail server" in answer.text
    assert played.real() and played.present() is None
    box.active = False
    db.session.commit()
    assert not played.real()


def test_the_page_begins_and_ends_a_play(lab: FlaskClient) -> None:
    assert lab.post(f"{LAB}/server", data={"play": "sings"}).status_code == 422
    assert lab.post(f"{LAB}/server", data={"play": "greylists"}).status_code == 302
    assert "The mail server puts each mail off once" in lab.get(f"{LAB}/").text
    assert lab.post(f"{LAB}/server").status_code == 302
    assert played.present() is None
    assert len(db.session.scalars(select(Audit).where(Audit.what == "lab_server")).all()) == 2


def test_the_command_line_says_the_decision_too(app: Flask, tmp_path: Path) -> None:
    ticket, file = a_ticket(), tmp_path / "reply.eml"
    db.session.commit()
    file.write_bytes(a_mail("Again", f"Ada <{ticket.requester.email}>", token_of(ticket)))

    db.session.rollback()  # a writer of SQLite waits for every other
    answer = app.test_cli_runner().invoke(args=["desk", "mail", "preview"], input=f"{file}\n{tmp_path / 'none'}\n")

    told, missing = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (told["ticket"], told["visible_text"]) == (ticket.number, "Again")
    assert told["verdict"].startswith(f"Added to {ticket.display}") and "FileNotFoundError" in missing["error"]
    assert db.session.scalar(select(func.count(RawMail.id))) == 0
