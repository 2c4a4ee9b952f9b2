"""The mails an admin may word anew: what each is for, which names it may say, and where an own wording begins."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

EVERYWHERE = ("to", "desk.name", "desk.address")
ENTRY = ("entry.who", "entry.at", "entry.text")
TICKET = (
    "ticket.number", "ticket.subject", "ticket.department", "ticket.state", "ticket.priority", "ticket.requester", "ticket.organization", "ticket.answer_by", "ticket.due", "ticket.closes",
)  # fmt: skip
CUSTOMERS = ("url", *TICKET, *ENTRY)
KEPT = ("keep_link", "solved_link")
STAFFS = ("url", "who", *TICKET, *ENTRY)
DOCUMENTS = ("link", "url", "documents.list", "documents.due", *TICKET, *ENTRY)
TASKS = ("url", "who", "task.title", "task.details", "task.due")

EXAMPLES: dict[str, tuple[Any, Any]] = {
    "to": (_l("Who gets it"), "Elena Marchetti"),
    "desk.name": (_l("The desk's name"), "Deskhand"),
    "desk.address": (_l("The desk's address"), "support@desk.example"),
    "url": (_l("Where to read it"), "https://desk.example/portal/tickets/1042"),
    "link": (_l("The link that this mail is for"), "https://desk.example/link"),
    "keep_link": (_l("Keeps the ticket open without signing in; empty when there is nothing to keep"), "https://desk.example/portal/say/keep"),
    "solved_link": (_l("Says without signing in that it is solved; empty when it may not be closed"), "https://desk.example/portal/say/solved"),
    "stop": (_l("Stops these mails"), "https://desk.example/notices/stop"),
    "who": (_l("Who did it"), "Jonas Lind"),
    "was": (_l("What it was before"), _l("Normal")),
    "now": (_l("What it is now"), _l("High")),
    "question": (_l("What we ask"), _l("How did we do?")),
    "answer": (_l("What the customer answered"), _l("Good")),
    "many": (_l("How many similar tickets"), _l("7 similar tickets")),
    "comment": (_l("Their word about it"), _l("Have you tried water?")),
    "month": (_l("The month"), "2026-10"),
    "figures": (_l("The figures, a line each"), _l("Opened: 120")),
    "notices": (_l("The notices, a line each"), _l("#1042 The printer is on fire\n- Jonas Lind mentioned you")),
    "ticket.number": (_l("The ticket's number"), "#1042"),
    "ticket.subject": (_l("Its subject"), _l("The printer is on fire")),
    "ticket.department": (_l("Its department"), _l("Support")),
    "ticket.state": (_l("Its state: new, open, waiting, hold, resolved or closed"), "waiting"),
    "ticket.priority": (_l("Its priority"), _l("Normal")),
    "ticket.requester": (_l("Whose it is"), "Elena Marchetti"),
    "ticket.organization": (_l("Their organization"), "Marchetti & Figli"),
    "ticket.answer_by": (_l("When our first answer is promised; empty when it was given"), _l("Monday 2 November 2026, 12:00 CET")),
    "ticket.due": (_l("When the next promise is due"), _l("Tuesday 3 November 2026, 09:00 CET")),
    "ticket.closes": (_l("When it closes by itself, unless the customer writes"), _l("Monday 16 November 2026, 09:00 CET")),
    "entry.who": (_l("Who wrote the message"), "Jonas Lind"),
    "entry.at": (_l("When"), _l("Sunday 1 November 2026, 10:15 CET")),
    "entry.text": (_l("The message"), _l("Have you tried water?")),
    "documents.list": (_l("What was asked for, a line each"), _l("- Passport: missing (PDF or picture)")),
    "documents.due": (_l("By when"), _l("Friday 6 November 2026")),
    "task.title": (_l("The task"), _l("Order a new drum")),
    "task.details": (_l("Its details"), _l("The one with the long handle.")),
    "task.due": (_l("When it is due"), _l("Friday 6 November 2026")),
}  # fmt: skip
"""Each name a template may say: what it stands for, and an example."""


class Wordable(NamedTuple):
    """One mail. `needed`: without this name it would be pointless."""

    label: Any
    names: tuple[str, ...]
    start: Any
    needed: str = ""


_LINK = _l(
    "Hello {{ to }},\n\nhere is your link for {{ desk.name }}:\n\n{{ link }}\n\nIt works once and for a short time."
)
_STAFF = _l("{{ who }}: {{ ticket.number }} {{ ticket.subject }}\n\n{{ entry.text }}\n\n{{ url }}")
_DATE = _l("It is time for {{ ticket.number }} {{ ticket.subject }}.\n\n{{ url }}")
_TASK = _l("{{ task.title }}\n{% if task.due %}\nDue {{ task.due }}\n{% endif %}\n\n{{ task.details }}\n\n{{ url }}")
_PAPERS = _l(
    "Hello {{ to }},\n\n{{ entry.text }}\n\n{{ documents.list }}\n{% if documents.due %}\nPlease send them by {{ documents.due }}.\n{% endif %}\n\n{{ link }}"
)

WORDABLE: dict[str, Wordable] = {
    "ticket_created": Wordable(
        _l("Confirmation of a new ticket"), CUSTOMERS,
        _l("Hello {{ to }},\n\nthank you for writing. Your number is {{ ticket.number }}.\n{% if ticket.answer_by %}\nOur answer by {{ ticket.answer_by }}.\n{% endif %}\n\nTo add something, just reply to this mail, or follow your ticket:\n{{ url }}"),
    ),
    "staff_replied": Wordable(
        _l("Reply to the customer"), (*CUSTOMERS, *KEPT),
        _l("{{ entry.who }} answered your ticket {{ ticket.number }}:\n\n{{ entry.text }}\n\n{% if ticket.state == \"waiting\" %}\nWe wait for your answer.\n{% endif %}\n\nReply to this mail, or in the portal:\n{{ url }}"),
        "entry.text",
    ),
    "ticket_resolved": Wordable(
        _l("The ticket is resolved"), (*CUSTOMERS, *KEPT),
        _l("Hello {{ to }},\n\nwe think that “{{ ticket.subject }}” is solved. If it is not, just reply to this mail.\n\n{{ url }}"),
    ),
    "ticket_closed": Wordable(
        _l("The ticket is closed"), CUSTOMERS,
        _l("Hello {{ to }},\n\nyour ticket “{{ ticket.subject }}” is closed. If it comes back, just reply to this mail.\n\n{{ url }}"),
    ),
    "waiting_reminder": Wordable(
        _l("Reminder before closing"), (*CUSTOMERS, *KEPT),
        _l("Hello {{ to }},\n\nwe asked you something about “{{ ticket.subject }}” and have not heard from you yet.\n{% if ticket.closes %}\nIt closes on {{ ticket.closes }} unless you reply.\n{% endif %}\n\n{{ url }}"),
    ),
    "rating_asked": Wordable(
        _l("Question how we did"), ("link", "question", *CUSTOMERS),
        _l("Hello {{ to }},\n\nyour ticket {{ ticket.number }} “{{ ticket.subject }}” is solved. {{ question }}\n\nOne press is enough:\n{{ link }}"),
        "link",
    ),
    "documents_asked": Wordable(_l("Documents are asked for"), DOCUMENTS, _PAPERS, "link"),
    "documents_reminder": Wordable(
        _l("Reminder of missing documents"), DOCUMENTS,
        _l("Hello {{ to }},\n\nwe asked you for the following and go on as soon as it is here.\n\n{{ documents.list }}\n\n{{ link }}"),
        "link",
    ),
    "supplier_asked": Wordable(
        _l("Question to a supplier"), ("ticket.number", *ENTRY),
        _l("{{ entry.who }} wrote to you:\n\n{{ entry.text }}\n\nPlease reply to this mail. Our number: {{ ticket.number }}."),
        "entry.text",
    ),
    "guest_proof": Wordable(_l("Proof of an address"), ("link",), _LINK, "link"),
    "sign_in_link": Wordable(_l("Sign-in link"), ("link",), _LINK, "link"),
    "password_reset": Wordable(_l("New password"), ("link",), _LINK, "link"),
    "invitation": Wordable(_l("Invitation of a colleague"), ("link",), _LINK, "link"),
    "factor_reset": Wordable(
        _l("To staff: the second factor was switched off"), ("who",),
        _l("Hello {{ to }},\n\n{{ who }} switched off your second factor for {{ desk.name }}. If you did not ask for this, tell your admins at once."),
    ),
    "new_ticket": Wordable(_l("To staff: a new ticket"), STAFFS, _STAFF),
    "assigned": Wordable(_l("To staff: assigned"), STAFFS, _STAFF),
    "customer_replied": Wordable(_l("To staff: the customer replied"), STAFFS, _STAFF),
    "mention": Wordable(
        _l("To staff: mentioned"), STAFFS,
        _l("{{ who }} mentioned you in {{ ticket.number }} {{ ticket.subject }}.\n\n{{ entry.text }}\n\n{{ url }}"),
    ),
    "priority_changed": Wordable(
        _l("To staff: priority changed"), (*STAFFS, "was", "now"),
        _l("{{ who }} changed the priority of {{ ticket.number }} {{ ticket.subject }} from {{ was }} to {{ now }}.\n\n{{ url }}"),
    ),
    "colleague_replied": Wordable(_l("To followers: a colleague answered"), STAFFS, _STAFF),
    "noted": Wordable(
        _l("To followers: an internal note"), STAFFS,
        _l("{{ who }} wrote an internal note in {{ ticket.number }} {{ ticket.subject }}. Please read it in the desk.\n\n{{ url }}"),
    ),
    "status_changed": Wordable(
        _l("To followers: the status changed"), (*STAFFS, "was", "now"),
        _l("{{ who }} changed the status of {{ ticket.number }} {{ ticket.subject }} from {{ was }} to {{ now }}.\n\n{{ url }}"),
    ),
    "rated": Wordable(
        _l("To staff: a rating"), (*STAFFS, "answer", "comment"),
        _l("{{ who }} rated {{ ticket.number }} {{ ticket.subject }}: {{ answer }}\n\n{{ comment }}\n\n{{ url }}"),
    ),
    "surge": Wordable(
        _l("To staff: many similar tickets"), (*STAFFS, "many"),
        _l("{{ many }} came in within a short time, such as {{ ticket.number }} {{ ticket.subject }}.\n\n{{ url }}"),
    ),
    "sla_near": Wordable(_l("To staff: a promise is nearly due"), STAFFS, _STAFF),
    "sla_breach": Wordable(_l("To staff: a promise is late"), STAFFS, _STAFF),
    "follow_up": Wordable(_l("To staff: look at it again"), STAFFS, _DATE),
    "action_required": Wordable(_l("To staff: something has to be done"), STAFFS, _DATE),
    "snooze_over": Wordable(_l("To staff: a snoozed ticket is back"), STAFFS, _DATE),
    "task_assigned": Wordable(_l("To staff: a task was given"), TASKS, _TASK),
    "task_due": Wordable(_l("To staff: a task is due"), TASKS, _TASK),
    "notice_digest": Wordable(
        _l("To staff: notices in one mail"), ("url", "notices", "stop"),
        _l("Hello {{ to }},\n\n{{ notices }}\n\nAll notices:\n{{ url }}\n\nStop these joint mails:\n{{ stop }}"), "notices",
    ),
    "monthly_summary": Wordable(
        _l("To staff: the figures of a month"), ("link", "month", "figures"),
        _l("The figures of {{ month }}\n\n{{ figures }}\n\n{{ link }}"), "figures",
    ),
    "test_mail": Wordable(
        _l("Test mail"), (),
        _l("This is a test mail. Whoever reads it knows that {{ desk.name }} can send."),
    ),
}  # fmt: skip
"""Each mail of the desk; a new kind without its line fails a test."""
LABELS = {kind: one.label for kind, one in WORDABLE.items()}


def names_of(kind: str) -> tuple[str, ...]:
    return (*EVERYWHERE, *WORDABLE[kind].names)
