"""Bytes from mail as text: by the charset they claim, by the one they look like, and never with an error."""

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE_BYTES = 4_096
"""Guessing costs much; the beginning of a text says enough."""

_ALIASES = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "ansi_x3.110-1983": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ansi": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "_iso-2022-jp$esc": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "unicode": "utf-8",
    "cp-850": "cp850",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "koi8": "koi8-r",
    "win-1251": "cp1251",
    "win1251": "cp1251",
}
_SIBLINGS = {"iso2022_jp_ext": ("cp932", "euc_jp"), "cp932": ("euc_jp",), "euc_jp": ("cp932",), "gb18030": ("big5",)}
"""What is written by those who name the one and mean the other."""
_JIS_STRETCH = re.compile(rb"\x1b\$[@B]([^\x1b]*)(?:\x1b\([BJ]|$)")
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Codecs of Python that turn bytes into text but that no mail is written in; some take quadratic time."""
_HALF_LETTER = re.compile("[\ud800-\udfff]")
_ODD = re.compile(r"[^a-z0-9_.:$-]")


def decode(raw: bytes, charset: str = "") -> str:
    """`raw` as text. A charset that is missing, unknown or untrue is replaced by the one the bytes look like.

    The text can be stored and sent again: it has no NUL, and no half of a letter (UTF-7 may bring one).
    """
    text = _decoded(raw, charset).lstrip("\ufeff").replace("\x00", "")
    return text.encode("utf-8", "replace").decode() if _HALF_LETTER.search(text) else text


def _decoded(raw: bytes, charset: str) -> str:
    codec = _codec(charset)
    if codec == "iso2022_jp_ext" and b"\x1b$" in raw:
        return (
            _JIS_STRETCH.sub(_shifted, raw).decode("cp932", "replace")
            if _japanese_extra(raw)
            else raw.decode(codec, "replace")
        )
    for candidate in (codec, "utf-8", *_SIBLINGS.get(codec or "", ())):
        if candidate:
            try:
                return raw.decode(candidate)
            except (UnicodeError, ValueError):
                continue
    if codec and codec != "utf-8":
        return raw.decode(codec, "replace")
    return raw.decode(_looks_like(raw), "replace")


def _japanese_extra(raw: bytes) -> bool:
    """Whether it has the letters that vendors added to JIS, such as circled numbers, which Python's codec refuses."""
    try:
        raw.decode("iso2022_jp_ext")
    except UnicodeError:
        return True
    return False


def _shifted(stretch: re.Match[bytes]) -> bytes:
    """Two-byte JIS as Shift-JIS, whose codec knows the vendors' letters."""
    letters = bytearray()
    pairs = stretch.group(1)
    for row, cell in zip(pairs[::2], pairs[1::2], strict=False):
        upper = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        lower = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
        letters += bytes((upper & 255, lower & 255))
    return bytes(letters)


def _codec(charset: str) -> str | None:
    name = _ODD.sub("", charset.strip(" \"'").lower()[:40])
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name) if name else None
    except (LookupError, ValueError):
        return None
    if found is None or found.name in _NO_CHARSETS or not getattr(found, "_is_text_encoding", True):
        return None
    return found.name


def _looks_like(raw: bytes) -> str:
    """Mostly UTF-8 with a broken letter is UTF-8; else what the letters' frequency says; else Western."""
    sample = raw[:SAMPLE_BYTES]
    lossy = sample.decode("utf-8", "replace")
    if lossy.count("\ufffd") * 10 < sum(1 for letter in lossy if ord(letter) > 127):
        return "utf-8"
    best = from_bytes(sample).best() if len(sample) >= 32 else None
    return best.encoding if best is not None and _codec(best.encoding) else "cp1252"
