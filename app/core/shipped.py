"""Names the desk ships with, in the reader's language. A row an admin renames is no longer among them and reads as written."""

from __future__ import annotations

from app.core.words import said


def N_(name: str) -> str:  # gettext's own name for it
    """Marks a name for translations/collect.py and leaves it as it is."""
    return name


_SHIPPED = frozenset((
    # steps of a ticket, and what customers read for them
    N_("New"), N_("Open"), N_("In Progress"), N_("Customer Reply"), N_("Answered"), N_("Waiting"), N_("Waiting for Customer"), N_("Awaiting Client"), N_("Pending"),
    N_("On Hold"), N_("Resolved"), N_("Closed"), N_("Waiting for you"),
    # priorities and what they mean
    N_("Low"), N_("Normal"), N_("Medium"), N_("High"), N_("Critical"), N_("Urgent"), N_("Emergency"),
    N_("A question or a wish; nothing is broken."), N_("Something does not work as it should, and there is a way around it."), N_("Important work is held up."), N_("Nobody can work."),
    # categories and the first department
    N_("Technical Support"), N_("Billing"), N_("License Issues"), N_("Feature Request"), N_("General Inquiry"), N_("Support"),
    N_("Something does not work."), N_("Invoices, payments and plans."), N_("Activating, moving and renewing licences."), N_("What the product should do as well."), N_("Everything else."),
    N_("The first address for every question."),
    # when a desk works
    N_("Business hours"), N_("Always"),
    # what time is spent on
    N_("Analysis"), N_("Phone call"), N_("On site"), N_("Internal"),
    # how one ticket stands to another
    N_("relates to"), N_("duplicates"), N_("is duplicated by"), N_("causes"), N_("is caused by"), N_("blocks"), N_("is blocked by"),
))  # fmt: skip


def shown(name: str | None) -> str:
    """What a person reads for a name kept in the database."""
    return said(name) if name is not None and name in _SHIPPED else name or ""


def shipped() -> frozenset[str]:
    return _SHIPPED
