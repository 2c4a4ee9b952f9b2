"""The desk's own fields beside a ticket, changed in place."""

from __future__ import annotations

from flask import request

from app.accounts.viewer import Viewer
from app.tickets import fields
from app.tickets.fieldkinds import FORM, NOTHING, Field, Values
from app.tickets.fieldmodels import FieldKind
from app.tickets.fields import Held
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


def still(ticket: Ticket, said: str) -> bool:
    """Whether each field that the form names holds what was `said`, as a form says it; of several boxes, whether that one is ticked."""
    names = [name.removeprefix(FORM).partition(":") for name in request.form if name.startswith(FORM)]
    held = {one.field.key: one for one in fields.held(ticket)} if names else {}
    return all(key in held and _holds(held[key], choice, said) for key, _colon, choice in names)


def _holds(one: Held, choice: str, said: str) -> bool:
    if choice:
        return (choice in one.values) == bool(said)
    try:
        return one.field.read((said,) if said else (), one.values) == one.values
    except ValueError:
        return False


def _toggled(field: Field | None, now: Values, choice: str, on: bool) -> Values:
    """In the order of the field's choices, wherever the click came."""
    wanted = {*now, choice} if on else set(now) - {choice}
    order = (*(field.choices if field else ()), *now, choice)
    return tuple(dict.fromkeys(one for one in order if one in wanted))


def options(field: Field, values: Values) -> list[str]:
    """What may be chosen, and what was chosen before an admin took it away."""
    gone = [one for one in values if one not in field.choices] if field.kind is not FieldKind.CHECKBOX else []
    return [*field.choices, *gone]
