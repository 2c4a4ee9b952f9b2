"""May this actor do that to this ticket? Every verb asks here first; pages ask here what to show."""

from typing import Protocol

from flask_babel import gettext as _

from app.accounts.viewer import Actor, Kind
from app.core.errors import Forbidden
from app.settings import desk

STAFF_VERBS = (
    "show", "reply", "note", "status", "priority", "assign", "tag", "link", "incident", "task", "task_delete", "time", "time_others", "budget", "category", "department", "hide", "merge", "split", "documents", "supplier", "people", "environment", "spam", "delete", "bulk", "export",
)  # fmt: skip
"""`can_<verb> on Ticket` in a role."""
CUSTOMER_VERBS = ("show", "receive", "close", "reopen", "attach", "rate")


class Seen(Protocol):
    """Anything with row rules: a ticket."""

    def seen_by(self, actor: Actor) -> bool: ...


def may(actor: Actor, verb: str, ticket: Seen | None = None) -> bool:
    """`verb` is one of STAFF_VERBS or CUSTOMER_VERBS; without a ticket: whether they may do it to any."""
    if actor.kind is Kind.SYSTEM:
        return True
    if actor.kind is Kind.STAFF:
        allowed = actor.can("status" if verb in ("close", "reopen") else verb)
    else:
        allowed = verb in CUSTOMER_VERBS and _setting_allows(verb)
    return allowed and (ticket is None or ticket.seen_by(actor))


def demand(actor: Actor, verb: str, ticket: Seen | None = None) -> None:
    """Raise Forbidden with a sentence when they may not."""
    if not may(actor, verb, ticket):
        raise Forbidden(_("You may not do this to this ticket."))


def _setting_allows(verb: str) -> bool:
    settings = desk.current()
    allowed = {
        "close": settings.customer_can_close,
        "reopen": settings.customer_can_reopen,
        "rate": settings.satisfaction,
    }
    return allowed.get(verb, True)
