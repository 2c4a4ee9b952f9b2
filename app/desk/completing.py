"""What the search box offers while somebody types: its fields, and for each the values of this desk."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, func, select, true

from app.accounts.models import Customer, Organization
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk import supplierfilters
from app.desk.asked import EXAMPLES, IS
from app.desk.listing import Due, Rated, Snooze, When
from app.desk.lookups import Lookups
from app.tickets import fields as own
from app.tickets.choices import State, Tag, ticket_tag
from app.tickets.fieldkinds import Field
from app.tickets.fieldmodels import FieldKind
from app.tickets.models import Ticket, TicketKind
from app.tickets.thread import Channel
from app.tickets.visibility import visible_to

OFFERED = 8
MEANINGS = {
    "customer": _l("part of the customer's name or address"), "organization": _l("part of its name"), "state": _l("one of six states"), "status": _l("a status of this desk"),
    "assignee": _l("me, nobody or a person"), "department": _l("a department"), "category": _l("a category, or none"), "priority": _l("a priority"), "tag": _l("a tag"),
    "kind": _l("ticket, conversation, document request"), "via": _l("how it came"), "sla": _l("how its promise stands"), "is": _l("what it is"),
    "before": _l("created before a day"), "after": _l("created on a day or later"), "created": _l("a day, a span, or 7d"), "updated": _l("a day, a span, or 7d"),
    "followup": _l("how its follow-up date stands"), "action": _l("how the date of a required action stands"), "snoozed": _l("yes or no"), "spam": _l("yes or no"), "time": _l("how much time was spent"), "rating": _l("what the customer said of it"),
    "environment": _l("where it happens, or none"), "supplier": _l("a supplier, or how it stands with them"), "further": _l("me, anybody or somebody who takes part"),
}  # fmt: skip
DAYS = ["today", "yesterday", "7d", "30d"]


def fields(names: Lookups) -> list[dict[str, Any]]:
    """Each with its meaning, an example and, where they are few, its values; `asked` ones are asked for as they are typed."""
    few: dict[str, list[str]] = {
        "state": [state.value for state in State], "kind": [kind.value.replace("_", "-") for kind in TicketKind], "via": [channel.value for channel in Channel], "sla": [due.value for due in Due],
        "followup": [when.value for when in When], "action": [when.value for when in When], "snoozed": [each.value for each in Snooze], "spam": [each.value for each in Snooze], "time": [">2h", "<30m", "any", "none"], "rating": [each.value for each in Rated], "is": list(IS), "assignee": ["me", "nobody", *(row.detail for row in names.active("person"))], "category": ["none", *(row.name for row in names.active("category"))],
        **{kind: [row.name for row in names.active(kind)] for kind in ("status", "department", "priority")}, **dict.fromkeys(("before", "after", "created", "updated"), DAYS),
        "environment": ["none", *(row.name for row in names.active("environment"))], "supplier": [*supplierfilters.WORDS, *(row.name for row in names.active("supplier"))],
        "further": [*supplierfilters.FURTHER_WORDS, *(row.detail for row in names.active("person"))],
    }  # fmt: skip
    return [
        {
            "name": name,
            "means": str(means),
            "example": EXAMPLES[name],
            "values": few.get(name),
            "asked": name not in few,
        }
        for name, means in MEANINGS.items()
    ] + [_own(field) for field in own.active()]


def _own(field: Field) -> dict[str, Any]:
    """One of the desk's own fields."""
    offered = [*field.choices, "none"] if field.choices else ["yes", "no"] if field.kind is FieldKind.CHECKBOX else ["any", "none"]  # fmt: skip
    name = field.list_name
    return {"name": name, "means": field.name, "example": f"{name}:{offered[0]}", "values": offered, "asked": False}


def values(field: str, begin: str, viewer: Viewer) -> list[str]:
    """Tags, customers or organizations that begin so: customers and their organizations for those who may list them, tags of tickets they see."""
    begin = begin.strip().casefold()
    if not begin:
        return []
    wanted = {"tag": _tags, "customer": _customers, "organization": _organizations}.get(field)
    return list(db.session.scalars(wanted(begin, viewer).limit(OFFERED))) if wanted else []


def _tags(begin: str, viewer: Viewer) -> Select[str]:
    used = (
        select(ticket_tag.c.tag_id)
        .join(Ticket, Ticket.id == ticket_tag.c.ticket_id)
        .where(ticket_tag.c.tag_id == Tag.id)
    )
    return (
        select(Tag.name)
        .where(Tag.name.startswith(begin, autoescape=True), used.where(visible_to(viewer)).exists())
        .order_by(Tag.name)
    )


def _customers(begin: str, viewer: Viewer) -> Select[str]:
    named = Customer.name_key.startswith(begin, autoescape=True) | Customer.email_key.startswith(begin, autoescape=True)
    return select(Customer.email).where(named, _may(viewer, "Customer")).order_by(Customer.name_key, Customer.id)


def _organizations(begin: str, viewer: Viewer) -> Select[str]:
    named = func.lower(Organization.name).startswith(begin, autoescape=True)
    return select(Organization.name).where(named, _may(viewer, "Organization")).order_by(Organization.name)


def _may(viewer: Viewer, view: str) -> ColumnElement[bool]:
    return true() if viewer.can("list", view) else false()
