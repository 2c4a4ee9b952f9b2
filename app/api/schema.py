"""The shapes of the API's answers and requests, as its OpenAPI document tells them; examples are requests that work."""

from __future__ import annotations

from typing import Any

from app.api.documents import ALLOWED
from app.api.fields import MOST, USUAL
from app.api.reading import MOST_KEYS, OPEN_TASKS
from app.api.tickets import KINDS, LONGEST_SUBJECT
from app.tickets.actions import KINDS as DEEDS
from app.tickets.choices import State
from app.tickets.conversation import LONGEST_MESSAGE
from app.tickets.copies import MOST as MOST_COPIES
from app.tickets.fieldmodels import FieldKind, Readers, Required
from app.tickets.requests import LONGEST_HINT, LONGEST_NAME, MOST_SLOTS, RequestState, SlotState
from app.tickets.scores import Scale, Verdict
from app.tickets.supplied import Turn
from app.tickets.suppliers import MOST_ALONG
from app.tickets.tasks import LONGEST_DETAILS, LONGEST_TITLE, TaskState
from app.tickets.thread import Channel
from app.tickets.timespent import LONGEST_NOTE as LONGEST_TIME_NOTE
from app.tickets.timespent import MOST_MINUTES

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": "string", "nullable": True}
WHOLE: Schema = {"type": "integer", "format": "int64", "minimum": 1}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
MAYBE_INSTANT: Schema = {**INSTANT, "nullable": True}
IDS: Schema = {"type": "array", "items": WHOLE, "maxItems": 100, "description": "What uploads answered."}
TAGS: Schema = {"type": "array", "items": {"type": "string", "maxLength": 40}, "maxItems": 50}
STATES = [state.value for state in State]
TURNS = [turn.value for turn in Turn]
VERDICTS = [verdict.value for verdict in Verdict]
CHANNELS = [channel.value for channel in Channel]
ONWARDS: Schema = {**FLAG, "description": "The messages after it go with it."}
BODY: Schema = {"type": "string", "maxLength": LONGEST_MESSAGE}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(required: tuple[str, ...] = (), example: Schema | None = None, /, **properties: Schema) -> Schema:
    """What the desk answers has all its properties; what it takes has no others."""
    written: Schema = {"type": "object", "properties": properties}
    if required:
        written["required"] = list(required)
    if example is not None:
        written |= {"example": example, "additionalProperties": False}
    return written


def answered(**properties: Schema) -> Schema:
    return thing(tuple(properties), **properties)


def rows_of(name: str) -> Schema:
    return answered(
        items={"type": "array", "items": ref(name)},
        next={**MAYBE_TEXT, "description": "The cursor of the following page; null on the last."},
    )


