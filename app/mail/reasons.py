"""Why a message goes where it goes: the rules of matching one after the other, who writes, and whether a machine does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from app.accounts import customers
from app.accounts.models import Customer
from app.core.extensions import db
from app.mail import addresses, threading
from app.mail.parsing import IncomingMail
from app.mail.threading import Match


class Reason(NamedTuple):
    """One line of an explanation; `fits` is None where it is a warning."""

    about: str
    """ticket, sender or machine."""
    what: str
    why: str
    fits: bool | None


def reasons_of(mail: IncomingMail, recipient: str) -> Iterator[Reason]:
    recipients = (recipient,) if recipient else ()
    match: Match | None = None
    if mail.bounce is None:
        for rule, match in threading.tried(mail, recipients):
            yield _of_rule(rule, match, mail, recipients)
            if match is not None:
                break
    yield from _of_sender(mail, match)
    yield _of_machine(mail)


def _of_rule(rule: str, match: Match | None, mail: IncomingMail, recipients: tuple[str, ...]) -> Reason:
    what = {
        "token": _("A reply address of ours"),
        "ours": _("Answers a mail of ours"),
        "stored": _("Refers to a message of a ticket"),
        "number": _("Names a ticket's number"),
    }[rule]
    if match is not None:
        return Reason("ticket", what, _("Yes: %(number)s.", number=match.ticket.display), True)
    why = _no_token(mail, recipients) if rule == "token" else _no_number(mail) if rule == "number" else _no_id(rule, mail)  # fmt: skip
    return Reason("ticket", what, why, False)


def _no_token(mail: IncomingMail, recipients: tuple[str, ...]) -> str:
    for address in threading.addressed(mail, recipients):
        if addresses.ours(address) and "+" in address:
            token = addresses.read_token(address)
            return _("Its ticket is gone.") if token else _("It has one, but this desk did not make it.")
    return _("It was sent to none.")


def _no_id(rule: str, mail: IncomingMail) -> str:
    count = len(threading.named(mail))
    if not count:
        return _("It names no earlier message.")
    if rule == "ours":
        return ngettext(
            "It names %(num)d message, not one of ours.", "It names %(num)d messages, none of them ours.", count
        )
    return ngettext(
        "It names %(num)d message, in no ticket.", "It names %(num)d messages, none of them in a ticket.", count
    )


def _no_number(mail: IncomingMail) -> str:
    numbers = threading.numbers(mail)
    if not numbers:
        return _("The subject names none.")
    return _("The subject names %(number)s, but the sender takes no part in it, or it is not there.", number=numbers[0])


def _of_sender(mail: IncomingMail, match: Match | None) -> Iterator[Reason]:
    address = mail.sender.address
    customer = customers.find(address) if address else None
    if not address:
        yield Reason("sender", _("It names no sender."), "", None)
    elif customer is None:
        yield Reason("sender", address, _("Nobody the desk knows: a customer would be made of them."), None)
    else:
        yield Reason("sender", _customer(customer), _standing(customer), customer.active)
    if address and db.session.scalar(select(User.id).where(func.lower(User.email) == address.casefold()).limit(1)):
        yield Reason("sender", _("This is a colleague's address."), _("It counts as theirs at the reply address made for them alone."), None)  # fmt: skip
    if match is not None and mail.bounce is None:
        yield _takes_part(match, customer)


def _customer(customer: Customer) -> str:
    organization = customer.organization.name if customer.organization is not None else ""
    return f"{customer.name} ({organization})" if organization else customer.name


def _standing(customer: Customer) -> str:
    if not customer.active:
        return _("A customer who was switched off.")
    return _("A customer, their address is proven.") if customer.verified_at else _("A customer whose address nobody proved yet.")  # fmt: skip


def _takes_part(match: Match, customer: Customer | None) -> Reason:
    if threading.staff_token(match) is not None:
        return Reason("sender", _("The reply address was made for a colleague."), _("They answer as staff, with the rights they have now."), True)  # fmt: skip
    if match.supplier_id is not None:
        return Reason("sender", _("It answers what a supplier was asked."), _("No customer reads it."), True)
    if customer is not None and customer.active and threading.takes_part(customer, match.ticket):
        return Reason("sender", _("Takes part in %(number)s.", number=match.ticket.display), "", True)
    return Reason("sender", _("Takes no part in %(number)s.", number=match.ticket.display), _("Kept as unverified: it reopens nothing and nobody is told until it is accepted."), False)  # fmt: skip


def _of_machine(mail: IncomingMail) -> Reason:
    if mail.bounce is not None:
        gone = _("The mailbox is gone for good.") if mail.bounce.permanent else _("The mailbox may take mail later.")
        who = ", ".join(mail.bounce.recipients) or "–"
        return Reason("machine", _("A mail that came back: %(who)s", who=who), f"{mail.bounce.status} {gone}".strip(), None)  # fmt: skip
    if mail.automatic:
        return Reason("machine", _("A machine wrote it, so no machine answers."), mail.reason, None)
    return Reason("machine", _("A person wrote it."), _("No field of its header says otherwise."), True)
