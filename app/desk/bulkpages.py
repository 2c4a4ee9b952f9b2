"""Pages of bulk changes: how far one is, what refused and why, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, g, redirect, request, session
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.desk import bulk
from app.desk.deeds import DEEDS
from app.desk.listing import Listing
from app.settings import desk
from app.tickets.bulk import BulkChange, Outcome

SHOWN = 200
LATEST = 30
REFUSALS_SHOWN = 5


class BulkView(BaseView):
    """Everybody sees their own changes alone."""

    route_base = "/admin/bulk"
    class_permission_name = "Ticket"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        mine = select(BulkChange).where(BulkChange.staff_id == g.user.id).order_by(BulkChange.id.desc()).limit(LATEST)
        return self.render_template("desk/bulkchanges.html", changes=db.session.scalars(mine).all(), deeds=DEEDS)

    @expose("/<int:change_id>")
    @has_access
    @permission_name("list")
    def one(self, change_id: int) -> Any:
        change = _mine(change_id)
        found = bulk.outcomes(change)
        through, _waiting = bulk.sums(found)
        return self.render_template(
            "desk/bulkchange.html", change=change, deed=DEEDS.get(change.deed), found=found, through=through,
            refused=bulk.refusals(change, SHOWN), undoable=bulk.undoable(change), display=desk.current().display,
            absent=bulk.absence(change, g.user),
        )  # fmt: skip

    @expose("/<int:change_id>/undo", methods=["POST"])
    @has_access
    @permission_name("list")
    def undo(self, change_id: int) -> Any:
        change = _mine(change_id, held=True)
        if not bulk.undoable(change):
            raise HelpdeskError(_("This cannot be undone (any more)."))
        change = bulk.undo(change, g.user)
        if change.finished_at is None or "back" not in request.form:
            return redirect(f"/admin/bulk/{change.id}")
        _tell(bulk.outcomes(change))
        return redirect("/admin/tickets/" + Listing.posted(request.form).address())


def tell(change: BulkChange) -> None:
    """What became of a change that is done, on the page it was asked for from."""
    found = bulk.outcomes(change)
    done = found.get(Outcome.DONE, 0) + found.get(Outcome.SAME, 0)
    if done:
        flash(ngettext("%(num)d ticket changed.", "%(num)d tickets changed.", done), "success")
    if done and (absent := bulk.absence(change, g.user)):
        flash(absent, "warning")
    if found.get(Outcome.DONE) and bulk.undoable(change):
        session["bulk"] = change.id
    refused = [
        f"{desk.current().display(step.number)}: {step.reason}" for step in bulk.refusals(change, REFUSALS_SHOWN)
    ]
    if refused:
        more = found.get(Outcome.REFUSED, 0) - len(refused)
        rest = " " + ngettext("And %(num)d more.", "And %(num)d more.", more) if more > 0 else ""
        flash(" ".join(refused) + rest, "danger")


def _tell(found: Mapping[Outcome, int]) -> None:
    """Whoever undid it on the list goes on with the list."""
    if given := found.get(Outcome.UNDONE, 0):
        flash(ngettext("%(num)d ticket is as it was.", "%(num)d tickets are as they were.", given), "success")
    if kept := found.get(Outcome.KEPT, 0) + found.get(Outcome.GONE, 0):
        flash(
            ngettext(
                "%(num)d ticket stays: somebody changed it since.",
                "%(num)d tickets stay: somebody changed them since.",
                kept,
            ),
            "warning",
        )


def _mine(change_id: int, held: bool = False) -> BulkChange:
    """`held`: for this transaction alone, so that a second press on "Undo" waits and then finds it begun."""
    mine = select(BulkChange).where(BulkChange.id == change_id, BulkChange.staff_id == g.user.id)
    return db.session.scalar(mine.with_for_update() if held else mine) or abort(404)
