"""Folding and cutting: what is one word, and what a question asks for."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.search import words as cutting
from app.search.find import places, snippet
from app.search.words import INDEXED_BYTES, LONGEST_WORD, answers, cut, fold, question


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café CRÈME", ["cafe", "creme"]),
        ("Straße Łódź smørrebrød", ["strasse", "lodz", "smorrebrod"]),
        ("İstanbul ﬁle", ["istanbul", "file"]),
        ("It's 3,50 at 12:30", ["it", "s", "3,50", "3", "50", "at", "12:30", "12", "30"]),
        ("v2.3.1 on 10.0.0.7", ["v2.3.1", "v2", "3", "1", "on", "10.0.0.7", "10", "0", "7"]),
        ("<ada.l@north-wind.example>.", ["ada.l@north-wind.example", "ada.l", "ada", "l", "north", "wind.example", "wind", "example"]),
        ("file_name.py __init__", ["file_name.py", "file", "name", "py", "init"]),
        ("Order #1042 (TICK-1042)", ["order", "1042", "tick"]),
        ("東京都 Tokyo", ["東京都", "京都", "都", "tokyo"]),
        ("ภาษา", ["ภาษ", "าษา", "ษา", "า"]),
        ("हिन्दी", ["हिन्दी"]),
        ("한국어", ["한국어"]),
        ("soft\u00adhyphen", ["softhyphen"]),
        ("* \" ' - () & | ! : \\", []),
    ],
    ids=["accents", "letters with strokes", "ligatures", "numbers", "versions", "an address and its parts", "underscores", "ticket numbers",
         "Japanese in trigrams", "Thai in trigrams", "Hindi whole", "Korean whole", "a soft hyphen", "signs alone"],
)  # fmt: skip
def test_text_is_cut_into_words(text: str, words: list[str]) -> None:
    assert cut(text) == words


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        ("prin", "The printer burns", True),
        ("prin burns", "The printer burns", False),
        ("burns prin", "The printer burns", True),
        ("p", "The printer burns", False),
        ("CAFE", "at the Café", True),
        ("ada@north", "from ada@northwind.example", True),
        ("northwind.example", "from ada@northwind.example", True),
        ("wind", "from ada@northwind.example", False),
        ("ada.l@north-wind.example", "<ada.l@north-wind.example>", True),
        ("ada.l north-wind.example", "<ada.l@north-wind.example>", True),
        ("10.0.0.7", "ping 10.0.0.7 fails", True),
        ("10.0.0.7", "10 of 0.7", False),
        ("京都", "東京都の天気", True),
        ("天", "東京都の天気", True),
        ("都京", "東京都の天気", False),
        ("e-mail", "my e-mail is lost", True),
        ("NOT printer* OR (", "the printer or not", True),
    ],
)
def test_a_question_is_answered_by_all_its_words(asked: str, text: str, found: bool) -> None:
    assert answers(cut(text), question(asked)) is found


@given(st.text())
@example("ŉ İ ﬃ Ω̈ ẞ ½ ㎞ が")
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=80))
def test_case_and_composition_make_no_difference(text: str) -> None:
    import unicodedata

    assert cut(unicodedata.normalize("NFD", text)) == cut(unicodedata.normalize("NFC", text))
    assert fold(text.casefold()) == fold(text)


@given(st.text(max_size=200))
@example("a.b@c-d.e 1,2:3 東京x京都 __x__ %+-@.")
def test_every_text_is_found_by_itself(text: str) -> None:
    assert answers(cut(text), question(text))


@given(st.text())
def test_no_word_holds_what_an_engine_reads_as_its_own(text: str) -> None:
    words = cut(text) + [asked.word for asked in question(text)]

    assert not any(set(word) & set(" \t\n\x00\"'\\*()&|!<>#^") or not word for word in words)


def test_long_texts_and_questions_are_bounded() -> None:
    flood = " ".join(f"word{n}" for n in range(100_000))

    assert sum(len(word) for word in cut(flood)) <= INDEXED_BYTES
    assert len(question(flood)) <= 16
    assert [len(word) for word in cut("x" * 10_000)] == [LONGEST_WORD]
    assert answers(cut("x" * 10_000), question("x" * 5_000))


def test_a_snippet_shows_where_the_word_stands() -> None:
    text = "Before. " * 60 + "The Café\nis closed. " + "After. " * 60

    shown = snippet(text, "cafe")

    assert "The Café is closed." in shown
    assert shown.startswith("… ") and shown.endswith(" …")
    assert len(shown) < 200
    assert snippet("Short.", "absent") == "Short."


@given(st.text(alphabet="ab1_.,:+%- @é日\n", max_size=60))
def test_plain_text_is_cut_as_any_other(text: str) -> None:
    plain = text.replace("@", " ").encode("ascii", "ignore").decode()

    general = [found for match in cutting._token().finditer(plain) if (found := match[0].strip("._+%-"))]

    assert list(cutting._tokens(plain)) == general


@given(st.text(alphabet="abZ19 .,:-\n", max_size=60))
@example("x" * (LONGEST_WORD + 1))
@example("plain words only, twice: plain words")
@example("")
def test_the_short_way_for_plain_words_finds_what_the_long_way_finds(text: str) -> None:
    assert cut(text) == cut(text + " _")  # the sign adds no word, and the short way leaves such texts to the long one


@pytest.mark.parametrize(
    "line",
    [
        "The refund, and Refunds; a pre-refund x.refund.y REFUND@shop.test refundable unrefunded",
        "… order ORD-1234567 (refund) ref re r",
        "no such thing here",
        "Die Rückerstattung: REFUND für Ärzte, refund – “refund” …refund refund… ﬁrefund",
        "İstanbul refund",
        "",
    ],
)
@pytest.mark.parametrize(
    "asked", ["refund", "refund order", "ref", "refund@shop.test", "1234567", "rückerstattung", "?"]
)
def test_the_quick_way_to_the_hits_of_a_line_finds_what_cutting_each_piece_finds(line: str, asked: str) -> None:
    wanted = question(asked)
    plainly = [
        found.span() for found in re.finditer(r"\S+", line) if any(answers(cut(found[0]), (one,)) for one in wanted)
    ]

    assert list(places(line, wanted)) == plainly
