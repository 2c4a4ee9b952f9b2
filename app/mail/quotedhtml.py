"""HTML mail as lines, each with what the sender's mail program marked it as."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum

from app.core import markup
from app.core.markup import Kind, Token
from app.mail.phrases import phrases

MAX_TOKENS = 30_000
"""Tags and texts that are read with care; what follows is one line."""
MAX_NESTING = 1_000
"""Deeper containers are read as if they were not there."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message. `raw` is as written, `text` without the mark of a quote; the places are in the HTML."""

    text: str
    raw: str
    quoted: bool = False
    begins_history: bool = False
    signature: bool = False
    plain_quote: int = 0
    start: int = 0
    end: int = 0


class Role(Enum):
    """What a container is for."""

    NONE = "none"
    QUOTE = "quote"
    PLAIN_QUOTE = "plain quote"
    SIGNATURE = "signature"


_QUOTES = frozenset(
    phrases("""
    gmail_quote | gmail_quote_container | gmail_attr | yahoo_quoted | protonmail_quote | tutanota_quote
    moz-cite-prefix | zmail_extra | olk_src_body_section | outlookmessageheader | mailbird_quote
    front-blockquote | front-quote | hey_quote | missive_quote | cm_quote | airmail_ext_quote | spark_quote
    nylas-quote | isreplycontent | quotedreply | bloop_original_html | messagereplysection
    ms-outlook-mobile-reference-message | mail-editor-reference-message-container | __quoted_text__
    k9mail-quote
""")
)
"""Names of the elements in which mail programs put the history."""
_HISTORY = frozenset(
    phrases("""
    divrplyfwdmsg | appendonsend | stopspelling | reply-intro | zwchr | replysplit
""")
)
"""Names of the elements below which all is history."""
_SIGNATURES = frozenset(
    phrases("""
    gmail_signature | gmail_signature_prefix | moz-signature | applemailsignature
    ms-outlook-mobile-signature | signature | protonmail_signature_block | ymail_android_signature
    yahoo-signature | ydp-signature | tutanota_signature | bloop_sign | mailbird_signature | front-signature
    email-signature | messagesignaturesection | __sig_pre__ | composer_signature
""")
)
_PREFIXES = re.compile(r"^(?:x_|ecx)+")
"""What Outlook and Hotmail put before the names in a message that they pass on."""
_NUMBER = re.compile(r"_?\d+$")
_OUTLOOK_RULER = re.compile(r"border\s?:\s?none\s?;\s?border-top\s?:\s?solid #(?:B5C4DF|E1E1E1)", re.I)
_BLOCKS = frozenset(
    phrases("""
    address | article | aside | blockquote | body | br | center | dd | div | dl | dt | fieldset | figure
    footer | form | h1 | h2 | h3 | h4 | h5 | h6 | head | header | hr | html | li | main | nav | ol | p | pre
    section | table | tbody | td | tfoot | th | thead | title | tr | ul
""")
)
_SPACES = re.compile(r"[ \t\r\n\f\xa0\u200b\ufeff]+")
_FRAME = re.compile(r"<(?!img|hr)/?[a-z][^<>]{0,2000}>", re.IGNORECASE)
PICTURE = "\ufffc"
_FRAME = re.compile(r"<(?!img|hr)/?[a-z][^<>]{0,2000}>", re.IGNORECASE)
PICTURE = "\ufffc"
RULER = "_" * 32


def lines_of(html: str) -> list[Line]:
    """The lines that a reader of this HTML sees."""
    page = _Page(html)
    for number, token in enumerate(markup.tokens(html)):
        if number > MAX_TOKENS:
            return [*_only_last_plain_quote(page.finished(token.start)), _rest(html, token.start)]
        page.read(token)
    return _only_last_plain_quote(page.finished(len(html)))


def _rest(html: str, start: int) -> Line:
    words = " ".join(markup.without_tags(html[start:]).split())
    return Line(words, words, start=start, end=len(html))


