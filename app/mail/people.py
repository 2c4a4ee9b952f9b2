"""The people in an address field: never more of them than were written, whatever a display name says."""

import re
from dataclasses import dataclass

from app.mail.words import words

MAX_VALUE = 64_000
MAX_ADDRESSES = 500


@dataclass(frozen=True)
class Address:
    """Somebody in a header. `address` is empty when none was written."""

    name: str
    address: str


_SPECIAL = re.compile(r'[\\"()<>,;:]')


def addresses(value: str) -> tuple[Address, ...]:
    """The people of an address field: never more than were written, whatever a display name says."""
    found: list[Address] = []
    before = ""
    for piece in _pieces(value[:MAX_VALUE])[: 2 * MAX_ADDRESSES]:
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
