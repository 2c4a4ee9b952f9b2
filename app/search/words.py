"""Folds text and cuts it into the words that both databases index: the same ones, so that search means the same on each."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

LONGEST_WORD = 100
"""Characters. A longer word is cut there, in the index and in the question alike."""
INDEXED_BYTES = 400_000
"""Of one message's different words; PostgreSQL takes 1 MB of them."""
QUESTION_CHARACTERS = 1_000
QUESTION_WORDS = 16
SHORTEST_PREFIX = 2
"""A single letter would be the beginning of half of all words."""

_SPACELESS = "\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese: cut into trigrams, since nothing says where a word ends."""
_spaceless_run = re.compile(f"([{_SPACELESS}]+)")
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
"""Letters that Unicode does not take apart, though people type them without their stroke."""
_joints = re.compile(r"[._,:@+%-]+")
_plain_token = re.compile(r"\w+(?:(?:\.|(?<=\d)[,:](?=\d))\w+)*", re.ASCII)
"""What `_token` finds in English text without an address, ten times as fast."""


class Asked(NamedTuple):
    """One word of a question. A prefix is answered by any word that begins with it."""

    word: str
    prefix: bool = False
    unfinished: bool = False
    """A prefix only because somebody may still be typing it."""

    @property
    def as_it_stands(self) -> "Asked":
        return Asked(self.word) if self.unfinished else self


def question(text: str) -> tuple[Asked, ...]:
    """What somebody typed, as words that must all be there; the last one may be unfinished. Never an error."""
    found: dict[Asked, None] = {}
    tokens = list(_tokens(fold(text[:QUESTION_CHARACTERS])))
    for place, token in enumerate(tokens):
        found.update(dict.fromkeys(_asked(token, last=place == len(tokens) - 1)))
    return tuple(found)[:QUESTION_WORDS]


def answers(words: Iterable[str], asked: Iterable[Asked]) -> bool:
    """Whether these indexed words hold all that is asked: what the databases say, said in Python."""
    words = set(words)
    return all(any(word.startswith(one.word) for word in words) if one.prefix else one.word in words for one in asked)


def cut(text: str) -> list[str]:
    """The different words of a text as the index holds them, in their order."""
    folded = fold(text)
    if plain := _plain_words(folded):
        return plain
    found: dict[str, None] = {}
    room = INDEXED_BYTES
    for token in dict.fromkeys(_tokens(folded)):
        for word in (token[:LONGEST_WORD],) if token.isascii() and token.isalnum() else _forms(token):
            if word not in found:
                room -= len(word.encode())
                if room < 0:
                    return list(found)
                found[word] = None
    return list(found)


def _plain_words(folded: str) -> list[str]:
    """Of a text in plain English, in which every token is one word as it stands: five times as fast. Empty where that is not so."""
    if len(folded) > INDEXED_BYTES or not folded.isascii() or "@" in folded or "_" in folded:
        return []
    tokens = list(dict.fromkeys(_plain_token.findall(folded)))
    return tokens if "".join(tokens).isalnum() and len(max(tokens, key=len)) <= LONGEST_WORD else []


def fold(text: str) -> str:
    """Lower case, without accents, in one of the ways in which Unicode can write it."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = decomposed.translate(_dropped()).casefold().translate(_LETTERS)
    return unicodedata.normalize("NFC", plain)


@cache
def _dropped() -> dict[int, None]:
    """Accents and points, and characters that nobody sees; not the vowel signs of Indian and Thai scripts, which are letters there."""
    accents = {*range(10, 37), *range(200, 256), 1}
    return {
        code: None
        for code in range(0x80, 0x20000)
        if unicodedata.combining(chr(code)) in accents or unicodedata.category(chr(code)) == "Cf"
    }  # fmt: skip


def _tokens(folded: str) -> Iterator[str]:
    """Words, numbers and addresses as they stand, each whole."""
    pattern = _plain_token if folded.isascii() and "@" not in folded else _token()
    for found in pattern.findall(folded):
        token = found.strip("._+%-")
        if token:
            yield token


@cache
def _token() -> re.Pattern[str]:
    """An address, or words and numbers joined by dots, or by commas and colons between digits. Python's own \\w lacks the vowel signs."""
    signs = "".join(
        chr(code)
        for code in range(0x300, min(sys.maxunicode, 0x20000))
        if unicodedata.category(chr(code)).startswith("M")
    )
    word = rf"[\w{signs}]"
    address = rf"[\w{signs}.+%-]{{1,64}}@[\w{signs}.-]{{1,253}}"
    return re.compile(rf"{address}|{word}+(?:(?:\.|(?<=\d)[,:](?=\d)){word}+)*")


def _forms(token: str) -> Iterator[str]:
    """What the index holds of a token: the whole, and its parts as they would be asked for."""
    if not token.isascii() and _spaceless_run.search(token):
        for piece in _pieces(token):
            yield from _grams(piece) if _spaceless_run.fullmatch(piece) else _forms(piece)
        return
    yield token[:LONGEST_WORD]
    local, at, domain = token.partition("@")
    if at:
        yield from (form for part in (local, domain) for whole in _tokens(part) for form in _forms(whole))
    elif _joints.search(token):
        yield from (part[:LONGEST_WORD] for part in _joints.split(token) if part)


def _grams(run: str) -> list[str]:
    """Each three characters; at the end also two and one, so that a shorter question is always the beginning of one."""
    return [run[place : place + 3] for place in range(len(run))]


def _asked(token: str, last: bool) -> Iterator[Asked]:
    if _spaceless_run.search(token):
        pieces = _pieces(token)
        for place, piece in enumerate(pieces):
            if not _spaceless_run.fullmatch(piece):
                yield from _asked(piece, last and place == len(pieces) - 1)
            elif len(piece) < 3:
                yield Asked(piece, prefix=True)
            else:
                yield from (Asked(piece[at : at + 3]) for at in range(len(piece) - 2))
    else:
        unfinished = last and SHORTEST_PREFIX <= len(token) <= LONGEST_WORD
        yield Asked(token[:LONGEST_WORD], unfinished, unfinished)


def _pieces(token: str) -> list[str]:
    return [stripped for piece in _spaceless_run.split(token) if (stripped := piece.strip("._,:@+%-"))]
