"""Mails of the portal that are written after the answer: the page takes as long for an address nobody has."""

from __future__ import annotations

from app.accounts import customers, tokens
from app.accounts.tokens import Purpose
from app.mail import outgoing
from app.portal.frame import link


def mail_sign_in_link(address: str) -> None:
    _mail(address, Purpose.SIGN_IN, "/portal/link/")


def mail_password_reset(address: str) -> None:
    _mail(address, Purpose.RESET, "/portal/password/")


def _mail(address: str, purpose: Purpose, path: str) -> None:
    customer = customers.find(address)
    if customer is not None and customer.active:
        secret = tokens.issue(purpose, customer)
        outgoing.put_notice(purpose.value, customer_id=customer.id, values={"link": link(path + secret)})
