"""The menu at the side: Flask-AppBuilder's entries, drawn once for each set of rights, language and place in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from flask import current_app, g, request
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.accounts.viewer import Viewer
from app.core.words import language

GROUPS = {
    "Settings": (
        (_l("Tickets"), ("Categories", "Statuses", "Who may change what", "Priorities", "Tags", "Custom fields", "Canned responses", "Link types", "Activity types", "Suppliers", "Environments")),
        (_l("Automation"), ("Macros", "Rules", "Default notices")),
        (_l("Mail"), ("Mailboxes", "Mail templates", "Mail filters", "Banned senders", "Mail signing")),
        (_l("Time and assignment"), ("Calendars", "SLA policies", "Who takes work", "Planned absences", "Skills", "Pools")),
        (_l("Team"), ("Departments", "Staff", "Roles", "Role scopes", "API keys")),
    )
}  # fmt: skip
"""Entries that stand together, where one list of them would be too long to look through. What is in none stands first."""


class Group(NamedTuple):
    label: str
    """Empty: its entries stand for themselves."""
    entries: tuple[Any, ...]


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
    return Markup(template.render(appbuilder=app.appbuilder, current=current, grouped=_grouped))


def _grouped(top: Any) -> list[Group]:
    """The entries below this one that the reader may see, in their groups."""
    seen = current_app.jinja_env.filters["is_menu_visible"]
    entries = [entry for entry in top.childs if entry is not None and entry.name != "-" and seen(entry)]
    groups = GROUPS.get(top.name, ())
    known = {name for _label, names in groups for name in names}
    alone = Group("", tuple(entry for entry in entries if entry.name not in known))
    by_name = {entry.name: entry for entry in entries}
    return [
        alone,
        *(Group(str(label), tuple(by_name[name] for name in names if name in by_name)) for label, names in groups),
    ]


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
