"""What went wrong in FreeScout, and must not go wrong here. Each test bears the number of its advisory."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import staff as people
from app.accounts import tokens
from app.accounts.tokens import Purpose
from app.core import html
from app.core.extensions import db
from app.mail import addresses, incoming
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.settings import desk
from app.tickets import files
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Message, Words
from tests.factories import (
    a_customer,
    a_department,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
    sign_in,
    sign_in_customer,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
GONE = 404


def an_agents_ticket() -> tuple[Ticket, object, object]:
    """A ticket, its agent, and their department."""
    setting(agents_see_departments=True)
    department = a_department()
    agent = an_agent(department)
    ticket = a_ticket(department=department, assignee=agent)
    return ticket, agent, department


def moved_away(agent: object, department: object) -> None:
    """To another department, so that no rule lets them see the ticket."""
    department.members.remove(agent)  # type: ignore[attr-defined]
    elsewhere = a_department()
    elsewhere.members.append(agent)  # type: ignore[arg-type]
    db.session.commit()


def arrived(raw: str, recipient: str) -> RawMail:
    row = incoming.store(raw.replace("\n", "\r\n").encode(), "smtp", "", recipient)
    run_jobs()
    return db.session.get_one(RawMail, row.id, populate_existing=True)


def test_ghsa_83xx_8c27_gq78_who_lost_the_ticket_answers_it_by_no_mail(app: Flask) -> None:
    """There the reply address of an agent went on working after their access to the mailbox was taken."""
    ticket, agent, department = an_agents_ticket()
    address = addresses.reply_address(ticket.id, Recipient(RecipientKind.STAFF, agent.id))
    moved_away(agent, department)

    row = arrived(f"From: {agent.email}\nTo: {address}\nSubject: Re\nMessage-ID: <a@x.test>\n\nAn answer\n", address)

    assert row.state is RawState.QUARANTINED
    assert len(ticket.messages) == 1


@pytest.mark.parametrize("door", ["messages", "properties", "tags", "take"])
def test_cve_2026_48810_and_48811_an_open_page_changes_nothing_after_access_was_taken(app: Flask, client: FlaskClient, door: str) -> None:  # fmt: skip
    """There entries could still be edited and deleted by somebody who had lost the mailbox: only the role was asked, not the row."""
    ticket, agent, department = an_agents_ticket()
    sign_in(client, agent)
    assert client.get(f"/admin/tickets/{ticket.number}").status_code == 200
    moved_away(agent, department)

    sent = {"kind": "note", "body": "Late", "subject": "Late", "add": "late", "status": "2"}
    answer = client.post(f"/admin/tickets/{ticket.number}/{door}", data=sent)

    db.session.expire_all()
    assert answer.status_code == GONE
    assert (len(ticket.messages), ticket.subject, ticket.tags) == (1, "The printer is on fire", [])


def test_cve_2026_48810_a_mail_that_waited_is_not_sent_to_who_lost_the_ticket(app: Flask) -> None:
    """The same on its way out: a notice may wait for days while a mail server is away."""
    ticket, agent, department = an_agents_ticket()
    run_jobs()
    ticket.receive(Words("Only for the team", via=Channel.PORTAL), by=acting_customer(ticket))
    db.session.commit()
    moved_away(agent, department)
    run_jobs()

    waiting = db.session.scalars(select(Delivery).where(Delivery.staff_id == agent.id, Delivery.kind == "customer_replied"))  # fmt: skip
    assert [mail.state for mail in waiting] == [DeliveryState.SUPPRESSED]


def acting_customer(ticket: Ticket) -> object:
    from app.accounts.viewer import CustomerActor

    return CustomerActor.of(ticket.requester)


def test_cve_2026_47123_the_address_of_an_agent_and_the_id_of_a_notice_make_no_agent(app: Flask) -> None:
    """There a mail that answered a notice by its Message-ID counted as the agent's, though nothing secret was in it."""
    ticket, agent, _department = an_agents_ticket()
    run_jobs()
    notice = db.session.scalars(select(Delivery).where(Delivery.staff_id == agent.id)).first()
    assert notice is not None
    named = addresses.message_id_for(notice.id)

    arrived(f"From: {agent.email}\nTo: support@deskhand.example\nSubject: Re: [{ticket.display}]\nMessage-ID: <b@x.test>\nIn-Reply-To: {named}\n\nAs the agent\n", "support@deskhand.example")  # fmt: skip

    said = db.session.scalars(select(Message).where(Message.text == "As the agent")).one()
    assert said.staff_id is None
    assert not said.trusted


