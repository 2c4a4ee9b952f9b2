"""Carries what is due to the mail server, one connection for all, and keeps what it said to each.

At least once: when the line breaks after the last byte, nobody knows whether the server has the mail. It is sent again
under the same Message-ID, so that a second copy is the same message.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from typing import NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, undefer

from app.core import clock
from app.core.extensions import db
from app.core.outbox import free
from app.mail import composing, failed, outgoing
from app.mail.composing import Parcel
from app.mail.line import Broken, Line, Refused, Untrusted
from app.mail.models import Delivery, DeliveryState
from app.tickets.models import Ticket
from app.tickets.thread import Message

log = logging.getLogger(__name__)

PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, *[240] * 18))
"""Before the second, third … try: three days in all, then the mail is failed and shown."""
LONGEST_RUN_SECONDS = 4
"""After that another run goes on: a worker that is asked to stop is stopped within seconds, and a job stays within its lease."""
GONE = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|4\.4)\b|user unknown|unknown user|no such user|does not exist", re.I)
"""Words by which a server says that the mailbox is not there, now and later."""


WHAT_IT_TELLS_OF = (
    undefer(Delivery.raw),
    joinedload(Delivery.customer),
    joinedload(Delivery.ticket).options(
        joinedload(Ticket.requester), joinedload(Ticket.department), joinedload(Ticket.priority)
    ),
)
"""Read with the mail and held as long as it is written: each sentence asks for them anew, and what nobody holds is read anew."""


class Held(NamedTuple):
    """A mail in this process's hands. `tries` numbers the lease: whoever took it later holds a higher one."""

    id: int
    tries: int


def deliver_due(limit: int = 500) -> int:
    """Send what waits, oldest first, and return how many mails were tried. Two that run at once share the work."""
    until, tried = time.monotonic() + LONGEST_RUN_SECONDS, 0
    with Line() as line:
        for delivery_id in due(limit):
            if time.monotonic() > until:
                break
            tried += deliver(delivery_id, line)
    if due(1):
        outgoing.wake("bulk")  # behind what came meanwhile: a slow mail server holds up no mail that comes in
    return tried


def due(limit: int) -> list[int]:
    """Queued, at its time, in nobody's hands."""
    now = clock.now()
    waiting = select(Delivery.id).where(
        Delivery.state == DeliveryState.QUEUED,
        Delivery.due_at <= now,
        free(Delivery.lease_until, now),
    )
    found = list(db.session.scalars(waiting.order_by(Delivery.due_at, Delivery.id).limit(limit)))
    db.session.commit()
    return found


def deliver(delivery_id: int, line: Line) -> bool:
    """One mail: taken by lease, written, sent, its outcome kept. False when another has it. No transaction is open while the server is asked."""
    held = _lease(delivery_id)
    if held is None:
        return False
    if held.tries > len(PAUSES) + 1:
        _settle(held, DeliveryState.FAILED, _("Each try ended with the death of its worker."))
        return True
    parcel = _parcel(held)
    if parcel is None:
        return True
    if not current_app.config["MAIL_URL"]:
        _settle(held, DeliveryState.CAPTURED, None)
        return True
    try:
        answer = line.send_bytes(*parcel)
    except Refused as refusal:
        _refused(held, refusal)
    except Broken as problem:
        _later(held, _("The mail server could not be reached, or the line broke: %(why)s", why=problem))
        if isinstance(problem, Untrusted):
            failed.warn_of_server(str(problem))
    else:
        _settle(held, DeliveryState.SENT, answer)
    return True


def send_now(delivery_id: int) -> Delivery:
    """Try this one at once and return it with what the server said: the test mail of the settings page."""
    db.session.commit()
    with Line() as line:
        deliver(delivery_id, line)
    return db.session.get_one(Delivery, delivery_id, populate_existing=True)


def _lease(delivery_id: int) -> Held | None:
    now = clock.now()
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    tries = db.session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.QUEUED, Delivery.due_at <= now)
        .where(free(Delivery.lease_until, now))
        .values(lease_until=until, tries=Delivery.tries + 1)
        .returning(Delivery.tries)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return Held(delivery_id, tries) if tries is not None else None


