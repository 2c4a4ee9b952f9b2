"""The line to the mail server: Flask-Mail keeps the settings and opens it, with time limits and a checked certificate."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from flask import current_app
from flask_mail import Connection, Mail

from app.core.errors import HelpdeskError
from app.mail import addresses

TIMEOUT_SECONDS = 20
"""For each answer of the server: a slow one must not hold the mails to others."""


class Refused(Exception):
    """The server said no; `code` and `words` are its own."""

    def __init__(self, code: int, words: bytes | str) -> None:
        self.code = code
        self.words = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        super().__init__(f"{code} {self.words}".strip()[:2000])

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600


class Broken(Exception):
    """No answer, or one that is no SMTP: nothing is known of the recipient."""


class Untrusted(Broken):
    """TLS was asked for and is not to be had: no STARTTLS, or a certificate that nobody vouches for. Said once for each line."""


class Line(Connection):
    """One connection for many mails, each with an answer of its own."""

    host: smtplib.SMTP | None

    def __init__(self, given: Mapping[str, object] | None = None, token: Callable[[], str] | None = None) -> None:
        """To the desk's own server, or by a mailbox's settings. `token`: what opens it in a password's stead."""
        given = given if given is not None else settings(current_app.config["MAIL_URL"])
        super().__init__(Mail().init_mail(given))  # type: ignore[arg-type]  # as Flask-Mail itself does
        self.token = token
        self.host = None
        self.used = False
        self.dead = ""

    def configure_host(self) -> smtplib.SMTP:
        """Raises what smtplib and ssl raise: a server without STARTTLS, or with a wrong certificate, gets nothing."""
        server, port, name = self.mail.server, int(self.mail.port or 25), addresses.domain()
        if self.mail.use_ssl:
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                server, port, local_hostname=name, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            host = smtplib.SMTP(server, port, local_hostname=name, timeout=TIMEOUT_SECONDS)
        try:
            self._secure(host)
        except (smtplib.SMTPException, OSError, ValueError, Untrusted, HelpdeskError):
            host.close()
            raise
        return host

    def _secure(self, host: smtplib.SMTP) -> None:
        if self.mail.use_tls:
            try:
                host.starttls(context=ssl.create_default_context())
            except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException) as problem:
                raise Untrusted(said(problem)) from problem
        if self.token is not None:
            words = f"user={self.mail.username}\x01auth=Bearer {self.token()}\x01\x01"
            host.ehlo_or_helo_if_needed()
            host.auth("XOAUTH2", lambda challenge=None: "" if challenge else words)
        elif self.mail.username:
            host.login(self.mail.username, self.mail.password or "")
        host.ehlo_or_helo_if_needed()

    def send_bytes(self, sender: str, recipient: str, raw: bytes) -> str:
        """Hand one mail over and return the server's words. Raises Refused for this recipient, Broken for the line."""
        try:
            self._envelope_on_live_line(sender, recipient)
            answer = self._expect(self._opened().data(raw), 250)
        except Refused as refusal:
            self._after(refusal)
            raise
        except smtplib.SMTPResponseException as problem:
            said_no = Refused(problem.smtp_code, problem.smtp_error)
            self._after(said_no)
            raise said_no from problem
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            self.close()
            if isinstance(problem, TimeoutError):  # a server that hangs is waited for once a run, not once a mail
                self.dead = said(problem)
            raise Broken(said(problem)) from problem
        self.used = True
        return answer

    def close(self) -> None:
        """Without waiting for a goodbye that may never come."""
        if self.host is not None:
            self.host.close()
        self.host, self.used = None, False

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.host is not None:
                self.host.quit()
        except (smtplib.SMTPException, OSError):
            pass
        self.close()

    def _opened(self) -> smtplib.SMTP:
        """Raises Broken with what went wrong, whatever it was, and from then on at once: a server that is gone is asked once a run."""
        if self.dead:
            raise Broken(self.dead)
        if self.host is None:
            try:
                self.host = self.configure_host()
            except Untrusted as problem:
                self.dead = str(problem)
                raise
            except ssl.SSLError as problem:
                self.dead = said(problem)
                raise Untrusted(self.dead) from problem
            except HelpdeskError as problem:  # no token is to be had
                self.dead = str(problem)
                raise Broken(self.dead) from problem
            except (smtplib.SMTPException, OSError, ValueError) as problem:
                self.dead = said(problem)
                raise Broken(self.dead) from problem
        return self.host

    def _envelope_on_live_line(self, sender: str, recipient: str) -> None:
        """A server may end a line that was used before; nothing of this mail was said yet, so a new one is opened."""
        try:
            self._envelope(sender, recipient)
        except (smtplib.SMTPServerDisconnected, ConnectionError):
            if not self.used:
                raise
            self.close()
            self._envelope(sender, recipient)

    def _envelope(self, sender: str, recipient: str) -> None:
        """Both addresses were checked. A server that takes commands without waiting for its answers gets both at once."""
        host = self._opened()
        commands = (f"MAIL FROM:<{sender}>\r\n", f"RCPT TO:<{recipient}>\r\n")
        if host.has_extn("pipelining"):
            host.send("".join(commands))
            answers = [host.getreply(), host.getreply()]
            self._expect(answers[0], 250)
            self._expect(answers[1], 250, 251)
        else:
            host.send(commands[0])
            self._expect(host.getreply(), 250)
            host.send(commands[1])
            self._expect(host.getreply(), 250, 251)

    def _expect(self, answer: tuple[int, bytes], *codes: int) -> str:
        code, words = answer
        if code == -1:
            raise smtplib.SMTPServerDisconnected("no answer")
        if code not in codes:
            raise Refused(code, words)
        return f"{code} {words.decode('utf-8', 'replace')}"[:2000]

    def _after(self, refusal: Refused) -> None:
        """421 ends the line; after any other refusal the next mail starts afresh on it."""
        try:
            if refusal.code == 421 or self.host is None:
                self.close()
            else:
                self.host.rset()
        except (smtplib.SMTPException, OSError):
            self.close()


def said(problem: Exception) -> str:
    """A machine's complaint in one line."""
    if isinstance(problem, smtplib.SMTPResponseException):
        return str(Refused(problem.smtp_code, problem.smtp_error))
    return f"{type(problem).__name__}: {problem}"


def settings(url: str) -> dict[str, object]:
    """Flask-Mail's settings from `smtp://user:password@host:587?starttls=1` or `smtps://…`. A user never travels without TLS."""
    parts = urlsplit(url)
    tls = parts.scheme == "smtp" and (parse_qs(parts.query).get("starttls") == ["1"] or bool(parts.username))
    return {
        "MAIL_SERVER": parts.hostname or "127.0.0.1",
        "MAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587 if tls else 25),
        "MAIL_USERNAME": unquote(parts.username) if parts.username else None,
        "MAIL_PASSWORD": unquote(parts.password) if parts.password else None,
        "MAIL_USE_SSL": parts.scheme == "smtps",
        "MAIL_USE_TLS": tls,
        "MAIL_SUPPRESS_SEND": False,
    }
