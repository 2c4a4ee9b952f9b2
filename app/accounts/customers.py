"""Customers: found by their address or made, their passwords, and what a session of theirs is worth."""

from __future__ import annotations

import functools
import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from app.accounts import passwords
from app.accounts.models import Customer
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db

ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"']{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{0,61}[^\W_]")
LONGEST_ADDRESS = 254
LONGEST_NAME = 120
JOINERS = "\u200c\u200d"
"""Invisible, and part of how names are written in Persian, Hindi and emoji."""
LONGEST_PASSWORD = passwords.LONGEST
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
    kept = customer.password_hash if customer is not None and customer.password_hash else _nobodys_hash()
    right = check_password_hash(kept, password[:LONGEST_PASSWORD])
    if (
        customer is None
        or not customer.password_hash
        or not customer.active
        or not right
        or len(password) > LONGEST_PASSWORD
    ):
        return None
    return customer


@functools.cache
def _nobodys_hash() -> str:
    return generate_password_hash("nobody has this password")


def set_password(customer: Customer, password: str) -> None:
    """After a mail link proved who they are. Ends every session and every link of before."""
    passwords.check(password, customer.name, customer.email)
    customer.password_hash = generate_password_hash(password)
    customer.generation += 1


def change_password(customer: Customer, old: str, new: str) -> None:
    """By somebody signed in: a found laptop must not be enough to take the account."""
    if customer.password_hash and not check_password_hash(customer.password_hash, old[:LONGEST_PASSWORD]):
        raise Invalid(_("The password was not changed."), {"old": _("This is not your present password.")})
    set_password(customer, new)


def sign_out_everywhere(customer: Customer) -> None:
    customer.generation += 1


def rename(customer: Customer, name: str) -> None:
    name = clean_name(name)
    if not name:
        raise Invalid(_("The name was not changed."), {"name": _("Please tell us your name.")})
    customer.name = name


def of_session(kept: Any) -> Customer | None:
    """Who a session's [id, generation] stands for; nobody once they were signed out or switched off."""
    if (
        not isinstance(kept, list)
        or len(kept) != 2
        or not all(type(number) is int and 0 < number < LARGEST_ID for number in kept)
    ):
        return None
    return db.session.scalar(
        select(Customer).where(Customer.id == kept[0], Customer.generation == kept[1], Customer.active.is_(True))
    )
