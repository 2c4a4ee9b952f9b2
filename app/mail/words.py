"""Words in a header that are written in other letters than ASCII (RFC 2047), and the base64 that they come in."""

import base64
import binascii
import quopri
import re

from app.mail.charsets import decode

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,20000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]{1,200}(?==\?[^?\s]{1,60}\?[bBqQ]\?)")


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
