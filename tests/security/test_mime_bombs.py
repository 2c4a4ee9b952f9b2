"""Mails built to burst, through the desk's own SMTP door and its pipe: each is bounded, kept as it came, and in sight of staff."""

from __future__ import annotations

import base64
import smtplib
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.extensions import db
from app.mail import incoming
from app.mail.models import RawMail, RawState
from app.mail.parsing import MAX_MESSAGE_BYTES
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Message, MessageKind
from tests.factories import an_admin, run_jobs, sign_in
from tests.security.receiving import listening

HEAD = (
    b"From: kim@customer.test\r\nTo: support@deskhand.example\r\nSubject: Bomb\r\nMessage-ID: <bomb@customer.test>\r\n"
)
MOST_SECONDS = 5.0
"""Of processor time, from the door to the ticket."""


def nested() -> bytes:
    return (
        HEAD
        + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1_000))
        + b"Content-Type: text/plain\r\n\r\nHello"
    )


def many() -> bytes:
    parts = b"".join(
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=%d.txt\r\n\r\nx\r\n" % n
        for n in range(10_000)
    )
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n"


def fields() -> bytes:
    return HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\nHello"


def charset() -> bytes:
    return HEAD + b'Content-Type: text/plain; charset="none\x01of*these"\r\n\r\nHello \xff\xfe\x80\r\n' * 2


def uuencoded() -> bytes:
    return (
        HEAD
        + b"\r\nHello\r\n"
        + b"begin 644 x.txt\r\n"
        + b"M"
        + b"8" * 60
        + b"\r\n"
        + b"begin 644 x.txt\r\n#86%A\r\nend\r\n" * 5_000
    )


BOMBS = {
    "a thousand nested parts": nested,
    "ten thousand parts": many,
    "a hundred thousand fields": fields,
    "a charset that is none": charset,
    "files in text without end": uuencoded,
}
CUT = (nested, many)
"""What says so in its ticket."""


def sent(app: Flask, raw: bytes) -> int:
    with listening(app) as port, smtplib.SMTP("127.0.0.1", port, timeout=60) as line:
        line.ehlo("customer.test")
        line.mail("kim@customer.test")
        line.rcpt("support@deskhand.example")
        return line.data(raw)[0]


@pytest.mark.parametrize("made", BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_becomes_a_bounded_ticket_is_kept_as_it_came_and_says_what_is_missing(
    app: Flask, client: FlaskClient, made: Callable[[], bytes]
) -> None:
    raw, began = made(), time.process_time()
    assert sent(app, raw) == 250
    run_jobs()
    assert time.process_time() - began < MOST_SECONDS

    row = db.session.scalars(select(RawMail)).one()
    assert row.state is RawState.DELIVERED
    assert row.content.rstrip() == raw.rstrip()
    assert len(db.session.scalars(select(Attachment.id)).all()) <= 200
    notes = db.session.scalars(select(Message.text).where(Message.kind == MessageKind.NOTE)).all()
    assert (str(incoming.CUT) in notes) is (made in CUT)
    sign_in(client, an_admin())
    assert client.get(f"/admin/tickets/{db.session.scalars(select(Ticket.number)).one()}").status_code == 200


def too_large() -> bytes:
    """Fifty megabytes of base64."""
    content = base64.encodebytes(b"\0" * 37_000_000).replace(b"\n", b"\r\n")
    return HEAD + b"Content-Type: application/zip; name=x.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + content


def test_fifty_megabytes_are_refused_at_the_door_and_nothing_is_kept_of_them(app: Flask) -> None:
    assert len(too_large()) > 2 * MAX_MESSAGE_BYTES - 5_000_000

    assert sent(app, too_large()) == 552
    assert db.session.scalars(select(RawMail.id)).all() == []


def test_fifty_megabytes_by_the_pipe_are_kept_set_aside_and_in_sight(app: Flask, client: FlaskClient) -> None:
    incoming.store(too_large(), "pipe")
    run_jobs()

    row = db.session.scalars(select(RawMail)).one()
    assert (row.state, len(row.content)) == (RawState.QUARANTINED, len(too_large()))
    sign_in(client, an_admin())
    assert "larger than 25 MB" in client.get("/admin/mail-log/incoming").text
