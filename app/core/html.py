"""HTML that may be shown: what people wrote, without what could act on the one who reads it."""

import html
import re
from collections.abc import Sequence
from functools import partial

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.core import markup
from app.core.markup import names

MAX_HTML_LENGTH = 2_000_000
MAX_MARKDOWN_LENGTH = 100_000

TAGS = names(
    """
    a abbr b blockquote br caption center cite code col colgroup dd del details div dl dt em figcaption figure font
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup table
    tbody td tfoot th thead tr tt u ul var wbr
    """
)
UNREAD = names(
    """
    script style title noscript template svg math iframe object embed textarea select button xmp
    """
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "data-src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
}
LINKS = ("http://", "https://", "mailto:", "tel:")
REMOTE_IMAGES = ("http://", "https://")

_BLOCKS = names(
    """
    address article aside body caption center dd div dl dt fieldset figure footer form header hr html li main nav
    section tbody tfoot thead tr
    """
)
_PARAGRAPHS = names("blockquote h1 h2 h3 h4 h5 h6 ol p pre table ul")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_IMAGE = re.compile(r'<img(?: [a-z-]+="[^"]*")*')
_LINK = re.compile(
    r"(?<![\w.+@-])(?:https?://|mailto:)[^\s<>\"']{1,2000}|(?<![\w.+@/-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-zA-Z]{2,24}\b",
    re.I,
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_STYLED = re.compile(r"[*_`#>|~\[]|^[ \t]*(?:[-+]|\d{1,9}[.)])[ \t]|^(?: {4}|\t)", re.MULTILINE)
"""What Markdown could mean anything by; the rest is quicker read as plain text."""


def clean(text: str, *, own_links: bool = False) -> str:
    """The HTML that may be shown of `text`. Remote images keep their address in `data-src`, so that nothing loads by itself.

    What is too long, or nested so deep that cleaning would take minutes, is shown as plain text.
    `own_links` also keeps addresses on this server, for what staff write themselves.
    """
    if len(text) > MAX_HTML_LENGTH or markup.hostile(text):
        return from_text(text_of(text))
    cleaned = nh3.clean(
        text,
        tags=set(TAGS),
        clean_content_tags=set(UNREAD),
        attributes=ATTRIBUTES,
        attribute_filter=partial(_permitted, own_links),
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return _IMAGE.sub(_held_back, cleaned)


def _permitted(own_links: bool, tag: str, attribute: str, value: str) -> str | None:
    address = value.strip().lower()
    on_this_server = own_links and address.startswith("/") and not address.startswith(("//", "/\\"))
    if attribute == "href":
        return value if address.startswith(LINKS) or on_this_server else None
    if attribute == "src":
        return value if address.startswith((*REMOTE_IMAGES, "cid:")) or on_this_server else None
    if attribute == "data-src":
        return value if address.startswith(REMOTE_IMAGES) else None
    return value


def _held_back(image: re.Match[str]) -> str:
    tag = image.group()
    if ' data-src="' in tag:
        return re.sub(r' src="http[^"]*"', "", tag, flags=re.IGNORECASE)
    return re.sub(r' src="(?=http)', ' data-src="', tag, count=1, flags=re.IGNORECASE)


def with_remote_images(cleaned: str) -> str:
    """Cleaned HTML after the reader's click: its remote images load."""
    return _IMAGE.sub(lambda image: image.group().replace(' data-src="', ' src="', 1), cleaned)


def text_of(text: str) -> str:
    """The readable text of HTML, with a line for each block."""
    page = _Page()
    for number, token in enumerate(markup.tokens(text[:MAX_HTML_LENGTH])):
        if number > markup.MAX_TAGS:
            page.say(markup.without_tags(text[token.start : MAX_HTML_LENGTH]))
            break
        if token.kind is markup.Kind.TEXT:
            page.say(markup.unescape(text[token.start : token.end]))
        else:
            page.turn(token)
    return page.text()


class _Page:
    """Text as a reader sees it: blocks that meet share one line end, and spaces do not add up."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._line_ends = 2
        self._preformatted = 0

    def say(self, words: str) -> None:
        if not self._preformatted:
            words = _SPACES.sub(" ", words)
            if self._line_ends:
                words = words.lstrip(" ")
        if words:
            self._pieces.append(words)
            self._line_ends = 0

    def turn(self, tag: markup.Token) -> None:
        opening = tag.kind is markup.Kind.OPEN
        if tag.name == "pre":
            self._preformatted = max(0, self._preformatted + (1 if opening else -1))
        if tag.name in ("td", "th") and opening and not self._line_ends:
            self._pieces.append("\t")
        elif tag.name == "br":
            self._end_line(self._line_ends + 1)
        elif tag.name in _PARAGRAPHS:
            self._end_line(2)
        elif tag.name in _BLOCKS:
            self._end_line(1)

    def _end_line(self, at_least: int) -> None:
        if at_least > self._line_ends:
            self._pieces.append("\n" * (at_least - self._line_ends))
            self._line_ends = at_least

    def text(self) -> str:
        lines = "".join(self._pieces).replace("\xa0", " ").split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")


def from_text(text: str) -> str:
    """Plain text as HTML: escaped first, then paragraphs, line breaks and links to the web and to mail addresses."""
    paragraphs = re.split(r"\n{2,}", text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    return "\n".join(f"<p>{_lines(paragraph)}</p>" for paragraph in paragraphs if paragraph.strip())


def _lines(paragraph: str) -> str:
    return "<br>\n".join(_linked(_indented(line)) for line in paragraph.split("\n"))


def _indented(line: str) -> str:
    words = line.lstrip(" ")
    return "\xa0" * (len(line) - len(words)) + words


def _linked(line: str) -> str:
    pieces, at = [], 0
    for match in _LINK.finditer(line):
        address = match.group().rstrip(".,;:!?)]}*_")
        target = address if re.match(r"(?i)https?://|mailto:", address) else f"mailto:{address}"
        pieces.append(html.escape(line[at : match.start()]))
        pieces.append(
            f'<a href="{html.escape(target)}" target="_blank" rel="noopener noreferrer nofollow">{html.escape(address)}</a>'
        )
        at = match.start() + len(address)
    return "".join(pieces) + html.escape(line[at:])


def from_letter(text: str) -> str:
    """What the team writes to people: Markdown whose line ends, backslashes and raw HTML stay as typed. Pictures are links: a letter loads nothing."""
    if len(text) > MAX_MARKDOWN_LENGTH or not _STYLED.search(text):
        return from_text(text)
    return clean(_LETTER.render(text), own_links=True)


def _letters() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": True})
    reader.enable(["table", "strikethrough", "linkify"])
    reader.disable(
        ["escape", "entity", "lheading", "image", "reference"]
    )  # \\server\share, "Regards" over a line of dashes
    reader.inline.ruler.before("emphasis", "within_word", _within_word)
    reader.core.ruler.disable("linkify")  # it takes setup.py for an address; ours does not
    reader.core.ruler.push("letter", _as_letter)
    return reader


def _within_word(line: StateInline, silent: bool) -> bool:
    """Stars between letters or digits are what they are: 2*3*4 loses none."""
    text, end = line.src, line.pos
    while end < line.posMax and text[end] == "*":
        end += 1
    between = line.pos < end < line.posMax and line.pos > 0 and text[line.pos - 1].isalnum() and text[end].isalnum()
    if between:
        line.pending += "" if silent else text[line.pos : end]
        line.pos = end
    return between


def _as_letter(page: StateCore) -> None:
    """A message is no document of its own: its headings are bold lines. A link says where it leads by its address alone."""
    for at, token in enumerate(page.tokens):
        if token.type == "heading_open":
            line = page.tokens[at + 1]
            line.children = [
                Token("strong_open", "strong", 1),
                *(line.children or ()),
                Token("strong_close", "strong", -1),
            ]
        if token.type in ("heading_open", "heading_close"):
            token.tag = "p"
        _with_addresses(token.children or ())


def _with_addresses(words: Sequence[Token]) -> None:
    inside = 0
    for word in words:
        inside += word.nesting if word.type in ("link_open", "link_close") else 0
        word.attrs.pop("title", None)
        if word.type == "text" and not inside:
            word.type, word.content = "html_inline", _linked(word.content)  # which escapes


_LETTER = _letters()


def from_markdown(text: str) -> str:
    """Markdown as HTML; raw HTML in it is shown as text."""
    if len(text) > MAX_MARKDOWN_LENGTH:
        return from_text(text)
    return clean(_MARKDOWN.render(text), own_links=True)
