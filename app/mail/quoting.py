"""What the sender newly wrote: without the history that mail programs quote below, and without the signature.

Rules in the order of their certainty: our own delimiter, the containers that mail programs mark, lines that announce
a quote. A forward is what its sender wants to show, so it stays. When in doubt, words stay.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.core.shipped import N_
from app.mail.attribution import (
    MAX_LINE,
    attribution_end,
    attribution_within,
    forward_follows,
    header_block_end,
    original_follows,
    reply_ends_above,
    says_wrote,
)
from app.mail.quotedhtml import PICTURE, Line, lines_of, without_lines
from app.mail.signatures import without_signature

DELIMITER = N_("##- Please type your reply above this line -##")
"""Its translations begin with the same mark."""
DELIMITER_MARK = "##-"
MAX_HTML = 5_000_000
MAX_LINES = 5_000
"""Lines that are looked at; what follows stays as it is."""
WRAPPED_FROM = 60
"""A quoted line of this length may go on, broken by a mail program, in the next line without its mark."""

_QUOTE_MARK = re.compile(r"^[ \t\xa0]{0,3}(?:(?:>|&gt;)[ \t\xa0]?)+")
_PIPE_MARK = re.compile(r"^[ \t]{0,3}\|(?:[ \t]|$)")
_LINK_ONLY = re.compile(r"^\W{0,10}(?:https?|mailto):[^\s]{1,2000}[\s>)]{0,10}$")
_LETTER = re.compile(r"[^\W\d_]")
_FENCE = re.compile(r"^\s{0,3}```")


def visible(text: str, html: str) -> str:
    """What the sender newly wrote, as text: from the plain form, unless only the HTML says what is history."""
    return _words(line for _, line in _unsigned(*_chosen(text, html)))


class Hidden(NamedTuple):
    """What `visible` leaves out, as text."""

    history: str
    signature: str


def hidden(text: str, html: str) -> Hidden:
    reading, sign_offs = _chosen(text, html)
    shown = {number for number, _ in _unsigned(reading, sign_offs)}
    new = {number for part in reading.parts for number, _ in part}
    signed = new | {number for number, line in enumerate(reading.lines) if line.signature}
    left = [(number, line.raw) for number, line in enumerate(reading.lines) if number not in shown]
    return Hidden(
        _words(line for number, line in left if number not in signed),
        _words(line for number, line in left if number in signed),
    )


def _words(lines: Iterable[str]) -> str:
    return "\n".join(lines).replace(PICTURE, "").strip("\n").rstrip()


def _chosen(text: str, html: str) -> tuple["_Reading", bool]:
    """The form that tells more of what is history, and whether a farewell may be taken for a signature in it."""
    reading = _Reading(_text_lines(text))
    if html.strip() and not reading.history:
        marked = _Reading(lines_of(html[:MAX_HTML]))
        if marked.history or not text.strip():
            return marked, False
    return reading, True


def visible_html(html: str) -> str:
    """What the sender newly wrote, as HTML: not yet cleaned."""
    lines = lines_of(html[:MAX_HTML])
    kept = {number for number, _ in _unsigned(_Reading(lines), sign_offs=False)}
    return without_lines(html[:MAX_HTML], lines, kept)


def _text_lines(text: str) -> list[Line]:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return [_text_line(line) for line in plain.split("\n", MAX_LINES)]


def _text_line(line: str) -> Line:
    mark = _QUOTE_MARK.match(line[:200])
    return Line(line[mark.end() :] if mark else line, raw=line, quoted=mark is not None)


def _unsigned(reading: "_Reading", sign_offs: bool) -> list[tuple[int, str]]:
    """The numbers and words of the lines that stay, without the signature."""
    if not reading.words:
        return [] if reading.introduced else [(number, line.raw) for number, line in enumerate(reading.lines)]
    kept: list[tuple[int, str]] = []
    ends = None if reading.cut else reading.parts[-1]
    for part in reading.parts:
        texts = [text for _, text in part]
        kept += part[: without_signature(texts, first_words=not kept, sign_offs=sign_offs, dashes=part is ends)]
    return kept


class _Reading:
    """One pass over the lines of a message, which sorts them into what stays and what is history."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.texts = [line.text for line in lines]
        self.parts: list[list[tuple[int, str]]] = [[]]
        self.words = False
        self.introduced = self.cut = False
        """Whether a line announced a quote: a quote without such a line may be what the sender cites."""
        self._read()

    @property
    def history(self) -> bool:
        """Whether any was found."""
        return self.introduced or self.cut or any(line.quoted or line.signature for line in self.lines)

    def _read(self) -> None:
        at, fenced = 0, False
        while at < len(self.lines):
            if not self.lines[at].quoted and _FENCE.match(self.texts[at][:20]):
                fenced = not fenced and any(_FENCE.match(text[:20]) for text in self.texts[at + 1 : at + 500])
            at = self._keep(at, at + 1) if fenced or at > MAX_LINES else self._judge(at)

    def _judge(self, at: int) -> int:
        """Sorts line `at` and says which line is next."""
        line, text = self.lines[at], self.texts[at]
        if line.signature:
            return at + 1
        if _LETTER.search(text[:MAX_LINE]) and forward_follows(text) and not (line.quoted and self._inside_quote(at)):
            return self._keep(at, len(self.lines))
        if line.quoted:
            return self._quote(at)
        ends = line.begins_history or text.lstrip()[:3] == DELIMITER_MARK or reply_ends_above(text)
        if ends and self.words:
            return self._end()
        return self._unmarked(at) if _LETTER.search(text[:MAX_LINE]) else self._keep(at, at + 1)

    def _unmarked(self, at: int) -> int:
        split = attribution_within(self.texts[at])
        if split is not None:
            return self._sharing_a_line(at, split)
        announced = attribution_end(self.texts, at)
        if announced is None and self._quoted_at(at + 1) and says_wrote(self.texts[at]):
            announced = at + 1
        if announced is not None:
            return self._announced(announced)
        history = self._copied_header_end(at)
        return self._keep(at, at + 1) if history is None else self._history(at, history)

    def _keep(self, start: int, stop: int) -> int:
        for number in range(start, stop):
            self.parts[-1].append((number, self.lines[number].raw))
            self.words = self.words or bool(self.texts[number].strip())
        return stop

    def _end(self) -> int:
        self.cut = True
        return len(self.lines)

    def _next_words(self, at: int) -> int:
        while at < len(self.lines) and not self.texts[at].strip() and not self.lines[at].quoted:
            at += 1
        return at

    def _quoted_at(self, at: int) -> bool:
        return at < len(self.lines) and (self.lines[at].quoted or _PIPE_MARK.match(self.texts[at][:10]) is not None)

    def _announced(self, below: int) -> int:
        """After an attribution: a marked quote, or everything below; but whoever wrote nothing above writes below."""
        self.introduced = True
        at = self._next_words(below)
        if self._quoted_at(at):
            return self._skip_quote(at)
        return self._end() if self.words else below

    def _copied_header_end(self, at: int) -> int | None:
        return at + 1 if original_follows(self.texts[at]) else header_block_end(self.texts, at)

    def _history(self, start: int, below: int) -> int:
        if not self.words:
            return self._keep(start, below)
        self.introduced = True
        at = self._next_words(below)
        return self._skip_quote(at) if self._quoted_at(at) else self._end()

    def _sharing_a_line(self, at: int, split: int) -> int:
        self.parts[-1].append((at, self.texts[at][:split]))
        self.words = True
        return self._announced(at + 1)

    def _quote(self, at: int) -> int:
        """A quote that nothing announced: above or between the sender's own words it is what the sender cites."""
        end = self._quote_end(at)
        if attribution_end(self.texts, at) is not None or self.texts[at] == self.lines[at].raw:
            self.introduced = True
        if self.introduced or self._next_words(end) >= len(self.lines):
            return self._skip_quote(at)
        return self._keep(at, end)

    def _skip_quote(self, at: int) -> int:
        if self.parts[-1]:
            self.parts.append([])
        return self._quote_end(at)

    def _inside_quote(self, at: int) -> bool:
        return at > 0 and (self.lines[at - 1].quoted or self.introduced)

    def _quote_end(self, at: int) -> int:
        while at < len(self.lines) and (self._quoted_at(at) or self._wrapped(at)):
            at += 1
        return at

    def _wrapped(self, at: int) -> bool:
        """Whether this line without a mark is the broken end of the quoted line above."""
        if at == 0 or at + 1 >= len(self.lines) or not self.texts[at].strip() or not self.lines[at + 1].quoted:
            return False
        return len(self.lines[at - 1].raw) >= WRAPPED_FROM or _LINK_ONLY.match(self.texts[at][:2100]) is not None
