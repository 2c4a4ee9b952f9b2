"""The desk's own fields beside a ticket, changed in place."""

from __future__ import annotations

from flask import request

from app.accounts.viewer import Viewer
from app.tickets import fields
from app.tickets.fieldkinds import FORM, NOTHING, Field, Values
from app.tickets.fieldmodels import FieldKind
from app.tickets.models import Ticket


def change(ticket: Ticket, viewer: Viewer) -> bool:
    """Each field the form names; one box of several is named with its choice behind a colon. Whether there was any."""
    names = [name for name in request.form if name.startswith(FORM)]
    held = {one.field.key: one for one in fields.held(ticket)} if names else {}
    chosen: dict[str, Values] = {}
    for name in names:
        key, _colon, choice = name.removeprefix(FORM).partition(":")
        several = [one for one in request.form.getlist(name) if one]
        if choice:
            now = chosen.get(key, held[key].values if key in held else NOTHING)
            chosen[key] = _toggled(held[key].field if key in held else None, now, choice, bool(several))
        else:
            chosen[key] = tuple(several)
    ticket.set_fields(chosen, by=viewer)
    return bool(names)


def _toggled(field: Field | None, now: Values, choice: str, on: bool) -> Values:
    """In the order of the field's choices, wherever the click came."""
    wanted = {*now, choice} if on else set(now) - {choice}
    order = (*(field.choices if field else ()), *now, choice)
    return tuple(dict.fromkeys(one for one in order if one in wanted))


def options(field: Field, values: Values) -> list[str]:
    """What may be chosen, and what was chosen before an admin took it away."""
    gone = [one for one in values if one not in field.choices] if field.kind is not FieldKind.CHECKBOX else []
    return [*field.choices, *gone]