FILING: dict[str, Schema] = {
    "status": {**TEXT, "maxLength": 255, "description": "A status by name, or one of the six states."},
    "priority": {**TEXT, "maxLength": 255, "description": "By name or alias."},
    "department": {**TEXT, "maxLength": 255, "description": "By name."},
    "category": {**MAYBE_TEXT, "maxLength": 255, "description": "By name."},
    "assignee": {**MAYBE_TEXT, "maxLength": 255, "description": "A user name, `me` or `none`."},
    "environment": {**MAYBE_TEXT, "maxLength": 255, "description": "By name."},
    "tags": TAGS,
    "fields": {
        "type": "object",
        "additionalProperties": True,
        "description": "By the keys of `GET /fields`; null takes a value away.",
    },
}
DATES: dict[str, Schema] = {
    "follow_up_at": {**MAYBE_INSTANT, "description": "Its people are reminded then; null takes it away."},
    "action_required_at": {**MAYBE_INSTANT, "description": "Something must be done by then; null takes it away."},
    "snoozed_until": {**MAYBE_INSTANT, "description": "Out of the queues until then; null wakes it."},
}
"""All in the future."""
TICKET: dict[str, Schema] = {
    "id": WHOLE, "number": WHOLE, "display": TEXT, "reference": MAYBE_TEXT, "subject": TEXT, "kind": {**TEXT, "enum": KINDS}, "channel": {**TEXT, "enum": CHANNELS},
    "state": {**TEXT, "enum": STATES}, "status": TEXT, "priority": TEXT, "department": TEXT, "category": MAYBE_TEXT, "assignee": {**MAYBE_TEXT, "description": "A user name."}, "environment": MAYBE_TEXT,
    "supplier_turn": {**MAYBE_TEXT, "enum": [*TURNS, None], "description": "How it stands with its suppliers, if it has any."},
    "customer": answered(id=WHOLE, name=TEXT, email=TEXT), "tags": {"type": "array", "items": TEXT}, "fields": {"type": "object", "additionalProperties": True, "description": "What it holds in the fields of its category."}, "needs_response": FLAG,
    "rating": {"type": "integer", "nullable": True, "minimum": 1, "maximum": 5, "description": "What its customer said last: 4 and 5 are good, 1 and 2 bad."},
    "created_at": INSTANT, "updated_at": INSTANT, "last_activity_at": INSTANT, "first_response_at": MAYBE_INSTANT, "first_response_due_at": MAYBE_INSTANT,
    "resolution_due_at": MAYBE_INSTANT, "resolved_at": MAYBE_INSTANT, "closed_at": MAYBE_INSTANT,
    "follow_up_at": MAYBE_INSTANT, "action_required_at": MAYBE_INSTANT, "snoozed_until": {**MAYBE_INSTANT, "description": "Null when it does not sleep."}, "url": TEXT,
}  # fmt: skip
ENTRY: dict[str, Schema] = {
    "id": WHOLE, "kind": {**TEXT, "enum": ["reply", "note", "supplier", "event"]},
    "author": answered(type={**TEXT, "enum": ["staff", "customer", "supplier", "system"]}, name=TEXT), "via": {**MAYBE_TEXT, "enum": [*CHANNELS, None]},
    "text": TEXT, "html": TEXT, "full_text": TEXT, "created_at": INSTANT, "attachments": {"type": "array", "items": ref("Attachment")},
}  # fmt: skip
DAY: Schema = {"type": "string", "format": "date", "nullable": True}
TASK: dict[str, Schema] = {
    "id": WHOLE, "title": TEXT, "details": MAYBE_TEXT, "state": {**TEXT, "enum": [state.value for state in TaskState]}, "assignee": {**MAYBE_TEXT, "description": "A user name."}, "department": MAYBE_TEXT,
    "due_on": DAY, "made_by": {**MAYBE_TEXT, "description": "A user name."}, "tickets": {"type": "array", "items": WHOLE, "description": "Numbers of those you may see."}, "created_at": INSTANT, "updated_at": INSTANT, "done_at": MAYBE_INSTANT, "url": TEXT,
}  # fmt: skip
TASK_FIELDS: dict[str, Schema] = {
    "title": {**TEXT, "minLength": 1, "maxLength": LONGEST_TITLE}, "details": {**MAYBE_TEXT, "maxLength": LONGEST_DETAILS}, "assignee": FILING["assignee"], "due_on": DAY,
    "department": {**MAYBE_TEXT, "maxLength": 255, "description": "By name. Whose people see it while it belongs to no ticket."},
}  # fmt: skip
TIME_ENTRY: dict[str, Schema] = {
    "id": WHOLE, "ticket": {**WHOLE, "description": "Its number."}, "staff": {**MAYBE_TEXT, "description": "A user name: whose time it is."}, "staff_name": TEXT, "made_by": {**MAYBE_TEXT, "description": "A user name: who wrote it down."},
    "minutes": {"type": "integer"}, "spent_on": {"type": "string", "format": "date"}, "activity": MAYBE_TEXT, "billable": FLAG, "note": TEXT, "created_at": INSTANT, "updated_at": INSTANT,
}  # fmt: skip
TIME_FIELDS: dict[str, Schema] = {
    "minutes": {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES}, "spent_on": {**DAY, "description": "By the desk's calendar; not one to come."}, "activity": {**MAYBE_TEXT, "maxLength": 255, "description": "An active activity type by name."},
    "note": {**TEXT, "maxLength": LONGEST_TIME_NOTE},
}  # fmt: skip
CUSTOMER_FIELDS: dict[str, Schema] = {
    "email": {**TEXT, "maxLength": 254}, "name": {**TEXT, "maxLength": 255}, "phone": {**MAYBE_TEXT, "maxLength": 100}, "notes": {**MAYBE_TEXT, "maxLength": 20_000},
    "active": FLAG, "organization": {**WHOLE, "nullable": True, "description": "Its id."},
}  # fmt: skip
OPEN: Schema = {
    **TEXT, "enum": OPEN_TASKS,
    "description": "What becomes of the ticket's open tasks when it ends: `finish` finishes them, `keep` leaves them open. Without it a ticket with open tasks does not end (409).",
}  # fmt: skip
TO: Schema = {
    "type": "array", "items": {**TEXT, "maxLength": 254}, "minItems": 1, "maxItems": MOST_COPIES,
    "description": "Addresses it is mailed to in place of the customer. What it may give away to them, and a domain where nobody takes part, refuse it (409, with the keys of the findings) unless `accept` has their keys.",
}  # fmt: skip
ACCEPT: Schema = {
    "type": "array", "items": {**TEXT, "maxLength": 255}, "maxItems": MOST_KEYS, "description": "The keys of the findings it is done in spite of; others refuse it (409).",
}  # fmt: skip
OWNER = answered(id=WHOLE, name=TEXT)
NEW_TICKET_EXAMPLE: Schema = {
    "subject": "The printer is on fire", "body": "It burns since this morning.", "customer": {"email": "kim@example.com", "name": "Kim Lee"}, "priority": "high", "tags": ["hardware"],
}  # fmt: skip

