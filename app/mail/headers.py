"""The header of a message: its fields, the words and addresses in them."""

import datetime as dt
import email.utils
import re
from collections.abc import Iterable, Iterator

from app.mail.charsets import decode
from app.mail.people import MAX_ADDRESSES, Address, addresses
from app.mail.words import words

MAX_HEADER_BYTES = 400_000
MAX_FIELD = 64_000
MAX_REFERENCES = 100

_FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]{0,20}:[ \t]?(.*)", re.DOTALL)
_MESSAGE_ID = re.compile(r"<\s{0,5}([^<>\s]{1,900})\s{0,5}>")


class Headers:
    """The fields of a header in their order; names do not mind their case. Values are unfolded, words not yet decoded."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)
        self._by_name: dict[str, list[str]] = {}
        for name, value in self._fields:
            self._by_name.setdefault(name.lower(), []).append(value)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._by_name

    def get(self, name: str) -> str:
        """The first value of a field as it was written; empty when it is missing."""
        return self._by_name.get(name.lower(), [""])[0]

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._by_name.get(name.lower(), ()))

    def text(self, name: str) -> str:
        """The first value of a field for a reader."""
        return words(self.get(name))

    def addresses(self, name: str) -> tuple[Address, ...]:
        return tuple(address for value in self.all(name) for address in addresses(value))[:MAX_ADDRESSES]

    def message_ids(self, name: str) -> tuple[str, ...]:
        """The Message-IDs of a field, without their brackets."""
        value = " ".join(self.all(name))[:MAX_FIELD]
        found = _MESSAGE_ID.findall(value) or (
            [value.strip(" <>")] if value.strip(" <>") and " " not in value.strip() else []
        )
        return tuple(dict.fromkeys(found))[-MAX_REFERENCES:]

    def date(self) -> dt.datetime | None:
        """When the sender says it was written, in UTC."""
        try:
            written = email.utils.parsedate_to_datetime(self.get("date")[:200])
            return (written if written.tzinfo else written.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            return None


MAX_GARBAGE_LINES = 5
"""Lines before the first field that some gateways put there."""


def split(raw: bytes) -> tuple[Headers, bytes]:
    """The header and the body. Lines that are no field are passed over; a text without any field is all body."""
    fields: list[list[str]] = []
    at = len(raw) - len(raw.lstrip(b"\r\n")) if raw[:1] in b"\r\n" else 0
    garbage = 0
    while at < min(len(raw), MAX_HEADER_BYTES):
        line, at = _line(raw, at)
        if not line.strip(b" \t") and not (line and _goes_on(raw, at)):
            break
        if not _add_line(fields, line) and not fields and not line.startswith((b"From ", b">From ")):
            garbage += 1
            if garbage > MAX_GARBAGE_LINES:
                break
    if not fields:
        return Headers(), raw
    return Headers((name, value[:MAX_FIELD].strip()) for name, value in _joined(fields)), raw[at:]


def _line(raw: bytes, at: int) -> tuple[bytes, int]:
    end = raw.find(b"\n", at)
    end = len(raw) if end < 0 else end + 1
    return raw[at:end].rstrip(b"\r\n"), end


def _goes_on(raw: bytes, at: int) -> bool:
    """A line of nothing but spaces ends the header only if no header follows."""
    line, _ = _line(raw, at)
    return (line[:1] in (b" ", b"\t") and bool(line.strip())) or _FIELD.match(line.decode("latin-1")[:300]) is not None


def _add_line(fields: list[list[str]], line: bytes) -> bool:
    text = decode(line)
    if text[:1] in (" ", "\t", "") and fields:
        fields[-1].append(text.strip(" \t\r"))
        return True
    match = _FIELD.match(text)
    if match is None:
        return False
    fields.append([match.group(1), match.group(2).strip(" \t\r")])
    return True


def _joined(fields: list[list[str]]) -> Iterator[tuple[str, str]]:
    for name, *lines in fields:
        yield name, " ".join(lines)
