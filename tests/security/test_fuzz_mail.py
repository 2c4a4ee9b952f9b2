"""Mail of any bytes: it becomes an entry, is set aside with a sentence or known as a copy. Nothing is lost and no page of it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given, target
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.extensions import db
from app.mail import addresses, incoming, rehearsing
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import RawMail, RawState
from app.tickets.models import Ticket
from tests.factories import a_super_admin, a_ticket, sign_in, sign_in_customer
from tests.security.fuzz import bounded

OURS_TO_MEND = re.compile(r"^\w*(Error|Exception|Warning|Exit|Interrupt): ")
"""How a quarantine's reason begins when it was a failure of ours, not a rule."""
LINES = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
ODD = st.sampled_from(
    ["", " ", "\t", "=?utf-8?q?=00?=", "=?x-nothing?b?////?=", "=?utf-8?b?w6Q?= =?utf-8?q?=C3=A4", "<a@b.test>, \"x\" <c@d.test", "a@b@c.test", "<>", "(((", '"' * 50, "é" * 300, "\udcff", "a" * 3000,
     "<1@x.test>" * 50, "=?utf-8?q?" + "=41" * 300 + "?=", "; boundary=", "\x00", "\x7f", "a@xn--80ak6aa92e.test", "a@[127.0.0.1]", "'a'@b.test", "postmaster@b.test", "support@deskhand.example"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "Sender", "Return-Path", "Auto-Submitted", "Precedence", "List-Id", "X-Failed-Recipients", "Content-Type",
     "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version", "Delivered-To", "X-Autoreply", "Thread-Index", "DKIM-Signature"]
)  # fmt: skip
TYPES = st.sampled_from(
    ["text/plain", "text/html; charset=utf-8", "text/plain; charset=x-user-defined", "text/plain; charset=utf-16", "text/html; charset=\"", "multipart/mixed; boundary=b", "multipart/alternative; boundary=\"b\"",
     "multipart/report; report-type=delivery-status; boundary=b", "message/rfc822", "message/delivery-status", "application/ms-tnef; name=winmail.dat", "text/calendar; method=REQUEST", "image/png; name*=utf-8''%00x.png", "multipart/mixed", "nonsense", "text/x-amp-html", "application/octet-stream; name=\"../../x\""]
)  # fmt: skip
CODES = st.sampled_from(["7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "binary", "nonsense", ""])
BODIES = st.binary(max_size=300) | LINES.map(str.encode) | st.sampled_from([b"=", b"=\r\n", b"<div>" * 300, b"> " * 200, b"On Mon, A wrote:\r\n> x\r\n", b"begin 644 x\r\n!!!\r\nend\r\n", b"-- \r\nx", b"\xff\xfe<\x00b\x00", b"YQ=" * 50, b"x\x9f\x3e\x22"])  # fmt: skip


@st.composite
def parts(draw: st.DrawFn, depth: int = 3) -> bytes:
    """A body with its own headers; as a multipart with others inside."""
    kind, code = draw(TYPES), draw(CODES)
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {code}\r\n".encode("utf-8", "surrogateescape")
    if draw(st.booleans()):
        head += f"Content-Disposition: {draw(st.sampled_from(['inline', 'attachment']))}; filename=\"{draw(ODD)}\"\r\n".encode("utf-8", "surrogateescape")  # fmt: skip
    if depth and "multipart" in kind:
        inner = draw(st.lists(parts(depth - 1), max_size=3))
        return head + b"\r\n" + b"".join(b"--b\r\n" + part + b"\r\n" for part in inner) + draw(st.sampled_from([b"--b--\r\n", b"", b"--b"]))  # fmt: skip
    return head + b"\r\n" + draw(BODIES)


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    """From bytes without any order to nearly a proper mail."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=400))
    proper = [("From", "Ada <ada@own.test>"), ("To", "support@deskhand.example"), ("Subject", draw(LINES)), ("Message-ID", f"<{draw(st.integers(0, 99))}@own.test>")]  # fmt: skip
    odd = draw(st.lists(st.tuples(NAMES, ODD | LINES), max_size=6))
    given = draw(st.permutations([*proper[: draw(st.integers(1, 4))], *odd]))
    head = "".join(f"{name}: {value}\r\n" for name, value in given)
    return head.encode("utf-8", "surrogateescape") + draw(parts())


@pytest.fixture
def world(app: Flask) -> Iterator[str]:
    """A ticket, and the address by which its customer answers."""
    ticket = a_ticket()
    yield addresses.reply_address(ticket.id, Recipient(RecipientKind.CUSTOMER, ticket.requester_id))


def test_mail_of_any_shape_is_decided_kept_and_shown(app: Flask, world: str) -> None:
    came: list[int] = []

    @bounded(60)
    @given(raw=mails(), answers=st.booleans())
    def deliver(raw: bytes, answers: bool) -> None:
        row = incoming.store(raw, "smtp", "ada@own.test", world if answers else "support@deskhand.example")
        incoming.deliver(row.id)
        db.session.commit()
        row = db.session.get_one(RawMail, row.id, populate_existing=True)
        assert row.state is not RawState.NEW
        assert row.verdict
        assert not OURS_TO_MEND.match(row.error or ""), row.error
        assert row.state is RawState.DUPLICATE or row.content == raw
        assert (row.state is RawState.DELIVERED) is (row.entry_id is not None), row.verdict
        target(float(row.state is RawState.DELIVERED))
        came.append(row.id)

    deliver()
    states = set(db.session.scalars(select(RawMail.state).where(RawMail.id.in_(came))))
    assert RawState.DELIVERED in states, "no mail was taken: nothing is proved"
    assert pages_that_fail(app) == []


def pages_that_fail(app: Flask) -> list[str]:
    """Of what the mails became: the list, each ticket for staff and for its customer, each original, the mail log."""
    staff, failed = app.test_client(), []
    sign_in(staff, a_super_admin())
    paths = ["/admin/tickets/?view=everything", "/admin/mail-log/incoming", "/admin/tickets/export.csv?view=everything", "/admin/tickets/?q=words"]  # fmt: skip
    for ticket in db.session.scalars(select(Ticket)).all():
        paths.append(f"/admin/tickets/{ticket.number}")
        paths += [f"/admin/tickets/{ticket.number}/messages/{one.id}/html" for one in ticket.messages if one.html]
        paths += [f"/admin/files/{file.id}" for one in ticket.messages for file in one.attachments]
        customer = app.test_client()
        sign_in_customer(customer, ticket.requester)
        code = customer.get(f"/portal/tickets/{ticket.number}").status_code
        failed += [f"portal {ticket.number}: {code}"] if code != 200 else []
    return failed + [f"{path}: {code}" for path in paths if (code := staff.get(path).status_code) != 200]


def test_the_what_if_of_any_mail_stores_nothing_and_fails_never(app: Flask) -> None:
    from app.core.errors import HelpdeskError

    @bounded(60)
    @given(raw=mails())
    def look(raw: bytes) -> None:
        try:
            assert rehearsing.rehearse(raw).outcome.verdict
        except HelpdeskError as refusal:
            assert str(refusal)

    look()
    assert db.session.query(Ticket).count() == 0


def test_the_receiver_answers_whatever_bytes_come(app: Flask) -> None:
    """One connection a message, as a stranger's server would: it is stored or refused in a sentence, and the next is taken."""
    import smtplib

    from tests.security.receiving import listening

    db.session.commit()
    with listening(app) as port:

        @bounded(12)
        @given(raw=mails())
        def send(raw: bytes) -> None:
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as line:
                line.ehlo("x")
                line.mail("ada@own.test")
                assert line.rcpt("support@deskhand.example")[0] == 250
                assert line.data(raw.replace(b"\r", b"").replace(b"\n", b"\r\n"))[0] in (250, 500, 552)

        send()
    assert db.session.query(RawMail).count() > 0
