"""Carries what is due to the mail server, one connection for all, and keeps what it said to each.

At least once: when the line breaks after the last byte, nobody knows whether the server has the mail. It is sent again
under the same Message-ID, so that a second copy is the same message.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from itertools import takewhile
from typing import NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Select, bindparam, select, update

from app.core import clock
from app.core.extensions import db
from app.core.outbox import free
from app.mail import composing, failed, outgoing, played
from app.mail.composing import Parcel
from app.mail.line import Broken, Refused, Untrusted
from app.mail.lines import Lines
from app.mail.models import Delivery, DeliveryState
from app.mail.told import Told

log = logging.getLogger(__name__)

PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, *[240] * 18))
"""Before the second, third … try: three days in all, then the mail is failed and shown."""
LONGEST_RUN_SECONDS = 1
"""After that another run goes on, behind whatever is urgent; and a worker that is asked to stop is stopped soon."""
FIRST_BATCH, LARGEST_BATCH, QUICK_SECONDS = 5, 40, 0.25
"""Mails that are written together. Few where the mail server is slow: what is in one worker's hands waits for it."""
GONE = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|4\.4)\b|user unknown|unknown user|no such user|does not exist", re.I)
"""Words by which a server says that the mailbox is not there, now and later."""


class Held(NamedTuple):
    """A mail in this process's hands. `tries` numbers the lease: whoever took it later holds a higher one."""

    id: int
    tries: int


