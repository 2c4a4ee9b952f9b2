"""The desk's own fields in the list: what it is narrowed by, sorted by, and what its columns and exports say of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, literal, select

from app.core.words import said as _
from app.tickets import fields
from app.tickets.fieldkinds import LIST, NOTHING, YES, Field, Values, day, fold, number
from app.tickets.fieldmodels import CustomValue, FieldKind
from app.tickets.models import Ticket

Pair = tuple[str, str]
"""A field's key and what it is asked for."""
NONE, ANY, NO = "none", "any", "no"
PICKED = frozenset({FieldKind.CHOICE, FieldKind.CHOICES, FieldKind.CHECKBOX})
"""Kinds the filter form offers a choice of."""
_compared = re.compile(r"(>=|<=|>|<)?\s*(.+)")
_typed = {FieldKind.NUMBER: lambda text: float(number(text)), FieldKind.DATE: day}


def read(given: Mapping[str, str], longest: int) -> tuple[Pair, ...]:
    """Of a list's address: what names no field, or nothing that its field knows, is passed over."""
    found = []
    for name in given:
        field = fields.by_key(name.removeprefix(LIST)) if name.startswith(LIST) else None
        text = given[name].replace("\x00", "")[:longest].strip()
        if field is not None and text:
            try:
                found.append((field.key, understood(field, text)))
            except ValueError:
                continue
    return tuple(sorted(found))


def understood(field: Field, text: str) -> str:
    """As it is kept in an address. A ValueError is the sentence."""
    folded = text.casefold()
    if folded in (NONE, ANY):
        return folded
    if field.kind is FieldKind.CHECKBOX:
        if folded not in (YES, NO, _("Yes").casefold(), _("No").casefold()):
            raise ValueError(_("“%(value)s” is none of: %(choices)s", value=text, choices="yes, no."))
        return YES if folded in (YES, _("Yes").casefold()) else NO
    if field.kind in PICKED:
        found = next((choice for choice in field.choices if choice.casefold() == folded), None)
        if found is None:
            choices = ", ".join(field.choices[:8]) + (" …" if len(field.choices) > 8 else ".")
            raise ValueError(_("“%(value)s” is none of: %(choices)s", value=text, choices=choices))
        return found
    if field.kind in _typed:
        _bounds(field.kind, text)
    return text


def narrow(pairs: Iterable[Pair]) -> list[ColumnElement[bool]]:
    """What these filters demand of a ticket; to be combined with the row rule."""
    known = [(fields.by_key(key), text) for key, text in pairs]
    return [_criterion(field, text) for field, text in known if field is not None]


def _criterion(field: Field, text: str) -> ColumnElement[bool]:
    holding = select(CustomValue.ticket_id).where(CustomValue.field_id == field.id)
    if text in (NONE, NO):
        return Ticket.id.not_in(holding)
    if text == ANY or (field.kind is FieldKind.CHECKBOX and text == YES):
        return Ticket.id.in_(holding)
    if field.kind in PICKED:
        return Ticket.id.in_(holding.where(CustomValue.folded == fold(text)))
    if field.kind in _typed:
        column: Any = CustomValue.number if field.kind is FieldKind.NUMBER else CustomValue.day
        return Ticket.id.in_(holding.where(*(_SIGNS[sign](column, at) for sign, at in _bounds(field.kind, text))))
    return Ticket.id.in_(holding.where(CustomValue.folded.contains(fold(text), autoescape=True)))


_SIGNS: dict[str, Any] = {
    ">=": lambda column, at: column >= at,
    "<=": lambda column, at: column <= at,
    ">": lambda column, at: column > at,
    "<": lambda column, at: column < at,
    "": lambda column, at: column == at,
}


def _bounds(kind: FieldKind, text: str) -> list[tuple[str, Any]]:
    """`5`, `>5`, `<=5`, or `5..10` with either end left open."""
    begin, dots, end = text.partition("..")
    if dots:
        ends = [(sign, one.strip()) for sign, one in ((">=", begin), ("<=", end)) if one.strip()]
    else:
        found = _compared.fullmatch(text)
        ends = [(found[1] or "", found[2])] if found else []
    if not ends:
        raise ValueError(_("Such as 5, >5 or 5..10.") if kind is FieldKind.NUMBER else _("Such as 2026-03-31, >2026-03-31 or 2026-03-01..2026-03-31."))  # fmt: skip
    return [(sign, _typed[kind](one)) for sign, one in ends]


def order(column: str) -> Any:
    """By what a field holds: numbers and days as such, choices by the first of them, texts without case."""
    field = fields.by_key(column.removeprefix(LIST))
    if field is None:
        return literal(0)
    by = {FieldKind.NUMBER: CustomValue.number, FieldKind.DATE: CustomValue.day}.get(field.kind, CustomValue.folded)
    held = select(by).where(
        CustomValue.ticket_id == Ticket.id, CustomValue.field_id == field.id, CustomValue.place == 0
    )
    return held.correlate(Ticket).scalar_subquery()


def known(column: str) -> bool:
    return column.startswith(LIST) and fields.by_key(column.removeprefix(LIST)) is not None


def labels() -> dict[str, str]:
    """The columns that the desk's own fields are."""
    return {field.list_name: field.name for field in fields.active()}


def picked() -> tuple[Field, ...]:
    """What the filter form offers."""
    return tuple(field for field in fields.active() if field.kind in PICKED)


def chip(pair: Pair) -> str:
    """One filter in words."""
    field = fields.by_key(pair[0])
    texts = {NONE: _("nothing"), ANY: _("anything"), NO: _("No")}
    words = texts.get(pair[1]) or (field.worded([pair[1]]) if field else pair[1])
    return f"{field.name if field else pair[0]}{_(':')} {words}"


def columned(columns: Iterable[str]) -> list[Field]:
    """The fields that are among these columns."""
    found = [fields.by_key(name.removeprefix(LIST)) for name in columns if name.startswith(LIST)]
    return [field for field in found if field is not None]


def cells(values: Mapping[int, Mapping[int, Values]], shown: Sequence[Field]) -> dict[int, tuple[Pair, ...]]:
    """Of each ticket, what these columns say."""
    return {
        ticket_id: tuple((field.list_name, field.worded(held[field.id])) for field in shown if field.id in held)
        for ticket_id, held in values.items()
    }


def row(values: Mapping[int, Values]) -> list[object]:
    """For an export: numbers as numbers, everything else as people read it."""
    return [_cell(field, values.get(field.id, NOTHING)) for field in fields.active()]


def _cell(field: Field, values: Values) -> object:
    plain = field.plain(values)
    return plain if field.kind is FieldKind.NUMBER else field.worded(values) or None
