"""What went wrong in osTicket and Request Tracker, and must not go wrong here. Each test bears the number of its advisory."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.utils import getaddresses

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import Customer
from app.core import html
from app.core.extensions import db
from app.mail import addresses
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import Delivery
from app.tickets.thread import Channel, Words
from tests.api.desk import a_program
from tests.factories import (
    a_customer,
    a_department,
    a_super_admin,
    a_ticket,
    acting,
    an_agent,
    run_jobs,
    setting,
    sign_in,
)
from tests.security.receiving import listening

BREAK = "Hello\r\nBcc: evil@evil.test\r\nX-Evil: 1\r\n\r\nanother body"


def recipients(raw: bytes) -> set[str]:
    mail = message_from_bytes(raw, policy=policy.default)
    return {address for name in ("To", "Cc", "Bcc") for _name, address in getaddresses(mail.get_all(name, []))}


@pytest.mark.parametrize("by", ["portal", "guest", "staff", "api"])
def test_cve_2012_4730_and_osticket_7c5c584f_a_line_break_in_a_name_or_subject_adds_no_header(app: Flask, client: FlaskClient, by: str) -> None:  # fmt: skip
    """There a subject or a name with a line break became a header of its own, and copies went to whoever it named."""
    agent = a_super_admin()
    if by == "guest":
        client.post("/portal/contact", data={"name": BREAK, "email": "ada@own.test", "subject": BREAK, "message": "x"})
    elif by == "api":
        a_program(client, agent).post("/tickets", {"subject": BREAK, "body": "x", "customer": {"email": "ada@own.test", "name": BREAK}})  # fmt: skip
    elif by == "staff":
        sign_in(client, agent)
        client.post("/admin/tickets/new", data={"subject": BREAK, "name": BREAK, "email": "ada@own.test", "body": "x"})
    else:
        a_ticket(BREAK, requester=a_customer(BREAK, email="ada@own.test"))
    for ticket in db.session.scalars(select(Customer)).all() and [*map(_ticket_of, db.session.scalars(select(Customer)))]:  # fmt: skip
        if ticket is not None:
            ticket.proven = True
            ticket.reply(Words("An answer", via=Channel.STAFF), by=acting(agent))
    run_jobs()

    sent = [mail for mail in db.session.scalars(select(Delivery)) if mail.raw]
    assert sent, "no mail was written: nothing is proved"
    for mail in sent:
        assert recipients(mail.raw or b"") == {mail.address}
        assert message_from_bytes(mail.raw or b"", policy=policy.default)["X-Evil"] is None


def _ticket_of(customer: Customer) -> object:
    from app.tickets.models import Ticket

    return db.session.scalars(select(Ticket).where(Ticket.requester_id == customer.id)).first()


def test_cve_2026_22200_no_address_of_a_file_on_the_server_outlives_cleaning() -> None:
    """There a picture whose address named a file of the server was read into the document that staff printed."""
    for address in ("php://filter/read=convert.base64-encode/resource=/etc/passwd", "file:///etc/passwd", "/etc/passwd", "phar://x", "expect://id", "\\\\host\\share", "data:image/png;base64,AAAA"):  # fmt: skip
        cleaned = html.clean(f'<img src="{address}"><img data-src="{address}"><a href="{address}">x</a><p style="background:url({address})">y</p>')  # fmt: skip
        assert address not in cleaned, cleaned
        assert "etc/passwd" not in cleaned


@pytest.mark.parametrize("path", ["/admin/tickets/?q={}", "/admin/tickets/?view={}", "/admin/mail-log/?address={}", "/help/?q={}", "/portal/tickets?q={}", "/login/?next={}", "/portal/login?next={}&email={}", "/admin/tickets/?sort={}&tag={}"])  # fmt: skip
def test_cve_2023_1315_and_1318_what_stands_in_an_address_comes_back_as_words(client: FlaskClient, path: str) -> None:
    """There a question in the address was put into the page as it came."""
    sign_in(client, a_super_admin())

    for evil in ('"><script>alert(1)</script>', "'-alert(1)-'", "<svg/onload=alert(1)>", "javascript:alert(1)"):
        page = client.get(path.replace("{}", "%s") % ((evil,) * path.count("{}"))).text
        assert "<script>alert(1)" not in page and "<svg/onload" not in page
        assert 'href="javascript:' not in page and "'-alert(1)-'" not in page.replace("&#39;", "")


def test_osticket_d_87660_number_and_address_are_not_enough_to_read_a_ticket(client: FlaskClient) -> None:
    """There a status page showed a ticket to whoever knew its number and its customer's address."""
    ticket = a_ticket("A secret subject", requester=a_customer(email="ada@own.test"))
    db.session.commit()

    for question in ("email=ada@own.test", f"number={ticket.number}&email=ada@own.test", "auth=1", "token=" + "a" * 43):
        answer = client.get(f"/portal/tickets/{ticket.number}?{question}")
        assert answer.status_code == 302
        assert "A secret subject" not in answer.text


