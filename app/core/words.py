"""Words in the reader's language, looked up once a request: flask-babel would ask request, session and language for each."""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from flask_babel import get_locale, get_translations
from markupsafe import Markup

MOST_KEPT = 10_000
"""More words than the desk has: what is no word of ours does not fill the memory."""


def take_over(app: Flask) -> None:
    """After AppBuilder, which installs its own."""
    app.jinja_env.globals.update(_=word, gettext=word, ngettext=words)


def catalogue() -> Any:
    """Kept where flask-babel's `force_locale` empties it and puts it back: a mail within a request speaks its own language."""
    present = g._get_current_object()  # asked some three hundred times a page, and through the stand-in twice as slow
    try:
        found = present._flask_babel.babel_translations
    except AttributeError:
        found = None
    if found is None:
        found = get_translations()
        g._flask_babel.babel_translations = found
    return found


def language() -> str:
    """Which one the reader's is, as Babel names it. Written on the catalogue, which is one a language: a list asks a hundred times."""
    found = catalogue()
    name = getattr(found, "desk_language", None)
    if name is None:
        name = found.desk_language = str(get_locale() or "en")
    return str(name)


def word(text: str, **values: object) -> Markup:
    """Jinja's `_`; values are escaped, the catalogue's words are ours."""
    found = _marked(catalogue(), str(text))
    return found % values if values else found


def _marked(found: Any, text: str) -> Markup:
    """Made once for each language."""
    try:
        return found.desk_words[text]
    except AttributeError:
        found.desk_words = {}
    except KeyError:
        pass
    marked = Markup(found.gettext(text))
    if len(found.desk_words) < MOST_KEPT:
        found.desk_words[text] = marked
    return marked


def words(one: str, many: str, num: int, **values: object) -> Markup:
    """Jinja's `ngettext`."""
    return Markup(catalogue().ngettext(one, many, num)) % {"num": num, **values}


def said(text: str, **values: object) -> str:
    """`gettext` for what Python says dozens of times a page; imported as `_`."""
    found = str(catalogue().gettext(text))
    return found % values if values else found
