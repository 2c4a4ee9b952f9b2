"""Turns plain words into the text and the HTML of a mail, in a sandbox that knows nothing but them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from flask import current_app
from flask_babel import gettext as _
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from app.core import html
from app.core.errors import HelpdeskError
from app.core.words import catalogue

LONGEST_OWN = 2_000_000
"""Letters of a mail in an admin's words; the longest message of a person is shorter."""
LONGEST_SECONDS = 2


class TooMuch(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(_("This template makes mails that are too long."))


class Written(NamedTuple):
    """The two forms of one mail."""

    text: str
    html: str


def write(kind: str, values: Mapping[str, Any]) -> Written:
    """`values` are strings, numbers, lists and dicts of them, and Markup that was cleaned: never a row of the database."""
    pages = environment()
    text = pages.get_template(f"mail/{kind}.txt").render(values)
    return Written(_without_gaps(text), pages.get_template(f"mail/{kind}.html").render(values))


def write_own(source: str, values: Mapping[str, Any]) -> Written:
    """As `write`, with an admin's own words (wording.py has looked at them) in the desk's frame."""
    own = _without_gaps("".join(_bounded(environment().from_string(source).generate(values)))).strip()
    return write("own", {**values, "own": own, "own_html": Markup(html.from_text(own))})  # escaped there


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    """A template says each name as often as it likes, and a message may be long: both together end here."""
    letters, until = 0, time.monotonic() + LONGEST_SECONDS
    for piece in pieces:
        letters += len(piece)
        if letters > LONGEST_OWN or time.monotonic() > until:
            raise TooMuch
        yield piece


def environment() -> SandboxedEnvironment:
    """Made once an app. Its globals are two: the catalogue's words."""
    kept = current_app.extensions.get("deskhand_mail_templates")
    if kept is None:
        kept = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader(Path(current_app.root_path, "templates")),
            autoescape=jinja2.select_autoescape(["html"], default_for_string=False, default=False),
            undefined=jinja2.StrictUndefined,
            auto_reload=current_app.debug,  # else it looks at every file of a template for every mail
            trim_blocks=True,
            lstrip_blocks=True,
        )
        kept.globals.clear()
        kept.globals.update(_=_word, ngettext=_words)
        current_app.extensions["deskhand_mail_templates"] = kept
    return kept


@pass_eval_context
def _word(context: EvalContext, text: str, **values: object) -> str:
    """In HTML the catalogue's words are markup and the values in them are escaped; in text both stand as they are."""
    found: str = catalogue().gettext(text)
    if context.autoescape:
        found = Markup(found)
    return found % values if values else found


@pass_eval_context
def _words(context: EvalContext, one: str, many: str, num: int) -> str:
    found: str = catalogue().ngettext(one, many, num) % {"num": num}
    return Markup(found) if context.autoescape else found


def _without_gaps(text: str) -> str:
    """At most one empty line in a row, whatever the template's conditions left out."""
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip() if line.strip() != "--" else "-- ")
    return "\n".join(lines) + "\n"
