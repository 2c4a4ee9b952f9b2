"""Two links in a customer's mail that need no sign-in: keep it open, and it is solved. They show a page; its button does the deed, once.

A link is good for one stay of the ticket in its status: whatever moves the ticket, the link's own deed among it, ends it.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from app.accounts import rights
from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets.choices import State
from app.tickets.inactivity import closes_at
from app.tickets.models import Ticket

LONGEST = 300


class Deed(enum.StrEnum):
    KEEP = "keep"
    SOLVED = "solved"


class Done(NotThere):
    """Said before, moved on, or never ours: one sentence for all, so that nobody learns which."""

    def __init__(self) -> None:
        super().__init__(
            _("This was said already, or the ticket has moved on meanwhile. You can always reply to our newest mail.")
        )


class Saying(NamedTuple):
    """What a link says: who, of which ticket, and what."""

    ticket: Ticket
    customer: Customer
    deed: Deed

    @property
    def by(self) -> CustomerActor:
        return CustomerActor.of(self.customer)


def links(ticket: Ticket) -> dict[str, str]:
    """For its requester; empty words for what they could not do now."""
    offered = {deed: link(ticket, deed) if _possible(Saying(ticket, ticket.requester, deed)) else "" for deed in Deed}
    return {"keep_link": offered[Deed.KEEP], "solved_link": offered[Deed.SOLVED]}


def link(ticket: Ticket, deed: Deed) -> str:
    word = _signer().dumps([ticket.id, ticket.requester_id, deed.value, _stay(ticket)])
    return f"{current_app.config['PUBLIC_URL']}/portal/say/{word}"


def look_at(word: str, lock: bool = False) -> Saying:
    """What this link says, as long as it can be done. Raises Done. `lock`: nobody else does it at the same time."""
    try:
        ticket_id, customer_id, deed, stay = _signer().loads(word[:LONGEST])
    except (BadSignature, ValueError, TypeError):
        raise Done from None
    wanted = select(Ticket).where(Ticket.id == ticket_id)
    ticket = db.session.scalar(wanted.with_for_update(of=Ticket) if lock else wanted)
    if ticket is None or ticket.requester_id != customer_id or _stay(ticket) != stay:
        raise Done
    saying = Saying(ticket, ticket.requester, Deed(deed))
    if not _possible(saying):
        raise Done
    return saying


def say(word: str) -> Saying:
    """Does it, in the customer's name. Does not commit."""
    saying = look_at(word, lock=True)
    if saying.deed is Deed.KEEP:
        saying.ticket.keep_open(by=saying.by)
    else:
        saying.ticket.close(by=saying.by)
    return saying


def _possible(saying: Saying) -> bool:
    """Their turn, by somebody who may, in a ticket that goes on by itself."""
    ticket = saying.ticket
    if ticket.state not in (State.WAITING, State.RESOLVED) or ticket.merged or not saying.customer.active:
        return False
    if saying.deed is Deed.SOLVED:
        return rights.may(saying.by, "close", ticket)
    if ticket.state is State.RESOLVED:
        return rights.may(saying.by, "reopen", ticket)
    return closes_at(ticket) is not None and rights.may(saying.by, "receive", ticket)


def _stay(ticket: Ticket) -> int:
    """Since when it is in its status, in milliseconds; keeping it open begins a new stay."""
    return int(ticket.status_since.timestamp() * 1000)


def _signer() -> URLSafeSerializer:
    config: Any = current_app.config
    keys = [*reversed(config.get("SECRET_KEY_FALLBACKS") or ()), config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="a customer's word")
