"""The receiver: takes SMTP for the desk's own addresses, keeps each message raw before it says yes."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from app.core.extensions import db
from app.mail import addresses, incoming

log = logging.getLogger(__name__)

LONGEST_LINE = 100_000
"""Bytes. Real mail breaks the 1,000 of RFC 5321."""


class Desk:
    """What aiosmtpd asks. Each answer is SMTP's own words."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not await asyncio.to_thread(self._ours, address):
            return "550 5.1.1 Nobody here has this address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = (
            envelope.content
            if isinstance(envelope.content, bytes)
            else str(envelope.content).encode("utf-8", "surrogateescape")
        )
        try:
            await asyncio.to_thread(self._store, content, envelope.mail_from or "", envelope.rcpt_tos[0])
        except Exception:  # the sender's server keeps the message and comes again: nothing is lost
            log.exception("a message could not be stored")
            return "451 4.3.0 Not stored, please try again later"
        return "250 2.0.0 Stored"

    def _ours(self, address: str) -> bool:
        with self.app.app_context():
            return addresses.ours(address)

    def _store(self, content: bytes, sender: str, recipient: str) -> None:
        with self.app.app_context():
            try:
                incoming.store(content, "smtp", sender, recipient)
            finally:
                db.session.remove()


def make_server(app: Flask) -> SMTP:
    """One connection's protocol."""
    return DeskSMTP(
        Desk(app),
        data_size_limit=incoming.MOST_BYTES,
        enable_SMTPUTF8=True,
        ident="Deskhand",
        hostname=app.config.get("SERVER_NAME") or "desk",
    )


class DeskSMTP(SMTP):
    line_length_limit = LONGEST_LINE
    command_size_limit = 4096


def run(app: Flask) -> None:
    """Listen until SIGTERM or SIGINT."""
    asyncio.run(_serve(app))


async def _serve(app: Flask) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await listen(app, app.config["HOST"], app.config["RECEIVER_PORT"])
    async with server:
        await stopped.wait()


async def listen(app: Flask, host: str, port: int) -> asyncio.Server:
    """Start serving; port 0 takes a free one."""
    server: Any = await asyncio.get_running_loop().create_server(lambda: make_server(app), host, port)
    return server
