"""Mail that comes in: kept raw first, then read, matched and delivered. What cannot be read is kept and shown, never dropped."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from redis import RedisError
from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import undefer

from app.accounts.viewer import SYSTEM
from app.core import clock, storage
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.storage import StorageAway
from app.mail import banned, bounced, boxes, delivering, facts, filters, parsing, reading, screening, threading
from app.mail.addresses import ours, read_message_id, read_token
from app.mail.filters import Outcome, Verdict
from app.mail.models import RawMail, RawState
from app.mail.parsing import IncomingMail
from app.settings import desk
from app.tickets.thread import Attachment, Channel, Words

log = logging.getLogger(__name__)

MOST_BYTES = 25 * 1024 * 1024
CUT = _l(
    "This mail has more parts than a desk takes apart, or deeper nested ones: some may be missing here. It is kept as it came."
)


SURROUNDINGS = (DBAPIError, RedisError, OSError, StorageAway, MemoryError)
"""Faults that are none of the message's: database, queue or storage away, a disk that is full. The outbox tries again."""


def store(
    raw: bytes, via: str, sender: str = "", recipient: str = "", by_job: bool = True, box_id: int | None = None
) -> RawMail:
    """Keep a message as it came and put its delivery on the way. Commits.

    `box_id`: the mailbox it was found in, where its way in knows that; else the addresses it names say so.
    One that came before (same Message-ID and sender, or the same bytes) is kept as a duplicate and goes no further.
    Without `by_job` whoever stored it delivers it, and nobody else does.
    """
    row = RawMail(
        via=via,
        sender=sender[:255],
        recipient=recipient[:255],
        sha256=hashlib.sha256(raw).hexdigest(),
        content=raw,
        mailbox_id=box_id,
        received_at=clock.now(),
    )
    describe(row, raw)
    try:
        db.session.add(row)
        db.session.flush()
        if by_job:
            Outbox.put("mail.deliver", queue="mail_in", raw_mail_id=row.id)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        row = RawMail(
            via=via, mailbox_id=row.mailbox_id, sender=row.sender, recipient=row.recipient, sha256=row.sha256, content=b"", received_at=clock.now(),
            subject=row.subject, message_id=row.message_id, state=RawState.DUPLICATE, verdict=_("This message came before."),
        )  # fmt: skip
        db.session.add(row)
        db.session.commit()
    return row


def refused_by(raw: bytes, recipient: str) -> str:
    """The name of a filter that rejects the message, for a door whose sender still waits for the answer. Nothing is stored."""
    if not screening.anything():
        return ""
    head = facts.of_head(raw, recipient)
    answers = bool(head.headers.message_ids("in-reply-to") or head.headers.message_ids("references"))
    tokens = any(read_token(address) is not None for address in head.to)
    return filters.refuses(head, answer=answers or tokens)


def describe(row: RawMail, raw: bytes) -> None:
    """Enough to tell two deliveries of one message from two messages, and to find the row again."""
    mail = parsing.envelope(raw)
    row.message_id, row.subject, row.automatic = mail.message_id[:255] or None, mail.subject, mail.automatic
    row.sender = row.sender or mail.sender.address[:255]
    row.mailbox_id = row.mailbox_id or _box_of(row, mail)
    name = f"{mail.message_id}|{mail.sender.address.casefold()}" if mail.message_id else row.sha256
    row.identity = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _box_of(row: RawMail, mail: parsing.Envelope) -> int | None:
    """The envelope says it best, then what the servers on its way wrote, then its own header."""
    box = boxes.in_force().of((row.recipient, *mail.recipients))
    return box.id if box is not None else None


def deliver(raw_mail_id: int) -> None:
    """The job: decide once and write what follows in one transaction. A second run finds it done."""
    row = db.session.get(RawMail, raw_mail_id, with_for_update=True, options=[undefer(RawMail.content)])
    if row is None or row.state is not RawState.NEW:
        return
    try:
        decide(row, reading.read(row.content))
    except DataError as refusal:  # what the message says is nothing that the database can keep
        _quarantine(raw_mail_id, f"{type(refusal).__name__}: {refusal.orig}")
    except SURROUNDINGS:
        raise
    except HelpdeskError as refusal:
        _quarantine(raw_mail_id, str(refusal))
    except Exception as problem:  # one poisonous message never holds the rest: it is kept, shown, and can be read again
        log.exception("raw mail %s could not be delivered", raw_mail_id)
        _quarantine(raw_mail_id, f"{type(problem).__name__}: {problem}")


