"""A macro on one ticket: which are offered, what it would do, doing it, and taking it back."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from flask import flash, g, redirect, request, session
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import HelpdeskError, NotThere
from app.core.extensions import db
from app.desk.composing import ids
from app.desk.listing import Listing
from app.desk.workspace import find
from app.tickets import macroruns, macros
from app.tickets.leaks import Doubtful
from app.tickets.macroruns import Changed, Outcome
from app.tickets.macros import Macro, MacroRun

KEPT = "macro"
"""In the session: the run that a ticket's page may offer to take back."""


class MacroRunView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "choose"

    @expose("/<int:number>/macros")
    @has_access
    @permission_name("show")
    def choose(self, number: int) -> Any:
        ticket, words = find(number, g.user), request.args.get("q", "")[:80]
        found = macros.offered(g.user, ticket, words)
        return self.render_template(
            "desk/macros_offered.html", title=_("Macros"), ticket=ticket, macros=found, words=words, here=_back()
        )

    @expose("/<int:number>/macros/<int:macro_id>/preview", methods=["POST"])
    @has_access
    @permission_name("show")
    def preview(self, number: int, macro_id: int) -> Any:
        """What it would do, found out by doing it and giving it all back."""
        return self._preview(number, macro_id)

    @expose("/<int:number>/macros/<int:macro_id>", methods=["POST"])
    @has_access
    @permission_name("show")
    def run(self, number: int, macro_id: int) -> Any:
        """All of it, but what the preview said would not happen."""
        ticket = find(number, g.user, lock=True)
        macro = _runnable(macro_id)
        try:
            looked = request.form.getlist("looked") if "yes" in request.form else ()
            done = macroruns.run(
                macro, ticket, g.user, ids(request.form.getlist("skip")), request.form.get("seen", "")[:64], looked
            )
            db.session.commit()
        except (Changed, Doubtful) as refusal:
            db.session.rollback()
            return self._preview(number, macro_id, _again(refusal)), refusal.code
        if not ticket.seen_by(g.user):
            flash(_("The macro “%(name)s” ran. The ticket is out of your sight now.", name=done.name), "success")
            return redirect("/admin/tickets/", code=303)
        session[KEPT] = {"id": done.id, "number": number, "name": done.name, "until": macroruns.until(done).timestamp()}
        return redirect(f"/admin/tickets/{number}{_back()}", code=303)

    @expose("/<int:number>/macroruns/<int:run_id>/undo", methods=["POST"])
    @has_access
    @permission_name("show")
    def undo(self, number: int, run_id: int) -> Any:
        ticket = find(number, g.user, lock=True)
        done = db.session.get(MacroRun, run_id)
        if done is None or done.ticket_id != ticket.id or done.staff_id != g.user.id:
            raise NotThere(_("There is no such run of a macro."))
        session.pop(KEPT, None)
        try:
            macroruns.undo(done, ticket, g.user)
            db.session.commit()
            flash(_("The macro “%(name)s” was taken back. Notes and tasks it made stay.", name=done.name), "success")
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
        return redirect(f"/admin/tickets/{number}{_back()}", code=303)

    def _preview(self, number: int, macro_id: int, refusal: str = "") -> Any:
        macro, outcome = _foreseen(number, macro_id)
        return self.render_template(
            "desk/macrorun.html",
            title=macro.name,
            macro=macro,
            outcome=outcome,
            ticket=find(number, g.user),
            here=_back(),
            refusal=refusal,
        )


def just_ran(kept: MutableMapping[str, Any], number: int) -> Any:
    """What a ticket's page offers to take back, once, while that is possible."""
    if KEPT not in kept:
        return None
    ran = kept.pop(KEPT)
    return ran if ran["number"] == number and ran["until"] > clock.now().timestamp() else None


def _foreseen(number: int, macro_id: int) -> tuple[Macro, Outcome]:
    """Without a trace: everything it did is rolled back."""
    ticket = find(number, g.user, lock=True)
    outcome = macroruns.rehearse(_runnable(macro_id), ticket, g.user)
    db.session.rollback()
    return _runnable(macro_id), outcome


def _again(refusal: HelpdeskError) -> str:
    """What was found stands in the preview by itself."""
    return _("Please look at it again. Nothing was done yet.") if isinstance(refusal, Doubtful) else str(refusal)


def _runnable(macro_id: int) -> Macro:
    return macros.find(macro_id, g.user) or _nobodys()


def _nobodys() -> Any:
    raise NotThere(_("There is no such macro, or it is not yours to run."))


def _back() -> str:
    return Listing.posted(request.values).address()
