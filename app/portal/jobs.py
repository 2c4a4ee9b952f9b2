"""What the portal leaves to a worker: mails with links, so that a page takes as long for an address nobody has, and sweeping."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from app.accounts import customers, tokens
from app.accounts.tokens import Purpose
from app.core import clock, storage
from app.core.extensions import db
from app.mail import outgoing
from app.portal.frame import link
from app.tickets.thread import Attachment

UNSENT_KEPT = dt.timedelta(days=2)
"""A file that a customer uploaded and never sent with a message."""
A_RUN = 500


def mail_sign_in_link(address: str) -> None:
    _mail(address, Purpose.SIGN_IN, "/portal/link/")


def mail_password_reset(address: str) -> None:
    _mail(address, Purpose.RESET, "/portal/password/")


def _mail(address: str, purpose: Purpose, path: str) -> None:
    customer = customers.find(address)
    if customer is not None and customer.active:
        secret = tokens.issue(purpose, customer)
        outgoing.put_notice(purpose.value, customer_id=customer.id, values={"link": link(path + secret)})


def forget_unsent() -> None:
    """Daily: links long over, and files that no message ever carried."""
    tokens.forget_old()
    unsent = select(Attachment).where(
        Attachment.message_id.is_(None),
        Attachment.customer_id.is_not(None),
        Attachment.created_at < clock.now() - UNSENT_KEPT,
    )
    for attachment in db.session.scalars(unsent.order_by(Attachment.id).limit(A_RUN)):
        storage.remove(attachment.storage_key)
        db.session.delete(attachment)