def read_again(row: RawMail) -> None:
    """An admin's "try again" on what was quarantined."""
    row.state, row.error, row.verdict, row.unfiltered = RawState.NEW, None, "", True
    Outbox.put("mail.deliver", queue="mail_in", raw_mail_id=row.id)


def forget_old() -> None:
    """The bytes of mails that came long ago; that they came, and what became of them, stays."""
    days = desk.current().raw_mail_days
    if days:
        old = RawMail.received_at < clock.now() - dt.timedelta(days=days)
        settled = RawMail.state.not_in((RawState.NEW, RawState.QUARANTINED))
        wanted = update(RawMail).where(old, settled, func.length(RawMail.content) > 0)
        db.session.execute(wanted.values(content=b""))


def _quarantine(raw_mail_id: int, error: str) -> None:
    db.session.rollback()
    row = db.session.get_one(RawMail, raw_mail_id)
    set_aside(row, error)


def set_aside(row: RawMail, error: str) -> None:
    row.state, row.error = RawState.QUARANTINED, error
    row.verdict = _("It could not be delivered: %(reason)s", reason=error)


def decide(row: RawMail, mail: IncomingMail) -> None:
    """What becomes of it: state, verdict and all that follows, in the present transaction."""
    if row.automatic != mail.automatic:  # mostly known since it was stored
        row.automatic = mail.automatic
    if mail.bounce is not None:
        row.state, row.verdict = bounced.take(mail)
    elif _from_us(mail):
        row.state, row.verdict = RawState.IGNORED, _("The desk wrote this itself.")
    elif mail.empty:
        row.state, row.verdict = RawState.QUARANTINED, _("Nothing in it could be read.")
    elif not mail.sender.address:
        row.state, row.verdict = RawState.QUARANTINED, _("It names no sender, so nobody could be answered.")
    else:
        _deliver(row, mail)


def _deliver(row: RawMail, mail: IncomingMail) -> None:
    box = boxes.in_force().by_id(row.mailbox_id)
    match = threading.find(mail, (row.recipient,) if row.recipient else (), box)
    screened = not row.unfiltered and screening.anything()
    outcome = filters.judge(facts.of_mail(row, mail), answer=match is not None) if screened else Outcome()
    ban = banned.which(mail.sender.address) if screened else ""
    if ban:
        row.state, row.verdict = RawState.IGNORED, _("Mail of %(sender)s is banned.", sender=ban)
    elif outcome.verdict is Verdict.QUARANTINE:
        row.state, row.verdict = RawState.QUARANTINED, outcome.sentence
    elif outcome.verdict in (Verdict.IGNORE, Verdict.REJECT):
        row.state, row.verdict = RawState.IGNORED, outcome.sentence
    else:
        entry, row.verdict = (
            delivering.to_ticket(match, mail) if match else delivering.to_new_ticket(mail, box, outcome)
        )
        row.state, row.ticket_id, row.entry_id = RawState.DELIVERED, entry.ticket_id, entry.id
        if mail.cut:
            entry.ticket.note(Words(str(CUT), via=Channel.MAIL), by=SYSTEM)
        if any(file.storage_key.startswith(storage.AWAITED) for file in entry.attachments):
            Outbox.put("mail.keep_files", queue="bulk", raw_mail_id=row.id)


def keep_files(raw_mail_id: int) -> None:
    """The job: bring the files of a mail into the storage, which was away when its text became an entry."""
    row = db.session.get_one(RawMail, raw_mail_id)
    awaited = select(Attachment).where(
        Attachment.message_id == row.entry_id, Attachment.storage_key.startswith(storage.AWAITED)
    )
    contents = {
        hashlib.sha256(part.content).hexdigest(): part.content for part in reading.read(row.content).attachments
    }
    for file in db.session.scalars(awaited):
        file.storage_key = storage.save(contents[file.sha256])


def _from_us(mail: IncomingMail) -> bool:
    """Our address, or a Message-ID that only this desk can make: a mail of ours that somebody's server sent back."""
    return ours(mail.sender.address) or read_message_id(mail.message_id) is not None
