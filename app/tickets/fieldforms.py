"""The desk's own fields in the form of a new ticket, for staff and customers: what it shows, and what was typed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.tickets import fields
from app.tickets.fieldkinds import NOTHING, Field, Values
from app.tickets.thread import Channel


class Asked(NamedTuple):
    """One field of a form with what was typed in it."""

    field: Field
    typed: Values
    shown: bool
    """False: it belongs to another category than the one chosen; the script shows it when that is chosen."""

    @property
    def text(self) -> str:
        return self.typed[0] if self.typed else ""


def asked(values: Mapping[str, str], via: Channel) -> list[Asked]:
    """All fields this door may ask for, so that choosing another category needs no way to the server and loses nothing typed."""
    category_id = category_of(values)
    offered = fields.for_door(None, via, anywhere=True)
    return [Asked(field, typed_in(values, field), field.belongs(category_id)) for field in offered]


def typed_in(values: Mapping[str, str], field: Field) -> Values:
    if isinstance(values, MultiDict):
        return tuple(one for one in values.getlist(field.form_name) if one)
    return (values[field.form_name],) if values.get(field.form_name) else NOTHING


def given(form: MultiDict[str, str]) -> dict[str, list[str]]:
    """What the form says of fields of its category."""
    return {field.key: form.getlist(field.form_name) for field in fields.of_category(category_of(form))}


def wrong(form: MultiDict[str, str], via: Channel) -> dict[str, str]:
    """A sentence for each wrong field. Where the chosen category has fields that the form did not show, one at the category:
    without a script they come with the answer."""
    category_id = category_of(form)
    seen = {field.id for field in fields.of_category(_id(form.get("fields_for", "")))}
    unseen = [field for field in fields.for_door(category_id, via) if field.id not in seen]
    if unseen:
        return {"category": _("We ask a little more about this. Please look at the new fields.")}
    return fields.checked(given(form), category_id, via)[1]


def category_of(form: Mapping[str, str]) -> int | None:
    return _id(form.get("category", ""))


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
