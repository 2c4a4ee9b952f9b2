"""Words in the reader's language, looked up once a request: flask-babel would ask request, session and language for each."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from flask import Flask
from flask_babel import get_translations
from markupsafe import Markup

_catalogue: ContextVar[Any] = ContextVar("catalogue", default=None)


def install(app: Flask) -> None:
    app.before_request(_forget)


def take_over(app: Flask) -> None:
    """After AppBuilder, which installs its own."""
    app.jinja_env.globals.update(_=word, gettext=word, ngettext=words)


def _forget() -> None:
    _catalogue.set(None)


def _translations() -> Any:
    found = _catalogue.get()
    if found is None:
        found = get_translations()
        _catalogue.set(found)
    return found


def word(text: str, **values: object) -> Markup:
    """Jinja's `_`; values are escaped, the catalogue's words are ours."""
    found = Markup(_translations().gettext(str(text)))
    return found % values if values else found


def words(one: str, many: str, num: int, **values: object) -> Markup:
    """Jinja's `ngettext`."""
    return Markup(_translations().ngettext(one, many, num)) % {"num": num, **values}
