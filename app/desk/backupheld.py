"""After a restore: nothing is done a second time. Mails and jobs that waited are held, sessions and links end, numbers go on."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, update

from app.accounts.models import Customer, OneTimeToken, RightsVersion, StaffProfile
from app.accounts.secondfactor import HalfSignIn
from app.accounts.sessions import SignedIn
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.boxes import Mailbox
from app.mail.models import Delivery, DeliveryState
from app.tickets.numbering import TicketNumber


class Held(NamedTuple):
    mails: int
    jobs: int


def hold(made_at: str, next_number: int | None) -> Held:
    """What waited when the backup was made may have been done since: a person looks at it and sends it again, or not."""
    why = _(
        "Held: restored from the backup of %(at)s. It may have been done since; try it again if it was not.", at=made_at
    )
    mails = _rows(
        update(Delivery)
        .where(Delivery.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.SUPPRESSED, reason=why, lease_until=None)
    )
    waiting = update(Outbox).where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
    by_the_clock = waiting.where(Outbox.job.in_(current_app.extensions["deskhand_periodic"]))
    _rows(by_the_clock.values(done_at=clock.now(), lease_until=None))
    jobs = _rows(waiting.values(failed_at=clock.now(), lease_until=None, error=why))
    _rows(update(Mailbox).where(Mailbox.imap_host != "").values(paused=True, lease_until=None))
    _end_sessions_and_links()
    if next_number is not None:
        _rows(update(TicketNumber).where(TicketNumber.last < next_number - 1).values(last=next_number - 1))
    return Held(mails, jobs)


def _end_sessions_and_links() -> None:
    """By a leap that no count of sign-outs since the backup reaches: a session of then must not fit by chance."""
    leap = int(clock.now().timestamp()) // 60
    _rows(update(StaffProfile).values(generation=StaffProfile.generation + leap))
    _rows(update(Customer).values(generation=Customer.generation + leap))
    _rows(delete(SignedIn))
    _rows(delete(HalfSignIn))
    _rows(update(OneTimeToken).where(OneTimeToken.used_at.is_(None)).values(used_at=clock.now()))
    _rows(update(RightsVersion).values(version=RightsVersion.version + leap))


def _rows(statement: Any) -> int:
    return int(db.session.execute(statement.execution_options(synchronize_session=False)).rowcount)