class _Page:
    def __init__(self, html: str) -> None:
        self.html = html
        self.lines: list[Line] = []
        self._open: list[tuple[str, Role]] = []
        self._counts = dict.fromkeys(Role, 0)
        self._words: list[str] = []
        self._start = self._end = 0
        self._begins_history = False
        self._plain_quotes = 0

    def read(self, token: Token) -> None:
        if token.kind is Kind.TEXT:
            self._say(markup.unescape(self.html[token.start : token.end]), token)
            return
        if token.name == "img":
            self._say(PICTURE, token)
        if token.name in _BLOCKS:
            self._break(token)
        if token.kind is Kind.OPEN:
            self._enter(token)
        else:
            self._leave(token)

    def _say(self, words: str, token: Token) -> None:
        if not self._words:
            self._start = token.start
        self._words.append(words)
        self._end = token.end

    def _break(self, token: Token) -> None:
        words = _SPACES.sub(" ", "".join(self._words)).strip()
        if words or token.name in ("br", "p"):
            self._add(words, self._start if self._words else token.start, self._end if self._words else token.start)
        self._words = []
        if token.name == "hr":
            self._add(RULER, token.start, token.end)

    def _add(self, words: str, start: int, end: int) -> None:
        quoted, plain = self._counts[Role.QUOTE] > 0, self._counts[Role.PLAIN_QUOTE] > 0
        self.lines.append(
            Line(
                words, words, quoted, self._begins_history, self._counts[Role.SIGNATURE] > 0,
                self._plain_quotes if plain else 0, start, end,
            )
        )  # fmt: skip
        self._begins_history = False

    def _enter(self, token: Token) -> None:
        marks = markup.attributes(self.html, token) if token.end - token.start > len(token.name) + 2 else {}
        names = _names(marks)
        if names & _HISTORY or _OUTLOOK_RULER.search(marks.get("style", "")[:300]):
            self._begins_history = True
        if token.name in markup.VOID or token.name in markup.SELF_CLOSING or len(self._open) >= MAX_NESTING:
            return
        role = _role(token.name, names, marks)
        if role is Role.PLAIN_QUOTE and not self._counts[role]:
            self._plain_quotes += 1
        self._open.append((token.name, role))
        self._counts[role] += 1

    def _leave(self, token: Token) -> None:
        for depth in range(len(self._open) - 1, max(-1, len(self._open) - 20), -1):
            if self._open[depth][0] == token.name:
                for _, role in self._open[depth:]:
                    self._counts[role] -= 1
                del self._open[depth:]
                return

    def finished(self, end: int) -> list[Line]:
        self._break(Token(Kind.CLOSE, "body", end, end))
        return self.lines


def _names(marks: dict[str, str]) -> frozenset[str]:
    """What an element calls itself, as lower-case words."""
    called = " ".join(marks.get(mark, "")[:300] for mark in ("id", "class", "data-smartmail", "data-marker"))
    named = f"name={marks['name'][:50]}" if "name" in marks else ""
    return frozenset(_NUMBER.sub("", _PREFIXES.sub("", name)) for name in f"{called} {named}".lower().split())


def _role(name: str, names: frozenset[str], marks: dict[str, str]) -> Role:
    cited = name == "blockquote" and (marks.get("type") == "cite" or "cite" in marks)
    if cited or names & _QUOTES or names & {"name=quote", "name=messagereplysection"}:
        return Role.QUOTE
    if name == "blockquote":
        return Role.PLAIN_QUOTE
    signed = names & _SIGNATURES or "name=messagesignaturesection" in names
    return Role.SIGNATURE if signed else Role.NONE


def _only_last_plain_quote(lines: Sequence[Line]) -> list[Line]:
    """A quote without any program's mark: only the last can be the history, those before are the sender's own."""
    last = max((line.plain_quote for line in lines), default=0)
    return [replace(line, quoted=True) if last and line.plain_quote == last else line for line in lines]


def without_lines(html: str, lines: Sequence[Line], kept: Set[int]) -> str:
    """The HTML without the words and pictures of the lines that are not kept; the sanitiser closes what stays open."""
    pieces, at = [], 0
    for start, end in _hidden(lines, kept):
        pieces += [html[at:start], _tags_only(html[start:end])]
        at = end
    return "".join(pieces) + html[at:]


def _hidden(lines: Sequence[Line], kept: Set[int]) -> list[tuple[int, int]]:
    """The stretches of HTML with hidden lines only."""
    stretches: list[tuple[int, int]] = []
    goes_on = False
    for number, line in enumerate(lines):
        if number not in kept:
            start = stretches.pop()[0] if goes_on else line.start
            stretches.append((start, max(line.end, start)))
        goes_on = number not in kept
    return stretches


def _tags_only(html: str) -> str:
    return "".join(_FRAME.findall(html))
