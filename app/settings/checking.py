"""What a setting may hold: types, limits, choices and zones, each refusal a sentence."""

import dataclasses as dc
import zoneinfo
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from app.core.errors import Invalid

MOST_TICKED = 40
"""Of a setting that names several rows: its text stays short."""


def checked(values: Mapping[dc.Field[Any], Any]) -> dict[str, Any]:
    """field -> value, or Invalid with a sentence for each field that is wrong."""
    wrong: dict[str, str] = {}
    right: dict[str, Any] = {}
    for field, value in values.items():
        try:
            right[field.name] = _one(field, value)
        except ValueError as problem:
            wrong[field.name] = str(problem)
    if wrong:
        raise Invalid(_("Some settings are not right yet."), wrong)
    return right


def _one(field: dc.Field[Any], value: Any) -> Any:
    if "choices" in field.metadata:
        if value not in field.metadata["choices"]:
            raise ValueError(_("Choose one of the list."))
        return value
    if "many" in field.metadata:
        return _many(value)
    if isinstance(field.default, bool):
        if not isinstance(value, bool):
            raise ValueError(_("This is on or off."))
        return value
    if isinstance(field.default, int) or "rows" in field.metadata:
        return _number(field, value)
    return _words(field, value)


def _many(value: Any) -> str:
    """Ids of rows, as `3,5`."""
    ids = [part for part in str(value or "").split(",") if part]
    if len(ids) > MOST_TICKED or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in ids):
        raise ValueError(_("Choose one of the list."))
    return ",".join(sorted(set(ids), key=int))


def _number(field: dc.Field[Any], value: Any) -> int | None:
    if value in (None, "") and "rows" in field.metadata:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(_("This is a whole number.")) from None
    least, most = field.metadata.get("least", 1), field.metadata.get("most", 2**31 - 1)
    if isinstance(value, bool) or not least <= number <= most:
        raise ValueError(_("This is a number from %(least)s to %(most)s.", least=least, most=most))
    return number


def _words(field: dc.Field[Any], value: Any) -> str:
    text = str(value or "").strip()
    if not text and field.metadata.get("optional"):
        return text
    if not text or any(ord(letter) < 32 for letter in text):
        raise ValueError(_("Please write one line here."))
    if len(text) > field.metadata.get("longest", 255):
        raise ValueError(_("At most %(most)s characters.", most=field.metadata.get("longest", 255)))
    if field.metadata.get("zone") and text not in zoneinfo.available_timezones():
        raise ValueError(_("There is no such time zone. Try Europe/Berlin or UTC."))
    if field.name == "summary_to" and any(part.strip().count("@") != 1 for part in text.split(",")):
        raise ValueError(_("Please write addresses, separated by commas."))
    if field.name == "number_pattern" and text.count("{n}") != 1:
        raise ValueError(_("The pattern needs {n} once."))
    if field.name == "mail_from" and (
        text.count("@") != 1 or " " in text or text.startswith("@") or text.endswith("@")
    ):
        raise ValueError(_("This is not an email address."))
    return text
