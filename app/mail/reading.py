"""Reading a message in a process of its own, with a limit: one that holds it up, or kills it, is set aside and holds nothing else.

The process is started once and reads message after message; it knows no secret and has no database. Started anew when it died.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses as dc
import logging
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from flask import current_app
from flask_babel import gettext as _

from app.core.errors import HelpdeskError
from app.core.html import clean
from app.mail import parsing, quoting
from app.mail.parsing import IncomingMail, Said

log = logging.getLogger(__name__)

MEMORY = 2 * 1024**3
"""Bytes it may ask for: a message of 25 MB is held a dozen times while it is taken apart."""
PATIENCE = 4
"""Times the limit of processor time: how long we wait on a clock, as a busy machine may give it little."""
IDLE_SECONDS = 30
KNOWN = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "TMPDIR")
"""What it knows of our environment, which holds passwords."""
TOO_LONG = (-signal.SIGPROF, -signal.SIGXCPU)


class Poisonous(HelpdeskError):
    """Reading this message took too long, or ended its reader: it is looked at by a person."""


class ReaderGone(OSError):
    """The reader ended for a reason that is not the message's."""


def read(raw: bytes) -> IncomingMail:
    """The message with what is newly said in it. Raises Unreadable, Poisonous or ReaderGone."""
    if len(raw) > parsing.MAX_MESSAGE_BYTES:
        return parsing.read(raw)  # which says so
    return _reader().read(raw)


def _reader() -> Reader:
    """One a process; whoever was forked from it starts one of their own."""
    kept = current_app.extensions.get("deskhand_reader")
    if kept is None or kept[0] != os.getpid():
        kept = current_app.extensions["deskhand_reader"] = (os.getpid(), Reader())
    reader: Reader = kept[1]
    reader.seconds = current_app.config["MAIL_READING_SECONDS"]
    return reader


class Reader:
    """Our side of the process. Threads take turns."""

    def __init__(self) -> None:
        self.seconds = 10.0
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def read(self, raw: bytes) -> IncomingMail:
        with self._turn:
            try:
                return self._ask(raw)
            except ReaderGone as problem:  # somebody ended it, or it was the message: a second reader tells
                log.warning("%s: the message is read once more", problem)
                return self._ask(raw, again=True)

    def _ask(self, raw: bytes, again: bool = False) -> IncomingMail:
        process = self._running()
        try:
            answer = _exchange(process, raw, self.seconds)
        except (OSError, EOFError):
            answer = None
        if answer is None:
            raise self._ended(process, again)
        kind, value = pickle.loads(answer)  # by our own program
        if kind != "mail":
            raise Poisonous(value)
        assert isinstance(value, IncomingMail)
        return value

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            _end(self._process)  # its lines are ours to close
            self._process = None
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.mail.reading"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                env={name: os.environ[name] for name in KNOWN if name in os.environ},
            )
        return self._process

    def _ended(self, process: subprocess.Popen[bytes], again: bool) -> Exception:
        self._process = None
        slow = process.poll() is None and not _ends_soon(process)
        code = _end(process)
        if slow or code in TOO_LONG:
            return Poisonous(_("Reading it took too long: it was stopped."))
        if again and code < 0:
            return Poisonous(_("Reading it ended the program that read it."))
        return ReaderGone(f"the reader of mail ended with {code}")

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


def _end(process: subprocess.Popen[bytes]) -> int:
    process.kill()
    for line in (process.stdin, process.stdout):
        if line is not None:
            with contextlib.suppress(OSError):  # what could not be written any more
                line.close()
    return process.wait()


def _ends_soon(process: subprocess.Popen[bytes]) -> bool:
    """It closed its end of the line; its death is a moment away."""
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


def _exchange(process: subprocess.Popen[bytes], raw: bytes, seconds: float) -> bytes | None:
    """Its answer, or None when it did not come in time."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(len(raw).to_bytes(8) + float(seconds).hex().encode().ljust(32) + raw)
    process.stdin.flush()
    if not select.select([process.stdout], [], [], seconds * PATIENCE)[0]:
        return None
    return _exactly(process.stdout, int.from_bytes(_exactly(process.stdout, 8)))


def _exactly(line: IO[bytes], size: int) -> bytes:
    found = line.read(size)
    if len(found) < size:
        raise EOFError
    return found


def fully(raw: bytes) -> IncomingMail:
    """The message with all that costs time to find in it."""
    mail = parsing.read(raw)
    return dc.replace(mail, said=found_in(mail))


def found_in(mail: IncomingMail) -> Said:
    shown = clean(quoting.visible_html(mail.html)) if mail.html.strip() else None
    return Said(parsing.plain_text(mail), quoting.visible(mail.text, mail.html), shown)


def main() -> None:
    """The process itself: message after message, until whoever asks is gone. The kernel ends it when one takes too long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with whoever asks
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asking, answering, asker = sys.stdin.buffer, sys.stdout.buffer, os.getppid()
    while True:
        while not select.select([asking], [], [], IDLE_SECONDS)[0]:
            if os.getppid() != asker:
                return
        head = asking.read(40)
        if len(head) < 40:
            return
        raw = _exactly(asking, int.from_bytes(head[:8]))
        signal.setitimer(signal.ITIMER_PROF, float.fromhex(head[8:].strip().decode()))
        answer = pickle.dumps(_answer(raw))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answering.write(len(answer).to_bytes(8) + answer)
        answering.flush()


def _answer(raw: bytes) -> tuple[str, object]:
    try:
        return "mail", fully(raw)
    except Exception as problem:  # one message's: whoever asked sets it aside, the next may be read
        return "problem", f"{type(problem).__name__}: {problem}"


if __name__ == "__main__":
    main()