def test_cve_2026_32754_a_mail_of_ours_carries_nobodys_markup(app: Flask) -> None:
    """There the words of a thread were put into notices as they came, and acted in the reader's mail program."""
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    ticket, agent, _department = an_agents_ticket()
    setting(mail_customer_replied=True)
    ticket.receive(Words(f"Words {evil}", html=html.clean(f"<p>Words {evil}</p>"), via=Channel.MAIL), by=acting_customer(ticket))  # fmt: skip
    ticket.rename(f"Subject {evil}", by=acting(agent))
    ticket.reply(Words(f"Answer {evil}", via=Channel.STAFF), by=acting(agent))
    run_jobs()

    mails = [mail.raw for mail in db.session.scalars(select(Delivery)) if mail.raw]
    parts = [part.get_content() for raw in mails for part in message_from_bytes(raw, policy=policy.default).walk() if part.get_content_type() == "text/html"]  # fmt: skip
    assert any("&lt;script&gt;" in part for part in parts), "no mail quotes those words: nothing is proved"
    assert [part for part in parts if "<script" in part or "<img src=x" in part or "onerror=alert" in part.replace("&lt;img src=x onerror=alert", "")] == []  # fmt: skip


def test_cve_2026_40569_a_page_of_settings_sets_its_own_settings_alone(client: FlaskClient) -> None:
    """There the form of a mailbox took any column of it, also where copies of all mail are sent."""
    sign_in(client, an_admin())
    was = desk.current()
    everything = dict.fromkeys(vars(was), "7")

    for section in desk.SECTIONS:
        before = dict(vars(desk.current()).items())
        own = {field.name for field in desk.fields(section)}
        client.post(
            f"/admin/settings/{section}", data={**everything, "MAIL_URL": "smtp://evil.test", "SECRET_KEY": "x"}
        )
        from flask import g

        g.pop("desk_settings", None)
        after = vars(desk.current())
        assert {name for name in after if after[name] != before[name]} <= own


@pytest.mark.parametrize("secret", ["", "%20", "%00", "0", "null", "None", "%27%20OR%201=1--", "x" * 5000, "%F0%9F%92%A9"])  # fmt: skip
def test_cve_2026_53595_ghsa_jqj5_r72v_v29g_an_empty_or_odd_link_is_nobodys(app: Flask, client: FlaskClient, secret: str) -> None:  # fmt: skip
    """There an invitation of nothing matched everybody whose invitation was used up, and let a stranger set their password."""
    used = an_agent()
    people.invite(used)
    customer = a_customer()
    db.session.commit()
    before = used.password, customer.password_hash

    for path in ("/welcome/", "/portal/password/", "/portal/link/", "/portal/prove/"):
        for method in ("GET", "POST"):
            answer = client.open(f"{path}{secret}", method=method, data={"password": "violet tractor sings loudly"})
            assert answer.status_code in (400, 404, 405) or (not secret and answer.status_code in (200, 302, 308)), path

    db.session.expire_all()
    assert (used.password, customer.password_hash) == before


def test_cve_2026_41902_a_link_dies_with_the_address_and_password_it_was_made_for(app: Flask, client: FlaskClient) -> None:  # fmt: skip
    """There a reset link outlived what it was made for."""
    agent, customer = an_agent(), a_customer()
    link = people._link(agent, "staff_reset", people.RESET_LIVES).rpartition("/")[2]
    reset = tokens.issue(Purpose.RESET, customer)
    db.session.commit()
    assert client.get(f"/welcome/{link}").status_code == 200
    assert client.get(f"/portal/password/{reset}").status_code == 200
    agent.email, customer.email = "moved@desk.test", "moved@customer.test"
    db.session.commit()

    assert client.get(f"/welcome/{link}").status_code == GONE
    assert client.get(f"/portal/password/{reset}").status_code == GONE


def test_cve_2026_27637_two_links_of_one_moment_have_nothing_in_common(app: Flask) -> None:
    """There a token was made of the person's id and the installation's name: whoever knew how could make one."""
    customer = a_customer()
    made = {tokens.issue(Purpose.SIGN_IN, customer) for _ in range(50)}

    assert len(made) == 50
    assert min(len(secret) for secret in made) >= 43
    assert len({secret[:6] for secret in made}) > 45


