"""The demo's mails, kept as having left when their stories tell it."""

from __future__ import annotations

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update

from app.core import clock
from app.core.extensions import db
from app.mail import composing, outgoing
from app.mail.models import Delivery, DeliveryState

QUEUED = Delivery.state == DeliveryState.QUEUED


def settle() -> None:
    """Each by its own rules and at its own time; no real server is asked to mail people who do not exist. Does not commit."""
    if current_app.config["MAIL_URL"]:
        held = {"state": DeliveryState.SUPPRESSED, "reason": _("A mail of the demo: its people do not exist.")}
        db.session.execute(update(Delivery).where(QUEUED).values(**held))
        return
    due = select(Delivery).where(QUEUED, Delivery.due_at <= clock.now())
    for delivery in db.session.scalars(due.order_by(Delivery.due_at, Delivery.id)).all():
        with clock.at(delivery.due_at), db.session.no_autoflush:
            _leave(delivery)
    db.session.flush()


def _leave(delivery: Delivery) -> None:
    reason = outgoing.held_back(delivery)
    if reason:
        delivery.state, delivery.reason = DeliveryState.SUPPRESSED, reason
        return
    composing.compose(delivery)
    delivery.state, delivery.sent_at, delivery.tries = DeliveryState.CAPTURED, clock.now(), 1
