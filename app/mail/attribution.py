"""The lines by which mail programs announce what they quote, in the languages that people write in.

Every pattern looks at a bounded stretch of a bounded number of lines, so that no text can hold a worker.
"""

import re
from collections.abc import Sequence

from app.mail import phrases
from app.mail.phrases import alternation

MAX_LINE = 500
MAX_ATTRIBUTION_LINES = 5
MAX_HEADER_LINES = 24


_BIDI = dict.fromkeys((0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069))
"""Marks for the direction of writing, which stand anywhere in Hebrew and Arabic."""
_VERBS = alternation(phrases.WROTE)
_VERBS_BEFORE_THE_NAME = alternation(phrases.WROTE_BEFORE_THE_NAME)
_ON_WORDS = alternation(phrases.ON)
_DAYS = alternation(phrases.DAYS)
_TIME_OR_DATE = re.compile(
    r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}|\b\d{1,2}[:.h]\d{2}(?!\d)|\b(?:19|20)\d\d\b|\d{1,2}\s?[月时時点點]|\d\s?(?:AM|PM)\b",
    re.I,
)
_PROPER_START = re.compile(
    rf"[^<@\n]{{1,60}}<\s?$|(?:{_ON_WORDS})\s[^\n]{{0,40}}\d|\d|(?:{_DAYS})[.,]{{0,2}}\s[^\n]{{0,15}}\d|[\"'<(\[]|[在于於]",
    re.I,
)
_DATED_START = re.compile(
    rf"(?:{_ON_WORDS})\s[^\n]{{0,25}}\d|\d{{1,4}}[\s./:年-]|(?:{_DAYS})[.,]{{0,2}}\s[^\n]{{0,15}}\d", re.I
)
_VERB_AT_END = re.compile(
    rf"(?:(?:{alternation(phrases.WROTE_WITHOUT_SPACES)})$)|(?:^|[\s>)\]\"'，,，])\s*(?:{_VERBS})\s?(?:\:|：|-{{2,}})?$",
    re.I,
)
_AFTER_ADDRESS = re.compile(
    rf"^\S{{1,64}}@\S{{1,200}}\s(?:{_VERBS})\s?$|@[^\s<>@]{{1,200}}[>)\]]{{1,3}}\s{{0,3}}(?:{_VERBS})\s?$", re.I
)
_VERB_THEN_NAME = re.compile(rf"\s(?i:{_VERBS_BEFORE_THE_NAME})\s{{1,3}}(?=[^\W_a-zà-ÿа-яё]|[\"'<(])")
_NAMED_AT_END = re.compile(r"@[^\s<>@]{1,200}\s?[>)\]]{1,3}$")
_QUOTING = re.compile(
    rf"(?:{alternation(phrases.QUOTING)})\s[^<@]{{0,80}}<?[^\s<>@]{{1,100}}@[^\s<>@]{{1,200}}>?$", re.I
)
_ADDRESS_THEN_DATE = re.compile(r"^[^<]{1,80}<[^\s<>@]{1,100}@[^\s<>@]{1,200}>[^<]{0,60}\b(?:19|20)\d\d[^<]{0,60}$")
_VERB_THEN_DATE = re.compile(
    rf"^[^.!?]{{1,80}}\s(?:{_VERBS_BEFORE_THE_NAME})\s[^<]{{0,30}}\d[^<]{{0,60}}\d(?: Uhr)?$", re.I
)
_ISO_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:GMT|UTC)[+-]\d{1,2}:?\d\d \S.{0,200}$"
    r"|\d{4}/\d{1,2}/\d{1,2} \S.{0,200}<\s?[^\s<>@]{1,100}@[^\s<>@]{1,200}>$"
)
_IN_MID_LINE = re.compile(
    rf"(?<=\S)[\s-]{{1,10}}\b(?=(?:On|Am|Le|El|Il|Em|Op|Den|W dniu|Dnia)\s(?:(?i:{_DAYS})\b|\w{{0,9}}\.?\s?\d))"
)


def attribution_end(lines: Sequence[str], at: int) -> int | None:
    """The line after an attribution such as `On …, … wrote:` that begins at line `at`."""
    first = _bare(lines[at])
    if not first or not _may_begin(first):
        return None
    if _ISO_STAMP.match(first):
        return at + 1
    joined, last = "", at
    for last in range(at, min(at + MAX_ATTRIBUTION_LINES + 1, len(lines))):
        line = _bare(lines[last])
        if not line and not _goes_on_below(lines, last):
            return None
        joined = f"{joined} {line}".strip()
        if len(joined) > MAX_LINE:
            return None
        if joined.endswith((":", "：")) or (last == at and lines[at].rstrip().endswith("--")):
            begins_here = _announces(joined, last - at) and not _begins_below(lines, at, last + 1)
            return last + 1 if begins_here else None
    return None


