"""A mail of ours that came back: noted at the mail, in its ticket, and at an address that is gone."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import Customer
from app.core import clock
from app.core.extensions import db
from app.mail import addresses, failed
from app.mail.models import Delivery, DeliveryState, RawState
from app.mail.parsing import IncomingMail, plain_text
from app.tickets.supplied import SupplierContact

LONGEST_REASON = 1000


def take(mail: IncomingMail) -> tuple[RawState, str]:
    """What became of the bounce: its state and a sentence for the mail log. Nobody is answered."""
    delivery = _returned(mail)
    if delivery is None:
        return RawState.IGNORED, _("A mail came back, but none that the desk sent.")
    bounce = mail.bounce
    assert bounce is not None
    reason = " ".join(plain_text(mail).split())[:LONGEST_REASON]
    delivery.bounced_at, delivery.state, delivery.reason = (
        clock.now(),
        DeliveryState.FAILED,
        _("It came back: %(reason)s", reason=reason or bounce.status),
    )
    if bounce.permanent and delivery.address in {address.casefold() for address in bounce.recipients}:
        _switch_off(delivery.address)
    failed.note(
        delivery,
        _("Mail to %(address)s came back (%(status)s).", address=delivery.address, status=bounce.status or "?"),
    )
    return RawState.DELIVERED, _("The mail to %(address)s came back.", address=delivery.address)


def _returned(mail: IncomingMail) -> Delivery | None:
    bounce = mail.bounce
    assert bounce is not None
    for message_id in (bounce.message_id, *reversed(bounce.references), mail.in_reply_to, *reversed(mail.references)):
        delivery_id = addresses.read_message_id(message_id) if message_id else None
        if delivery_id is not None:
            return db.session.get(Delivery, delivery_id)
    return None


def _switch_off(address: str) -> None:
    customer = db.session.scalar(select(Customer).where(Customer.email_key == address))
    if customer is not None:
        customer.address_works = False
    for contact in db.session.scalars(select(SupplierContact).where(SupplierContact.email_key == address)):
        contact.address_works = False
