"""The language of the search box, cut into parts: words, "exact words", -words and field:value. Every text is some question, none an error."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

FIELDS: dict[str, str] = {
    "customer": "customer", "client": "customer", "requester": "customer", "from": "customer", "organization": "organization", "org": "organization", "company": "organization",
    "state": "state", "status": "status", "assignee": "assignee", "assigned": "assignee", "owner": "assignee", "department": "department", "team": "department",
    "category": "category", "type": "category", "priority": "priority", "tag": "tag", "kind": "kind", "via": "via", "channel": "via", "sla": "sla", "due": "sla",
    "before": "before", "after": "after", "created": "created", "updated": "updated", "is": "is",
    "followup": "followup", "reminder": "followup", "action": "action", "snoozed": "snoozed", "snooze": "snoozed", "spam": "spam", "time": "time", "spent": "time", "rating": "rating", "rated": "rating", "satisfaction": "rating",
    "supplier": "supplier", "vendor": "supplier", "environment": "environment", "env": "environment", "further": "further", "with": "further",
}  # fmt: skip
"""What may stand before a colon → the field it means."""
OWN = "field."
"""Before the key of one of the desk's own fields."""
ALMOST = 0.8
"""From here on an unknown word before a colon is a field with a slip of the finger; below, it is a word of the question like any other."""
LONGEST_NAME = 20
_piece = re.compile(
    r'(?P<minus>-?)(?:(?P<field>[A-Za-z]+|[Ff]ield\.[A-Za-z0-9_]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]*))'
)


class Part(NamedTuple):
    """One piece of what was typed."""

    field: str
    """One of FIELDS' values, or `field.` and the key of one of the desk's own; empty for words."""
    value: str
    excluded: bool = False
    quoted: bool = False
    slip: str = ""
    """An unknown field that looks like this known one."""

    @property
    def text(self) -> str:
        """As it may be typed again."""
        value = f'"{self.value}"' if self.quoted or " " in self.value or not self.value else self.value
        return f"{'-' if self.excluded else ''}{self.field + ':' if self.field else ''}{value}"


def parts(text: str) -> Iterator[Part]:
    """In the order in which they were typed. Quotes that nobody closed end with the text."""
    place, text = 0, " ".join(text.split())
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        found = _piece.match(text, place)
        assert found is not None
        end = found.end()
        if end == place:  # a lone quote
            place += 1
            continue
        yield from _part(found)
        place = end


def _part(found: re.Match[str]) -> Iterator[Part]:
    named, quoted = found["field"] or "", found["quoted"] is not None
    value = (found["quoted"] if quoted else found["plain"] or "").strip()
    excluded = bool(found["minus"])
    field = named.lower() if named.lower().startswith(OWN) else FIELDS.get(named.lower(), "")
    if named and not field:
        slip = _slip(named.lower()) if value else ""
        yield Part("", f"{named}:{value}", excluded, quoted=" " in value, slip=slip)
    elif field or value:
        yield Part(field, value, excluded, quoted)
    elif excluded:
        yield Part("", "-")


def _slip(name: str) -> str:
    close = difflib.get_close_matches(name[:LONGEST_NAME], FIELDS, n=1, cutoff=ALMOST)
    return close[0] if close else ""


def spelled(field: str, value: str) -> str:
    """`field:value` as the box reads it again."""
    return Part(field, " ".join(value.replace('"', " ").split())).text


class Words(NamedTuple):
    """What of a question is searched for in texts."""

    wanted: str
    """Every word that must be there, those of phrases among them."""
    phrases: tuple[str, ...]
    without: tuple[str, ...]


def words_of(text: str) -> Words:
    """Read as plain words also what looks like a field: the fields were taken out before."""
    wanted, phrases, without = [], [], []
    for part in parts(text):
        said = f"{part.field}:{part.value}" if part.field else part.value
        if part.excluded and said:
            without.append(said)
        elif part.quoted and " " in said:
            phrases.append(said)
            wanted.append(said)
        elif said:
            wanted.append(said)
    return Words(" ".join(wanted), tuple(phrases), tuple(without))
