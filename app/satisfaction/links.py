"""The link in the mail that asks: signed, without sign-in, for one answer alone; it ends with its days or with the address it went to."""

from __future__ import annotations

import hashlib

from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from app.core import clock
from app.core.errors import NotThere
from app.core.extensions import db
from app.satisfaction.models import Rating
from app.settings import desk

LONGEST = 300


class LinkOver(NotThere):
    """Never signed by us, over, or of a ticket that nobody rates: one sentence for all, so that nobody learns which."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work (any more). If something is still open, just write to us."))


def of(rating: Rating) -> str:
    return f"{current_app.config['PUBLIC_URL']}/portal/rating/{_signer().dumps([rating.id, _fingerprint(rating)])}"


def look_at(token: str) -> Rating:
    """The rating behind a link that works, or LinkOver. Changes nothing: mail scanners open every link."""
    try:
        rating_id, fingerprint = _signer().loads(token[:LONGEST])
    except (BadSignature, TypeError, ValueError):
        raise LinkOver from None
    rating = db.session.get(Rating, rating_id)
    if rating is None or fingerprint != _fingerprint(rating) or not _useful(rating):
        raise LinkOver
    return rating


def _useful(rating: Rating) -> bool:
    """What was said can be read after its time is over, and no longer be changed."""
    ticket = rating.ticket
    shut = ticket.merged or ticket.spam or ticket.hidden_from_client or ticket.requester_id != rating.customer_id
    over = rating.score is None and clock.now() >= rating.open_until
    return desk.current().satisfaction and rating.customer.active and not shut and not over


def _fingerprint(rating: Rating) -> str:
    """Changes with the customer's address: who had the old one rates no more."""
    return hashlib.sha256(f"{rating.customer_id}|{rating.customer.email_key}".encode()).hexdigest()[:16]


def _signer() -> URLSafeSerializer:
    """What was signed by an earlier key is good still."""
    earlier = current_app.config.get("SECRET_KEY_FALLBACKS") or ()
    return URLSafeSerializer([*reversed(earlier), current_app.config["SECRET_KEY"]], salt="rating")
