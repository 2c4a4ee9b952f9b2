"""The bytes of a mail, written by hand: the standard library takes each header apart and folds it anew, which took a third of a mail's time."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Iterable

LINE_LETTERS = 76
WORD_BYTES = 42
"""Of text in one encoded word: with its marks and the longest name of a header before it, it stays in a line."""
FOLD = "\r\n "
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
PLAIN = re.compile(r"[\x20-\x7e]*")


def header(name: str, value: str) -> str:
    """A line, or several where it is folded. `value` holds no line end but those that fold it."""
    return f"{name}: {value}\r\n"


def text(name: str, words: str) -> str:
    """A header that a person reads, in whatever language; it comes back letter for letter."""
    folded = _folded(words, LINE_LETTERS - len(name) - 2)
    return header(name, folded if folded is not None else encoded(words))


def mailbox(name: str, address: str) -> str:
    """A person as address fields have them. `address` is ASCII and was checked before."""
    if not name:
        return address
    if _plain(name):
        shown = name if ATOMS.fullmatch(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        shown = encoded(name)
    return f"{shown}{' ' if len(shown) + len(address) < LINE_LETTERS // 2 else FOLD}<{address}>"


def encoded(words: str) -> str:
    """As RFC 2047 has it: no letter is cut in two."""
    pieces, piece = [], b""
    for letter in words:
        more = letter.encode()
        if len(piece) + len(more) > WORD_BYTES:
            pieces.append(piece)
            piece = b""
        piece += more
    return FOLD.join(f"=?utf-8?b?{base64.b64encode(one).decode()}?=" for one in (*pieces, piece))


def body(subtype: str, words: str) -> bytes:
    """A part of text, quoted-printable."""
    lines = b"\n".join(words.encode().splitlines()) + b"\n"
    quoted = binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + quoted


def multipart(subtype: str, parts: Iterable[bytes]) -> bytes:
    """Its own header, then the parts. No part of ours holds the mark between them: quoted, “=_” would stand as “=3D_”."""
    mark = f"=_{secrets.token_hex(16)}"
    head = f'Content-Type: multipart/{subtype}; boundary="{mark}"\r\n\r\n'.encode()
    between = f"\r\n--{mark}".encode()
    return head + b"".join(between[2 * (not place) :] + b"\r\n" + part for place, part in enumerate(parts)) + between + b"--\r\n"  # fmt: skip


def _plain(words: str) -> bool:
    """Whether it says the same when it stands there as it is."""
    return PLAIN.fullmatch(words) is not None and "=?" not in words


def _folded(words: str, first: int) -> str | None:
    """Cut at its spaces into lines; None when that would not give the same words back."""
    if not _plain(words) or "  " in words or words != words.strip():
        return None
    lines, room = [""], first
    for word in words.split(" "):
        if len(word) > room:
            return None
        if len(lines[-1]) + len(word) + 1 > room:
            lines.append("")
            room = LINE_LETTERS
        lines[-1] += (" " if lines[-1] else "") + word
    return FOLD.join(lines)