def test_cve_2025_48481_an_invitation_of_somebody_switched_off_opens_nothing(app: Flask, client: FlaskClient) -> None:
    """There somebody deleted came back in by the invitation they had once got."""
    agent = an_agent()
    link = people._link(agent, "invitation", people.INVITATION_LIVES).rpartition("/")[2]
    agent.active = False
    db.session.commit()

    assert client.get(f"/welcome/{link}").status_code == GONE
    assert client.post(f"/welcome/{link}", data={"password": "violet tractor sings loudly"}).status_code == GONE
    people.ask_reset(agent.username)
    db.session.commit()
    assert db.session.scalars(select(Delivery).where(Delivery.kind == "password_reset")).all() == []


def test_ghsa_wg74_ww4w_2qpc_no_file_is_had_by_its_number_alone(app: Flask, client: FlaskClient) -> None:
    """There a file's address held a token that fitted any file, for anybody, for ever."""
    ticket, agent, _department = an_agents_ticket()
    customer = ticket.requester
    picture = files.keep("a.png", PNG, acting(agent))
    note = files.keep("note.txt", b"note", acting(agent))
    ticket.note(Words("A note", via=Channel.STAFF, attachments=(note, picture)), by=acting(agent))
    draft = files.keep("draft.txt", b"draft", acting(agent))
    stranger = an_agent(a_department())
    db.session.commit()
    numbers = (note.id, picture.id, draft.id)
    for who, base in ((stranger, "/admin/files"), (customer, "/portal/files")):
        visitor = app.test_client()
        (sign_in if base.startswith("/admin") else sign_in_customer)(visitor, who)
        for number in numbers:
            assert visitor.get(f"{base}/{number}").status_code == GONE
            assert visitor.get(f"/admin/files/{number}/sealed/x").status_code == GONE


def test_ghsa_wg74_ww4w_2qpc_the_seal_of_a_picture_is_its_readers_and_ends_with_their_right(app: Flask, client: FlaskClient) -> None:  # fmt: skip
    ticket, agent, department = an_agents_ticket()
    picture = files.keep("a.png", PNG, acting_customer(ticket), inline=True, content_id="p1")
    message = ticket.receive(Words("See", html=html.clean("<p>See</p><img src='cid:p1'>"), via=Channel.MAIL, attachments=(picture,)), by=acting_customer(ticket))  # fmt: skip
    sign_in(client, agent)
    page = client.get(f"/admin/tickets/{ticket.number}/messages/{message.id}/html").text
    address = page.partition('src="')[2].partition('"')[0]
    assert app.test_client().get(address).status_code == 200, "a sandboxed frame sends no cookie"

    moved_away(agent, department)

    assert app.test_client().get(address).status_code == GONE


def test_ghsa_fffc_phh8_5h4v_no_uploaded_file_can_be_run_as_a_script_of_ours(app: Flask, client: FlaskClient) -> None:
    """There a script was uploaded as a file, and the policy let pages run whatever came from the same host."""
    ticket, agent, _department = an_agents_ticket()
    evil = files.keep("evil.js", b"alert(1)", acting_customer(ticket))
    ticket.receive(Words("See", via=Channel.PORTAL, attachments=(evil,)), by=acting_customer(ticket))
    sign_in(client, agent)
    theirs = app.test_client()
    sign_in_customer(theirs, ticket.requester)

    for answer in (client.get(f"/admin/files/{evil.id}?inline=1"), theirs.get(f"/portal/files/{evil.id}?inline=1")):
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_ghsa_fffc_phh8_5h4v_a_signature_is_words_wherever_it_stands(app: Flask, client: FlaskClient) -> None:
    ticket, agent, _department = an_agents_ticket()
    sign_in(client, agent)
    client.post("/admin/me/signature", data={"signature": "<script src='/x.js'></script><b>Me</b>"})
    ticket.reply(Words("An answer", via=Channel.STAFF), by=acting(agent))
    run_jobs()

    pages = [client.get("/admin/me/").text, client.get(f"/admin/tickets/{ticket.number}").text]
    raw = [mail.raw or b"" for mail in db.session.scalars(select(Delivery))]
    assert not any("<script src='/x.js'>" in page for page in pages)
    assert not any(b"<script" in mail for mail in raw)
