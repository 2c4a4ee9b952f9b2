"""An admin's own words for the desk's mails: a small language of names and conditions, that cannot loop, call or look behind a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from jinja2 import TemplateSyntaxError, nodes
from markupsafe import Markup

from app.core.database import put
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.mail import outgoing, templates
from app.mail.models import EmailTemplate
from app.mail.quoting import DELIMITER
from app.mail.templates import Written

LONGEST = 10_000
MOST_MARKS = 300
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.If, nodes.Const, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or,
)  # fmt: skip
"""Everything that may stand in a template. What it writes is at most as long as its words and values: no loop, no sum, no call."""
TICKET = (
    "number",
    "subject",
    "department",
    "state",
    "priority",
    "requester",
    "organization",
    "answer_by",
    "due",
    "closes",
)
NAMES: dict[str, tuple[str, ...]] = {
    "to": (),
    "url": (),
    "link": (),
    "question": (),
    "who": (),
    "was": (),
    "now": (),
    "desk": ("name", "address"),
    "ticket": TICKET,
    "entry": ("who", "at", "text"),
}
"""What a template may name, and of it which parts."""
NEEDED = {"staff_replied": "entry.text"} | dict.fromkeys(outgoing.SECRET, "link")
"""A mail without these would be pointless."""
LABELS = {
    "ticket_created": _l("Confirmation of a new ticket"),
    "staff_replied": _l("Reply to the customer"),
    "ticket_resolved": _l("The ticket is resolved"),
    "ticket_closed": _l("The ticket is closed"),
    "waiting_reminder": _l("Reminder before closing"),
    "rating_asked": _l("Question how we did"),
    "new_ticket": _l("To staff: a new ticket"),
    "assigned": _l("To staff: assigned"),
    "customer_replied": _l("To staff: the customer replied"),
    "priority_changed": _l("To staff: priority changed"),
    "sla_breach": _l("To staff: a promise is late"),
    "colleague_replied": _l("To followers: a colleague answered"),
    "noted": _l("To followers: an internal note"),
    "status_changed": _l("To followers: the status changed"),
    "sign_in_link": _l("Sign-in link"),
    "password_reset": _l("New password"),
    "invitation": _l("Invitation of a colleague"),
    "guest_proof": _l("Proof of an address"),
}
"""The mails an admin may word anew."""
STARTS = {
    "ticket_created": _l("Hello {{ to }},\n\nthank you for writing. Your number is {{ ticket.number }}.\n{% if ticket.answer_by %}\nOur answer by {{ ticket.answer_by }}.\n{% endif %}\n\nTo add something, just reply to this mail, or follow your ticket:\n{{ url }}"),
    "staff_replied": _l("{{ entry.who }} answered your ticket {{ ticket.number }}:\n\n{{ entry.text }}\n\n{% if ticket.state == \"waiting\" %}\nWe wait for your answer.\n{% endif %}\n\nReply to this mail, or in the portal:\n{{ url }}"),
    "ticket_resolved": _l("Hello {{ to }},\n\nwe think that “{{ ticket.subject }}” is solved. If it is not, just reply to this mail.\n\n{{ url }}"),
    "ticket_closed": _l("Hello {{ to }},\n\nyour ticket “{{ ticket.subject }}” is closed. If it comes back, just reply to this mail.\n\n{{ url }}"),
    "waiting_reminder": _l("Hello {{ to }},\n\nwe asked you something about “{{ ticket.subject }}” and have not heard from you yet.\n{% if ticket.closes %}\nIt closes on {{ ticket.closes }} unless you reply.\n{% endif %}\n\n{{ url }}"),
    "rating_asked": _l("Hello {{ to }},\n\nyour ticket {{ ticket.number }} “{{ ticket.subject }}” is solved. {{ question }}\n\nOne press is enough:\n{{ link }}"),
}  # fmt: skip
"""Where an admin's own wording begins."""
STAFFS_START = _l("{{ who }}: {{ ticket.number }} {{ ticket.subject }}\n\n{{ entry.text }}\n\n{{ url }}")
LINKS_START = _l(
    "Hello {{ to }},\n\nhere is your link for {{ desk.name }}:\n\n{{ link }}\n\nIt works once and for a short time."
)


def written(kind: str, words: Mapping[str, Any], own: str | None) -> Written:
    """The mail in the admin's `own` words if there are any, else in the desk's. To an address nobody proved only the desk's go."""
    if own is None or (kind in outgoing.TO_STRANGERS and not words["proven"]):
        return templates.write(kind, words)
    return templates.write_own(own, _named(words))


