"""The buttons "follow" and "mute" of a ticket's page."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.extensions import db
from app.desk.listing import Listing
from app.desk.workspace import find
from app.notifications import watching
from app.notifications.models import Way


class WatchingView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "watch"

    @expose("/<int:number>/watch", methods=["POST"])
    @has_access
    @permission_name("show")
    def watch(self, number: int) -> Any:
        ticket, way = find(number, g.user), request.form.get("way", "")
        if way not in WORDS:
            raise Invalid(_("There is no such choice."))
        watching.watch(ticket, g.user, Way(way) if way else None)
        db.session.commit()
        flash(WORDS[way](), "success")
        return redirect(f"/admin/tickets/{number}{Listing.posted(request.form).address()}", 303)


WORDS = {
    Way.FOLLOW.value: lambda: _("You follow this ticket: you hear of it as if it were yours."),
    Way.MUTE.value: lambda: _(
        "This ticket is mute: you hear of it only when somebody mentions you or gives it to you."
    ),
    "": lambda: _("You hear of this ticket as usual again."),
}
