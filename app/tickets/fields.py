"""The desk's own fields on tickets: which there are, what a ticket holds in them, and the verb that changes it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import g, has_app_context
from flask_babel import gettext as _
from sqlalchemy import delete, event, func, select, text
from sqlalchemy.orm import Session

from app.accounts.viewer import Actor
from app.core.database import is_postgresql
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk
from app.settings.models import Setting
from app.tickets import fieldkinds
from app.tickets.fieldkinds import FORM, NOTHING, TEXTS, Field, Values
from app.tickets.fieldmodels import CustomField, CustomValue, FieldKind, Readers, Required, custom_field_category
from app.tickets.thread import Channel
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand

if TYPE_CHECKING:
    from app.tickets.models import Ticket

LOCK = 8_161_112
"""Of PostgreSQL's advisory locks: who keeps the fields sees what those before kept."""
CUSTOMERS = (Channel.PORTAL, Channel.FORM)
"""Doors at which the customer fills in the form."""
LONGEST_TOLD = 200
"""Letters of a value in the history."""


class Held(NamedTuple):
    """One field of a ticket with what it holds."""

    field: Field
    values: Values

    @property
    def words(self) -> str:
        return self.field.worded(self.values)


class Fielded(Timeline):
    """A ticket holds values in the desk's fields; those of another category stay and come back with it."""

    def set_fields(self, given: Mapping[str, Any], by: Actor) -> None:
        """Several by their keys; raises Invalid naming each wrong one."""
        wrong: dict[str, str] = {}
        for key, value in given.items():
            try:
                self.set_field(key, value, by)
            except Invalid as refusal:
                wrong |= refusal.fields
        if wrong:
            raise Invalid(next(iter(wrong.values())), wrong)

    def set_field(self, key: str, given: Any, by: Actor) -> None:
        """`given` as a form or a program says it; nothing takes it away. Raises Invalid naming the field."""
        ticket: Any = self
        demand(by, "category", ticket)
        field = by_key(key)
        if field is None or not field.belongs(ticket.category_id):
            raise _wrong(key, _("This ticket has no such field."))
        was = values_of([ticket.id], [field])[ticket.id].get(field.id, NOTHING)
        try:
            now = field.read(given, was)
        except ValueError as problem:
            raise _wrong(key, str(problem)) from None
        if now == was:
            return
        if not now and field.required is Required.CREATE:
            raise _wrong(key, _("“%(field)s” may not be empty.", field=field.name))
        _write(ticket.id, {field: now}, held=True)
        told: dict[str, Any] = {"was": ", ".join(was)[:LONGEST_TOLD], "now": ", ".join(now)[:LONGEST_TOLD]}
        self.record(Did.FIELD_CHANGED, by, field=field.name, field_id=field.id, kind=field.kind.value, **told)


def every() -> tuple[Field, ...]:
    """All of them in the admin's order, at no cost: the settings of this request hold them."""
    return _read(desk.current().custom_fields)


def active() -> tuple[Field, ...]:
    return tuple(field for field in every() if field.active)


def by_key(key: str) -> Field | None:
    """An active one."""
    return next((field for field in every() if field.active and field.key == key), None)


def of_category(category_id: int | None, readers: Iterable[Readers] = tuple(Readers)) -> list[Field]:
    wanted = set(readers)
    return [field for field in active() if field.belongs(category_id) and field.readers in wanted]


def held(ticket: Any, readers: Iterable[Readers] = tuple(Readers)) -> list[Held]:
    """The fields of this ticket's category. `ticket` has an id and a category_id; without fields nothing is asked."""
    fields = of_category(ticket.category_id, readers)
    values = values_of([ticket.id], fields)[ticket.id] if fields else {}
    return [Held(field, values.get(field.id, NOTHING)) for field in fields]


def values_of(ticket_ids: Sequence[int], fields: Sequence[Field]) -> Mapping[int, dict[int, Values]]:
    """Ticket → field → values, in one statement."""
    found: defaultdict[int, dict[int, Values]] = defaultdict(dict)
    if not ticket_ids or not fields:
        return found
    wanted = select(CustomValue.ticket_id, CustomValue.field_id, CustomValue.text).where(
        CustomValue.ticket_id.in_(ticket_ids), CustomValue.field_id.in_([field.id for field in fields])
    )
    order = (CustomValue.ticket_id, CustomValue.field_id, CustomValue.place)
    for ticket_id, field_id, written in db.session.execute(wanted.order_by(*order)):
        found[ticket_id][field_id] = (*found[ticket_id].get(field_id, NOTHING), written)
    return found


def for_door(category_id: int | None, via: Channel, anywhere: bool = False) -> list[Field]:
    """What a new ticket is asked for: by customers what they fill in. `anywhere`: of every category."""
    offered = [field for field in active() if field.fillable or via not in CUSTOMERS]
    return [field for field in offered if anywhere or field.belongs(category_id)]


def checked(
    given: Mapping[str, Any], category_id: int | None, via: Channel
) -> tuple[dict[Field, Values], dict[str, str]]:
    """What a new ticket holds, and a sentence for each wrong field. In the portal and its form only what customers fill in counts."""
    fields = for_door(category_id, via)
    good: dict[Field, Values] = {}
    wrong: dict[str, str] = {}
    known = {field.key for field in fields}
    if via not in CUSTOMERS:
        wrong = {FORM + key: _("This ticket has no such field.") for key in given if key not in known}
    for field in fields:
        try:
            good[field] = field.read(given.get(field.key))
        except ValueError as problem:
            wrong[field.form_name] = str(problem)
        else:
            if not good[field] and field.required is Required.CREATE:
                wrong[field.form_name] = _("Please fill in “%(field)s”.", field=field.name)
    return good, wrong


