"""Jobs of the staff's pages."""

from __future__ import annotations

from flask_babel import force_locale

from app.accounts.models import StaffProfile
from app.accounts.viewer import viewer
from app.core import language
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk import bulk, reportssummary
from app.tickets.bulk import BulkChange


def change_many(change_id: int) -> None:
    """The next tickets of a bulk change, by whoever asked for it, with the rights they have by now; then the turn of others."""
    change = db.session.get(BulkChange, change_id)
    if change is None or change.finished_at is not None:
        return
    profile = db.session.get(StaffProfile, change.staff_id)
    with force_locale(language.known(profile.language if profile else None) or language.of_desk()):
        more = bulk.work(change, viewer(change.staff_id), bulk.A_TURN)
    if more:
        Outbox.put("desk.change_many", queue="bulk", change_id=change_id)


def mail_summaries() -> None:
    """On the first of the month, to whom the settings name."""
    reportssummary.mail_summaries()
