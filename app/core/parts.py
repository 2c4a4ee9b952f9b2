"""Parts of pages that read the same as long as nothing they say changes: drawn once for each of their words, and kept."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any

from flask import Flask, current_app
from markupsafe import Markup

from app.core.words import catalogue

MOST = 8192
"""About three kilobytes each, in each web process."""


def install(app: Flask) -> None:
    app.jinja_env.globals.update(part=part, drawn=drawn, frozen=frozen)


def part(template: str, **said: Hashable) -> Markup:
    """This template with nothing but these values, from memory when it was drawn with them before.

    Such a template says what it is given and translated words: it reads neither the person nor the request, or one would be shown
    what was drawn for another. The values are plain text, numbers and tuples of them; finished HTML is not among them, because it
    is equal to the same signs as text.
    """
    app: Any = current_app
    return _drawn(app._get_current_object(), template, catalogue(), tuple(said.items()))


def drawn(template: str, **said: Hashable) -> Markup:
    """The same without keeping it: for what is long or will hardly be said again."""
    return Markup(current_app.jinja_env.get_template(template).render(said))


def frozen(values: Iterable[Any]) -> tuple[Any, ...]:
    """Lists of lists as a part can be given them."""
    return tuple(frozen(value) if isinstance(value, list) else value for value in values)


@lru_cache(MOST)
def _drawn(app: Flask, template: str, _catalogue: object, said: tuple[tuple[str, Any], ...]) -> Markup:
    """The catalogue only tells the languages apart."""
    return Markup(app.jinja_env.get_template(template).render(dict(said)))
