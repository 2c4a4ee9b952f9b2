"""A mail to whoever asks for it: sent at once, and told in the server's own words."""

from __future__ import annotations

from flask import flash
from flask_babel import gettext as _

from app.mail import transport
from app.mail.models import Delivery, DeliveryState


def send(mail: Delivery) -> None:
    """Commits."""
    sent = transport.send_now(mail.id)
    if sent.state is DeliveryState.SENT:
        flash(_("The mail server took the test mail to %(address)s.", address=sent.address), "success")
    elif sent.state is DeliveryState.CAPTURED:
        words = _("No mail server is set, so the test mail to %(address)s lies in the mail lab.", address=sent.address)
        flash(words, "success")
    else:
        why = sent.reason or "?"
        words = _("The test mail to %(address)s did not leave: %(reason)s", address=sent.address, reason=why)
        flash(words, "danger")
