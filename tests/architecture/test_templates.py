"""Templates keep the promises of the face: words that can be translated, a strict policy, FAB's macros and blocks, icons that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import flask_appbuilder
import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "app/templates"
FAB = Path(flask_appbuilder.__file__).parent / "templates"
LIB = "appbuilder/general/lib.html"
ALL = sorted(path for path in TEMPLATES.rglob("*.html"))
PAGES = [path for path in ALL if "mail" not in path.relative_to(TEMPLATES).parts and path.name != "mail.html"]
"""Without the mails: a mail has inline styles, because the programs that show it know nothing else."""

OVERRIDES = [path for path in ALL if (FAB / path.relative_to(TEMPLATES)).is_file()]
GLOBALS = {
    "_",
    "ngettext",
    "static",
    "csrf_token",
    "csp_nonce",
    "ago",
    "absolute",
    "initials",
    "hue",
    "filesize",
    "now",
}
BARE = {"Deskhand", "Esc", "Enter", "Ctrl"} | {
    "autofocus",
    "required",
    "checked",
    "selected",
    "hidden",
    "disabled",
    "open",
    "multiple",
    "readonly",
}
"""Names of keys and of the product stand as they are; attributes without a value look like words here."""

environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"])


def named(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


def tree(path: Path) -> nodes.Template:
    return environment.parse(path.read_text())


def macros(path: Path) -> dict[str, list[str]]:
    """Name → arguments. A macro handed on by `{% set name = fab.name %}` has those of FAB's."""
    own = {macro.name: [argument.name for argument in macro.args] for macro in tree(path).find_all(nodes.Macro)}
    handed_on = {
        assignment.target.name
        for assignment in tree(path).find_all(nodes.Assign)
        if isinstance(assignment.target, nodes.Name)
    }
    return own | {
        name: arguments
        for name, arguments in (macros(FAB / LIB).items() if handed_on and path != FAB / LIB else ())
        if name in handed_on
    }


def blocks(path: Path) -> set[str]:
    return {block.name for block in tree(path).find_all(nodes.Block)}


def inherited(path: Path) -> set[str]:
    """The blocks of a template and of those it extends by a fixed name."""
    mine = blocks(path)
    for extends in tree(path).find_all(nodes.Extends):
        if isinstance(extends.template, nodes.Const) and (TEMPLATES / extends.template.value).is_file():
            mine |= inherited(TEMPLATES / extends.template.value)
    return mine


def test_our_library_has_every_macro_of_fabs_with_its_arguments() -> None:
    ours = macros(TEMPLATES / LIB)

    for name, arguments in macros(FAB / LIB).items():
        assert ours.get(name, [None])[: len(arguments)] == arguments, f"{name}({', '.join(arguments)})"


@pytest.mark.parametrize("path", OVERRIDES, ids=named)
def test_an_override_keeps_fabs_blocks(path: Path) -> None:
    missing = blocks(FAB / path.relative_to(TEMPLATES)) - inherited(path)

    assert not missing


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_macro_bears_the_name_of_a_global(path: Path) -> None:
    """It would call itself for ever."""
    assert not GLOBALS & {macro.name for macro in tree(path).find_all(nodes.Macro)}


@pytest.mark.parametrize("path", sorted((TEMPLATES / "_macros").glob("*.html")), ids=named)
def test_the_head_of_a_macro_file_says_what_its_macros_take(path: Path) -> None:
    head = path.read_text().partition("-#}")[0]
    real = {name: ", ".join(arguments) for name, arguments in macros(path).items()}
    said = {
        name: ", ".join(word.split("=")[0].strip() for word in arguments.split(", ") if word)
        for name, arguments in re.findall(r"^ {4}(\w+)\((.*?)\)(?: {2}|$)", head, re.M)
    }

    assert said
    assert {name: real.get(name) for name in said} == said


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_page_needs_no_exception_from_the_policy(path: Path) -> None:
    text = path.read_text()

    assert not re.findall(r"""\sstyle=["']""", text), "an inline style"
    assert not re.findall(r"<style\b", text), "a style element"
    assert not re.findall(r"\son\w+=[\"']", text), "an inline handler"
    assert not re.findall(r"<script(?![^>]*\b(?:src|nonce)=)[^>]*>", text), "a script without src or nonce"
    assert "javascript:" not in text


@pytest.mark.parametrize("path", ALL, ids=named)
def test_markup_is_trusted_only_where_fab_hands_us_a_widget(path: Path) -> None:
    trusted = [line for line in path.read_text().splitlines() if re.search(r"\|\s*safe\b(?!_)", line)]
    widgets = [line for line in trusted if re.search(r"widget|(?:begin|end)_sep_", line)]

    assert trusted == widgets


@pytest.mark.parametrize("path", ALL, ids=named)
def test_our_macros_are_imported_without_context(path: Path) -> None:
    """With it, the macro file would run again at each import."""
    assert not re.findall(r"""(?:import|from)\s+["']_macros/[^%]*with context""", path.read_text())


def bare_words(path: Path) -> Iterator[str]:
    """What a person would read that passes no catalogue."""
    for output in tree(path).find_all(nodes.TemplateData):
        for attribute in re.findall(r"""(?:aria-label|title|placeholder|alt)="([^"<>]*)""", output.data):
            yield from re.findall(r"[^\W\d_]{3,}", attribute)
    text = "".join(
        data.data if isinstance(data, nodes.TemplateData) else "¤"
        for output in tree(path).find_all(nodes.Output)
        for data in output.nodes
    )
    text = re.sub(r"<!--.*?-->|<(script|style|svg)\b.*?</\1>", " ", text, flags=re.S)
    for piece in re.findall(r">([^<>]*)<", text):
        yield from re.findall(r"[^\W\d_]{3,}", re.sub(r"""&\w+;|[\w-]+=(?:"[^"]*"|\S+)""", " ", piece))


@pytest.mark.parametrize("path", ALL, ids=named)
def test_every_word_a_person_reads_can_be_translated(path: Path) -> None:
    assert not set(bare_words(path)) - BARE


def test_every_icon_that_is_named_exists() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "app/static/icons.svg").read_text()))
    used = {
        (name, named(path))
        for path in ALL
        for name in re.findall(r"""(?:\bicon\(|\bsign=|\btool\(|\bempty\()["']([a-z0-9-]+)["']""", path.read_text())
    }

    assert not {(name, where) for name, where in used if name not in drawn}


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 429, 500, 503])
def test_every_refusal_has_its_page(code: int) -> None:
    assert f"set code = {code}" in (TEMPLATES / f"errors/{code}.html").read_text()
