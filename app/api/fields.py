"""The object of a request, read field by field: what is wrong or unknown is refused at once and by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.core.errors import Invalid

LONGEST_ID = 2**62
LARGEST_BODY_BYTES = 4 * 1024 * 1024
"""Of a JSON body; files have a way of their own."""
MOST, USUAL = 100, 25
"""Rows of a page."""


class Fields:
    """Each `take` reads one field; `done` refuses what is wrong or unknown, all at once."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.wrong: dict[str, str] = {}
        self.taken: set[str] = set()

    @classmethod
    def of_body(cls) -> Fields:
        try:
            given = json.loads(
                request.get_data(cache=True) or b"null", parse_constant=_no_constant, object_pairs_hook=_without_doubles
            )
        except (ValueError, RecursionError):
            raise BadRequest from None
        if not isinstance(given, dict):
            raise BadRequest
        return cls(given)

    @classmethod
    def of_query(cls) -> Fields:
        return cls.of_arguments(request.args)

    @classmethod
    def of_arguments(cls, arguments: MultiDict[str, str]) -> Fields:
        fields = cls(dict(arguments.items()))
        for name, values in arguments.lists():
            if len(values) > 1:
                fields.refuse(name, _("This is given more than once."))
            elif not _storable(values[0]):
                fields.refuse(name, _("This text holds a character that cannot be stored."))
        return fields

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def refuse(self, name: str, sentence: str) -> None:
        self.wrong.setdefault(name, sentence)

    def take(self, name: str, read: Callable[[Any], Any], default: Any = None) -> Any:
        """The value as `read` makes it; a ValueError of `read` is the sentence for this field."""
        self.taken.add(name)
        if self.given.get(name) is None or name in self.wrong:
            return default
        try:
            return read(self.given[name])
        except ValueError as problem:
            self.refuse(name, str(problem))
            return default

    def text(self, name: str, longest: int, required: bool = False) -> str:
        value = self.take(name, lambda given: text(given, longest), "")
        if required and not value.strip() and name not in self.wrong:
            self.refuse(name, _("This field is required."))
        return str(value)

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        choices = list(choices)
        found: str | None = self.take(name, lambda given: _choice(given, choices))
        return found

    def done(self) -> None:
        for name in sorted(set(self.given) - self.taken):
            self.refuse(name[:80], _("There is no such field."))
        if self.wrong:
            raise Invalid(_("Some fields are not right."), self.wrong)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two equal names one reader takes the first and another the last: we take neither."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _storable(given: str) -> bool:
    """PostgreSQL keeps no NUL, and half of a surrogate pair is no character."""
    return "\x00" not in given and not any("\ud800" <= letter <= "\udfff" for letter in given)


def _choice(given: Any, choices: list[str]) -> str:
    if not isinstance(given, str) or given not in choices:
        raise ValueError(_("This is one of %(names)s.", names=", ".join(choices)))
    return given


def text(given: Any, longest: int) -> str:
    if not isinstance(given, str):
        raise ValueError(_("This is a text."))
    if len(given) > longest:
        raise ValueError(_("At most %(most)s characters.", most=longest))
    if not _storable(given):
        raise ValueError(_("This text holds a character that cannot be stored."))
    return given


def number(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < LONGEST_ID:
        raise ValueError(_("This is a number greater than 0."))
    return given


def words(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > 50:
        raise ValueError(_("This is a list of texts."))
    return tuple(text(each, 40) for each in given)


def flag(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(_("This is true or false."))
    return given
