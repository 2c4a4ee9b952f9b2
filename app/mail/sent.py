"""The mail log's questions: which mails, narrowed by whom, what, when and what became of them."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import outgoing
from app.mail.models import Delivery, DeliveryState
from app.mail.wordable import LABELS
from app.settings import desk
from app.tickets.models import Ticket

ROWS = 100
MOST_AT_ONCE = 500
"""Sent again by one press; another press sends the next."""
LARGEST = 2**63 - 1


@dc.dataclass(frozen=True)
class Wanted:
    """What the search form says; what it does not say narrows nothing."""

    address: str = ""
    ticket: str = ""
    subject: str = ""
    kind: str = ""
    state: str = ""
    day: str = ""
    before: str = ""
    """The id after which the next page begins."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Wanted:
        return cls(**{field.name: given.get(field.name, "").strip()[:250] for field in dc.fields(cls)})

    @property
    def narrowed(self) -> dict[str, str]:
        """For the address of the next page and for forms."""
        return {name: value for name, value in dc.asdict(self).items() if value and name != "before"}

    def mails(self) -> Select[Delivery]:
        found = select(Delivery)
        if self.address:
            found = found.where(Delivery.address.contains(self.address.casefold(), autoescape=True))
        if self.subject:
            found = found.where(func.lower(Delivery.subject).contains(self.subject.lower(), autoescape=True))
        if self.kind in LABELS:
            found = found.where(Delivery.kind == self.kind)
        if self.state in {each.value for each in DeliveryState}:
            found = found.where(Delivery.state == DeliveryState(self.state))
        if self.ticket:
            found = found.join(Ticket, Ticket.id == Delivery.ticket_id).where(Ticket.number == _number(self.ticket))
        span = _span(self.day)
        return found.where(Delivery.created_at >= span[0], Delivery.created_at < span[1]) if span else found

    def rows(self) -> Sequence[Delivery]:
        """Newest first."""
        found = self.mails().options(joinedload(Delivery.ticket)).order_by(Delivery.id.desc()).limit(ROWS)
        if self.before:
            found = found.where(Delivery.id < _number(self.before))
        return db.session.scalars(found).all()


def send_failed_again(wanted: Wanted) -> tuple[int, int]:
    """All that failed among these, the oldest first: how many are on their way, and how many cannot be sent again."""
    failed = dc.replace(wanted, state=DeliveryState.FAILED.value, before="").mails()
    again = gone = 0
    for mail in db.session.scalars(failed.order_by(Delivery.id).limit(MOST_AT_ONCE)):
        try:
            outgoing.resend(mail)
            again += 1
        except HelpdeskError:  # its link was forgotten: the person has to ask for a new one
            gone += 1
    return again, gone


def _number(text: str) -> int:
    """As people write it: #1042. No ticket for anything else."""
    digits = "".join(letter for letter in text if letter in "0123456789")[:19]
    return min(int(digits), LARGEST) if digits else -1


def _span(day: str) -> tuple[dt.datetime, dt.datetime] | None:
    """The day in the desk's zone; None for what is no day."""
    try:
        began = dt.date.fromisoformat(day) if day else None
        zone = ZoneInfo(desk.current().time_zone)
        if began is None:
            return None
        midnights: list[Any] = [dt.datetime.combine(one, dt.time(), zone) for one in (began, began + dt.timedelta(1))]
        return midnights[0].astimezone(dt.UTC), midnights[1].astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
