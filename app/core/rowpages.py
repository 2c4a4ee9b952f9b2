"""Where a row has a page of its own, for whoever may open it: what a generated page names leads there."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, url_for
from flask_appbuilder import AppBuilder

from app.core.fab import DeskInterface, DeskView

KEPT = "row_pages"


def install(app: Flask, appbuilder: AppBuilder) -> None:
    """For templates, when every view is there. Of two views over one model the first has its pages."""
    found: dict[type, DeskView] = {}
    for view in appbuilder.baseviews:
        if isinstance(view, DeskView) and _unscoped(view):
            found.setdefault(view.datamodel.obj, view)
    app.extensions[KEPT] = found
    app.jinja_env.globals["page_of"] = page_of


def page_of(row: Any) -> str | None:
    view: DeskView | None = current_app.extensions[KEPT].get(type(row))
    if view is None or not _may_open(view):
        return None
    return url_for(f"{view.endpoint}.show", pk=row.id)


def _unscoped(view: DeskView) -> bool:
    """Each of its rows is there for everybody who may open one: no link leads to what is hidden."""
    return type(view.datamodel).visible is DeskInterface.visible and not view.base_filters


def _may_open(view: DeskView) -> bool:
    """Asked once a request for each view, whatever the number of rows."""
    known: dict[str, bool] = g.setdefault("row_pages", {})
    name = view.class_permission_name
    if name not in known:
        known[name] = bool(view.appbuilder.sm.has_access("can_show", name))
    return known[name]