def fill(ticket: Ticket, values: Mapping[Field, Values]) -> None:
    """Of a new ticket, which holds nothing yet: its opening tells of it."""
    _write(ticket.id, {field: each for field, each in values.items() if each}, held=False)


def demand_filled(ticket: Any) -> None:
    """What staff end must hold what its category requires. Raises Invalid naming each empty field."""
    fields = [field for field in of_category(ticket.category_id) if field.required is not Required.NEVER]
    if not fields:
        return
    values = values_of([ticket.id], fields)[ticket.id]
    empty = [field for field in fields if not values.get(field.id)]
    if empty:
        names = ", ".join(f"“{field.name}”" for field in empty)
        raise Invalid(
            _("Before it is resolved, please fill in: %(fields)s.", fields=names),
            {field.form_name: _("Please fill in “%(field)s”.", field=field.name) for field in empty},
        )


def tickets_with(field_id: int) -> int:
    """How many hold a value."""
    wanted = select(func.count(CustomValue.ticket_id.distinct())).where(CustomValue.field_id == field_id)
    return db.session.scalar(wanted) or 0


def forget_words(ticket_ids: Sequence[int]) -> list[int]:
    """What customers wrote in fields of these tickets is gone. Returns the ids of those fields, whose history tells of it too."""
    theirs = [field.id for field in every() if field.fillable and field.kind in TEXTS]
    if theirs and ticket_ids:
        gone = delete(CustomValue).where(CustomValue.ticket_id.in_(ticket_ids), CustomValue.field_id.in_(theirs))
        db.session.execute(gone.execution_options(synchronize_session=False))
    return theirs


def _wrong(key: str, sentence: str) -> Invalid:
    return Invalid(sentence, {FORM + key: sentence})


def _write(ticket_id: int, values: Mapping[Field, Values], held: bool) -> None:
    """Past the session's rows: values are read as plain columns alone."""
    if held:
        fields = [field.id for field in values]
        old = delete(CustomValue).where(CustomValue.ticket_id == ticket_id, CustomValue.field_id.in_(fields))
        db.session.execute(old.execution_options(synchronize_session=False))
    rows = [_row(ticket_id, field, place, value) for field, each in values.items() for place, value in enumerate(each)]
    if rows:
        db.session.execute(CustomValue.__table__.insert(), rows)  # type: ignore[attr-defined]


def _row(ticket_id: int, field: Field, place: int, value: str) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id, "field_id": field.id, "place": place, "text": value, "folded": fieldkinds.fold(value),
        "number": float(value) if field.kind is FieldKind.NUMBER else None,
        "day": fieldkinds.day(value) if field.kind is FieldKind.DATE else None,
    }  # fmt: skip


@lru_cache(64)
def _read(written: str) -> tuple[Field, ...]:
    return tuple(
        Field(
            id=one["id"], name=one["name"], key=one["key"], help=one["help"], kind=FieldKind(one["kind"]), choices=tuple(one["choices"]),
            categories=tuple(one["categories"]), required=Required(one["required"]), readers=Readers(one["readers"]), active=one["active"],
        )
        for one in json.loads(written or "[]")
    )  # fmt: skip


def keep() -> None:
    """Write all fields into the settings, which every request reads anyway: a desk without fields asks nothing for them."""
    if is_postgresql():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    connection = db.session.connection()
    belongs: defaultdict[int, list[int]] = defaultdict(list)
    for field_id, category_id in connection.execute(select(custom_field_category).order_by(custom_field_category.c.category_id)):  # fmt: skip
        belongs[field_id].append(category_id)
    table = CustomField.__table__
    rows = connection.execute(select(table).order_by(table.c.position, table.c.id)).mappings()
    written = json.dumps([_said(row, belongs[row["id"]]) for row in rows], ensure_ascii=False)
    settings = Setting.__table__
    here = settings.c.name == "custom_fields"
    if not connection.execute(settings.update().where(here).values(value=written)).rowcount:  # type: ignore[attr-defined]
        connection.execute(settings.insert().values(name="custom_fields", value=written))  # type: ignore[attr-defined]


def _said(row: Any, categories: list[int]) -> dict[str, Any]:
    names = ("id", "name", "key", "help", "active")
    kinds = {name: row[name].value for name in ("kind", "required", "readers")}
    return {**{name: row[name] for name in names}, **kinds, "choices": lines(row["choices"]), "categories": categories}


def lines(choices: str) -> list[str]:
    """Each choice once, in the order written."""
    return list(dict.fromkeys(line for one in choices.splitlines() if (line := " ".join(one.split()))))


@event.listens_for(Session, "after_flush")
def _follow_fields(session: Session, *_context: object) -> None:
    """Whichever door changes a field: the settings say it in the same transaction."""
    if any(isinstance(row, CustomField) for row in (*session.new, *session.dirty, *session.deleted)):
        keep()
        if has_app_context():
            g.pop("desk_settings", None)
