"""The page "Team load": who holds how much, whose tickets those are, what waits for nobody's hands, and the way from one to another."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, session
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.accounts import rights
from app.assignment import queue
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk import bulk, teamload
from app.desk.bulkpages import tell
from app.desk.deeds import DEEDS
from app.desk.listing import is_id
from app.desk.teamload import Asked, TeamLoad
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery


class TeamLoadView(BaseView):
    route_base = "/admin/team"
    class_permission_name = "TeamLoad"
    base_permissions = ["can_list"]
    default_view = "page"

    @expose("/")
    @has_access
    @permission_name("list")
    def page(self) -> Any:
        asked = Asked.read(request.args)
        return self.render_template(
            "desk/team.html", asked=asked, team=TeamLoad.of(asked, g.user), counted=teamload.COUNTED,
            may_assign=rights.may(g.user, "assign"), undo=session.pop("bulk", None) if "bulk" in session else None,
        )  # fmt: skip

    @expose("/move", methods=["POST"])
    @has_access
    @permission_name("list")
    def move(self) -> Any:
        """The deed of the ticket list's bar, with its rights, its report and its way back."""
        rights.demand(g.user, "assign")
        ids = _ticked()
        if len(ids) > 1 and not g.user.can("bulk"):
            raise Forbidden(_("Your role changes one ticket at a time."))
        wanted = request.form.get("value", "")
        if not wanted:
            raise Invalid(_("Please choose who gets these tickets."), {"value": _("Please choose somebody.")})
        deed = DEEDS["assign"].read(request.form, wanted, g.user)
        tell(bulk.begin("assign", deed, ids, g.user))
        return redirect(Asked.read(request.form).address(), 303)

    @expose("/assign", methods=["POST"])
    @has_access
    @permission_name("list")
    def assign(self) -> Any:
        """What is ticked, or else all that is shown of the queue, goes to whom the rules choose, also where they do not choose by themselves."""
        rights.demand(g.user, "assign")
        asked = Asked.read(request.form)
        places = [one.id for one in teamload.seen_departments(g.user) if asked.department in (None, one.id)]
        wanted = teamload.nobodys(g.user, places).with_only_columns(Ticket.id).limit(teamload.ROWS)
        if request.form.getlist("rowid"):
            wanted = wanted.where(Ticket.id.in_(_ticked()))
        ids = list(db.session.scalars(wanted))
        _tell_handed(queue.hand_out(ids), len(ids))
        return redirect(asked.address(), 303)


def _ticked() -> list[int]:
    """Only those that they may see, in the order of the page."""
    ids = [int(one) for one in request.form.getlist("rowid") if is_id(one)]
    if not ids or len(ids) > teamload.ROWS:
        raise Invalid(_("Please choose between 1 and %(most)s tickets.", most=teamload.ROWS))
    seen = TicketQuery.seen_by(g.user).where(Ticket.id.in_(ids)).statement.with_only_columns(Ticket.id)
    theirs = set(db.session.scalars(seen))
    return [one for one in dict.fromkeys(ids) if one in theirs]


def _tell_handed(given: int, asked: int) -> None:
    if given:
        flash(ngettext("%(num)d ticket was handed out.", "%(num)d tickets were handed out.", given), "success")
    if asked > given:
        left = asked - given
        flash(
            ngettext(
                "%(num)d ticket stays in the queue: beside it stands why.",
                "%(num)d tickets stay in the queue: beside each stands why.",
                left,
            ),
            "warning",
        )
    elif not asked:
        flash(_("Nothing waits."), "success")