def test_cve_2023_45024_no_search_count_or_neighbour_tells_of_a_foreign_ticket(app: Flask, client: FlaskClient) -> None:
    """There a search over entries counted and told what its reader was not allowed to see."""
    setting(agents_see_departments=True)
    own, other = a_department(), a_department()
    agent = an_agent(own)
    a_ticket("Mine", department=own, text="a lighthouse")
    for n in range(3):
        a_ticket(f"Foreign {n}", department=other, text="a lighthouse and submarines", requester=a_customer(f"Someone {n}"))  # fmt: skip
    run_jobs()
    sign_in(client, agent)
    program = a_program(app.test_client(), agent)

    lists = client.get("/admin/tickets/?q=lighthouse&view=everything").text + client.get("/admin/dashboard").text
    assert "Foreign" not in lists
    assert "submarines" not in client.get("/admin/tickets/?view=everything").text
    assert [one["subject"] for one in program.get("/tickets?q=lighthouse").json["items"]] == ["Mine"]
    assert program.get("/tickets?q=submarines").json["items"] == []
    assert client.get("/admin/tickets/export.csv?q=submarines").text.count("\n") <= 1


def test_cve_2023_41260_the_door_of_mail_says_the_same_of_every_ticket(app: Flask) -> None:
    """There the answer to a mail told whether the ticket it named was there and what had become of it."""
    ticket = a_ticket()
    there = addresses.reply_address(ticket.id, Recipient(RecipientKind.CUSTOMER, ticket.requester_id))
    gone = addresses.reply_address(999_999, Recipient(RecipientKind.CUSTOMER, 999_999))
    forged = "support+abcdefghijklmnop@deskhand.example"
    db.session.commit()

    said = []
    with listening(app) as port:
        for n, address in enumerate((there, gone, forged, "support@deskhand.example")):
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as line:
                line.ehlo("x")
                line.mail(f"stranger{n}@evil.test")
                mail = f"From: stranger{n}@evil.test\r\nTo: {address}\r\nSubject: x\r\nMessage-ID: <{n}@evil.test>\r\n\r\nx\r\n"  # fmt: skip
                said.append((line.rcpt(address), line.data(mail.encode())))

    assert len({repr(answers) for answers in said}) == 1


@pytest.mark.parametrize("header", ["X-RT-Loop-Prevention", "X-Deskhand-Ticket", "RT-Ticket", "X-Staff", "X-Ticket-Status", "Control"])  # fmt: skip
def test_cve_2023_41259_no_header_of_a_mail_decides_for_the_desk(app: Flask, header: str) -> None:
    """There headers of an incoming mail were taken as if the desk itself had written them."""
    from tests.security.advisories.test_freescout import arrived

    ticket, agent = a_ticket(), an_agent()

    row = arrived(f"From: eve@other.test\nTo: support@deskhand.example\nSubject: x\nMessage-ID: <{header}@x.test>\n{header}: {ticket.number} {agent.username} closed\n\nwords\n", "support@deskhand.example")  # fmt: skip

    assert row.ticket_id != ticket.id
    assert (len(ticket.messages), ticket.live) == (1, True)


def test_cve_2026_44231_no_list_of_people_gives_out_what_signs_somebody_in(app: Flask, client: FlaskClient) -> None:
    """There a list of users held the secrets of their feeds, and reading it made new ones."""
    customer = a_customer(password_hash="pbkdf2:planted-hash")
    program = a_program(client, a_super_admin())
    before = customer.generation, customer.password_hash

    for path in ("/customers", "/customers?limit=100", f"/customers/{customer.id}", "/customers?fields=password_hash", f"/customers/{customer.id}?fields=password_hash,generation"):  # fmt: skip
        answer = program.get(path)
        assert "planted-hash" not in answer.text and "generation" not in answer.text

    db.session.expire_all()
    assert (customer.generation, customer.password_hash) == before
