"""What a customer is and was called, and where that stands: as a whole address or name, never as a part of somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select

from app.accounts.models import Customer
from app.core.extensions import db
from app.mail.models import Delivery, RawMail
from app.tickets.models import Participant
from app.tickets.thread import Message
from app.tickets.timeline import TicketEvent

BEFORE, AFTER = r"(?<![\w.!#$%&'*+/=?^`{|}~-])", r"(?![\w-]|\.\w)"
"""What would make an address the end or the beginning of a longer one."""


class Known(NamedTuple):
    """Addresses are case-folded; names stand as they were written."""

    names: frozenset[str]
    addresses: frozenset[str]

    def stand_in(self, text: str) -> bool:
        """Whether one of the addresses does."""
        folded = text.casefold()
        return any(re.search(BEFORE + re.escape(each) + AFTER, folded) for each in self.addresses if each in folded)

    def named_in(self, text: str) -> bool:
        """Whether a name or an address does."""
        folded = text.casefold()
        names = (re.escape(name.casefold()) for name in self.names if name.casefold() in folded)
        return self.stand_in(text) or any(re.search(rf"(?<!\w){name}(?!\w)", folded) for name in names)


def everything_they_were_called(customer: Customer) -> Known:
    """Now and earlier: what they did keeps the name they had then. An address that is another's by now is theirs alone."""
    person = customer.id
    names = {customer.name, *_column(TicketEvent.actor_name, TicketEvent.customer_id == person)}
    names |= {*_column(Message.author_name, Message.customer_id == person)}
    came = RawMail.entry_id.in_(select(Message.id).where(Message.customer_id == person))
    addresses = {
        customer.email,
        *_column(Delivery.address, Delivery.customer_id == person),
        *_column(RawMail.sender, came),
    }
    addresses |= {*_column(Participant.email, Participant.customer_id == person)}
    folded = {each.strip().casefold() for each in addresses if "@" in each}
    others = set(_column(Customer.email_key, Customer.email_key.in_(folded), Customer.id != person))
    return Known(frozenset(name for name in names if name), frozenset(folded - others))


def _column(column: Any, *criteria: Any) -> Iterable[str]:
    return [value for value in db.session.scalars(select(column).where(*criteria).distinct()) if value]


class Theirs(NamedTuple):
    """The customer in what the API answered to a program, which is kept for a day in case it asks again."""

    customer_id: int
    numbers: frozenset[int]
    messages: frozenset[int]
    known: Known

    def told_in(self, answer: Any) -> bool:
        """A ticket or entry of theirs, themselves, or their address in somebody's words."""
        if isinstance(answer, str):
            return self.known.stand_in(answer) or answer in self.known.names
        if isinstance(answer, list):
            return any(self.told_in(each) for each in answer)
        if isinstance(answer, dict):
            entry = answer.get("id") in self.messages and "kind" in answer
            person = answer.get("id") == self.customer_id and "email" in answer
            return (
                entry or person or answer.get("number") in self.numbers or any(self.told_in(each) for each in answer.values())
            )  # fmt: skip
        return False
