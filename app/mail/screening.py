"""Whether this desk has any filter or ban: most have none, and then no mail costs a question."""

from __future__ import annotations

import time

from flask import current_app
from sqlalchemy import event, select, union_all
from sqlalchemy.orm import Session

from app.core.extensions import db
from app.mail.banned import BannedSender
from app.mail.filters import MailFilter

KEPT_SECONDS = 5
"""So long another process may not know of the very first one."""
KEY = "deskhand_screening"


def anything() -> bool:
    kept = current_app.extensions.get(KEY)
    if kept is None or kept[0] < time.monotonic():
        either = union_all(select(MailFilter.id.label("id")), select(BannedSender.id)).subquery()
        found = db.session.scalar(select(either.c.id).limit(1)) is not None
        kept = current_app.extensions[KEY] = (time.monotonic() + KEPT_SECONDS, found)
    return bool(kept[1])


@event.listens_for(Session, "before_flush")
def _forget(session: Session, *_: object) -> None:
    if any(isinstance(row, (MailFilter, BannedSender)) for row in session.new):
        current_app.extensions.pop(KEY, None)
