"""Carries what is due to the mail server, one connection for all, and keeps what it said to each.

At least once: when the line breaks after the last byte, nobody knows whether the server has the mail. It is sent again
under the same Message-ID, so that a second copy is the same message.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from app.core import clock
from app.core.extensions import db
from app.mail import composing, outgoing
from app.mail.composing import Parcel
from app.mail.line import Broken, Line, Refused
from app.mail.models import Delivery, DeliveryState

log = logging.getLogger(__name__)

PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, *[240] * 18))
"""Before the second, third … try: three days in all, then the mail is failed and shown."""
LONGEST_RUN_SECONDS = 4
"""After that another run goes on: a worker that is asked to stop is stopped within seconds, and a job stays within its lease."""
GONE = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|4\.4)\b|user unknown|unknown user|no such user|does not exist", re.I)
"""Words by which a server says that the mailbox is not there, now and later."""


def deliver_due(limit: int = 500) -> int:
    """Send what waits, oldest first, and return how many mails were tried. Two that run at once share the work."""
    until, tried = time.monotonic() + LONGEST_RUN_SECONDS, 0
    with Line() as line:
        for delivery_id in due(limit):
            if time.monotonic() > until:
                break
            tried += deliver(delivery_id, line)
    if due(1):
        outgoing.wake()
    return tried


def due(limit: int) -> list[int]:
    """Queued, at its time, in nobody's hands."""
    now = clock.now()
    waiting = select(Delivery.id).where(
        Delivery.state == DeliveryState.QUEUED,
        Delivery.due_at <= now,
        or_(Delivery.lease_until.is_(None), Delivery.lease_until <= now),
    )
    found = list(db.session.scalars(waiting.order_by(Delivery.due_at, Delivery.id).limit(limit)))
    db.session.commit()
    return found


def deliver(delivery_id: int, line: Line) -> bool:
    """One mail: taken by lease, written, sent, its outcome kept. False when another has it. No transaction is open while the server is asked."""
    if not _lease(delivery_id):
        return False
    parcel = _parcel(delivery_id)
    if parcel is None:
        return True
    if not current_app.config["MAIL_URL"]:
        _settle(delivery_id, DeliveryState.CAPTURED, None)
        return True
    try:
        answer = line.send_bytes(*parcel)
    except Refused as refusal:
        _refused(delivery_id, refusal)
    except Broken as problem:
        _later(delivery_id, _("The mail server could not be reached, or the line broke: %(why)s", why=problem))
    else:
        _settle(delivery_id, DeliveryState.SENT, answer)
    return True


def send_now(delivery_id: int) -> Delivery:
    """Try this one at once and return it with what the server said: the test mail of the settings page."""
    db.session.commit()
    with Line() as line:
        deliver(delivery_id, line)
    return db.session.get_one(Delivery, delivery_id, populate_existing=True)


def _lease(delivery_id: int) -> bool:
    now = clock.now()
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    taken = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.QUEUED, Delivery.due_at <= now)
        .where(or_(Delivery.lease_until.is_(None), Delivery.lease_until <= now))
        .values(lease_until=until, tries=Delivery.tries + 1)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return bool(taken.rowcount)


def _parcel(delivery_id: int) -> Parcel | None:
    """The finished mail, or None when a rule holds it back or it cannot be written. Commits."""
    delivery = db.session.get_one(Delivery, delivery_id, populate_existing=True)
    reason = outgoing.held_back(delivery)
    if reason:
        _settle(delivery_id, DeliveryState.SUPPRESSED, reason)
        return None
    try:
        parcel = composing.compose(delivery)
        db.session.commit()
    except composing.Unsendable as problem:
        db.session.rollback()
        _settle(delivery_id, DeliveryState.FAILED, str(problem))
    except Exception as problem:  # one mail that cannot be written must not hold up the others
        db.session.rollback()
        log.exception("delivery %s could not be written", delivery_id)
        _later(delivery_id, f"{type(problem).__name__}: {problem}")
    else:
        return parcel
    return None


def _refused(delivery_id: int, refusal: Refused) -> None:
    """4xx: later. 5xx: failed at once, in the server's own words; a mailbox that is not there is not written to again."""
    if not refusal.permanent:
        _later(delivery_id, str(refusal))
        return
    _settle(delivery_id, DeliveryState.FAILED, str(refusal))
    delivery = db.session.get_one(Delivery, delivery_id)
    if delivery.customer is not None and GONE.search(refusal.words):
        delivery.customer.address_works = False
    log.warning("mail %s was refused for good: %s", delivery_id, refusal)
    db.session.commit()


def _later(delivery_id: int, reason: str) -> None:
    """Back on the pile with a growing pause, or failed after the last one. Commits."""
    delivery = db.session.get_one(Delivery, delivery_id, populate_existing=True)
    if delivery.tries > len(PAUSES):
        log.warning("mail %s failed after %s tries: %s", delivery_id, delivery.tries, reason)
        _settle(delivery_id, DeliveryState.FAILED, reason)
        return
    delivery.due_at, delivery.lease_until, delivery.reason = (
        clock.now() + PAUSES[max(delivery.tries, 1) - 1],
        None,
        reason[:4000],
    )
    db.session.commit()


def _settle(delivery_id: int, state: DeliveryState, reason: str | None) -> None:
    """What became of it. Commits. A mail whose link lets its reader in is forgotten once it is out of the house."""
    delivery = db.session.get_one(Delivery, delivery_id)
    delivery.state, delivery.reason, delivery.lease_until = state, reason[:4000] if reason else None, None
    if state in (DeliveryState.SENT, DeliveryState.CAPTURED):
        delivery.sent_at = clock.now()
    if state is DeliveryState.SENT and delivery.kind in outgoing.SECRET:
        delivery.raw, delivery.values = None, {}
    db.session.commit()
