"""The ticker: puts periodic jobs on their way once a slot, and relays outbox rows that no worker took."""

import logging
import signal
import threading
import time

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core import database, outbox, queue, slots
from app.core.extensions import db

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
BEAT_KEY = "deskhand:ticker"
"""Its value is the time of the last beat; /readyz reads it."""


def run(app: Flask) -> None:
    """Tick until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    last: dict[str, int] = {}
    with app.app_context():
        while not stop.is_set():
            tick(app, last)
            stop.wait(BEAT_SECONDS)


def tick(app: Flask, last: dict[str, int]) -> None:
    """One beat. `last` remembers this process's own slots, so that most beats ask the database nothing for them."""
    try:
        for job, (seconds, name) in app.extensions["deskhand_periodic"].items():
            slot = int(time.time()) // seconds
            if last.get(job) != slot:
                slots.claim(job, seconds, name)
                last[job] = slot
        relay()
    except SQLAlchemyError as problem:  # a database that is away comes back; the ticker waits for it
        log.warning("the database does not answer: %s", problem)
        db.session.rollback()
    finally:
        db.session.remove()
    beat()


def relay() -> None:
    """Hand due rows over again: the queue was gone when they were written, or their worker died."""
    with database.reading():
        rows = outbox.overdue()
        db.session.rollback()
    queue.hand_over(rows, again=True)


def beat() -> None:
    try:
        queue.connection().set(BEAT_KEY, int(time.time()), ex=120)
    except queue.NotAnswering:
        log.warning("the queue does not answer")


def beats() -> bool:
    """Whether a ticker runs at this moment."""
    try:
        beat = queue.connection().get(BEAT_KEY)
    except queue.NotAnswering:
        return False
    return beat is not None and time.time() - int(beat) < 5 * BEAT_SECONDS