def source_of(kind: str) -> str:
    """The admin's words, or those to begin with."""
    own = db.session.get(EmailTemplate, known(kind))
    if own is not None:
        return own.source
    start = STARTS.get(kind) or (LINKS_START if kind in outgoing.SECRET else STAFFS_START)
    return str(start)


def keep(kind: str, source: str, by: str) -> None:
    """From now on mails of this kind say this. Raises Invalid with what is wrong."""
    put(EmailTemplate(kind=known(kind), source=checked(kind, source), changed_by=by))


def reset(kind: str) -> None:
    """Back to the desk's words."""
    own = db.session.get(EmailTemplate, known(kind))
    if own is not None:
        db.session.delete(own)


def checked(kind: str, source: str) -> str:
    source = source.replace("\r\n", "\n").strip()
    wrong = _wrong(kind, source)
    if wrong:
        raise Invalid(_("The template is not right yet."), {"source": wrong})
    return source


def preview(kind: str, source: str) -> Written:
    """How it would read, with invented people."""
    return templates.write_own(checked(kind, source), _named(_sample()))


def known(kind: str) -> str:
    if kind not in LABELS:
        raise NotThere(_("There is no such mail."))
    return kind


def _wrong(kind: str, source: str) -> str | None:
    if not source or len(source) > LONGEST:
        return _("Please write at least a word, and at most %(most)s characters.", most=LONGEST)
    try:
        tree = templates.environment().parse(source)
    except TemplateSyntaxError as problem:
        return _("Line %(line)s: %(what)s", line=problem.lineno, what=problem.message)
    except RecursionError:
        return _("These are too many conditions and names.")
    used: set[str] = set()
    for count, node in enumerate(_all(tree)):
        if count > MOST_MARKS:
            return _("These are too many conditions and names.")
        problem_here = _refused(node, used)
        if problem_here:
            return _("Line %(line)s: %(what)s", line=node.lineno, what=problem_here)
    needed = NEEDED.get(kind)
    return _("It has to say {{ %(name)s }}.", name=needed) if needed and needed not in used else None


def _all(tree: nodes.Node) -> list[nodes.Node]:
    found = [tree]
    for node in found:
        found.extend(node.iter_child_nodes())
    return found


def _refused(node: nodes.Node, used: set[str]) -> str | None:
    if not isinstance(node, ALLOWED):
        return _("only names such as {{ to }} and conditions are understood here.")
    if isinstance(node, nodes.Getattr):
        parts = NAMES.get(node.node.name, ()) if isinstance(node.node, nodes.Name) else ()
        name = f"{node.node.name if isinstance(node.node, nodes.Name) else '?'}.{node.attr}"
        used.add(name)
        return None if node.attr in parts else _("there is no %(name)s.", name=name)
    if isinstance(node, nodes.Name):
        used.add(node.name)
        return None if node.name in NAMES else _("there is no %(name)s.", name=node.name)
    return None


def _named(words: Mapping[str, Any]) -> dict[str, Any]:
    """Plain words under the names a template knows; what a mail is not about is empty rather than missing."""
    empty = {name: dict.fromkeys(parts, "") if parts else "" for name, parts in NAMES.items()}
    return {
        **empty,
        **words,
        **words["said"],
        "entry": words["entry"] or empty["entry"],
        "ticket": words["ticket"] or "",
    }


def _sample() -> dict[str, Any]:
    said = {
        "who": "Jonas Lind",
        "was": _("Normal"),
        "now": _("High"),
        "link": "https://desk.example/link",
        "outcome": "",
    }
    ticket = dict.fromkeys(TICKET, "") | {
        "number": "#1042",
        "subject": _("The printer is on fire"),
        "department": _("Support"),
        "state": "waiting",
        "priority": _("Normal"),
        "requester": "Elena Marchetti",
    }
    entry = {"who": "Jonas Lind", "at": "", "text": _("Have you tried water?"), "html": Markup(), "trusted": True}
    return {
        "to": "Elena Marchetti", "url": "https://desk.example/portal/tickets/1042", "desk": {"name": "Deskhand", "address": "support@desk.example"}, "desk_name": "Deskhand", "lang": "en",
        "proven": True, "said": said, "ticket": ticket, "entry": entry, "history": [], "files": [], "subject": "", "delimiter": _(DELIMITER), "reference": "#1042", "portal_url": "", "preview": "", "why": "", "asked": None,
        "question": _("How did we do?"),
    }  # fmt: skip
