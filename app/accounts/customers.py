"""Customers: found by their address or made, their passwords, and what a session of theirs is worth."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import guessing, passwords, sessions
from app.accounts.models import Customer
from app.accounts.sessions import SignedIn
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db

ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"']{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{0,61}[^\W_]")
LONGEST_ADDRESS = 254
LONGEST_NAME = 120
JOINERS = "\u200c\u200d"
"""Invisible, and part of how names are written in Persian, Hindi and emoji."""
LARGEST_ID = 2**63


def checked_address(text: str) -> str:
    """The address a person typed, or Invalid. Whether it is theirs only a mail can tell."""
    address = text.strip()
    if len(address) > LONGEST_ADDRESS or not address.isprintable() or not ADDRESS.fullmatch(address):
        raise Invalid(
            _("Please look at the address again."),
            {"email": _("Please type an email address, such as name@company.com.")},
        )
    return address


def clean_name(text: str) -> str:
    """One line without control characters: it stands in pages and in the header of mails."""
    return " ".join("".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in text).split())[
        :LONGEST_NAME
    ].strip()


def find(address: str) -> Customer | None:
    return db.session.scalar(select(Customer).where(Customer.email_key == address.strip().casefold()))


def find_or_create(address: str, name: str = "", language: str | None = None) -> Customer:
    """The customer with this address. A new one gets `name` and `language`; those of a known one stay, whatever a stranger typed."""
    address = checked_address(address)
    known = find(address)
    if known is not None:
        return known
    customer = Customer(name=clean_name(name) or address, email=address, language=language, created_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(customer)
    except IntegrityError:
        made_meanwhile = find(address)
        if made_meanwhile is None:
            raise
        return made_meanwhile
    return customer


def sign_in(address: str, password: str) -> Customer | None:
    """The customer when both belong together. Takes as long for an address nobody has."""
    customer = find(address[:LONGEST_ADDRESS])
    active = customer is not None and customer.active
    right = passwords.matches(customer.password_hash if customer is not None and active else None, password)
    return customer if right else None


def set_password(customer: Customer, password: str) -> None:
    """After a mail link proved who they are. Every session and every link of before ends with it (freshness.py)."""
    passwords.check(password, passwords.CUSTOMERS, (customer.email,), (customer.name,))
    customer.password_hash = passwords.hashed(password)


def change_password(customer: Customer, old: str, new: str) -> None:
    """By somebody signed in: a found laptop must not be enough to take the account."""
    if customer.password_hash and not guessing.right(customer.email, customer.password_hash, old):
        raise Invalid(_("The password was not changed."), {"old": _("This is not your present password.")})
    set_password(customer, new)


def sign_out_everywhere(customer: Customer) -> None:
    sessions.end_customer(customer)


def remember_language(customer_id: int, language: str) -> None:
    """Nobody's deed, so the audit log has nothing to note. Does not commit."""
    db.session.execute(update(Customer).where(Customer.id == customer_id).values(language=language))


def rename(customer: Customer, name: str) -> None:
    name = clean_name(name)
    if not name:
        raise Invalid(_("The name was not changed."), {"name": _("Please tell us your name.")})
    customer.name = name


def of_session(kept: Any) -> Customer | None:
    """Who a session's [id, secret] stands for, in one statement. Nobody once it was ended, unused for too long or too old."""
    if (
        not isinstance(kept, list)
        or len(kept) != 2
        or type(kept[0]) is not int
        or not 0 < kept[0] < LARGEST_ID
        or not isinstance(kept[1], str)
    ):
        return None
    found = db.session.execute(
        select(Customer, SignedIn.id, SignedIn.created_at, SignedIn.last_seen_at)
        .join(SignedIn, (SignedIn.customer_id == Customer.id) & (SignedIn.generation == Customer.generation))
        .where(Customer.id == kept[0], Customer.active.is_(True), SignedIn.token_hash == sessions.digest(kept[1]))
    ).first()
    if found is None or sessions.customer_lifetime().over(found.created_at, found.last_seen_at):
        return None
    sessions.note_seen(found.id, found.last_seen_at)
    return found.Customer
