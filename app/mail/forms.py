"""What the forms of the mail lab send, as values."""

from __future__ import annotations

import base64
import binascii

from flask import Request
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.mail.incoming import MOST_BYTES
from app.mail.letterbox import MOST_BYTES as MOST_FILE_BYTES
from app.mail.letterbox import MOST_FILES, Letter

MOST_KEPT = 2_800_000
"""Bytes of a message that a page carries to its own next step: what is only looked at is stored nowhere else."""


def letter(request: Request) -> Letter:
    form = request.form
    files = [file for file in request.files.getlist("files") if file.filename][: MOST_FILES + 1]
    return Letter(
        form.get("sender", ""),
        form.get("name", ""),
        form.get("to", ""),
        form.get("cc", ""),
        form.get("subject", ""),
        form.get("text", ""),
        form.get("html", ""),
        tuple((file.filename or "", file.mimetype or "", file.read(MOST_FILE_BYTES + 1)) for file in files),
        quoting="plain" not in form,
    )


def message(request: Request) -> bytes:
    """A file that was dropped, or text that was pasted. Raises Invalid."""
    file, pasted = request.files.get("eml"), request.form.get("pasted", "")
    raw = file.read(MOST_BYTES + 1) if file else b""
    raw = raw or pasted.lstrip().encode("utf-8", "replace")
    if not raw:
        raise Invalid(_("There is nothing to look at yet."), {"eml": _("Please choose a file that ends in .eml, or paste a message.")})  # fmt: skip
    if len(raw) > MOST_BYTES:
        raise Invalid(_("This message is larger than 25 MB."), {"eml": _("This message is larger than 25 MB.")})
    return raw


def carried(raw: bytes) -> str:
    """For a hidden field; empty when it is too large for one."""
    return base64.b64encode(raw).decode() if len(raw) <= MOST_KEPT else ""


def brought_back(request: Request) -> bytes:
    try:
        raw = base64.b64decode(request.form.get("kept", ""), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        sentence = _("This message got lost on its way. Please choose it once more.")
        raise Invalid(sentence, {"eml": sentence})
    return raw
