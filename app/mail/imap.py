"""One connection to one folder of an IMAP server: what lies there, its bytes, and what becomes of it afterwards."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple

from flask_babel import gettext as _
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.utils import encode_folder

from app.core.errors import HelpdeskError
from app.mail.boxes import After, Security
from app.mail.servers import Server

UID = re.compile(rb"\bUID (\d{1,20})")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,20})")
LONGEST_WORDS = 500


class Failed(HelpdeskError):
    """No connection, no sign-in or an answer that is a no; in the server's own words."""


class Folder(NamedTuple):
    validity: int
    next_uid: int
    """The number that the next message will get."""
    messages: int


class Line:
    """An open connection that signed in. Raises Failed, whatever goes wrong."""

    def __init__(self, server: Server, timeout: float) -> None:
        with _words():
            self._box = _opened(server, timeout)
        try:
            with _words():
                _sign_in(self._box, server)
                self._can = frozenset(_text(_checked(self._box.client.capability())).upper().split())
        except HelpdeskError:
            self._box.client.shutdown()
            raise

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Without waiting for the goodbye of a server that did not answer."""
        try:
            if problem is None:
                self._box.logout()
        except (imaplib.IMAP4.error, ImapToolsError, OSError):
            pass
        try:
            self._box.client.shutdown()
        except OSError:
            pass

    @property
    def tells(self) -> bool:
        """Whether the server says at once that something came (IDLE)."""
        return "IDLE" in self._can

    def choose(self, folder: str) -> Folder:
        """Also to learn what is new: its numbers may have begun anew since."""
        client = self._box.client
        with _words():
            _checked(client.select(encode_folder(folder)))  # type: ignore[arg-type]  # bytes are what it sends
            found = {name: client.response(name)[1] for name in ("UIDVALIDITY", "UIDNEXT", "EXISTS")}
        numbers = {name: int(given[-1]) for name, given in found.items() if given and given[-1]}
        if "UIDVALIDITY" not in numbers:
            raise Failed(_("The server gives its messages no lasting numbers (UIDVALIDITY)."))
        return Folder(numbers["UIDVALIDITY"], numbers.get("UIDNEXT", 0) or self._beyond(), numbers.get("EXISTS", 0))

    def _beyond(self) -> int:
        """For servers that do not say it: one more than the last."""
        with _words():
            return max((int(uid) for uid in self._box.uids("UID *", None)), default=0) + 1

    def exists(self, folder: str) -> bool:
        with _words():
            return self._box.folder.exists(folder)

    def uids(self, first: int, last: int, unread: bool) -> list[int]:
        """The numbers from `first` to `last` that are there, in their order."""
        wanted = f"UID {first}:{last}" + (" UNSEEN" if unread else "")
        with _words():
            found = {int(uid) for uid in self._box.uids(wanted, None)}
        return sorted(uid for uid in found if first <= uid <= last)

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Bytes, of those that are there."""
        sizes = {}
        for answer in self._fetched(uids, "RFC822.SIZE"):
            line = answer[0] if isinstance(answer, tuple) else answer
            uid, size = UID.search(line or b""), SIZE.search(line or b"")
            if uid and size:
                sizes[int(uid[1])] = int(size[1])
        return {uid: sizes[uid] for uid in uids if uid in sizes}

    def contents(self, uids: Sequence[int], part: str = "") -> dict[int, bytes]:
        """The bytes of each, or of their `part`, unmarked as read."""
        answers = self._fetched(uids, f"BODY.PEEK[{part}]")
        found = {}
        for place, answer in enumerate(answers):
            if isinstance(answer, tuple):
                behind = answers[place + 1] if place + 1 < len(answers) else b""
                uid = UID.search(answer[0]) or (UID.search(behind) if isinstance(behind, bytes) else None)
                if uid:
                    found[int(uid[1])] = bytes(answer[1])
        return {uid: found[uid] for uid in uids if uid in found}

    def settle(self, uids: Sequence[int], after: After, folder: str) -> None:
        """The desk has them."""
        client, names = self._box.client, _set(uids)
        with _words():
            if after is not After.DELETE:
                _checked(client.uid("STORE", names, "+FLAGS.SILENT", r"(\Seen)"))
            if after is After.MOVE and "MOVE" in self._can:
                _checked(client.uid("MOVE", names, encode_folder(folder)))  # type: ignore[arg-type]
            elif after is After.MOVE:
                _checked(client.uid("COPY", names, encode_folder(folder)))  # type: ignore[arg-type]
            if after is After.DELETE or (after is After.MOVE and "MOVE" not in self._can):
                self._remove(names)

    def _remove(self, names: str) -> None:
        """These alone, where the server can: others may have marked other messages."""
        client = self._box.client
        _checked(client.uid("STORE", names, "+FLAGS.SILENT", r"(\Deleted)"))
        _checked(client.uid("EXPUNGE", names) if "UIDPLUS" in self._can else client.expunge())

    def listen(self) -> None:
        with _words():
            self._box.idle.start()

    def heard(self, seconds: float) -> bool:
        """Whether the server told of something within this time. Between `listen` and `hush`."""
        with _words():
            told = self._box.idle.poll(timeout=seconds)
        return any(b"EXISTS" in line or b"RECENT" in line for line in told)

    def hush(self) -> None:
        with _words():
            self._box.idle.stop()

    def _fetched(self, uids: Sequence[int], what: str) -> list[bytes | tuple[bytes, bytes]]:
        if not uids:
            return []
        with _words():
            return list(_checked(self._box.client.uid("FETCH", _set(uids), f"(UID {what})")))


