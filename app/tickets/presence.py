"""Who is at a ticket at this moment, and who writes there: kept in the queue's Redis for seconds, and nowhere else.

Without Redis nobody is told of anybody: the desk works on, and a reply over an unseen one is held all the same.
"""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from flask import current_app

from app.accounts.viewer import Viewer, viewer
from app.core import clock, queue
from app.core.queue import NotAnswering

log = logging.getLogger(__name__)

LASTS_SECONDS = 14
"""A page says every five that it is there; two lost words of it are no leaving."""
REST_SECONDS = 10
"""After Redis did not answer it is not asked for so long, or every page would wait for it."""
LOOKS, WRITES = "looks", "writes"


class Here(NamedTuple):
    """Somebody else at the ticket."""

    name: str
    writes: bool


def come(ticket_id: int, by: Viewer, writes: bool) -> list[Here]:
    """They are here now; who else is, the writing ones first. To be asked of a ticket they may see."""
    if _rests():
        return []
    key, now = _key(ticket_id), clock.now().timestamp()
    try:
        line = queue.connection().pipeline(transaction=False)
        line.hset(key, str(by.id), f"{WRITES if writes else LOOKS} {now:.1f}")
        line.expire(key, LASTS_SECONDS * 2)
        line.hgetall(key)
        found = line.execute()[-1]
    except NotAnswering as problem:
        _rest(problem)
        return []
    others = [_read(staff_id, said, now) for staff_id, said in found.items() if int(staff_id) != by.id]
    return sorted((each for each in others if each is not None), key=lambda each: (not each.writes, each.name))


def go(ticket_id: int, by: Viewer) -> None:
    """They closed the page."""
    if not _rests():
        try:
            queue.connection().hdel(_key(ticket_id), str(by.id))
        except NotAnswering as problem:
            _rest(problem)


def _read(staff_id: bytes, said: bytes, now: float) -> Here | None:
    does, _sep, at = said.decode().partition(" ")
    person = viewer(int(staff_id)) if now - float(at) < LASTS_SECONDS else None
    return Here(person.name, does == WRITES) if person is not None else None


def _key(ticket_id: int) -> str:
    return f"deskhand:here:{ticket_id}"


def _rests() -> bool:
    until: float = current_app.extensions.get("deskhand_presence_rests", 0.0)
    return bool(current_app.config.get("QUEUE_OFF")) or time.monotonic() < until


def _rest(problem: Exception) -> None:
    current_app.extensions["deskhand_presence_rests"] = time.monotonic() + REST_SECONDS
    log.info("nobody is told who is at a ticket, the queue does not answer: %s", problem)
