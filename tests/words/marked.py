"""A language made for tests: every message in marks, so that what a page says without them was never given to a translator."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask_appbuilder import __file__ as fab
from wtforms import __file__ as wtforms

from translations import collect

BEGIN, END = "⟦", "⟧"
MARKED = "de"
"""The language whose catalogue the marked one stands in for: dates and numbers follow its rules."""
OFFERED = sorted(collect.languages())
"""Every language of the desk but the one its words are written in."""
SPOKEN = ("title", "placeholder", "aria-label", "alt", "aria-description", "aria-roledescription", "label")
SILENT = {"script", "style", "code", "kbd", "svg", "bdi", "iframe", "textarea"}
"""What stands in them is no sentence of ours, or checked apart: keys, code, times, other people's words."""


def write(folder: Path) -> None:
    """A catalogue of every message that has a translation in each language, Flask-AppBuilder's among them."""
    marked = Catalog(locale=MARKED)
    everywhere = set.intersection(*(_theirs(language) | _ours(language) for language in OFFERED))
    for words in sorted(everywhere, key=str):
        marked.add(words, _in_marks(words))
    target = folder / MARKED / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, marked)


def _theirs(language: str) -> set[str | tuple[str, ...]]:
    """From what gettext reads: not every source of theirs can be read."""
    with (Path(fab).parent / "translations" / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        return {message.id for message in read_mo(file) if message.id and message.string}


def _ours(language: str) -> set[str | tuple[str, ...]]:
    return {
        message.id
        for message in collect.read(language)
        if message.id and all(message.string if isinstance(message.string, tuple) else [message.string])
    }


def _in_marks(words: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return f"{BEGIN}{words}{END}" if isinstance(words, str) else tuple(f"{BEGIN}{one}{END}" for one in words)


class Reader(HTMLParser):
    """Collects what a page says: its texts, and the attributes that are read aloud or shown."""

    VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})  # fmt: skip

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._open: list[str] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        quiet = "data-person" in given or given.get("translate") == "no"
        self._flush()
        self.said += [value for name, value in attrs if value and (name in SPOKEN or name.startswith("data-t-"))]
        if tag == "input" and given.get("type") in ("submit", "button") and given.get("value"):
            self.said.append(str(given["value"]))
        if tag not in self.VOID:
            self._open.append("silent" if quiet else tag)

    def handle_endtag(self, tag: str) -> None:
        self._flush()
        if tag not in self.VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(tag in SILENT or tag == "silent" for tag in self._open):
            self._text += data

    def _flush(self) -> None:
        words = " ".join(self._text.split())
        self._text = ""
        if words:
            self.said.append(words)


def texts(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader.said


def unmarked(page: str) -> Iterator[str]:
    """Each text of the page that holds a word outside the marks."""
    for said in texts(page):
        left = stripped(said)
        if re.search(r"[^\W\d_]{2,}", left):
            yield left.strip()


def stripped(said: str) -> str:
    """Without what stands in marks; marks stand in marks where one message is a value of another."""
    while True:
        without = re.sub(rf"{BEGIN}[^{BEGIN}{END}]*{END}", " ", said)
        if without == said:
            return said
        said = without


def day_words() -> set[str]:
    """Names of days and months: Babel's, not ours."""
    from babel.dates import get_day_names, get_month_names

    found: set[str] = set()
    for width in ("abbreviated", "wide"):
        found |= {str(name) for name in get_day_names(width, locale=MARKED).values()}
        found |= {str(name) for name in get_month_names(width, locale=MARKED).values()}
    return found | {str(dt.UTC)}


def words_of_wtforms() -> set[str]:
    """It has translations of its own."""
    place = Path(wtforms).parent / "locale" / MARKED / "LC_MESSAGES" / "wtforms.po"
    with place.open("rb") as file:
        return {str(message.string) for message in read_po(file) if isinstance(message.string, str) and message.string}
