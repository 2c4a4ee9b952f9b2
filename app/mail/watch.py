"""Holds the mailboxes in the receiver's process: a thread each, so that a server that hangs holds up nobody else's mail."""

from __future__ import annotations

import logging
import threading
import time

from flask import Flask, g
from sqlalchemy.exc import SQLAlchemyError

from app.core import database
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import fetching
from app.mail.boxes import Mailbox
from app.mail.imap import Line
from app.settings import desk

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How soon a mailbox that is due, new or changed is noticed."""
LISTEN_SECONDS = 240
"""IDLE is begun anew so often: many routers forget a silent line after five minutes."""
SOON_SECONDS = 10
"""After mail came: what came in the moment before the server was listened to, it has told already."""
MOST_HELD = 50
END_SECONDS = 4.0


class Watch:
    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._holders: dict[int, threading.Thread] = {}
        self._looker = threading.Thread(target=self._look, name="mailboxes", daemon=True)

    def start(self) -> None:
        self._looker.start()

    def stop(self) -> None:
        """What is in the middle of something ends with the process: nothing is marked as read before it is kept."""
        self._stopping.set()
        for thread in (self._looker, *self._holders.values()):
            if thread.is_alive():
                thread.join(END_SECONDS)

    def _look(self) -> None:
        while not self._stopping.is_set():
            with self._app.app_context():
                try:
                    with database.reading():
                        due = fetching.due()
                    self._begin(due)
                except SQLAlchemyError as problem:  # a database that is away comes back
                    log.warning("the database does not answer: %s", problem)
                finally:
                    db.session.remove()
            self._stopping.wait(LOOK_SECONDS)

    def _begin(self, due: list[int]) -> None:
        self._holders = {box_id: thread for box_id, thread in self._holders.items() if thread.is_alive()}
        for box_id in due:
            if box_id not in self._holders and len(self._holders) < MOST_HELD:
                thread = threading.Thread(target=self._hold, args=(box_id,), name=f"mailbox-{box_id}", daemon=True)
                self._holders[box_id] = thread
                thread.start()

    def _hold(self, box_id: int) -> None:
        with self._app.app_context():
            try:
                hold(box_id, self._stopping)
            except Exception:  # one mailbox's trouble, whatever it is, ends no other's
                log.exception("mailbox %s could not be fetched from", box_id)
            finally:
                db.session.remove()


def hold(box_id: int, stopping: threading.Event) -> None:
    """Fetch what is there, and stay on the line as long as the server tells of what comes and nobody changes the mailbox."""
    try:
        fetching.take(box_id)
    except fetching.NotOurs:
        return
    try:
        version = _version()
        with fetching.connect(box_id) as line:
            listens = line.tells and db.session.get_one(Mailbox, box_id).idle
            db.session.commit()
            came = True
            while not stopping.is_set() and _version() == version:
                came = _fetch_all(line, box_id, stopping) or came
                if not listens or not _heard(line, box_id, stopping, version, SOON_SECONDS if came else LISTEN_SECONDS):
                    break
                came = False
        if listens:  # begun anew at once: it may be another mailbox that was changed
            fetching.ask_soon(box_id)
    except fetching.NotOurs:
        pass
    except HelpdeskError as problem:
        fetching.failed(box_id, str(problem))
    finally:
        fetching.let_go(box_id)


def _fetch_all(line: Line, box_id: int, stopping: threading.Event) -> bool:
    """Whether there was something."""
    taken, more = 0, True
    while more and not stopping.is_set():
        found = fetching.fetch_by(line, box_id)
        taken, more = taken + found.taken, found.more
    return taken > 0


def _heard(line: Line, box_id: int, stopping: threading.Event, version: str, longest: float) -> bool:
    """Whether there may be something new; also now and then, as not every server tells of everything."""
    line.listen()
    heard, began = False, time.monotonic()
    while not heard and time.monotonic() < began + longest and not stopping.is_set() and _version() == version:
        asked = time.monotonic()
        heard = line.heard(LOOK_SECONDS)
        if not heard and time.monotonic() < asked + LOOK_SECONDS / 2:
            break  # the line was ended: `hush` meets it
    line.hush()
    fetching.keep(box_id)
    return not stopping.is_set() and _version() == version


def _version() -> str:
    """Of the mailboxes, as the database says it now."""
    g.pop("desk_settings", None)
    with database.reading():
        try:
            return desk.current().mailbox_version
        finally:
            db.session.commit()
