"""Pages that give a status's tickets to another status or another meaning: the choice, its preview, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk.listing import is_id
from app.desk.movepreview import Preview
from app.desk.statusnamed import named
from app.tickets import restating
from app.tickets.choices import STATE_LABELS, State, Status
from app.tickets.restating import Change
from app.tickets.statusmoves import StatusMove, unfinished

LATEST = 10


class StatusMoveView(BaseView):
    route_base = "/admin/statuses"
    class_permission_name = "Status"
    default_view = "choose"

    @expose("/<int:status_id>/move")
    @has_access
    @permission_name("edit")
    def choose(self, status_id: int) -> Any:
        """Without a choice its two forms; with one also what it would do."""
        status = _status(status_id)
        if not request.args.keys() & {"to", "means"}:
            return self._page(status)
        try:
            return self._page(status, _previewed(status, request.args))
        except HelpdeskError as refusal:
            return self._refused(status, refusal, request.args)

    @expose("/<int:status_id>/move", methods=["POST"])
    @has_access
    @permission_name("edit")
    def begin(self, status_id: int) -> Any:
        status = _status(status_id)
        told = "tell" in request.form
        try:
            preview = _previewed(status, request.form)
            if preview.mark != request.form.get("seen"):
                return self._page(status, preview, told=told, stale=True), 409
            move = restating.begin(preview.change, g.user, told and preview.ends)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._refused(_status(status_id), refusal, request.form)
        return redirect(f"/admin/statuses/moves/{move.id}", code=303)

    @expose("/moves/<int:move_id>")
    @has_access
    @permission_name("edit")
    def one(self, move_id: int) -> Any:
        move = db.session.get(StatusMove, move_id) or abort(404)
        status = move.status
        names = named(status, g.user) if status is not None and not move.meaning else []
        return self.render_template(
            "desk/statusmoving.html", move=move, left=restating.left(move), named=names, labels=STATE_LABELS,
            deletable=move.stands and not move.meaning and not names and status is not None and not restating.tickets(status),
        )  # fmt: skip

    @expose("/moves/<int:move_id>/again", methods=["POST"])
    @has_access
    @permission_name("edit")
    def again(self, move_id: int) -> Any:
        """What was left over is tried once more; pressed where nothing is left, it does nothing."""
        move = db.session.scalar(select(StatusMove).where(StatusMove.id == move_id).with_for_update()) or abort(404)
        restating.again(move)
        db.session.commit()
        return redirect(f"/admin/statuses/moves/{move_id}", code=303)

    def _refused(self, status: Status, refusal: HelpdeskError, asked: Mapping[str, str]) -> Any:
        errors = refusal.fields if isinstance(refusal, Invalid) else {}
        if errors.keys() & {"to", "means"}:
            errors = {name: f"{refusal} {text}" for name, text in errors.items()}
        else:
            flash(str(refusal), "danger")
        return self._page(status, errors=errors, values=asked), refusal.code

    def _page(self, status: Status, preview: Preview | None = None, **more: Any) -> Any:
        given: dict[str, Any] = {"errors": {}, "values": request.values, "told": False, "stale": False, **more}
        every = db.session.scalars(select(Status).where(Status.active.is_(True), Status.id != status.id).order_by(Status.position, Status.id)).all()  # fmt: skip
        here = StatusMove.status_id == status.id
        return self.render_template(
            "desk/statusmove.html", status=status, preview=preview, targets=[(one.id, str(one)) for one in every], labels=STATE_LABELS, tickets=restating.tickets(status),
            running=unfinished(status), latest=db.session.scalars(select(StatusMove).where(here).order_by(StatusMove.id.desc()).limit(LATEST)).all(), **given,
        )  # fmt: skip


def _status(status_id: int) -> Status:
    return db.session.get(Status, status_id) or abort(404)


def _previewed(status: Status, asked: Mapping[str, str]) -> Preview:
    """Raises a sentence for what is no choice, or a bad one."""
    to, means = asked.get("to", ""), asked.get("means", "")
    if bool(to) == bool(means):
        raise Invalid(_("Choose another status, or another meaning."), {"to": _("Choose one of the two.")})
    change = _to(status, to) if to else _meaning(status, means)
    restating.demand_possible(change)
    return Preview(change, g.user)


def _to(status: Status, to: str) -> Change:
    target = db.session.get(Status, int(to)) if is_id(to) else None
    if target is None or target is status:
        raise Invalid(_("This is no other status."), {"to": _("Choose another status.")})
    return Change.to(status, target)


def _meaning(status: Status, means: str) -> Change:
    if means not in set(State):
        raise Invalid(_("There is no such meaning."), {"means": _("Choose another meaning.")})
    return Change(status, status, State(means))
