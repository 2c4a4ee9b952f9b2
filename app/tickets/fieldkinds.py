"""What may stand in a field of each kind: read from what people typed and programs sent, said in words, asked for in a list."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.core.words import said as _
from app.tickets.fieldmodels import LONGEST_FOLDED, FieldKind, Readers, Required

Values = tuple[str, ...]
"""What a ticket holds in one field: nothing, one text, or the choices. Numbers and days are written the same way everywhere."""
NOTHING: Values = ()
YES = "yes"
FORM = "fields."
"""Before the key: what an input of a form, and a refusal, call a field."""
LIST = "field."
"""The same in a list: its columns, its filters, the search box."""
LONGEST = {FieldKind.TEXT: 250, FieldKind.LONG_TEXT: 10_000, FieldKind.LINK: 2_000}
MOST_DIGITS, MOST_PLACES = 15, 6
SCHEMES = ("http", "https", "mailto")
TEXTS = frozenset({FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.LINK})
OFFERED = frozenset({FieldKind.CHOICE, FieldKind.CHOICES})
_number = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,6})?")


class Field(NamedTuple):
    """A field as everybody but its admin knows it."""

    id: int
    name: str
    key: str
    help: str
    kind: FieldKind
    choices: Values
    categories: tuple[int, ...]
    required: Required
    readers: Readers
    active: bool

    @property
    def form_name(self) -> str:
        return FORM + self.key

    @property
    def list_name(self) -> str:
        return LIST + self.key

    def belongs(self, category_id: int | None) -> bool:
        return not self.categories or category_id in self.categories

    @property
    def fillable(self) -> bool:
        """By customers."""
        return self.readers is Readers.FILL

    @property
    def public(self) -> bool:
        return self.readers is not Readers.STAFF

    def read(self, given: Any, held: Values = NOTHING) -> Values:
        """From a form (text, or several) or from JSON; nothing for nothing. A ValueError is the sentence for this field.

        `held` is what stands there: a choice that an admin took away may stay.
        """
        several = list(given) if isinstance(given, list | tuple) else [given]
        wanted = [one for one in several if one is not None and one != "" and one is not False]
        if any(not isinstance(one, str | int | float | bool) for one in wanted):
            raise ValueError(_("This is no value for this field."))
        texts = list(dict.fromkeys(text for one in wanted if (text := _plain(one))))
        if self.kind is not FieldKind.CHOICES and len(texts) > 1:
            raise ValueError(_("One value, please."))
        return tuple(dict.fromkeys(READERS[self.kind](self, text, held) for text in texts))

    def worded(self, values: Iterable[str]) -> str:
        """For people, in the language of the reader."""
        return ", ".join(worded(self.kind, value) for value in values)

    def plain(self, values: Values) -> Any:
        """For programs, as JSON knows it."""
        if self.kind is FieldKind.CHECKBOX:
            return bool(values)
        if self.kind is FieldKind.CHOICES:
            return list(values)
        if not values:
            return None
        if self.kind is FieldKind.NUMBER:
            return float(values[0]) if "." in values[0] else int(values[0])
        return values[0]


def _plain(given: str | float | bool) -> str:
    if isinstance(given, str):
        return given.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode().strip()
    return YES if given is True else format(Decimal(str(given)), "f")


def worded(kind: FieldKind, value: str) -> str:
    if kind is FieldKind.CHECKBOX:
        return _("Yes") if value == YES else _("No")
    return value


def fold(text: str) -> str:
    return " ".join(text.split()).casefold()[:LONGEST_FOLDED]


def _text(field: Field, text: str, held: Values) -> str:
    longest = LONGEST[field.kind]
    if len(text) > longest:
        raise ValueError(_("At most %(most)s characters.", most=longest))
    return text if field.kind is FieldKind.LONG_TEXT else " ".join(text.split())


def _link(field: Field, text: str, held: Values) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not (parts.netloc or parts.path.count("@") == 1) or len(text.split()) > 1:
        raise ValueError(_("This is a whole address such as https://example.com/page."))
    return _text(field, text, held)


def number(text: str) -> str:
    """Written in one way: without a plus, idle zeros or a comma. Raises ValueError with a sentence."""
    if not _number.fullmatch(text) or not text.isascii():
        raise ValueError(_("This is a number such as 12 or 12.5."))
    try:
        found = Decimal(text.replace(",", ".")).normalize()
    except InvalidOperation:
        raise ValueError(_("This is a number such as 12 or 12.5.")) from None
    return format(found + 0, "f")


def day(text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = dt.date.min
    if not 1000 <= found.year <= 9998 or len(text) != len("2026-03-31"):
        raise ValueError(_("This is a day such as 2026-03-31."))
    return found


def _choice(field: Field, text: str, held: Values) -> str:
    for one in (*field.choices, *held):
        if one.casefold() == text.casefold():
            return one
    raise ValueError(_("Please choose one of: %(choices)s.", choices=", ".join(field.choices[:12])))


def _checkbox(field: Field, text: str, held: Values) -> str:
    if text.casefold() not in (YES, "1", "true", "on", _("Yes").casefold()):
        raise ValueError(_("This is yes or nothing."))
    return YES


READERS: dict[FieldKind, Callable[[Field, str, Values], str]] = {
    FieldKind.TEXT: _text,
    FieldKind.LONG_TEXT: _text,
    FieldKind.NUMBER: lambda field, text, held: number(text),
    FieldKind.DATE: lambda field, text, held: day(text).isoformat(),
    FieldKind.CHOICE: _choice,
    FieldKind.CHOICES: _choice,
    FieldKind.CHECKBOX: _checkbox,
    FieldKind.LINK: _link,
}
