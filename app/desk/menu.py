"""The menu at the side: Flask-AppBuilder's entries, drawn once for each set of rights, language and place in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from flask import current_app, g, request
from markupsafe import Markup

from app.accounts.viewer import Viewer
from app.core.words import language


class Place(NamedTuple):
    url: str
    base: str
    """How the addresses begin that belong to it."""


def menu() -> Markup:
    """For templates. Twenty entries with their rights and words are a tenth of a page, and always the same for the same people."""
    app: Any = current_app
    person = g.user
    rights = person.digest if isinstance(person, Viewer) else ""
    return _drawn(app._get_current_object(), rights, language(), _current(request.path))


@lru_cache(1024)
def _drawn(app: Any, rights: str, language: str, current: str) -> Markup:
    """Rights and language are only part of the key: the template reads them itself, of the person who asks first."""
    template = app.jinja_env.get_template("appbuilder/navbar_menu.html")
    return Markup(template.render(appbuilder=app.appbuilder, current=current))


def _current(path: str) -> str:
    """The address of the entry that fits best, not of every one whose address begins alike."""
    best, fit = "", 0
    for place in _places(current_app._get_current_object()):  # type: ignore[attr-defined]
        length = 1000 if path == place.url else len(place.base) if path.startswith(place.base) else 0
        if length > fit and len(place.base) > 1:
            best, fit = place.url, length
    return best


@lru_cache(16)
def _places(app: Any) -> tuple[Place, ...]:
    entries = [entry for top in app.appbuilder.menu.get_list() for entry in (top.childs or [top])]
    return tuple(Place(entry.get_url(), _base(entry)) for entry in entries if entry is not None and entry.name != "-")


def _base(entry: Any) -> str:
    route = entry.baseview.route_base if entry.baseview else None
    return f"{route}/" if route else str(entry.get_url())
