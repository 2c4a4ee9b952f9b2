"""The words to translate are collected, every language has them all, and a translation holds what its sentence holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from wtforms.i18n import get_translations

from app.core import borrowed, language
from translations import collect

PLACES = re.compile(r"%\(\w+\)[a-z]|%%|\{\{.*?\}\}|\{%.*?%\}|\{\w+\}")
KEYS = re.compile(
    r"</?\w+>|&\w+;|\bhttps?://[\w.-]+|\b(?:state|customer):\w+|\bfield\.(?=\w)|--\w+|\.csv\b|\.eml\b|\*\*|##-"
)
CODE = re.compile(PLACES.pattern + r"|https?://\S*|\w+(?::\w+)+|Authorization: Bearer|'à'")
"""Of no language: what machines read, and the French word that stands in a pattern of dates."""
ILL_SET = re.compile(r"(?<!\u202f)[;!?]|(?<!\u00a0):(?!\u00a0»)|«(?!\u00a0)|(?<!\u00a0)»|['“”\"]|\.\.\.")
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


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_translation_holds_the_marks_and_keys_of_its_sentence(name: str) -> None:
    """What a browser, a template or a search box reads stays as it is: tags, entities, addresses, the words that are typed."""
    wrong = [
        f"{sentence!r}: {words!r}"
        for message in collect.read(name)
        for sentence, words in (texts(message) if message.id else ())
        if set(KEYS.findall(sentence)) != set(KEYS.findall(words))
    ]

    assert wrong == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_word_of_flask_appbuilder_is_left_to_its_own_catalogues(name: str) -> None:
    """Every comparison a generated list offers is ours to say."""
    kept = {message.id for message in collect.read(name) if message.string}

    assert {str(one.name) for one in SQLAFilterConverter.conversion_table for one in one[1]} <= set(borrowed.FILTERS)
    assert {*borrowed.FILTERS, *borrowed.REFUSALS, *borrowed.OTHERS} <= kept


@pytest.mark.parametrize("name", LANGUAGES)
def test_forms_refuse_in_every_language(name: str) -> None:
    """WTForms has sentences of its own, and ships their translations."""
    refusal = get_translations([name]).gettext("Not a valid integer value.")

    assert refusal != "Not a valid integer value."


def test_french_is_set_as_the_french_set_it() -> None:
    """A narrow blank that never breaks before ; ! ?, one before a colon and inside of guillemets, and curved apostrophes."""
    wrong = [
        words
        for message in collect.read("fr")
        for _sentence, words in (texts(message) if message.id else ())
        if ILL_SET.search(CODE.sub("x", words))
    ]

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
