"""Which files fit a slot, judged by their bytes: a name says nothing."""

from __future__ import annotations

import enum
import io
import zipfile

from flask_babel import lazy_gettext as _l


class Allowed(enum.StrEnum):
    """What a slot takes, judged by a file's bytes."""

    ANY = "any"
    PDF = "pdf"
    IMAGE = "image"
    OFFICE = "office"


TYPE_LABELS = {
    Allowed.ANY: _l("Any file"),
    Allowed.PDF: _l("PDF"),
    Allowed.IMAGE: _l("Image"),
    Allowed.OFFICE: _l("Office document"),
}
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/bmp", "image/heic"})
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How Word, Excel and PowerPoint files of before 2007 begin."""
OFFICE_PARTS = frozenset({"word/document.xml", "xl/workbook.xml", "xl/workbook.bin", "ppt/presentation.xml"})
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


def fits(allowed: Allowed, content: bytes, kind: str) -> bool:
    if allowed is Allowed.PDF:
        return content.startswith(b"%PDF-")
    if allowed is Allowed.IMAGE:
        return kind in IMAGES
    return allowed is Allowed.ANY or _office(content, kind)


def _office(content: bytes, kind: str) -> bool:
    """An archive is looked into: every zip begins alike."""
    if content.startswith(OLD_OFFICE) or kind in ("application/rtf", "text/rtf"):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                return archive.read("mimetype").decode("ascii", "replace").startswith(OPEN_DOCUMENT)
            return not OFFICE_PARTS.isdisjoint(names)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return False
