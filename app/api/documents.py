"""Document requests for programs: asking for documents with a new ticket, and reading what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import gettext as _

from app.api import shapes
from app.api.fields import Fields, flag, text
from app.tickets import requests
from app.tickets.collecting import Wanted
from app.tickets.models import Ticket
from app.tickets.requests import LONGEST_HINT, LONGEST_NAME, MOST_SLOTS, DocumentRequest
from app.tickets.slotkinds import Allowed

ALLOWED = [allowed.value for allowed in Allowed]


class Documents(NamedTuple):
    """What a request asks for."""

    wanted: Sequence[Wanted]
    due_on: dt.date | None


def asked(given: Any) -> Documents:
    """`documents` of a new ticket: `slots`, and `due_on` as a date."""
    if not isinstance(given, dict) or set(given) - {"due_on", "slots"}:
        raise ValueError(_("This is an object with slots, and with due_on if there is a day."))
    slots = given.get("slots")
    if not isinstance(slots, list) or not 0 < len(slots) <= MOST_SLOTS:
        raise ValueError(_("slots is a list of 1 to %(most)s objects.", most=MOST_SLOTS))
    return Documents([_slot(each) for each in slots], _day(given.get("due_on")))


def _slot(given: Any) -> Wanted:
    fields = Fields(given if isinstance(given, dict) else {"": None})
    name = fields.text("name", LONGEST_NAME, required=True)
    hint = fields.text("hint", LONGEST_HINT)
    allowed = fields.one_of("allowed", ALLOWED)
    required: bool = fields.take("required", flag, True)
    if fields.wrong or set(fields.given) - fields.taken:
        raise ValueError(_("Each slot has a name, and may have hint, allowed and required."))
    return Wanted(name, hint, Allowed(allowed or Allowed.ANY), required)


def _day(given: Any) -> dt.date | None:
    if given is None:
        return None
    try:
        return dt.date.fromisoformat(text(given, 10))
    except ValueError:
        raise ValueError(_("due_on is a day such as 2026-11-30.")) from None


def of_ticket(ticket: Ticket) -> list[dict[str, Any]]:
    """The requests not withdrawn, of this ticket and of those that go on in it."""
    return [_request(row) for row in requests.requests_of(ticket.family())] if ticket.documents_wanted else []


def _request(row: DocumentRequest) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state.value,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "asked_by": row.asked_by,
        "created_at": shapes.instant(row.created_at),
        "slots": [
            {
                "id": slot.id,
                "name": slot.name,
                "hint": slot.hint,
                "allowed": slot.allowed.value,
                "required": slot.required,
                "state": slot.state.value,
                "reason": slot.reason,
                "file": shapes.attachment(slot.file) if slot.file is not None else None,
            }
            for slot in row.slots
        ],
    }
