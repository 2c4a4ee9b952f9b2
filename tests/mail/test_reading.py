"""What a fault of the surroundings does to a mail, and what one that cannot be read does: the first waits, the second is set aside."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from redis import RedisError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.core import events
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import incoming
from app.mail.models import RawMail, RawState
from app.mail.reading import Poisonous, Reader
from app.reactions import REACTIONS
from app.tickets.thread import Message
from app.tickets.timeline import Did
from tests.factories import run_jobs
from tests.mail.test_incoming import a_mail

HEAD = b"From: kim@customer.test\r\nSubject: x\r\nMessage-ID: <m@customer.test>\r\n"


def heavy(bytes_: int = 20_000_000) -> bytes:
    """Ordinary, and more than a hundredth of a second of work."""
    return HEAD + b"Content-Type: text/plain\r\n\r\n" + b"It burns, and it goes on burning.\r\n" * (bytes_ // 35)


@pytest.fixture
def hasty(app: Flask) -> Iterator[None]:
    before, app.config["MAIL_READING_SECONDS"] = app.config["MAIL_READING_SECONDS"], 0.02
    yield
    app.config["MAIL_READING_SECONDS"] = before


def states() -> list[RawState]:
    db.session.rollback()
    return list(db.session.scalars(select(RawMail.state).order_by(RawMail.id)))


def test_a_message_that_takes_too_long_is_set_aside_and_the_next_is_delivered(app: Flask, hasty: None) -> None:
    incoming.store(heavy(), "smtp")
    run_jobs()
    app.config["MAIL_READING_SECONDS"] = 10
    incoming.store(a_mail(), "smtp")
    run_jobs()

    assert states() == [RawState.QUARANTINED, RawState.DELIVERED]
    assert "too long" in db.session.scalars(select(RawMail.error).order_by(RawMail.id)).first()
    assert db.session.scalars(select(Message.text)).all() == ["It is on fire."]


def test_it_is_stopped_when_its_time_is_over() -> None:
    reader = Reader()
    reader.seconds = 0.02
    began = time.monotonic()

    with pytest.raises(Poisonous, match="too long"):
        reader.read(heavy())

    assert time.monotonic() - began < 20
    reader.close()


def test_one_that_stands_still_is_stopped_too(app: Flask) -> None:
    reader = Reader()
    reader.read(HEAD + b"\r\nHello")
    assert reader._process is not None
    os.kill(reader._process.pid, signal.SIGSTOP)
    reader.seconds = 0.1

    with pytest.raises(Poisonous, match="too long"):
        reader.read(HEAD + b"\r\nHello")

    reader.close()


def test_a_reader_that_was_killed_is_replaced_and_the_message_read(app: Flask) -> None:
    reader = Reader()
    reader.read(HEAD + b"\r\nHello")
    assert reader._process is not None
    os.kill(reader._process.pid, signal.SIGKILL)

    assert reader.read(HEAD + b"\r\nHello again").text.strip() == "Hello again"
    reader.close()


def test_the_reader_knows_nothing_of_our_secrets(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a canary of ours")
    reader = Reader()
    reader.read(HEAD + b"\r\nHello")
    assert reader._process is not None

    with open(f"/proc/{reader._process.pid}/environ", "rb") as file:
        assert b"canary" not in file.read()
    reader.close()


@pytest.mark.parametrize(
    "problem",
    [RedisError("gone"), OSError(28, "No space left on device"), OperationalError("", {}, Exception("disk I/O error")), MemoryError()],
    ids=["queue", "disk", "database", "memory"],
)  # fmt: skip
def test_a_fault_of_the_surroundings_is_tried_again(app: Flask, problem: Exception) -> None:
    row = incoming.store(a_mail(), "smtp")

    def fail(_event: object) -> None:
        raise problem

    events.react({**REACTIONS, Did.OPENED: (fail,)})
    try:
        run_jobs()
    finally:
        events.react(REACTIONS)
    assert states() == [RawState.NEW]
    waiting = db.session.scalars(select(Outbox).where(Outbox.job == "mail.deliver")).one()
    assert waiting.done_at is None and waiting.error
    waiting.due_at = waiting.created_at
    run_jobs()

    assert db.session.get_one(RawMail, row.id, populate_existing=True).state is RawState.DELIVERED


def test_what_the_message_itself_causes_is_set_aside(app: Flask) -> None:
    def fail(_event: object) -> None:
        raise ValueError("no such letter")

    incoming.store(a_mail(), "smtp")
    events.react({**REACTIONS, Did.OPENED: (fail,)})
    try:
        run_jobs()
    finally:
        events.react(REACTIONS)

    assert states() == [RawState.QUARANTINED]
    assert db.session.scalars(select(Message.id)).all() == []
