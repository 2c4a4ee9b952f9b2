"""What a form says of documents to ask for, and of those that came."""

from __future__ import annotations

import datetime as dt
from itertools import zip_longest

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid
from app.desk.listing import day
from app.tickets.collecting import Wanted
from app.tickets.judging import Verdict
from app.tickets.requests import MOST_SLOTS, DocumentRequest, SlotState
from app.tickets.slotkinds import TYPE_LABELS, Allowed

ROWS_SHOWN = 3
MORE_ROWS = 7
Form = MultiDict[str, str]


def wanted(form: Form) -> list[Wanted]:
    """The rows that have a name or a hint, in their order."""
    lists = (form.getlist(f"slot_{name}")[: MOST_SLOTS + 1] for name in ("name", "hint", "allowed", "needed"))
    rows = zip_longest(*lists, fillvalue="")
    return [
        Wanted(_typed(name), _typed(hint), _allowed(allowed), needed != "optional")
        for name, hint, allowed, needed in rows
        if name.strip() or hint.strip()
    ]


def due_on(form: Form) -> dt.date | None:
    given = form.get("due_on", "").strip()
    try:
        return day(given) if given else None
    except ValueError:
        raise Invalid(_("This is no day."), {"due_on": _("Please choose a day.")}) from None


def rows(given: list[Wanted]) -> list[Wanted]:
    """For the page: what was typed, and empty ones to go on."""
    return [*given, *[Wanted("", required=True)] * max(1, ROWS_SHOWN - len(given))]


def types() -> list[tuple[str, str]]:
    return [(allowed.value, str(label)) for allowed, label in TYPE_LABELS.items()]


def verdicts(form: Form, asked: DocumentRequest) -> list[Verdict]:
    """Those that were chosen, each about the file the page showed."""
    found = []
    for slot in asked.slots:
        said, file = form.get(f"verdict-{slot.id}", ""), form.get(f"file-{slot.id}", "")
        if said in ("accept", "refuse") and slot.state is not SlotState.ACCEPTED:
            seen = int(file) if file.isascii() and file.isdigit() and len(file) < 19 else 0
            found.append(Verdict(slot.id, seen, said == "accept", form.get(f"reason-{slot.id}", "")))
    return found


def _allowed(given: str) -> Allowed:
    return Allowed(given) if given in set(Allowed) else Allowed.ANY


def _typed(text: str) -> str:
    return text.replace("\x00", "").strip()
