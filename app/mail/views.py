"""The mail lab: a mailbox of what was sent, answers as anyone, and the what-if for any message."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, g, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from app.accounts import staff as people
from app.core.audit import What, note_reading
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail import incoming, mailbox, parsing
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.mail.outgoing import SECRET
from app.mail.wording import LABELS
from app.tickets.models import Ticket

ROWS = 100
FRAME = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
"""A mail's own styles stand in it; nothing else of it may act, load or lead anywhere."""


class MailLabView(BaseView):
    route_base = "/admin/mail-lab"
    default_view = "index"
    class_permission_name = "MailLab"
    base_permissions = ["can_list", "can_show", "can_add"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return self._page("mailbox/lab.html")

    @expose("/<int:delivery_id>")
    @has_access
    @permission_name("show")
    def show(self, delivery_id: int) -> Any:
        return self._opened(delivery_id)

    @expose("/<int:delivery_id>/html")
    @has_access
    @permission_name("show")
    def html(self, delivery_id: int) -> Any:
        """The HTML part in a frame of its own that may do nothing."""
        mail = mailbox.opened(_delivery(delivery_id)) or abort(404)
        response = Response(
            mail.html or str(Markup("<pre>{}</pre>").format(parsing.plain_text(mail))), mimetype="text/html"
        )
        response.headers["Content-Security-Policy"] = FRAME
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    @expose("/<int:delivery_id>/answer", methods=["POST"])
    @has_access
    @permission_name("add")
    def answer(self, delivery_id: int) -> Any:
        try:
            return self._taken(mailbox.answer(_delivery(delivery_id), request.form.get("text", "")))
        except Invalid as refusal:
            return self._opened(delivery_id, refusal.fields or {"text": str(refusal)}), 422

    @expose("/write", methods=["POST"])
    @has_access
    @permission_name("add")
    def write(self) -> Any:
        form = request.form
        try:
            return self._taken(
                mailbox.write(
                    form.get("sender", ""), form.get("name", ""), form.get("subject", ""), form.get("text", "")
                )
            )
        except Invalid as refusal:
            return self._page("mailbox/lab.html", errors=refusal.fields, values=form), 422

    @expose("/what-if", methods=["POST"])
    @has_access
    @permission_name("add")
    def what_if(self) -> Any:
        """An .eml file: what would happen, or, with "deliver", let it happen."""
        file = request.files.get("eml")
        raw = file.read(incoming.MOST_BYTES + 1) if file else b""
        if not raw:
            return self._page("mailbox/lab.html", errors={"eml": _("Please choose a file that ends in .eml.")}), 422
        if request.form.get("then") == "deliver":
            return self._taken(incoming.store(raw, "lab"))
        try:
            return self._page("mailbox/lab.html", verdict=mailbox.what_if(raw))
        except HelpdeskError as refusal:
            return self._page("mailbox/lab.html", errors={"eml": str(refusal)}), 422

    def _taken(self, row: RawMail) -> Any:
        """Delivered at once, so that the page can say what became of it; the job finds it done."""
        if row.state is RawState.NEW:
            incoming.deliver(row.id)
            db.session.commit()
        flash(row.verdict, "success" if row.state is RawState.DELIVERED else "warning")
        ticket = db.session.get(Ticket, row.ticket_id) if row.ticket_id else None
        return redirect(f"/admin/tickets/{ticket.number}" if ticket is not None else "/admin/mail-lab/")

    def _opened(self, delivery_id: int, errors: dict[str, str] | None = None) -> Any:
        delivery = _delivery(delivery_id)
        mail = mailbox.opened(delivery)
        return self._page(
            "mailbox/lab.html",
            delivery=delivery,
            mail=mail,
            text=parsing.plain_text(mail) if mail else "",
            errors=errors,
            values=request.form,
        )

    def _page(self, template: str, errors: dict[str, str] | None = None, values: Any = None, **more: Any) -> Any:
        address = request.args.get("address", "").strip().casefold()
        rows = (
            select(Delivery)
            .where(Delivery.state.in_((DeliveryState.CAPTURED, DeliveryState.SENT, DeliveryState.QUEUED)))
            .options(joinedload(Delivery.ticket))
        )
        if address:
            rows = rows.where(Delivery.address == address)
        rows = rows.order_by(Delivery.id.desc()).limit(ROWS)
        view = request.args.get("as", "html")
        return self.render_template(
            template,
            rows=db.session.scalars(rows).all(),
            labels=LABELS,
            address=address,
            errors=errors or {},
            values=values or {},
            view=view if view in ("html", "text", "headers") else "html",
            **more,
        )


def _delivery(delivery_id: int) -> Delivery:
    """NotThere too for a link that lets its reader in as a colleague who may do more than they may."""
    found: Delivery = db.session.get(Delivery, delivery_id, options=[undefer(Delivery.raw)]) or abort(404)
    if found.kind not in SECRET:
        return found
    if found.staff is not None and not people.may_edit(g.user, found.staff):
        abort(404)
    note_reading(What.LINK_LOOKED_AT, f"{found.kind} {found.id}", staff=found.staff_id, customer=found.customer_id)
    return db.session.get_one(Delivery, delivery_id, options=[undefer(Delivery.raw)])


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(
        MailLabView,
        "Mail lab",
        label=_l("Mail lab"),
        category="System",
        category_label=_l("System"),
        category_icon="fa-server",
    )