def _still_ours(held: Held) -> Delivery | None:
    """The locked row, or None when this took longer than the lease and somebody else has the mail: what they find out counts."""
    ours = select(Delivery).where(
        Delivery.id == held.id, Delivery.tries == held.tries, Delivery.state == DeliveryState.QUEUED
    )
    delivery = db.session.scalar(ours.with_for_update(of=Delivery).execution_options(populate_existing=True))
    if delivery is None:
        db.session.rollback()
        log.warning("mail %s took longer than its lease", held.id)
    return delivery


def _parcel(held: Held) -> Parcel | None:
    """The finished mail, or None when a rule holds it back or it cannot be written. Commits."""
    delivery = db.session.get_one(Delivery, held.id, populate_existing=True, options=WHAT_IT_TELLS_OF)
    entry = db.session.get(Message, delivery.message_id) if delivery.message_id else None  # kept until it is written
    reason = outgoing.held_back(delivery)
    if reason:
        _settle(held, DeliveryState.SUPPRESSED, reason)
        return None
    try:
        with db.session.no_autoflush:  # nothing that is read for it depends on what is written
            parcel = composing.compose(delivery)
        db.session.commit()
    except composing.Unsendable as problem:
        db.session.rollback()
        _settle(held, DeliveryState.FAILED, str(problem))
    except Exception as problem:  # one mail that cannot be written must not hold up the others
        db.session.rollback()
        log.exception("delivery %s could not be written", held.id)
        _later(held, f"{type(problem).__name__}: {problem}")
    else:
        return parcel
    finally:
        del entry
    return None


def _refused(held: Held, refusal: Refused) -> None:
    """4xx: later. 5xx: failed at once, in the server's own words; a mailbox that is not there is not written to again."""
    if not refusal.permanent:
        _later(held, str(refusal))
        return
    _settle(held, DeliveryState.FAILED, str(refusal))
    delivery = db.session.get_one(Delivery, held.id)
    if delivery.customer is not None and GONE.search(refusal.words):
        delivery.customer.address_works = False
    log.warning("mail %s was refused for good: %s", held.id, refusal)
    db.session.commit()


def _later(held: Held, reason: str) -> None:
    """Back on the pile with a growing pause, or failed after the last one. Commits."""
    if held.tries > len(PAUSES):
        log.warning("mail %s failed after %s tries: %s", held.id, held.tries, reason)
        _settle(held, DeliveryState.FAILED, reason)
        return
    delivery = _still_ours(held)
    if delivery is not None:
        delivery.due_at, delivery.lease_until = clock.now() + PAUSES[max(held.tries, 1) - 1], None
        delivery.reason = reason[:4000]
        db.session.commit()


def _settle(held: Held, state: DeliveryState, reason: str | None) -> None:
    """What became of it. Commits. A mail whose link lets its reader in is forgotten once it is out of the house."""
    if state in (DeliveryState.SENT, DeliveryState.CAPTURED) and _settled_at_once(held, state, reason):
        return
    delivery = _still_ours(held)
    if delivery is None:
        return
    delivery.state, delivery.reason, delivery.lease_until = state, reason[:4000] if reason else None, None
    if state in (DeliveryState.SENT, DeliveryState.CAPTURED):
        delivery.sent_at = clock.now()
    if state is DeliveryState.FAILED and not delivery.automatic:
        words = _("This answer did not reach %(address)s: %(why)s", address=delivery.address, why=(reason or "")[:500])
        failed.note(delivery, words)
    if state is DeliveryState.SENT and delivery.kind in outgoing.SECRET:
        delivery.raw, delivery.values = None, {}
    db.session.commit()


def _settled_at_once(held: Held, state: DeliveryState, reason: str | None) -> bool:
    """Most mails: out of the house, and nothing in them to forget. One statement; False when it is none of those, or no longer ours. Commits."""
    plain = update(Delivery).where(
        Delivery.id == held.id, Delivery.tries == held.tries, Delivery.state == DeliveryState.QUEUED, Delivery.kind.not_in(outgoing.SECRET)
    )  # fmt: skip
    noted = db.session.execute(
        plain.values(state=state, reason=reason[:4000] if reason else None, lease_until=None, sent_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
    return bool(noted.rowcount)
