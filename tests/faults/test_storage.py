"""The place for files goes away, is slow or full: the words are kept, the person is told, the file comes later."""

from __future__ import annotations

import datetime as dt
import io
import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import boto3
import pytest
from flask import Flask
from flask.testing import FlaskClient
from moto.server import ThreadedMotoServer
from sqlalchemy import func, select

from app.core import clock, storage
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import incoming
from app.mail.models import RawMail, RawState
from app.tickets import jobs
from app.tickets.thread import Attachment, Message
from tests.api.desk import a_program, refused
from tests.factories import a_customer, a_supervisor, a_ticket, multipart, run_jobs, sign_in_customer
from tests.run.desks import free_port

FORM = {"form": "mark", "subject": "Printer", "message": "It burns, see the picture."}


class Bucket:
    """An S3 server of our own that can be stopped."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()
        boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1").create_bucket(
            Bucket="desk"
        )

    def start(self) -> None:
        self.server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture
def bucket(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    bucket = Bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.port}")
    monkeypatch.setitem(storage.BUCKET_ANSWERS, "allow_http", True)  # read when the desk starts
    with stored_in(app, "s3://desk/files"):
        yield bucket
    bucket.stop()


@contextmanager
def stored_in(app: Flask, url: str) -> Iterator[None]:
    before, app.config["STORAGE_URL"] = app.config["STORAGE_URL"], url
    app.extensions.pop("deskhand_store", None)
    try:
        yield
    finally:
        app.config["STORAGE_URL"] = before
        app.extensions.pop("deskhand_store", None)


def a_mail_with_a_file(content: bytes = b"a picture") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "kim@customer.test", "support@deskhand.example", "Printer"
    mail["Message-ID"] = "<one@customer.test>"
    mail.set_content("It burns, see the picture.\n")
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="fire.bin")
    return mail.as_bytes()


def the_file() -> Attachment:
    db.session.rollback()
    return db.session.scalars(select(Attachment)).one()


def test_a_mail_becomes_a_ticket_while_the_bucket_is_away_and_its_file_follows(app: Flask, bucket: Bucket) -> None:
    bucket.stop()
    incoming.store(a_mail_with_a_file(), "smtp")
    run_jobs(rounds=2)

    assert "It burns" in db.session.scalars(select(Message.text)).one()
    assert db.session.scalars(select(RawMail.state)).one() is RawState.DELIVERED
    with pytest.raises(storage.StorageAway):
        storage.load(the_file().storage_key)
    waiting = db.session.scalars(select(Outbox).where(Outbox.job == "mail.keep_files")).one()
    assert waiting.state == "waiting" and waiting.error

    bucket.start()
    waiting.due_at = clock.now()
    run_jobs()

    assert storage.load(the_file().storage_key) == b"a picture"


def test_a_customer_whose_file_cannot_be_saved_is_told_and_keeps_their_words(
    client: FlaskClient, bucket: Bucket
) -> None:
    sign_in_customer(client, a_customer())
    bucket.stop()

    began = time.monotonic()
    answer = client.post("/portal/tickets/new", **multipart(FORM | {"files": (io.BytesIO(b"fire"), "fire.png")}))

    assert time.monotonic() - began < 30
    assert "Files can be neither saved nor read" in answer.text
    assert FORM["message"] in answer.text
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0
    bucket.start()
    assert (
        client.post("/portal/tickets/new", **multipart(FORM | {"files": (io.BytesIO(b"fire"), "fire.png")})).status_code
        == 303
    )
    assert storage.load(the_file().storage_key) == b"fire"


def test_a_file_that_cannot_be_had_now_is_said_to_be_away_and_not_gone(client: FlaskClient, bucket: Bucket) -> None:
    ada = a_customer()
    sign_in_customer(client, ada)
    client.post("/portal/tickets/new", **multipart(FORM | {"files": (io.BytesIO(b"fire"), "fire.png")}))
    address = f"/portal/files/{the_file().id}"
    bucket.stop()

    assert client.get(address).status_code == 503

    bucket.start()
    assert client.get(address).data == b"fire"


def test_a_program_is_told_in_the_one_shape_and_may_send_again(client: FlaskClient, bucket: Bucket) -> None:
    program = a_program(client, a_supervisor())
    bucket.stop()
    refused(program.upload(b"scan", headers={"Idempotency-Key": "one"}), 503)

    bucket.start()

    assert program.upload(b"scan", headers={"Idempotency-Key": "one"}).status_code == 201
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 1


@pytest.mark.parametrize(
    "app", ["postgresql"], indirect=True
)  # its files are not this process's, which the bound is for
def test_a_folder_without_room_leaves_no_row_and_no_piece_of_a_file(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    program = a_program(client, a_supervisor())
    with stored_in(app, f"file://{tmp_path / 'files'}"):
        most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            refused(program.upload(os.urandom(400_000)), 503)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))

        assert db.session.scalar(select(func.count()).select_from(Attachment)) == 0
        assert [file for file in (tmp_path / "files").rglob("*") if file.is_file()] == []
        assert program.upload(os.urandom(400_000)).status_code == 201


def test_a_refused_upload_leaves_nothing_on_the_disk(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    program = a_program(client, a_supervisor())
    with stored_in(app, f"file://{tmp_path / 'files'}"):
        refused(program.upload(b"x" * 11_000_000), 413)

        assert not list(Path(tmp_path).rglob("*/*/*"))


def test_other_peoples_files_in_the_same_place_are_never_swept(app: Flask, tmp_path: Path) -> None:
    with stored_in(app, f"file://{tmp_path / 'files'}"):
        theirs = tmp_path / "files" / "2019" / "05" / "holiday.jpg"
        theirs.parent.mkdir(parents=True)
        theirs.write_bytes(b"theirs")
        os.utime(theirs, (0, 0))

        jobs.sweep_files()

        assert theirs.read_bytes() == b"theirs"


def test_bytes_of_a_transaction_that_never_ended_are_swept_after_two_days(app: Flask, tmp_path: Path) -> None:
    with stored_in(app, f"file://{tmp_path / 'files'}"):
        ticket = a_ticket()
        kept, orphan, fresh = storage.save(b"kept"), storage.save(b"orphan"), storage.save(b"fresh")
        db.session.add(
            Attachment(name="a", type="text/plain", bytes=4, sha256="", storage_key=kept, ticket_id=ticket.id)
        )
        db.session.commit()
        old = (clock.now() - dt.timedelta(days=3)).timestamp()
        for key in (kept, orphan):
            os.utime(tmp_path / "files" / key, (old, old))

        jobs.sweep_files()

        assert storage.load(kept) == b"kept" and storage.load(fresh) == b"fresh"
        with pytest.raises(FileNotFoundError):
            storage.load(orphan)
        shutil.rmtree(tmp_path / "files")
