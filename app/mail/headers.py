"""The header of a message: its fields, the words and addresses in them."""

import base64
import binascii
import datetime as dt
import email.utils
import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.mail.charsets import decode

MAX_HEADER_BYTES = 1_000_000
MAX_FIELD = 64_000
MAX_ADDRESSES = 500
MAX_REFERENCES = 100

_FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]{0,20}:[ \t]?(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,20000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]{1,200}(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_MESSAGE_ID = re.compile(r"<\s{0,5}([^<>\s]{1,900})\s{0,5}>")


@dataclass(frozen=True)
class Address:
    """Somebody in a header. `address` is empty when none was written."""

    name: str
    address: str


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


def words(value: str) -> str:
    """A value with its encoded words decoded, on one line."""
    if "=?" in value:
        value = _decoded(_BETWEEN_WORDS.sub(r"\1", value))
    return " ".join(value.replace("\x00", "").split())


def _decoded(value: str) -> str:
    """Neighbours of one charset are joined as bytes first: senders cut within a letter."""
    pieces: list[str] = []
    waiting, charset, at = b"", "", 0
    for match in _WORD.finditer(value):
        own = match.group(1).split("*")[0].lower()
        if match.start() > at or own != charset:
            pieces.append(decode(waiting, charset))
            waiting = b""
        pieces.append(value[at : match.start()])
        waiting += _word_bytes(match.group(2), match.group(3))
        charset, at = own, match.end()
    return "".join(pieces) + decode(waiting, charset) + value[at:]


def _word_bytes(encoding: str, word: str) -> bytes:
    raw = word.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b"_", b" ").replace(b"\n", b""), header=False)
    return base64_bytes(raw)


def base64_bytes(raw: bytes) -> bytes:
    """Base64 as it comes: with foreign letters, or cut off."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        whole = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(whole + b"=" * (-len(whole) % 4))


_SPECIAL = re.compile(r'[\\"()<>,;:]')


def addresses(value: str) -> tuple[Address, ...]:
    """The people of an address field: never more than were written, whatever a display name says."""
    found: list[Address] = []
    before = ""
    for piece in _pieces(value[:MAX_FIELD])[: 2 * MAX_ADDRESSES]:
        if "@" not in piece.bare and not piece.angle:
            before += f"{piece.bare}, " if piece.bare else ""
            continue
        found.append(piece.address(before))
        before = ""
    if not found and "=?" in value:
        decoded = words(value)
        return addresses(decoded) if "@" in decoded and "=?" not in decoded else ()
    return tuple(address for address in found if address.address)[:MAX_ADDRESSES]


@dataclass
class _Piece:
    """What stands between two commas."""

    bare: str = ""
    quoted: str = ""
    comment: str = ""
    angle: str | None = None

    def address(self, before: str) -> Address:
        if self.angle is not None:
            name = self.quoted if self.quoted and not self.bare.strip() else f"{before}{self.quoted} {self.bare}"
            return Address(words(name).strip(" '"), _plain(self.angle))
        parts = self.bare.split()
        address = next((part for part in reversed(parts) if "@" in part), "")
        rest = " ".join(part for part in parts if part != address)
        return Address(words(f"{before}{self.quoted} {rest}".strip() or self.comment).strip(" '"), _plain(address))


def _plain(address: str) -> str:
    address = re.sub(r"\s+", "", address.removeprefix("mailto:")).strip("<>'\"")
    address = address.rsplit(":", 1)[-1] if address.startswith("@") else address
    return address if len(address) <= 320 else ""


def _pieces(value: str) -> list[_Piece]:
    """The value cut at the commas that stand outside of quotes, comments and brackets."""
    pieces, at = [_Piece()], 0
    while at < len(value):
        match = _SPECIAL.search(value, at)
        stop = match.start() if match else len(value)
        pieces[-1].bare += value[at:stop]
        at = stop + 1
        mark = value[stop : stop + 1]
        if mark == '"':
            text, at = _until(value, at, '"')
            pieces[-1].quoted += (" " if pieces[-1].quoted else "") + text
        elif mark == "(":
            text, at = _until(value, at, ")")
            pieces[-1].comment += text
        elif mark == "<":
            end = value.find(">", at)
            end = len(value) if end < 0 else end
            pieces[-1].angle, at = value[at:end], end + 1
        elif mark in (",", ";"):
            pieces.append(_Piece())
        elif mark == ":" and "@" not in pieces[-1].bare:
            pieces[-1] = _Piece()
        elif mark == ":":
            pieces[-1].bare += mark
    return [piece for piece in pieces if piece.bare.strip() or piece.angle is not None or piece.quoted]


def _until(value: str, at: int, mark: str) -> tuple[str, int]:
    """The text up to the closing mark, without the backslashes before its letters."""
    letters: list[str] = []
    start = at
    while at < len(value) and value[at] != mark:
        at += 2 if value[at] == "\\" else 1
    letters.append(value[start:at])
    return re.sub(r"\\(.)", r"\1", "".join(letters)), min(at, len(value)) + 1
