"""The words to translate are collected, every language has them all, and a translation holds what its sentence holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from app.core import language
from translations import collect

PLACES = re.compile(r"%\(\w+\)[a-z]|%%|\{\{.*?\}\}|\{%.*?%\}|\{\w+\}")
LANGUAGES = sorted(collect.languages())


def texts(message: Message) -> list[tuple[str, str]]:
    """Each form with the form it stands for."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, many = message.id
    return list(zip((one, *[many] * (len(message.string) - 1)), message.string, strict=True))


def test_the_template_holds_the_words_of_the_code() -> None:
    found, kept = collect.collected(), collect.template()

    assert {message.id for message in found} == {message.id for message in kept}, "run python translations/collect.py"


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_has_every_word_and_none_of_yesterday(name: str) -> None:
    catalogue, template = collect.read(name), collect.template()

    assert {message.id for message in catalogue} == {message.id for message in template}
    assert not catalogue.obsolete
    assert [message.id for message in catalogue if message.id and not all(words for _id, words in texts(message))] == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_translation_holds_what_its_sentence_holds(name: str) -> None:
    """Places for values, line ends and blanks at the ends; of a singular that says no number, the number may be missing."""
    wrong = []
    for message in collect.read(name):
        for sentence, words in texts(message) if message.id else ():
            places = set(PLACES.findall(sentence))
            if set(PLACES.findall(words)) != places:
                wrong.append(f"{sentence!r}: {words!r}")
            if (sentence.count("\n"), sentence[:1] == " ", sentence[-1:] == " ") != (
                words.count("\n"),
                words[:1] == " ",
                words[-1:] == " ",
            ):
                wrong.append(f"{sentence!r}: {words!r}")

    assert wrong == []


def test_catalogues_are_made_once_for_each_wording(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    words = sources / "de" / "LC_MESSAGES" / "messages.po"
    words.parent.mkdir(parents=True)
    words.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Open"\nmsgstr "Offen"\n')

    first = language.catalogues(sources, tmp_path / "kept")
    made = (first / "de" / "LC_MESSAGES" / "messages.mo").stat().st_mtime_ns
    again = language.catalogues(sources, tmp_path / "kept")
    words.write_text(words.read_text().replace("Offen", "Geöffnet"))
    other = language.catalogues(sources, tmp_path / "kept")

    assert again == first
    assert (first / "de" / "LC_MESSAGES" / "messages.mo").stat().st_mtime_ns == made
    assert other != first and (other / "de" / "LC_MESSAGES" / "messages.mo").exists()


def test_a_folder_that_cannot_be_written_costs_the_translations_alone(tmp_path: Path) -> None:
    blocked = tmp_path / "kept"
    blocked.write_text("a file where a folder should be")

    language.catalogues(Path(collect.HERE), blocked)
