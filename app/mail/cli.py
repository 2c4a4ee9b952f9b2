"""`desk mail …`: a message on standard input, and the what-if of reading."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from app.core import commands
from app.core.database import snapshot
from app.core.extensions import db
from app.mail import incoming, preview
from app.mail.models import RawState
from app.tickets.models import Ticket

TRY_AGAIN = os.EX_TEMPFAIL

mail = AppGroup("mail", help="Mail in, from a pipe; and what would be read of a message.")


def register(app: Flask) -> None:
    commands.desk.add_command(mail)


@mail.command("receive")
@click.option("--recipient", default="", help="The envelope's recipient, when the mail server knows it.")
def receive(recipient: str) -> None:
    """Take one raw message on stdin; print the number of its ticket, or what was decided."""
    row = incoming.store(sys.stdin.buffer.read(), "pipe", recipient=recipient)
    if row.state is RawState.NEW:
        incoming.deliver(row.id)
        db.session.commit()
    ticket = db.session.get(Ticket, row.ticket_id) if row.ticket_id else None
    click.echo(str(ticket.number) if ticket is not None else row.verdict)


@mail.command("pipe")
@click.option("--recipient", default="", help="The envelope's recipient, when the mail server knows it.")
@click.option("--sender", default="", help="The envelope's sender, when the mail server knows it.")
def pipe(recipient: str, sender: str) -> None:
    """Keep one raw message on stdin and say nothing. Ends with 75 when it could not be kept: the mail server tries again later."""
    raw = sys.stdin.buffer.read()
    try:
        incoming.store(raw, "pipe", sender, recipient)
    except Exception as problem:  # whatever it is, the message is still the mail server's
        click.echo(f"not kept: {type(problem).__name__}", err=True)
        sys.exit(TRY_AGAIN)


@mail.command("preview")
def what_if() -> None:
    """Read paths on stdin; print one JSON object a line: what would be read and decided. Nothing is stored."""
    deciding = _there_is_a_desk()
    for line in sys.stdin:
        path = line.strip()
        if path:
            click.echo(json.dumps({"path": path, **_described(path, deciding)}, ensure_ascii=False))


def _there_is_a_desk() -> bool:
    """Without one, what a message says is told, and nothing is decided."""
    file = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
    if file is not None and not Path(file).is_file():
        return False
    try:
        with snapshot() as connection:
            return inspect(connection).has_table("raw_mail")
    except DBAPIError:
        return False


def _described(path: str, deciding: bool) -> dict[str, object]:
    try:
        raw = Path(path).read_bytes()
        told = preview.describe(raw)
        return {**told, **preview.decided(raw)} if deciding and "error" not in told else told
    except Exception as problem:  # one unreadable file must not end the answers to the others
        return {"error": f"{type(problem).__name__}: {problem}"}