def _opened(server: Server, timeout: float) -> BaseMailBox:
    """Certificates are checked; a server without STARTTLS gets nothing."""
    if server.security is Security.PLAIN:
        return MailBoxUnencrypted(server.host, server.port, timeout=timeout)
    kind = MailBox if server.security is Security.TLS else MailBoxStartTls
    return kind(server.host, server.port, timeout=timeout, ssl_context=ssl.create_default_context())


def _sign_in(box: BaseMailBox, server: Server) -> None:
    if server.token is not None:
        words = f"user={server.user}\x01auth=Bearer {server.token()}\x01\x01".encode()
        # a reason for a refusal is answered by an empty line; imap-tools would show the token a second time
        box.client.authenticate("XOAUTH2", lambda challenge: b"" if challenge else words)
    elif server.user.isascii() and server.password.isascii():
        box.login(server.user, server.password, initial_folder=None)
    else:
        box.login_utf8(server.user, server.password, initial_folder=None)


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _checked(answer: tuple[str, list[bytes | tuple[bytes, bytes]]]) -> list[bytes | tuple[bytes, bytes]]:
    state, given = answer
    if state != "OK":
        raise Failed(_said(given))
    return given


@contextmanager
def _words() -> Iterator[None]:
    try:
        yield
    except HelpdeskError:
        raise
    except ImapToolsError as problem:
        result = getattr(problem, "command_result", None)
        raise Failed(_said(result[1]) if result else str(problem)[:LONGEST_WORDS]) from problem
    except (
        imaplib.IMAP4.error,
        OSError,
        ValueError,
        IndexError,
        KeyError,
    ) as problem:  # also an answer that is no IMAP
        words = " ".join(str(problem).split())[:LONGEST_WORDS]
        raise Failed(f"{type(problem).__name__}: {words}") from problem


def _said(given: object) -> str:
    """What the server said, in one line."""
    words = _text(given if isinstance(given, list | tuple) else [given])
    return " ".join(words.split())[:LONGEST_WORDS] or _("The server said no and nothing else.")


def _text(parts: Iterable[object]) -> str:
    return b" ".join(part for part in parts if isinstance(part, bytes)).decode("utf-8", "replace")
