"""winmail.dat: the envelope in which Outlook puts attachments when it believes that everybody has Outlook."""

import logging
from dataclasses import dataclass

from tnefparse import TNEF

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Envelope:
    """What an envelope holds."""

    files: tuple[tuple[str, bytes], ...]
    text: str
    html: str


def opened(raw: bytes) -> Envelope | None:
    """The files and bodies inside; None for what cannot be opened, which then stays an attachment itself."""
    try:
        envelope = TNEF(raw, do_checksum=False)
        files = tuple((_name(file), bytes(file.data or b"")) for file in envelope.attachments)
        return Envelope(files, _text(envelope.body), _text(envelope.htmlbody))
    except Exception:  # a parser of a binary format fails in any way; the file itself is kept
        log.warning("a winmail.dat of %d bytes could not be opened", len(raw))
        return None


def _name(file: object) -> str:
    long_name = getattr(file, "long_filename", None)
    name = long_name() if callable(long_name) else None
    return _text(name or getattr(file, "name", "") or "")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\x00")
    return value.strip("\x00") if isinstance(value, str) else ""


def is_envelope(kind: str, name: str) -> bool:
    """Whether a part is such an envelope."""
    return kind in ("application/ms-tnef", "application/vnd.ms-tnef") or name.lower() == "winmail.dat"
