"""Links by mail that work once: made for one customer and one purpose, kept as a hash, ended by use, by time and by a new password."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import hmac
import secrets
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from app.accounts.models import Customer, OneTimeToken
from app.core import clock
from app.core.database import insert_new
from app.core.errors import NotThere
from app.core.extensions import db


class Purpose(enum.StrEnum):
    SIGN_IN = "sign_in_link"
    RESET = "password_reset"
    GUEST_PROOF = "guest_proof"
    FORM = "form"


LIFETIMES = {
    Purpose.SIGN_IN: dt.timedelta(minutes=30),
    Purpose.RESET: dt.timedelta(hours=1),
    Purpose.GUEST_PROOF: dt.timedelta(days=7),
    Purpose.FORM: dt.timedelta(days=1),
}


KEPT_AFTER_END = dt.timedelta(days=7)


class LinkOver(NotThere):
    """Used, too old, replaced or never made: one sentence for all, so that nobody learns which."""

    def __init__(self) -> None:
        super().__init__(
            _("This link does not work any more. It works once and for a short time; please ask for a new one.")
        )


def issue(purpose: Purpose, customer: Customer, ticket_id: int | None = None) -> str:
    """The secret part of a new link. It is shown this once; the desk keeps its hash."""
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        OneTimeToken(
            token_hash=_hash(secret), purpose=purpose, customer_id=customer.id, ticket_id=ticket_id,
            fingerprint=fingerprint(customer), created_at=now, expires_at=now + LIFETIMES[purpose],
        )
    )  # fmt: skip
    return secret


def look_at(secret: str, purpose: Purpose) -> tuple[OneTimeToken, Customer]:
    """The link and its customer, still unused, or LinkOver. Changes nothing: mail scanners open every link."""
    token = db.session.scalar(
        select(OneTimeToken).where(OneTimeToken.token_hash == _hash(secret), OneTimeToken.purpose == purpose)
    )
    customer = db.session.get(Customer, token.customer_id) if token is not None and token.customer_id else None
    if (
        token is None
        or customer is None
        or not customer.active
        or token.used_at is not None
        or token.expires_at <= clock.now()
    ):
        raise LinkOver
    if not hmac.compare_digest(token.fingerprint, fingerprint(customer)):
        raise LinkOver
    return token, customer


def use(secret: str, purpose: Purpose) -> tuple[OneTimeToken, Customer]:
    """As `look_at`, and the link is spent: of two that use it at once, one gets LinkOver."""
    token, customer = look_at(secret, purpose)
    spent = db.session.execute(
        update(OneTimeToken)
        .where(OneTimeToken.id == token.id, OneTimeToken.used_at.is_(None))
        .values(used_at=clock.now())
    )
    if not spent.rowcount:
        raise LinkOver
    return token, customer


def new_form() -> str:
    """What tells one copy of a form from another, in a hidden field."""
    return secrets.token_urlsafe(12)


class Sent(NamedTuple):
    """One copy of a form with one content; `became` is the ticket it went into when it was sent before."""

    key: str
    became: int | None


def form_sent(form: str, *content: str, customer: Customer) -> Sent:
    """This very form with this very content. Of two presses at once the second waits for the first. What differs in one letter
    is another message. Does not commit: what is refused afterwards may come again."""
    key = _hash("\x00".join((Purpose.FORM, str(customer.id), form, *content)))
    if insert_new(OneTimeToken, _form_row(key, customer_id=customer.id)):
        return Sent(key, None)
    known = select(OneTimeToken.ticket_id).where(
        OneTimeToken.token_hash == key, OneTimeToken.customer_id == customer.id
    )
    return Sent(key, db.session.scalars(known).one())


def form_became(sent: Sent, ticket_id: int) -> None:
    row = update(OneTimeToken).where(OneTimeToken.token_hash == sent.key).values(ticket_id=ticket_id)
    db.session.execute(row.execution_options(synchronize_session=False))


def first_time(form: str, *content: str, staff_id: int) -> bool:
    """Whether this very form of a staff member comes with this very content for the first time; of two at once the second waits.

    Without a `form` (a program's post) everything is new. Does not commit: what is refused afterwards may come again.
    """
    if not form:
        return True
    key = _hash("\x00".join((Purpose.FORM, f"staff {staff_id}", form, *content)))
    return insert_new(OneTimeToken, _form_row(key, user_id=staff_id))


def _form_row(key: str, **whose: int) -> dict[str, object]:
    now = clock.now()
    return {
        "token_hash": key,
        "purpose": Purpose.FORM,
        "fingerprint": "",
        "created_at": now,
        "used_at": now,
        "expires_at": now + LIFETIMES[Purpose.FORM],
        **whose,
    }


def forget_old() -> None:
    """Daily: links that could not be used any more for a week. Does not commit."""
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < clock.now() - KEPT_AFTER_END))


def fingerprint(customer: Customer) -> str:
    """Changes with the password and with the address, and so ends every link made before."""
    return hashlib.sha256(f"{customer.id}|{customer.email_key}|{customer.password_hash or ''}".encode()).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
