"""Mail from a mailbox's IMAP server: kept first, marked as read after; each message once, whatever breaks in between."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import or_, select, update

from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import incoming, servers
from app.mail.boxes import After, Mailbox
from app.mail.imap import Failed, Folder, Line

log = logging.getLogger(__name__)

MOST_A_ROUND = 200
"""Messages. What is left comes in the next round, which begins at once."""
BATCH, BATCH_BYTES = 40, 4 * 1024 * 1024
"""Fetched together: so much of a mailbox is in memory, or one large message."""
WINDOW = 50_000
"""Numbers that are searched at once: the answer is one line."""
PAUSES = (15, 30, 60, 120, 300, 900)
"""Seconds after the first, second … failure in a row."""
LEASE = dt.timedelta(minutes=10)
"""A receiver that died holds its mailboxes no longer than this."""


class Round(NamedTuple):
    taken: int
    more: bool


class NotOurs(HelpdeskError):
    """Another receiver has it, or it is paused, switched off or gone."""


class Place(NamedTuple):
    """Where in its folder the desk is with a mailbox, and what becomes of its messages."""

    box_id: int
    folder: str
    after: After
    after_folder: str
    next_uid: int
    fresh_from: int
    validity: int | None


def fetch(box_id: int) -> Round:
    """One round over a connection of its own. What goes wrong is kept at the mailbox and raised."""
    take(box_id)
    try:
        with connect(box_id) as line:
            return fetch_by(line, box_id)
    except HelpdeskError as problem:
        failed(box_id, str(problem))
        raise
    finally:
        let_go(box_id)


def connect(box_id: int, timeout: float = servers.TIMEOUT_SECONDS) -> Line:
    """Raises Failed in the server's own words. No transaction is open while it is asked."""
    server = servers.imap(db.session.get_one(Mailbox, box_id))
    db.session.commit()
    return Line(server, timeout)


def fetch_by(line: Line, box_id: int) -> Round:
    """One round over an open line. Raises Failed."""
    known = _known(box_id)
    folder = line.choose(known.folder)
    place = _at(known, folder)
    taken, next_uid, trouble = 0, place.next_uid, ""
    for uids, last in _batches(line, place, folder):
        for uid, content in _contents(line, uids, place):
            db.session.expunge(incoming.store(content, "imap", box_id=box_id))  # its bytes were a message of any size
            taken += uid > 0
        next_uid = last + 1
        _write(box_id, next_uid=next_uid, lease_until=clock.now() + LEASE)
        trouble = _settle(line, uids, place) or trouble
        if taken >= MOST_A_ROUND:
            break
    went_well(box_id, trouble)
    return Round(taken, next_uid < folder.next_uid)


def _known(box_id: int) -> Place:
    """As the database says it now. Commits: no transaction is open while a server is asked."""
    box = db.session.get_one(Mailbox, box_id, populate_existing=True)
    if not box.fetches:
        raise NotOurs(_("This mailbox is paused or switched off."))
    place = Place(box_id, box.folder, box.after, box.after_folder, box.next_uid, box.fresh_from, box.validity)
    db.session.commit()
    return place


def _at(known: Place, folder: Folder) -> Place:
    """Under another UIDVALIDITY the numbers mean other messages: only what is unread is new then, and every message that the
    desk knows already is told from a new one by what it is."""
    if known.validity == folder.validity:
        return known
    log.info("mailbox %s: the numbers of its folder begin anew", known.box_id)
    _write(known.box_id, validity=folder.validity, next_uid=1, fresh_from=folder.next_uid)
    return known._replace(validity=folder.validity, next_uid=1, fresh_from=folder.next_uid)


def _batches(line: Line, place: Place, folder: Folder) -> Iterator[tuple[list[int], int]]:
    """The messages that are due, few at a time, each with the last number that is done with them."""
    first = place.next_uid
    while first < folder.next_uid:
        unread = first < place.fresh_from
        end = min(first + WINDOW, place.fresh_from if unread else folder.next_uid, folder.next_uid)
        found = line.uids(first, end - 1, unread)
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            yield some, end - 1 if start + BATCH >= len(found) else some[-1]
        if not found:
            yield [], end - 1
        first = end


def _contents(line: Line, uids: Sequence[int], place: Place) -> Iterator[tuple[int, bytes]]:
    """The bytes of each, a few together. What is too large, or is not given, is told by its header."""
    sizes = line.sizes(uids)
    together: list[int] = []
    for uid, size in sizes.items():
        if size > incoming.MOST_BYTES:
            yield uid, _notice(line, uid, place, size)
            continue
        if together and sum(sizes[one] for one in together) + size > BATCH_BYTES:
            yield from _given(line, together, place)
            together = []
        together.append(uid)
    yield from _given(line, together, place)


def _given(line: Line, uids: Sequence[int], place: Place) -> Iterator[tuple[int, bytes]]:
    contents = line.contents(uids)
    for uid in uids:
        content = contents.pop(uid, None)
        if content is None and line.uids(uid, uid, unread=False):  # there, and not given: alone it may be
            content = line.contents([uid]).get(uid) or _notice(line, uid, place, 0)
        if content is not None:
            yield uid, content


