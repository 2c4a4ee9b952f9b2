"""What a message holds: its text, its HTML and the files that came along."""

import mimetypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.html import from_text, text_of
from app.mail import tnef
from app.mail.headers import Headers, split
from app.mail.mime import MAX_PARTS, Leaf, file_name, uudecoded

_ATTACHED_MAIL = frozenset({"message/rfc822", "message/global"})
_UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\r\n]{1,250})\r?\n(?=[ -`]{2,70}\r?\n)", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A file that came along."""

    name: str
    type: str
    content: bytes
    content_id: str
    inline: bool


def opened(parts: Sequence[Leaf]) -> list[Leaf]:
    """Outlook's envelopes replaced by what they hold."""
    found: list[Leaf] = []
    for leaf in parts:
        envelope = tnef.opened(leaf.content) if tnef.is_envelope(leaf.type, leaf.name) else None
        found += _from_envelope(leaf, envelope) if envelope else [leaf]
    return found[:MAX_PARTS]


def _from_envelope(leaf: Leaf, envelope: tnef.Envelope) -> list[Leaf]:
    bodies = [
        (kind, body) for kind, body in (("text/plain", envelope.text), ("text/html", envelope.html)) if body.strip()
    ]
    return [
        *(
            Leaf(
                Headers(),
                kind,
                "utf-8",
                "",
                "",
                body.encode(),
                (*leaf.parents, "application/ms-tnef", "multipart/alternative"),
            )
            for kind, body in bodies
        ),
        *(
            Leaf(Headers(), _type_of(name), "", file_name(name) or "attachment", "attachment", content, leaf.parents)
            for name, content in envelope.files
        ),
    ]


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@dataclass
class _Body:
    """The texts and the HTML of a message while its parts are read."""

    texts: list[str]
    htmls: list[str]

    def add(self, leaf: Leaf) -> list[Part]:
        """Takes a body part in. What stands beside an alternative belongs to both of its forms."""
        in_both = "multipart/alternative" not in leaf.parents
        if leaf.type == "text/html":
            self.htmls.append(leaf.text)
            if in_both and self.texts:
                self.texts.append(text_of(leaf.text))
            return []
        text, files = _without_uuencoded(_unflowed(leaf.text) if leaf.flowed else leaf.text)
        self.texts.append(text)
        if in_both and self.htmls:
            self.htmls.append(from_text(text))
        return files


def contents(parts: Iterable[Leaf]) -> tuple[str, str, tuple[Part, ...]]:
    body, files = _Body([], []), list[Part]()
    from_envelope: list[Leaf] = []
    for leaf in parts:
        if not _is_body(leaf):
            files.append(_part(leaf, len(files) + 1))
        elif "application/ms-tnef" in leaf.parents:
            from_envelope.append(leaf)
        else:
            files += body.add(leaf)
    if not any(text.strip() for text in (*body.texts, *body.htmls)):
        for leaf in from_envelope:
            files += body.add(leaf)
    joined = "\n".join(body.texts).replace("\r\n", "\n").replace("\x00", "")
    return joined, "\n".join(body.htmls).replace("\x00", ""), tuple(files)


def _is_body(leaf: Leaf) -> bool:
    if (
        leaf.type not in ("text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html")
        or leaf.disposition == "attachment"
    ):
        return False
    return not leaf.name or leaf.parents[-1:] == ("multipart/alternative",)


def _part(leaf: Leaf, number: int) -> Part:
    content_id = leaf.headers.get("content-id").strip(" <>")[:255]
    inline = leaf.disposition == "inline" or (bool(content_id) and leaf.disposition != "attachment")
    return Part(leaf.name or _invented_name(leaf, number), leaf.type, leaf.content, content_id, inline)


def _invented_name(leaf: Leaf, number: int) -> str:
    if leaf.type in _ATTACHED_MAIL:
        attached, _body = split(leaf.content)
        return f"{file_name(attached.text('subject'))[:200] or 'message'}.eml"
    ending = mimetypes.guess_extension(leaf.type) or (".txt" if leaf.type.startswith(("text/", "message/")) else ".bin")
    return f"{leaf.type.partition('/')[0]}-{number}{ending}"


def _without_uuencoded(text: str) -> tuple[str, list[Part]]:
    """Text with files written into it, as before MIME."""
    pieces, files, at = list[str](), list[Part](), 0
    for match in _UUENCODED.finditer(text):
        end = text.find("\nend", match.end()) if match.start() >= at else -1
        if match.start() >= at and end < 0:
            break
        if match.start() < at or len(files) >= MAX_PARTS:
            continue
        name = file_name(match.group(1)) or "attachment"
        content = uudecoded(text[match.start() : end].encode("ascii", "replace"))
        files.append(Part(name, _type_of(name), content, "", False))
        pieces.append(text[at : match.start()])
        at = end + len("\nend")
    return "".join(pieces) + text[at:], files


def _unflowed(text: str) -> str:
    """Lines that end with a space go on in the next one of the same quote (RFC 3676)."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        words_of_line = line.lstrip(">")
        depth = len(line) - len(words_of_line)
        words_of_line = words_of_line.removeprefix(" ")
        if depth == open_depth and words_of_line != "-- ":
            lines[-1].append(words_of_line)
        else:
            lines.append([">" * depth + (" " if depth else ""), words_of_line])
        open_depth = depth if words_of_line.endswith(" ") and words_of_line != "-- " else -1
    return "\n".join("".join(line) for line in lines)
