"""The staff's pages."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.desk.tickets import TicketView


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(TicketView, "Tickets", label=_l("Tickets"), icon="fa-inbox")