SLOT: dict[str, Schema] = {
    "name": {**TEXT, "minLength": 1, "maxLength": LONGEST_NAME},
    "hint": {**TEXT, "maxLength": LONGEST_HINT},
    "allowed": {**TEXT, "enum": ALLOWED},
    "required": FLAG,
}
ASKED_FOR: Schema = {
    **thing(("slots",), {"due_on": None, "slots": [{"name": "Passport", "allowed": "pdf"}]}, due_on={**MAYBE_TEXT, "format": "date"}, slots={"type": "array", "minItems": 1, "maxItems": MOST_SLOTS, "items": thing(("name",), {"name": "Passport"}, **SLOT)}),
    "description": "Makes it a document request: the customer is asked for these files, at least one of them required.",
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "Ticket": thing(tuple(TICKET), **TICKET, warnings={"type": "array", "items": TEXT, "description": "Sentences about what was done all the same: the new assignee is away."}),
    "TicketWithThread": answered(**TICKET, documents={"type": "array", "items": ref("DocumentRequest")}, messages={"type": "array", "items": ref("Entry")}),
    "Tickets": rows_of("Ticket"),
    "NewTicket": thing(
        ("subject", "body"), NEW_TICKET_EXAMPLE,
        subject={**TEXT, "minLength": 1, "maxLength": LONGEST_SUBJECT}, body=BODY,
        customer=thing(("email",), {"email": "kim@example.com", "name": "Kim Lee"}, email={**TEXT, "maxLength": 254}, name={**TEXT, "maxLength": 255}),
        customer_id=WHOLE, opened_by={**TEXT, "enum": ["customer", "staff"]}, kind={**TEXT, "enum": KINDS}, attachment_ids=IDS, documents=ASKED_FOR, **FILING,
    ),
    "TicketChanges": thing((), {"status": "waiting", "priority": "urgent", "assignee": "me", "tags": ["hardware", "fire"]}, subject={**TEXT, "minLength": 1, "maxLength": LONGEST_SUBJECT}, open_tasks=OPEN, **FILING, **DATES),
    "Closing": thing((), {"open_tasks": "finish"}, open_tasks=OPEN),
    "DocumentRequest": answered(
        id=WHOLE, state={**TEXT, "enum": [state.value for state in RequestState]}, due_on={**MAYBE_TEXT, "format": "date"}, asked_by=TEXT, created_at=INSTANT,
        slots={"type": "array", "items": answered(id=WHOLE, **SLOT, state={**TEXT, "enum": [state.value for state in SlotState]}, reason=MAYBE_TEXT, file={**ref("Attachment"), "nullable": True})},
    ),
    "Entry": thing(tuple(ENTRY), **ENTRY, to={**MAYBE_TEXT, "description": "To whom a reply was written, when that was not the customer alone."}, trusted={**FLAG, "description": "False: nobody proved that the sender takes part."}, event={**TEXT, "description": "What happened, of an event."}),
    "NewReply": thing(("body",), {"body": "We are on our way.", "status": "waiting"}, body=BODY, to=TO, accept=ACCEPT, attachment_ids=IDS, status=FILING["status"], open_tasks=OPEN, seen={**WHOLE, "description": "The newest message its author has read: refused (409) when others wrote since."}),
    "NewNote": thing(("body",), {"body": "Third time this month."}, body=BODY, attachment_ids=IDS),
    "Attachment": answered(id=WHOLE, name=TEXT, type=TEXT, bytes={"type": "integer"}, url=TEXT),
    "Customer": answered(
        id=WHOLE, name=TEXT, email=TEXT, organization={**OWNER, "nullable": True}, phone=MAYBE_TEXT, notes=MAYBE_TEXT, language=MAYBE_TEXT, active=FLAG, address_works=FLAG,
        verified_at=MAYBE_INSTANT, created_at=INSTANT,
    ),
    "Merging": thing(("into",), {"into": 1001}, into={**WHOLE, "description": "The number of the primary."}),
    "Splitting": thing(("subject", "message_id"), {"subject": "Another matter", "message_id": 1}, subject={**TEXT, "minLength": 1, "maxLength": LONGEST_SUBJECT}, message_id=WHOLE, onwards=ONWARDS),
    "Moving": thing(("to", "message_id"), {"to": 1001, "message_id": 1}, to={**WHOLE, "description": "The number of the other ticket."}, message_id=WHOLE, onwards=ONWARDS),
    "NewLink": thing(("type", "number"), {"type": "blocks", "number": 1001}, type={**TEXT, "maxLength": 255, "description": "A link type by either of its names."}, number={**WHOLE, "description": "Of the other ticket."}),
    "Link": answered(type={**TEXT, "description": "What this ticket is to the other; `follow_up` where the desk linked them itself."}, number=WHOLE, display=TEXT, subject=TEXT, state={**TEXT, "enum": STATES}),
    "Links": rows_of("Link"),
    "Task": answered(**TASK),
    "Macro": answered(id=WHOLE, name=TEXT, actions={"type": "array", "items": {**TEXT, "enum": list(DEEDS)}}),
    "Macros": rows_of("Macro"),
    "MacroRun": thing((), {"preview": True}, preview={**FLAG, "description": "True: tells what would happen and changes nothing."}, accept=ACCEPT),
    "MacroOutcome": answered(
        preview=FLAG, steps={"type": "array", "items": answered(action=TEXT, was=MAYBE_TEXT, now=MAYBE_TEXT, text=MAYBE_TEXT, refused={**MAYBE_TEXT, "description": "Why it would not happen. A run that any action refuses changes nothing (409, 403 or 422)."})}, findings={"type": "array", "items": answered(key=TEXT, sentence=TEXT)}, ticket=ref("Ticket"),
    ),
    "Rating": answered(
        scale={**TEXT, "enum": [scale.value for scale in Scale]}, score={"type": "integer", "minimum": 1, "maximum": 5}, verdict={**TEXT, "enum": VERDICTS}, comment=MAYBE_TEXT, given_at=INSTANT, changed_at=MAYBE_INSTANT,
        assignee={**MAYBE_TEXT, "description": "The user name of whoever had the ticket then."},
    ),
    "Ratings": rows_of("Rating"),
    "Tasks": rows_of("Task"),
    "NewTask": thing(("title",), {"title": "Order a new printer", "assignee": "me", "due_on": "2026-12-31"}, **TASK_FIELDS),
    "TaskChanges": thing((), {"state": "done"}, state=TASK["state"], **TASK_FIELDS),
    "Customers": rows_of("Customer"),
    "NewCustomer": thing(("email",), {"email": "ines@example.com", "name": "Ines Roth", "phone": "+49 30 1234"}, **CUSTOMER_FIELDS),
    "CustomerChanges": thing((), {"name": "Ines Roth-Lee", "phone": None}, **CUSTOMER_FIELDS),
    "Organization": answered(id=WHOLE, name=TEXT, domain=MAYBE_TEXT, notes=MAYBE_TEXT, created_at=INSTANT),
    "Organizations": rows_of("Organization"),
    "Category": answered(id=WHOLE, name=TEXT, description=MAYBE_TEXT, parent=MAYBE_TEXT, department=MAYBE_TEXT, public=FLAG, active=FLAG),
    "Categories": rows_of("Category"),
    "Department": answered(id=WHOLE, name=TEXT, description=MAYBE_TEXT, email=MAYBE_TEXT, public=FLAG, active=FLAG),
    "Departments": rows_of("Department"),
    "Field": answered(
        id=WHOLE, key=TEXT, name=TEXT, help=TEXT, kind={**TEXT, "enum": [kind.value for kind in FieldKind]}, choices={"type": "array", "items": TEXT}, categories={"type": "array", "items": TEXT},
        required={**TEXT, "enum": [each.value for each in Required]}, readers={**TEXT, "enum": [each.value for each in Readers]}, active=FLAG,
    ),
    "Fields": rows_of("Field"),
    "Environment": answered(id=WHOLE, name=TEXT, colour=MAYBE_TEXT, active=FLAG),
    "Environments": rows_of("Environment"),
    "Supplier": answered(
        id=WHOLE, name=TEXT, department=MAYBE_TEXT, categories={"type": "array", "items": TEXT}, active=FLAG, people={"type": "array", "items": answered(name=TEXT, email=TEXT)},
    ),
    "Suppliers": rows_of("Supplier"),
    "TicketSupplier": answered(id={**WHOLE, "description": "Of the supplier."}, name=TEXT, turn={**TEXT, "enum": TURNS}, subject={**TEXT, "description": "Of the last mail to them."}, asked_at=MAYBE_INSTANT, answered_at=MAYBE_INSTANT),
    "TicketSuppliers": rows_of("TicketSupplier"),
    "NewTicketSupplier": thing(("supplier",), {"supplier": "Printer Works"}, supplier={**TEXT, "minLength": 1, "maxLength": 255, "description": "By name."}),
    "NewQuestion": thing(
        ("to", "subject", "body"), {"to": "jo@maker.example", "subject": "A spare part", "body": "Do you have it?"},
        to={**TEXT, "maxLength": 254, "description": "The address of one of a supplier's people."}, subject={**TEXT, "minLength": 1, "maxLength": LONGEST_SUBJECT}, body=BODY, attachment_ids=IDS,
        along={"type": "array", "items": WHOLE, "maxItems": MOST_ALONG, "description": "Messages of the ticket that go with it."}, file_ids={"type": "array", "items": WHOLE, "maxItems": MOST_ALONG, "description": "Files of such messages."},
    ),
    "TimeEntry": answered(**TIME_ENTRY),
    "TimeEntries": rows_of("TimeEntry"),
    "NewTimeEntry": thing(
        ("minutes",), {"minutes": 80, "activity": "Support", "note": "By phone"}, **TIME_FIELDS, staff={**MAYBE_TEXT, "maxLength": 255, "description": "A user name or `me`: whose time it is."},
    ),
    "TimeEntryChanges": thing((), {"minutes": 60}, **TIME_FIELDS),
    "Status": answered(id=WHOLE, name=TEXT, state={**TEXT, "enum": STATES}, manual=FLAG, active=FLAG),
    "Statuses": rows_of("Status"),
    "Priority": answered(id=WHOLE, name=TEXT, rank={"type": "integer"}, aliases={"type": "array", "items": TEXT}, active=FLAG),
    "Priorities": rows_of("Priority"),
    "CannedResponse": answered(id=WHOLE, title=TEXT, shortcut=MAYBE_TEXT, body=TEXT, category=MAYBE_TEXT, department=MAYBE_TEXT),
    "CannedResponses": rows_of("CannedResponse"),
    "Error": answered(error=answered(code=TEXT, message={**TEXT, "description": "A sentence for a person."}, fields={"type": "object", "additionalProperties": TEXT})),
}  # fmt: skip

PAGING: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    "cursor": {**TEXT, "description": "`next` of the page before."},
}
TICKET_FILTERS: dict[str, Schema] = {
    "state": {**TEXT, "enum": STATES}, "status": FILING["status"], "priority": FILING["priority"], "assignee": {**TEXT, "description": "A user name, `me` or `none`."},
    "category": {**TEXT, "description": "By name."}, "department": FILING["department"], "environment": {**TEXT, "description": "By name."}, "customer": {**TEXT, "description": "An id or an address."}, "tag": {**TEXT, "maxLength": 40}, "rating": {**TEXT, "enum": VERDICTS},
    "q": {**TEXT, "description": "Words that the ticket or one of its messages has."}, "updated_since": INSTANT, **PAGING,
}  # fmt: skip
CUSTOMER_FILTERS: dict[str, Schema] = {
    "email": TEXT,
    "q": {**TEXT, "description": "The beginning of a name or an address."},
    "organization": WHOLE,
    **PAGING,
}
