"""Registers the pages of the portal and of the help center."""

from __future__ import annotations

from flask import Flask

from app.portal import files, guests, help, incidents, ratings, saying, signin, tickets, uploads  # noqa: F401  # each adds its pages
from app.portal.frame import help_center, portal


def register(app: Flask) -> None:
    app.register_blueprint(portal)
    app.register_blueprint(help_center)
