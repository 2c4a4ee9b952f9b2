"""Reading HTML as a row of tags and texts, in time that grows only with its length.

A parser that builds a tree can be held for minutes by a megabyte of nested tags. This one keeps no tree: it is the
guard in front of the sanitiser, and enough to find readable text and quoted parts.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a stretch of markup is."""

    TEXT = "text"
    OPEN = "open"
    CLOSE = "close"


class Token(NamedTuple):
    """One tag or one text, by its place in the source; comments and scripts are left out."""

    kind: Kind
    name: str
    start: int
    end: int


def names(text: str) -> frozenset[str]:
    """The names in a row of them."""
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta param source track wbr")
SILENT = names("script style title noscript template iframe object textarea xmp noembed noframes")
"""Elements whose content is not for readers; it runs to the matching end tag, whatever stands between."""
SELF_CLOSING = names("p li td th tr dd dt option thead tbody tfoot colgroup")
"""Elements that people leave open and browsers close by themselves: they do not nest."""

MAX_DEPTH = 1_000
"""A correspondence of years nests some hundred divisions."""
MAX_TAG_LENGTH = 8_000
"""Characters outside of quotes: a tag with thousands of attributes costs the sanitiser their square."""
MAX_TAGS = 50_000
MAX_ENTITIES = 50_000
MAX_REOPENED = 300_000
"""Open formatting elements are opened again in each following paragraph: elements made, not elements written."""
FORMATTING = names("a b big code em font i nobr s small strike strong tt u")

_MARK = re.compile(r"<(?=[A-Za-z/!?])")
_NAME = re.compile(r"[A-Za-z][^\s/><]{0,40}")
_TO_QUOTE_OR_END = re.compile(r"[^\"'>]*")
_END_TAGS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in SILENT}
_ANY_TAG = re.compile(r"<[A-Za-z/!?][^<>]{0,2000}>")
_ATTRIBUTE = re.compile(
    r"""([A-Za-z][\w:.-]{0,60})\s{0,20}=\s{0,20}(?:"([^"]{0,4000})"|'([^']{0,4000})'|([^\s"'>]{1,4000}))"""
)


class _Source:
    """The markup, and which closing marks do not come any more: looking for them again would be quadratic."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self._gone: set[str] = set()

    def find(self, mark: str, start: int) -> int:
        at = -1 if mark in self._gone else self.markup.find(mark, start)
        if at < 0:
            self._gone.add(mark)
        return at

    def end_of_silence(self, name: str, start: int) -> int:
        """Where the end tag of a script or style begins; the end of the markup when it never comes."""
        found = None if name in self._gone else _END_TAGS[name].search(self.markup, start)
        if found is None:
            self._gone.add(name)
            return len(self.markup)
        return found.start()

    def end_of_tag(self, start: int) -> tuple[int, int]:
        """Just after the tag's `>`, and how many of its characters stand outside of quoted values."""
        at, bare = start, 0
        while True:
            stop = _TO_QUOTE_OR_END.match(self.markup, at).end()  # type: ignore[union-attr]  # `*` always matches
            bare += stop - at + 1
            if stop >= len(self.markup):
                return stop, bare
            mark = self.markup[stop]
            if mark == ">":
                return stop + 1, bare
            opens_a_value = self.markup[max(start, stop - 20) : stop].rstrip().endswith("=")
            closing = self.find(mark, stop + 1) if opens_a_value else -1
            at = (closing if closing >= 0 else stop) + 1

    def end_of_comment(self, start: int) -> int:
        if self.markup.startswith("<!--", start):
            end = self.find("-->", start + 2)
            if end >= 0:
                return end + 3
        end = self.find(">", start)
        return end + 1 if end >= 0 else len(self.markup)


def tokens(markup: str) -> Iterator[Token]:
    """The tags and texts of `markup` in their order."""
    source, at = _Source(markup), 0
    while at < len(markup):
        mark = _MARK.search(markup, at)
        start = mark.start() if mark else len(markup)
        if start > at:
            yield Token(Kind.TEXT, "", at, start)
        if mark is None:
            return
        token = _tag_at(source, start)
        if token is None:
            at = source.end_of_comment(start)
        else:
            yield token
            at = token.end
            if token.kind is Kind.OPEN and token.name in SILENT:
                at = source.end_of_silence(token.name, at)


def _tag_at(source: _Source, at: int) -> Token | None:
    closing = source.markup.startswith("/", at + 1)
    name = _NAME.match(source.markup, at + 2 if closing else at + 1)
    if name is None:
        return None
    end, _ = source.end_of_tag(name.end())
    return Token(Kind.CLOSE if closing else Kind.OPEN, name.group().lower(), at, end)


def hostile(markup: str) -> bool:
    """Whether a tree of this would cost far more than its length: nested too deep, monstrous or too many tags."""
    if markup.count("&") > MAX_ENTITIES:
        return True
    source, weight = _Source(markup), _Weight()
    for token in tokens(markup):
        if token.end - token.start > MAX_TAG_LENGTH and token.kind is not Kind.TEXT:
            if source.end_of_tag(token.start + 1)[1] > MAX_TAG_LENGTH:
                return True
        if weight.exceeded_by(token):
            return True
    return False


class _Weight:
    """What the tags so far would cost a parser that builds a tree, guessed from counters alone."""

    def __init__(self) -> None:
        self.open = Counter[str]()
        self.depth = self.formatting = self.tags = self.reopened = 0

    def exceeded_by(self, token: Token) -> bool:
        if token.kind is Kind.TEXT:
            return False
        self.tags += 1
        self.reopened += self.formatting
        if token.kind is Kind.OPEN and token.name not in VOID and token.name not in SELF_CLOSING:
            self._step(token.name, 1)
        elif token.kind is Kind.CLOSE and self.open[token.name] > 0:
            self._step(token.name, -1)
        return self.depth > MAX_DEPTH or self.tags > MAX_TAGS or self.reopened > MAX_REOPENED

    def _step(self, name: str, by: int) -> None:
        self.open[name] += by
        self.depth += by
        if name in FORMATTING:
            self.formatting += by


def attributes(markup: str, token: Token) -> dict[str, str]:
    """The attributes of a tag; the first of a name counts, as in browsers."""
    found: dict[str, str] = {}
    start = token.start + 1 + len(token.name)
    for name, double, single, bare in _ATTRIBUTE.findall(markup, start, min(token.end, start + 20_000)):
        found.setdefault(name.lower(), unescape(double or single or bare))
    return found


def unescape(text: str) -> str:
    """Entities as characters. The standard library refuses numbers of over 4,300 digits with an error."""
    if "&" not in text:
        return text
    try:
        return html.unescape(text)
    except ValueError:
        return text


def without_tags(markup: str) -> str:
    """The words of markup that is too long to be read with care."""
    return unescape(_ANY_TAG.sub(" ", markup))
