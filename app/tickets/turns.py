"""Those who change one ticket take turns: each verb sees it as the one before left it, and its counts and sums stay right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.accounts import rights
from app.core.database import is_postgresql
from app.core.extensions import db

if TYPE_CHECKING:
    from app.accounts.viewer import Actor


def demand(by: Actor, verb: str, ticket: Any) -> None:
    """What each verb asks first: whether this actor may, of the ticket as it is now. Raises Forbidden, or Merged
    when it goes on in another."""
    take(ticket)
    rights.demand(by, verb, ticket)
    if ticket.merged:
        from app.tickets.mergeable import Merged

        raise Merged(ticket)


def take(ticket: Any) -> None:
    """Nobody else changes this ticket before we commit. Once a transaction; on SQLite the transaction has the whole file already."""
    if ticket.turn is db.session().get_transaction() or not is_postgresql():
        return
    from app.tickets.models import Ticket

    held = select(Ticket).where(Ticket.id == ticket.id).with_for_update(of=Ticket)
    db.session.scalar(held.execution_options(populate_existing=True))
    ours(ticket)


def ours(ticket: Any) -> None:
    """It was read under a lock, or is new: there is nobody to wait for in this transaction."""
    ticket.turn = db.session().get_transaction()