def _notice(line: Line, uid: int, place: Place, size: int) -> bytes:
    """Who wrote and about what, and where the whole lies. Raises Failed when not even that is given."""
    header = line.contents([uid], "HEADER.FIELDS (FROM TO CC SUBJECT DATE MESSAGE-ID IN-REPLY-TO REFERENCES AUTO-SUBMITTED)").get(uid)  # fmt: skip
    if header is None:
        raise Failed(_("The server does not give message %(uid)s of %(folder)s.", uid=uid, folder=place.folder))
    if size:
        megabytes = size // 1024**2
        words = _("(This mail has %(size)s MB, more than the desk takes. The whole lies in the folder %(folder)s of its mailbox.)", size=megabytes, folder=place.folder)  # fmt: skip
    else:
        words = _("(The mail server did not give the content of this mail. It lies in the folder %(folder)s of its mailbox.)", folder=place.folder)  # fmt: skip
    return header.rstrip(b"\r\n") + b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode() + b"\r\n"


def _settle(line: Line, uids: Sequence[int], place: Place) -> str:
    """The desk has them for good: only now are they marked, moved or deleted. What goes wrong there loses nothing, and is told."""
    if not uids:
        return ""
    try:
        line.settle(uids, place.after, place.after_folder)
    except Failed as problem:
        log.warning("mailbox %s: taken, but not tidied up on the server: %s", place.box_id, problem)
        return _("The mails were taken, but could not be marked, moved or deleted: %(why)s", why=problem)
    return ""


def try_out(box: Mailbox) -> str:
    """Sign in and look, and change nothing: what was found, as a sentence. Raises Failed in the server's own words."""
    folder, after, after_folder = box.folder, box.after, box.after_folder
    with connect(box.id, timeout=10) as line:
        found = line.choose(folder)
        if after is After.MOVE and not line.exists(after_folder):
            raise Failed(_("The server has no folder %(folder)s to move mails to.", folder=after_folder))
        told = ngettext("The server let the desk in: %(num)d message in %(folder)s.", "The server let the desk in: %(num)d messages in %(folder)s.", found.messages, folder=folder)  # fmt: skip
        return f"{told} " + (
            _("It tells of new ones at once.") if line.tells else _("It has to be asked for new ones.")
        )


def due() -> list[int]:
    """The mailboxes that somebody should ask now."""
    now = clock.now()
    wanted = select(Mailbox.id).where(
        Mailbox.imap_host != "", or_(Mailbox.active.is_(True), Mailbox.main.is_(True)), Mailbox.paused.is_(False),
        or_(Mailbox.due_at.is_(None), Mailbox.due_at <= now), _free(now),
    )  # fmt: skip
    found = list(db.session.scalars(wanted.order_by(Mailbox.id)))
    db.session.commit()
    return found


def take(box_id: int) -> None:
    """For this process alone. Commits. Raises NotOurs."""
    now = clock.now()
    ours = update(Mailbox).where(Mailbox.id == box_id, _free(now)).values(lease_until=now + LEASE)
    taken = db.session.execute(ours.execution_options(synchronize_session=False)).rowcount
    db.session.commit()
    if not taken:
        raise NotOurs(_("Mails are just being fetched from it."))


def keep(box_id: int) -> None:
    """Still ours. Commits."""
    _write(box_id, lease_until=clock.now() + LEASE)


def let_go(box_id: int) -> None:
    db.session.rollback()
    _write(box_id, lease_until=None)


def ask_soon(box_id: int) -> None:
    """At the next look. Commits."""
    _write(box_id, due_at=None)


def went_well(box_id: int, trouble: str = "") -> None:
    """Asked again after its own pause. Commits."""
    now = clock.now()
    box = db.session.get_one(Mailbox, box_id)
    later = now + dt.timedelta(seconds=box.poll_seconds)
    _write(box_id, failures=0, error=trouble or None, error_at=now if trouble else None, reached_at=now, due_at=later)


def failed(box_id: int, words: str) -> None:
    """Kept in the server's own words; asked again after a growing pause. Commits."""
    db.session.rollback()
    now = clock.now()
    box = db.session.get(Mailbox, box_id, populate_existing=True)
    if box is None:
        return
    failures = box.failures + 1
    pause = dt.timedelta(seconds=PAUSES[min(failures, len(PAUSES)) - 1])
    log.warning("mailbox %s: failure %s in a row: %s", box_id, failures, words)
    _write(box_id, failures=failures, error=words[:2000], error_at=now, due_at=now + pause)


def _free(now: dt.datetime) -> Any:
    """No lease, one that is over, or one so long that only a clock that was set back since can have given it."""
    return or_(Mailbox.lease_until.is_(None), Mailbox.lease_until <= now, Mailbox.lease_until > now + 2 * LEASE)


def _write(box_id: int, **values: Any) -> None:
    """What nobody edits: without making the mailboxes be read anew. Commits."""
    state = update(Mailbox).where(Mailbox.id == box_id).values(**values)
    db.session.execute(state.execution_options(synchronize_session=False))
    db.session.commit()
