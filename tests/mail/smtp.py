"""A mail server for tests, on loopback, whose answers a test chooses."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Sink:
    """Takes mail. `refuse` says what it answers to a recipient, `after_data` what to whole mails; "drop" cuts the line instead."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.senders: list[str] = []
        self.refuse: dict[str, str] = {}
        self.after_data: str = "250 2.0.0 Ok: queued as 4711"
        self.connections = 0
        self.pipelining = False

    async def handle_EHLO(
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return [responses[0], *(["250-PIPELINING"] if self.pipelining else []), *responses[1:]]

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.refuse.get(address, "250 OK")
        if answer == "drop":
            server.transport.abort()
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.after_data == "drop after keeping":
            self._keep(envelope)
            server.transport.abort()
            return "250 never said"
        if self.after_data.startswith("250"):
            self._keep(envelope)
        return self.after_data

    def _keep(self, envelope: Any) -> None:
        self.mails.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        self.senders.append(envelope.mail_from)

    def parsed(self) -> list[EmailMessage]:
        """No property: aiosmtpd reads all attributes of its handler for each line that opens."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.mails]  # type: ignore[misc]


class TokenSink(Sink):
    """Takes mail of whoever brings a token that is `good` (XOAUTH2), and of nobody else."""

    def __init__(self, user: str) -> None:
        super().__init__()
        self.user = user
        self.good: set[str] = set()
        self.shown: list[str] = []

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        given = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        self.shown.append(given)
        if given in {f"user={self.user}\x01auth=Bearer {token}\x01\x01" for token in self.good}:
            return AuthResult(success=True)
        took_note = await server.challenge_auth('{"status":"400"}') == b""
        await server.push("535 5.7.8 The token is not good" if took_note else "501 5.5.2 An empty line was expected")
        return AuthResult(success=False, handled=True)

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        return await super().handle_RCPT(server, session, envelope, address, options)


class LoopbackController(Controller):
    """With a free port of the system's choice; aiosmtpd checks that it answers."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(sink: Sink, **settings: Any) -> Iterator[int]:
    """The port of a server that gives its mail to `sink`."""
    controller = LoopbackController(sink, hostname="127.0.0.1", port=0, **settings)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
