"""The parts of a message, however badly they are put together."""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from app.mail.charsets import decode
from app.mail.headers import Headers, split
from app.mail.words import base64_bytes, words

MAX_PARTS = 200
MAX_DEPTH = 20
MAX_STRUCTURED = 8_000
"""Characters of a Content-Type that are looked at."""

_META_CHARSET = re.compile(rb"<meta[^<>]{0,100}\bcharset\s{0,5}=\s{0,5}[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_PARAMETER = re.compile(
    r';\s{0,50}([\w!#$%&+^`{}~.\'*-]{1,60})\s{0,20}=\s{0,20}(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL
)


@dataclass(frozen=True)
class Leaf:
    """A part that holds content: decoded, with what its header says of it."""

    headers: Headers
    type: str
    charset: str
    name: str
    disposition: str
    content: bytes
    parents: tuple[str, ...] = ()
    flowed: bool = False

    @property
    def text(self) -> str:
        charset = self.charset
        if not charset and self.type == "text/html":
            declared = _META_CHARSET.search(self.content[:2_000])
            charset = declared.group(1).decode() if declared else ""
        return decode(self.content, charset)


def leaves(headers: Headers, body: bytes) -> tuple[list[Leaf], bool]:
    """The first 200 parts, to a depth of 20; what is nested deeper is one part. And whether that was not all, or not taken apart."""
    found = list(islice(_walk(headers, body, ()), MAX_PARTS + 1))
    return found[:MAX_PARTS], len(found) > MAX_PARTS or any(len(leaf.parents) >= MAX_DEPTH for leaf in found)


def _walk(headers: Headers, body: bytes, parents: tuple[str, ...]) -> Iterator[Leaf]:
    kind, parameters = structured(headers.get("content-type"))
    kind = kind if "/" in kind else "text/plain"
    if kind.startswith("multipart/") and len(parents) < MAX_DEPTH:
        parts = _split_parts(body, parameters.get("boundary", ""))
        if parts:
            for part in parts:
                yield from _walk(*split(part), (*parents, kind))
            return
        if parents and not body.strip():
            return
        kind = "text/plain" if not parents or b"\x00" not in body[:1000] else "application/octet-stream"
    yield _leaf(headers, body, kind, parameters, parents)


def _split_parts(body: bytes, boundary: str) -> list[bytes]:
    mark = re.escape(boundary.encode("utf-8", "replace")) if boundary else _guessed_boundary(body)
    if not mark:
        return []
    found = list(re.finditer(rb"^--" + mark + rb"(--)?[ \t]{0,50}\r?$", body, re.MULTILINE))[: MAX_PARTS + 2]
    parts = []
    for number, match in enumerate(found):
        if match.group(1):  # more may follow where a nested multipart was given the same boundary
            continue
        end = found[number + 1].start() if number + 1 < len(found) else len(body)
        part = body[match.end() : end].removeprefix(b"\r").removeprefix(b"\n")
        parts.append(part.removesuffix(b"\n").removesuffix(b"\r"))
    return parts


def _guessed_boundary(body: bytes) -> bytes:
    """Some senders forget to say it: then it is the first line that looks like one and is followed by a header."""
    match = re.search(
        rb"^--([^\s-][^\r\n]{2,70}?|-{2,40}[^\r\n-][^\r\n]{2,70}?)[ \t]{0,9}\r?\n(?=content-)",
        body[:100_000],
        re.M | re.I,
    )
    return re.escape(match.group(1)) if match else b""


def _leaf(headers: Headers, body: bytes, kind: str, parameters: dict[str, str], parents: tuple[str, ...]) -> Leaf:
    disposition, more = structured(headers.get("content-disposition"))
    name = more.get("filename") or parameters.get("name") or ""
    return Leaf(
        headers=headers,
        type=kind,
        charset=parameters.get("charset", ""),
        name=file_name(name),
        disposition=disposition,
        content=_decoded(body, headers.get("content-transfer-encoding"), kind),
        parents=parents,
        flowed=parameters.get("format", "").lower() == "flowed",
    )


def file_name(name: str) -> str:
    """A name for people: on one line, without folders, of a bounded length."""
    name = re.split(r"[/\\]", words(name))[-1]
    return "".join(letter for letter in name if letter.isprintable())[:255].strip()


def _decoded(body: bytes, encoding: str, kind: str) -> bytes:
    encoding = encoding.split(";")[0].strip(" \"'").lower()
    if encoding == "base64" and kind != "message/delivery-status":
        return base64_bytes(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return uudecoded(body) or body
    return body


def uudecoded(body: bytes) -> bytes:
    """The file between `begin` and `end`."""
    start = re.search(rb"^begin [0-7]{3,4} [^\r\n]{1,250}\r?\n", body, re.MULTILINE)
    pieces: list[bytes] = []
    for line in body[start.end() :].splitlines() if start else ():
        if line.strip() in (b"end", b"`", b""):
            break
        pieces.append(_uu_line(line))
    return b"".join(pieces)


def _uu_line(line: bytes) -> bytes:
    length = (line[0] - 32) & 63
    digits = [(letter - 32) & 63 for letter in line[1:].ljust((length + 2) // 3 * 4)]
    pieces = bytearray()
    for at in range(0, len(digits) - 3, 4):
        a, b, c, d = digits[at : at + 4]
        pieces += bytes(((a << 2 | b >> 4) & 255, (b << 4 | c >> 2) & 255, (c << 6 | d) & 255))
    return bytes(pieces[:length])


def structured(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=utf-8` as its value and its parameters, with those of RFC 2231 put together."""
    value = value[:MAX_STRUCTURED]
    head, semicolon, rest = value.partition(";")
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, quoted, bare in _PARAMETER.findall(semicolon + rest):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare.strip().strip("\"'")
        base, star, number = name.lower().partition("*")
        if star:
            pieces.setdefault(base, {})[_piece_number(number)] = (text, name.endswith("*"))
        else:
            found.setdefault(base, text)
    for base, numbered in pieces.items():
        found[base] = _put_together([numbered[number] for number in sorted(numbered)])
    return re.sub(r"[\s\"']", "", head).lower(), found


def _piece_number(text: str) -> int:
    digits = text.rstrip("*")
    return int(digits) if digits.isdigit() and len(digits) < 5 else 0


def _put_together(pieces: list[tuple[str, bool]]) -> str:
    """The charset stands before the first piece only; an encoded piece may be cut within a letter."""
    charset, raw = "", b""
    for number, (text, encoded) in enumerate(pieces):
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw += _percent_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode(raw, charset)


def _percent_bytes(text: str) -> bytes:
    return re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes((int(match.group(1), 16),)), text.encode("utf-8", "replace")
    )