def says_wrote(line: str) -> bool:
    """`Ada wrote:` without a date: enough where a quote follows in the next line."""
    bare = _bare(line)
    return len(line) < 200 and bare.endswith((":", "：")) and _VERB_AT_END.search(bare.rstrip(":： ")) is not None


def _begins_below(lines: Sequence[str], at: int, end: int) -> bool:
    """Whether what ends there begins at a line further below: the sender's own last line also had a number."""
    return any(
        _DATED_START.match(_bare(lines[number])) and attribution_end(lines, number) == end
        for number in range(at + 1, end)
    )


def _bare(line: str) -> str:
    return line[:MAX_LINE].translate(_BIDI).strip(" \t*_-\xa0")


def _may_begin(first: str) -> bool:
    return any(mark.isdigit() for mark in first) or "@" in first or "<" in first or first.endswith((":", "："))


def _goes_on_below(lines: Sequence[str], blank: int) -> bool:
    """Some programs put the address two lines below the name."""
    return blank + 1 < len(lines) and lines[blank + 1].lstrip().startswith("<")


def _announces(text: str, lines_below: int) -> bool:
    body = text.rstrip(":： -")
    dated = _TIME_OR_DATE.search(body) is not None
    begins_well = _PROPER_START.match(body) is not None
    if _VERB_AT_END.search(body):
        return (begins_well or lines_below == 0) and (dated or _AFTER_ADDRESS.search(body) is not None)
    if _QUOTING.match(body):
        return True
    if not dated:
        return False
    if begins_well and (_NAMED_AT_END.search(body) or _names_the_writer(body)):
        return True
    return lines_below == 0 and (
        _ADDRESS_THEN_DATE.search(body) is not None or _VERB_THEN_DATE.search(body) is not None
    )


def _names_the_writer(body: str) -> bool:
    verb = _VERB_THEN_NAME.search(body)
    return verb is not None and len(body) - verb.end() < 80


def attribution_within(line: str) -> int | None:
    """Where an attribution begins that shares its line with the end of the reply."""
    if len(line) > MAX_LINE or not line.rstrip().endswith((":", "：")) or _PROPER_START.match(line.strip()):
        return None
    found = _IN_MID_LINE.search(line)
    if found is None or not _announces(_bare(line[found.end() :]), 0):
        return None
    return found.start()


_ORIGINAL = re.compile(
    r"^[\s>*_]{0,10}[-_=—–]{2,}\s{0,3}(?:" + alternation(phrases.ORIGINAL_MESSAGE) + r")\b",
    re.I,
)
_FORWARD_WORDS = alternation(phrases.FORWARDED_MESSAGE)
_FORWARD = re.compile(
    rf"^[\s*_]{{0,10}}(?:[-_=—–]{{2,}}\s{{0,3}}(?:{_FORWARD_WORDS})\b|(?:{_FORWARD_WORDS})\s?[:：]\s{{0,3}}$)", re.I
)


_REPLY_ABOVE = re.compile(rf"^[\s>#*=_~+-]{{0,40}}(?:{alternation(phrases.REPLY_ABOVE)})[\s#*=_~+.-]{{0,40}}$", re.I)


def reply_ends_above(line: str) -> bool:
    """The line that another desk asks to write above."""
    return _REPLY_ABOVE.match(line[:200]) is not None


def original_follows(line: str) -> bool:
    """`-----Original Message-----` in many languages."""
    return _ORIGINAL.match(line[:MAX_LINE]) is not None


def forward_follows(line: str) -> bool:
    """`---------- Forwarded message ---------` in many languages."""
    return _FORWARD.match(line[:MAX_LINE]) is not None


_KINDS = {label: kind for kind, labels in phrases.HEADER_LABELS.items() for label in labels}
_LABEL = re.compile(r"^[*_\s\xa0>]{0,10}([^\W\d_][^:：*\n]{0,24}?)[\s\xa0]{0,3}[*_]{0,3}[\s\xa0]{0,3}[:：]")


def header_block_end(lines: Sequence[str], at: int) -> int | None:
    """The line after a copied mail header (`From: … Sent: … To: … Subject: …`) that begins at line `at`."""
    if _label(lines[at]) in (None, "cc", "other"):
        return None
    kinds: set[str] = set()
    last, misses, address = at, 0, False
    for number in range(at, min(at + MAX_HEADER_LINES, len(lines))):
        line = lines[number][:MAX_LINE]
        kind = _label(line)
        if kind is None:
            misses += 1
            if misses > 2:
                break
        else:
            misses, last = 0, number
            kinds.add(kind)
        address = address or ("@" in line and misses < 2)
    complete = ("from" in kinds and len(kinds) >= 2) or len(kinds - {"other"}) >= 3
    return last + 1 if complete and (address or "subject" in kinds) else None


def _label(line: str) -> str | None:
    match = _LABEL.match(line[:60])
    return _KINDS.get(match.group(1).strip().lower()) if match else None