def deliver_due(limit: int = 500) -> int:
    """Send what waits, oldest first, and return how many mails were tried. Two that run at once share the work."""
    began, tried, size = time.monotonic(), 0, FIRST_BATCH
    until = began + LONGEST_RUN_SECONDS
    with Lines() as lines:
        while tried < limit and time.monotonic() < until and (held := take(min(size, limit - tried))):
            began = time.monotonic()
            tried += _send(held, lines, until)
            quick = time.monotonic() - began < QUICK_SECONDS
            size = min(2 * size, LARGEST_BATCH) if quick else max(size // 2, 1)
    if due(1):
        outgoing.wake("bulk")  # behind what came meanwhile: a slow mail server holds up no mail that comes in
    return tried


def due(limit: int) -> list[int]:
    """Queued, at its time, in nobody's hands."""
    found = [row.id for row in db.session.execute(_waiting(limit))]
    db.session.commit()
    return found


def take(limit: int) -> list[Held]:
    """The next ones, for this process. Commits. One whose holder died goes alone: if it was what killed them, it takes no other along."""
    now = clock.now()
    rows = db.session.execute(_waiting(limit).with_for_update(skip_locked=True, of=Delivery)).all()
    together = rows[:1] if rows and rows[0].lease_until else list(takewhile(lambda row: row.lease_until is None, rows))
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    taken = db.session.execute(_TAKE, {"ids": [row.id for row in together], "until": until}) if together else ()
    tries = {row.id: row.tries for row in taken}
    db.session.commit()
    return [Held(row.id, tries[row.id]) for row in together if row.id in tries]


def _waiting(limit: int) -> Select[int, dt.datetime | None]:
    now = clock.now()
    waiting = select(Delivery.id, Delivery.lease_until).where(
        Delivery.state == DeliveryState.QUEUED, Delivery.due_at <= now, free(Delivery.lease_until, now)
    )
    return waiting.order_by(Delivery.due_at, Delivery.id).limit(limit)


def deliver(delivery_id: int, lines: Lines) -> bool:
    """One mail. False when another has it."""
    held = _lease(delivery_id)
    return held is not None and bool(_send([held], lines))


def _send(held: list[Held], lines: Lines, until: float | None = None) -> int:
    """Written all at once, then sent one by one, each outcome kept before the next goes out: a death costs the mail in flight
    and no other. No transaction is open while the server is asked. What time does not allow for is given back untried."""
    parcels = _parcels(held)
    for place, (one, parcel) in enumerate(parcels):
        if place and until is not None and time.monotonic() > until:
            _give_back([one for one, _parcel in parcels[place:]])
            return place
        if parcel is not None:
            _hand_over(one, parcel, lines)
    return len(parcels)


def _hand_over(held: Held, parcel: Parcel, lines: Lines) -> None:
    answer = None
    try:
        line = lines.by(parcel.box_id)
        if line is not None:
            answer = line.send_bytes(parcel.sender, parcel.recipient, parcel.raw)
        else:
            played.take(parcel.recipient, held.tries)
    except Refused as refusal:
        _refused(held, refusal)
    except Broken as problem:
        _later(held, _("The mail server could not be reached, or the line broke: %(why)s", why=problem))
        if isinstance(problem, Untrusted):
            failed.warn_of_server(str(problem))
    else:
        _settle(held, DeliveryState.SENT if line is not None else DeliveryState.CAPTURED, answer)


def send_now(delivery_id: int) -> Delivery:
    """Try this one at once and return it with what the server said: the test mail of the settings page."""
    db.session.commit()
    with Lines() as lines:
        deliver(delivery_id, lines)
    return db.session.get_one(Delivery, delivery_id, populate_existing=True)


def _lease(delivery_id: int) -> Held | None:
    now = clock.now()
    until = now + dt.timedelta(seconds=current_app.config["OUTBOX_LEASE_SECONDS"])
    ours = _TAKE.where(Delivery.id == delivery_id, Delivery.due_at <= now, free(Delivery.lease_until, now))
    taken = db.session.execute(ours, {"ids": [delivery_id], "until": until}).first()
    db.session.commit()
    return Held(delivery_id, taken.tries) if taken is not None else None


def _give_back(held: list[Held]) -> None:
    """Nobody tried them: it counts as no try. Commits."""
    db.session.execute(_GIVE_BACK, {"ids": [one.id for one in held]})
    db.session.commit()


_TAKE = (
    update(Delivery)
    .where(Delivery.id.in_(bindparam("ids", expanding=True)), Delivery.state == DeliveryState.QUEUED)
    .values(lease_until=bindparam("until"), tries=Delivery.tries + 1)
    .returning(Delivery.id, Delivery.tries)
    .execution_options(synchronize_session=False)
)
_GIVE_BACK = (
    update(Delivery)
    .where(Delivery.id.in_(bindparam("ids", expanding=True)), Delivery.state == DeliveryState.QUEUED)
    .values(lease_until=None, tries=Delivery.tries - 1)
    .execution_options(synchronize_session=False)
)
_SETTLE = (
    update(Delivery)
    .where(Delivery.id == bindparam("row"), Delivery.tries == bindparam("lease"))
    .where(Delivery.state == DeliveryState.QUEUED, Delivery.kind.not_in(outgoing.SECRET))
    .values(state=bindparam("now"), reason=bindparam("said"), lease_until=None, sent_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)
"""Each built once, as composing it costs more than running it."""


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


def _parcels(held: list[Held]) -> list[tuple[Held, Parcel | None]]:
    """Finished mails; None for one that a rule holds back or that cannot be written. Commits. One that spoils the batch makes each go alone."""
    if len(held) > 1:
        try:
            return _written(held)
        except Exception:  # which one it was, and why, comes out below
            db.session.rollback()
    return [(one, _parcel(one)) for one in held]


def _written(held: list[Held]) -> list[tuple[Held, Parcel | None]]:
    told = Told([one.id for one in held])
    parcels: list[tuple[Held, Parcel | None]] = []
    with db.session.no_autoflush:  # nothing that is read for them depends on what is written
        for one in held:
            delivery = told.mails[one.id]
            fine = one.tries <= len(PAUSES) + 1 and not outgoing.held_back(delivery, told.by_machine)
            parcels.append((one, composing.compose(delivery, told) if fine else None))
    db.session.commit()
    return [(one, parcel or _parcel(one)) for one, parcel in parcels]


def _parcel(held: Held) -> Parcel | None:
    """The finished mail, or None when a rule holds it back, it cannot be written or was the death of many. Commits."""
    if held.tries > len(PAUSES) + 1:
        _settle(held, DeliveryState.FAILED, _("Each try ended with the death of its worker."))
        return None
    told = Told([held.id])
    delivery = told.mails[held.id]
    reason = outgoing.held_back(delivery, told.by_machine)
    if reason:
        _settle(held, DeliveryState.SUPPRESSED, reason)
        return None
    try:
        with db.session.no_autoflush:
            parcel = composing.compose(delivery, told)
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
        failed.warn_of_end(held.id)
        return
    delivery = _still_ours(held)
    if delivery is not None:
        delivery.tell("later", reason)
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
    said = reason[:4000] if reason else None
    given = {"row": held.id, "lease": held.tries, "now": state, "said": said, "at": clock.now()}
    with db.engine.begin() as connection:  # a session's transaction costs three times as much
        return bool(connection.execute(_SETTLE, given).rowcount)
