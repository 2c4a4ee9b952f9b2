"""The receiver: takes SMTP and LMTP for the desk's own addresses, keeps each message raw before it says yes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections import Counter
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from flask import Flask

from app.core import database
from app.core.extensions import db
from app.mail import addresses, incoming, watch

log = logging.getLogger(__name__)

LONGEST_LINE = 100_000
"""Bytes. Real mail breaks the 1,000 of RFC 5321."""
MOST_LINES, MOST_LINES_OF_ONE = 100, 30
"""Connections at once, of all and of one address: each may hold a whole message in memory."""
MOST_RECIPIENTS = 100
"""Of one message, as RFC 5321 asks for."""
MOST_WRONG = 20
"""Recipients in one connection that are not ours: whoever names more of them tries out addresses."""


class Desk:
    """What aiosmtpd asks. Each answer is SMTP's own words."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        assert isinstance(server, DeskSMTP)
        if server.wrong >= MOST_WRONG:
            return "421 4.7.0 Too many unknown recipients"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients, please send the rest again"
        if not await asyncio.to_thread(self._ours, address):
            return server.count_wrong()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = (
            envelope.content
            if isinstance(envelope.content, bytes)
            else str(envelope.content).encode("utf-8", "surrogateescape")
        )
        try:
            if name := await asyncio.to_thread(self._refused_by, content, envelope.rcpt_tos[0]):
                log.info("a message was rejected by the filter %r", name)
                return "550 5.7.1 This message is not accepted here"
            await asyncio.to_thread(self._store, content, envelope.mail_from or "", envelope.rcpt_tos[0])
        except Exception:  # the sender's server keeps the message and comes again: nothing is lost
            log.exception("a message could not be stored")
            return _for_each(server, envelope, "451 4.3.0 Not stored, please try again later")
        return _for_each(server, envelope, "250 2.0.0 Stored")

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong is ours, a database that is down above all. aiosmtpd's own answer is a 500, and the sender's server would give the mail up."""
        log.error("a connection met an error: %s", error, exc_info=error)
        return "451 4.3.0 Not now, please try again later"

    def _ours(self, address: str) -> bool:
        with self.app.app_context():
            try:
                with database.reading():
                    return addresses.taken(address)
            finally:
                db.session.remove()

    def _refused_by(self, content: bytes, recipient: str) -> str:
        """The name of the filter that does not take it."""
        with self.app.app_context():
            try:
                return incoming.refused_by(content, recipient)
            finally:
                db.session.remove()

    def _store(self, content: bytes, sender: str, recipient: str) -> None:
        with self.app.app_context():
            try:
                incoming.store(content, "smtp", sender, recipient)
            finally:
                db.session.remove()


def _for_each(server: SMTP, envelope: Envelope, answer: str) -> str:
    """LMTP wants to hear it once for each recipient (RFC 2033)."""
    return "\r\n".join([answer] * len(envelope.rcpt_tos)) if isinstance(server, DeskLMTP) else answer


class Lines:
    """The connections that are open now, by the address they came from."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def admit(self, peer: str) -> bool:
        if self._open.total() >= MOST_LINES or self._open[peer] >= MOST_LINES_OF_ONE:
            log.warning("a connection of %r was refused: too many are open", peer)
            return False
        self._open[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]


def make_server(app: Flask, lines: Lines, lmtp: bool = False) -> SMTP:
    """One connection's protocol."""
    return (DeskLMTP if lmtp else DeskSMTP)(
        lines,
        Desk(app),
        data_size_limit=incoming.MOST_BYTES,
        enable_SMTPUTF8=True,
        ident="Deskhand",
        hostname=app.config.get("SERVER_NAME") or "desk",
    )


class DeskSMTP(SMTP):
    line_length_limit = LONGEST_LINE
    command_size_limit = 4096

    def __init__(self, lines: Lines, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._lines = lines
        self._peer: str | None = None
        self.wrong = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        if self._lines.admit(peer):
            self._peer = peer
            super().connection_made(transport)
        else:
            transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._peer is not None:
            self._lines.leave(self._peer)
            super().connection_lost(error)

    def count_wrong(self) -> str:
        """The answer to a recipient that is not ours. After the last one the line is cut, once the answer is out."""
        self.wrong += 1
        if self.wrong < MOST_WRONG:
            return "550 5.1.1 Nobody here has this address"
        log.warning("%r named %s recipients that are not ours: refused", self._peer, self.wrong)
        assert isinstance(self.transport, asyncio.Transport)
        self.loop.call_later(1, self.transport.close)
        return "421 4.7.0 Too many unknown recipients"


class DeskLMTP(DeskSMTP):
    """The same over LMTP, for a mail server that delivers to it."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:
        await self.push("500 Error: this is LMTP, say LHLO")

    smtp_EHLO = smtp_HELO


def run(app: Flask) -> None:
    """Listen until SIGTERM or SIGINT, and hold the mailboxes that are fetched from."""
    watching = watch.Watch(app)
    watching.start()
    try:
        asyncio.run(_serve(app))
    finally:
        watching.stop()


async def _serve(app: Flask) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(await listen(app, app.config["HOST"], app.config["RECEIVER_PORT"]))
        if app.config["LMTP_PORT"]:
            await stack.enter_async_context(await listen(app, app.config["HOST"], app.config["LMTP_PORT"], lmtp=True))
        await stopped.wait()


async def listen(app: Flask, host: str, port: int, lmtp: bool = False) -> asyncio.Server:
    """Start serving; port 0 takes a free one."""
    lines = Lines()
    server: Any = await asyncio.get_running_loop().create_server(lambda: make_server(app, lines, lmtp), host, port)
    return server
