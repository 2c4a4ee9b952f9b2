"""The mail log: what became of each mail, with the server's own words, and a resend."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.audit import What, note
from app.core.extensions import db
from app.mail import outgoing, quarantine
from app.mail.models import Delivery, DeliveryState, RawMail, RawState

ROWS = 100
OUT = {
    DeliveryState.QUEUED: _l("Waiting"),
    DeliveryState.SENT: _l("Sent"),
    DeliveryState.CAPTURED: _l("In the built-in mailbox"),
    DeliveryState.FAILED: _l("Failed"),
    DeliveryState.SUPPRESSED: _l("Held back"),
}
IN = {
    RawState.NEW: _l("Not read yet"),
    RawState.DELIVERED: _l("Delivered"),
    RawState.QUARANTINED: _l("Quarantined"),
    RawState.IGNORED: _l("Ignored"),
    RawState.DUPLICATE: _l("Came twice"),
}


class MailLogView(BaseView):
    route_base = "/admin/mail-log"
    default_view = "index"
    class_permission_name = "MailLog"
    base_permissions = ["can_list", "can_show", "can_retry"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        """Newest first; `state` and `address` (whole) narrow it."""
        wanted = select(Delivery).options(joinedload(Delivery.ticket)).order_by(Delivery.id.desc()).limit(ROWS)
        state, address = request.args.get("state", ""), request.args.get("address", "").strip().casefold()
        if state in {each.value for each in DeliveryState}:
            wanted = wanted.where(Delivery.state == DeliveryState(state))
        if address:
            wanted = wanted.where(Delivery.address == address)
        return self.render_template(
            "desk/maillog.html", rows=db.session.scalars(wanted).all(), state=state, address=address, states=OUT
        )

    @expose("/incoming")
    @has_access
    @permission_name("list")
    def incoming(self) -> Any:
        wanted = select(RawMail).order_by(RawMail.id.desc()).limit(ROWS)
        state = request.args.get("state", "")
        if state in {each.value for each in RawState}:
            wanted = wanted.where(RawMail.state == RawState(state))
        return self.render_template(
            "desk/maillog_incoming.html",
            rows=db.session.scalars(wanted).all(),
            state=state,
            states=IN,
            set_aside=quarantine.count(),
        )

    @expose("/<int:delivery_id>/resend", methods=["POST"])
    @has_access
    @permission_name("retry")
    def resend(self, delivery_id: int) -> Any:
        delivery = db.session.get(Delivery, delivery_id) or abort(404)
        outgoing.resend(delivery)
        note(What.RESENT, f"{delivery.kind} {delivery.id}")
        db.session.commit()
        flash(_("The mail is on its way again."), "success")
        return redirect("/admin/mail-log/")
