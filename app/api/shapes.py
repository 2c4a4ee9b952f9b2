"""How the desk's rows look in JSON. Times are ISO 8601 in UTC."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from flask import current_app

from app.accounts.models import Customer, Department, Organization
from app.core import clock
from app.core.html import from_text
from app.satisfaction.models import Rating
from app.settings import desk
from app.tickets import fields
from app.tickets.choices import CannedResponse, Category, State
from app.tickets.fieldkinds import Field
from app.tickets.models import Ticket, TicketKind
from app.tickets.supplied import Turn
from app.tickets.thread import Attachment, Channel, Message
from app.tickets.timeline import TicketEvent


class Line(NamedTuple):
    """The columns of a ticket that its shape says: a list of whole tickets with their neighbours takes several times as long."""

    id: int
    number: int
    reference: str | None
    subject: str
    kind: TicketKind
    channel: Channel
    state: State
    requester_id: int
    category_id: int | None
    needs_response: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    last_activity_at: dt.datetime
    first_response_at: dt.datetime | None
    first_response_due_at: dt.datetime | None
    resolution_due_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    follow_up_at: dt.datetime | None
    action_required_at: dt.datetime | None
    snoozed_until: dt.datetime | None
    supplier_turn: Turn | None
    rating: int | None


def instant(at: dt.datetime | None) -> str | None:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if at else None


class Named(NamedTuple):
    """What a ticket's neighbours are called."""

    status: str
    priority: str
    department: str
    category: str | None
    assignee: str | None
    customer_name: str
    customer_email: str
    environment: str | None


def ticket(row: Ticket) -> dict[str, Any]:
    named = Named(
        row.status.name, row.priority.name, row.department.name, row.category.name if row.category else None,
        row.assignee.username if row.assignee else None, row.requester.name, row.requester.email,
        row.environment.name if row.environment_id is not None and row.environment else None,
    )  # fmt: skip
    own = {one.field.key: one.field.plain(one.values) for one in fields.held(row)}
    return ticket_of(row, named, [tag.name for tag in row.tags], own)


def ticket_of(row: Ticket | Line, named: Named, tags: list[str], own: dict[str, Any]) -> dict[str, Any]:
    """`row` has the columns of a ticket; `own` is what it holds in the desk's own fields."""
    return {
        "id": row.id,
        "number": row.number,
        "display": desk.current().display(row.number),
        "reference": row.reference,
        "subject": row.subject,
        "kind": row.kind.value,
        "channel": row.channel.value,
        "state": row.state.value,
        "status": named.status,
        "priority": named.priority,
        "department": named.department,
        "category": named.category,
        "assignee": named.assignee,
        "environment": named.environment,
        "supplier_turn": row.supplier_turn.value if row.supplier_turn else None,
        "customer": {"id": row.requester_id, "name": named.customer_name, "email": named.customer_email},
        "tags": tags,
        "fields": own,
        "rating": row.rating,
        "needs_response": row.needs_response,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "last_activity_at": instant(row.last_activity_at),
        "first_response_at": instant(row.first_response_at),
        "first_response_due_at": instant(row.first_response_due_at),
        "resolution_due_at": instant(row.resolution_due_at),
        "resolved_at": instant(row.resolved_at),
        "closed_at": instant(row.closed_at),
        "follow_up_at": instant(row.follow_up_at),
        "action_required_at": instant(row.action_required_at),
        "snoozed_until": instant(row.snoozed_until) if row.snoozed_until and row.snoozed_until > clock.now() else None,
        "url": f"{current_app.config['PUBLIC_URL']}/admin/tickets/{row.number}",
    }


def message(row: Message) -> dict[str, Any]:
    """`text` and `html` are what the author newly wrote, `full_text` the whole body."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "author": {
            "type": "staff"
            if row.staff_id
            else "customer"
            if row.customer_id
            else "supplier"
            if row.supplier_id
            else "system",
            "name": row.author_name,
        },
        "via": row.via.value,
        "text": row.text,
        "html": str(row.as_html),
        "full_text": row.full_text or row.text,
        "trusted": row.trusted,
        "to": row.sent_to,
        "created_at": instant(row.created_at),
        "attachments": [attachment(each) for each in row.attachments],
    }


def event(row: TicketEvent) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": "event",
        "author": {"type": row.actor_kind.value, "name": row.actor_name},
        "via": None,
        "event": row.what.value,
        "text": f"{row.actor_name} {row.sentence}",
        "html": from_text(f"{row.actor_name} {row.sentence}"),
        "full_text": f"{row.actor_name} {row.sentence}",
        "created_at": instant(row.at),
        "attachments": [],
    }


def rating(row: Rating) -> dict[str, Any]:
    """`good`, `fair` or `bad`, whatever the scale."""
    return {
        "scale": row.scale.value,
        "score": row.score,
        "verdict": row.verdict.value if row.verdict else None,
        "comment": row.comment,
        "given_at": instant(row.given_at),
        "changed_at": instant(row.changed_at),
        "assignee": row.staff.username if row.staff else None,
    }


def attachment(row: Attachment) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "bytes": row.bytes,
        "url": f"{current_app.config['PUBLIC_URL']}/api/v1/attachments/{row.id}",
    }


def customer(row: Customer) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "organization": {"id": row.organization.id, "name": row.organization.name} if row.organization else None,
        "phone": row.phone,
        "notes": row.notes,
        "language": row.language,
        "active": row.active,
        "address_works": row.address_works,
        "verified_at": instant(row.verified_at),
        "created_at": instant(row.created_at),
    }


def organization(row: Organization) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "domain": row.domain,
        "notes": row.notes,
        "created_at": instant(row.created_at),
    }


def category(row: Category) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "parent": row.parent.name if row.parent else None,
        "department": row.department.name if row.department else None,
        "public": row.public,
        "active": row.active,
    }


def department(row: Department) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "email": row.email,
        "public": row.public,
        "active": row.active,
    }


def own_field(row: Field, categories: dict[int, str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "name": row.name,
        "help": row.help,
        "kind": row.kind.value,
        "choices": list(row.choices),
        "categories": [categories[each] for each in row.categories if each in categories],
        "required": row.required.value,
        "readers": row.readers.value,
        "active": row.active,
    }


def canned_response(row: CannedResponse) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "shortcut": row.shortcut,
        "body": row.body,
        "category": row.category.name if row.category else None,
        "department": row.department.name if row.department else None,
    }
