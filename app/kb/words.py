"""Words as articles are searched by: lower case, accents folded; scripts without blanks between words are matched by what they contain."""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def fold(text: str) -> str:
    """`Ärger` and `arger` read the same; `ß` as `ss`."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words(text: str, most: int = 5000) -> list[str]:
    return WORD.findall(fold(text))[:most]


def stands_in(word: str, text: str, starts: bool) -> bool:
    """Whether a folded word occurs in a folded text, at least as the beginning of one of its words when `starts`."""
    if UNSPACED.search(word):
        return word in text
    return re.search(rf"(?<![^\W_]){re.escape(word)}" + ("" if starts else r"(?![^\W_])"), text) is not None
