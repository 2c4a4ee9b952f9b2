"""What rules tell people, and what admins hear of a rule that had to be stopped."""

from __future__ import annotations

from typing import Protocol

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core.extensions import db
from app.notifications import audience, wishes
from app.notifications.handing import hand
from app.notifications.models import Notice
from app.tickets.because import cause
from app.tickets.models import Ticket


class Told(Protocol):
    @property
    def ticket(self) -> Ticket: ...

    @property
    def whom(self) -> str: ...

    @property
    def text(self) -> str: ...


class Named(Protocol):
    name: object


def tell(told: Told) -> None:
    """Whoever is meant, if they see the ticket."""
    people = [one for one in _people(told.whom, told.ticket) if audience.sees(one, told.ticket)]
    said = {"who": cause().get("rule", ""), "text": told.text}
    for telling in wishes.tellings(Notice.RULE, people, ticket=told.ticket):
        hand(telling, Notice.RULE, said, ticket_id=told.ticket.id)


def tell_of_stop(rule: Named) -> None:
    people = [one.id for one in audience.keepers_of_rules()]
    for telling in wishes.tellings(Notice.RULE_STOPPED, people):
        hand(telling, Notice.RULE_STOPPED, {"who": str(rule.name)})


def _people(whom: str, ticket: Ticket) -> list[int]:
    if whom == "assignee":
        return [ticket.assignee_id] if ticket.assignee_id is not None else []
    if whom == "lead":
        return [ticket.department.lead_id] if ticket.department.lead_id is not None else []
    if whom == "supervisors":
        return [one.id for one in audience.supervisors(ticket)]
    known = select(User.id).where(User.id == (int(whom) if whom.isdigit() and len(whom) < 10 else 0), User.active.is_(True))  # fmt: skip
    return list(db.session.scalars(known))
