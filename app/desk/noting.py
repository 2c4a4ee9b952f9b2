"""Notes about a customer as a door: read, write, change, pin, remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.accounts import customernotes
from app.accounts.customernotes import CustomerNote
from app.accounts.models import Customer
from app.core.errors import Forbidden, HelpdeskError
from app.core.extensions import db
from app.desk.listing import is_id


class CustomerNotesView(BaseView):
    route_base = "/admin/customers"
    class_permission_name = customernotes.VIEW
    base_permissions = ["can_list", "can_add", "can_edit", "can_delete"]
    default_view = "notes"

    @expose("/<int:customer_id>/notes")
    @has_access
    @permission_name("list")
    def notes(self, customer_id: int) -> Any:
        return self._page(_customer(customer_id))

    @expose("/<int:customer_id>/notes", methods=["POST"])
    @has_access
    @permission_name("add")
    def add(self, customer_id: int) -> Any:
        customer, form = _customer(customer_id), request.form
        try:
            customernotes.write(customer.id, form.get("text", ""), form.get("about", ""), g.user, "pinned" in form)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._page(_customer(customer_id), form.get("text", ""), str(refusal)), refusal.code
        flash(_("The note is kept."), "success")
        return _back(customer_id)

    @expose("/<int:customer_id>/notes/<int:note_id>", methods=["POST"])
    @has_access
    @permission_name("add")
    def change(self, customer_id: int, note_id: int) -> Any:
        form = request.form
        return self._done(
            customer_id, note_id, lambda note: customernotes.change(note, form.get("text", ""), form.get("about", ""), g.user)
        )  # fmt: skip

    @expose("/<int:customer_id>/notes/<int:note_id>/pin", methods=["POST"])
    @has_access
    @permission_name("add")
    def pin(self, customer_id: int, note_id: int) -> Any:
        pinned = request.form.get("pinned") == "1"
        return self._done(customer_id, note_id, lambda note: customernotes.pin(note, pinned, g.user))

    @expose("/<int:customer_id>/notes/<int:note_id>/remove", methods=["POST"])
    @has_access
    @permission_name("add")
    def remove(self, customer_id: int, note_id: int) -> Any:
        return self._done(customer_id, note_id, lambda note: customernotes.remove(note, g.user))

    def _done(self, customer_id: int, note_id: int, deed: Callable[[CustomerNote], None]) -> Any:
        note = db.session.get(CustomerNote, note_id)
        if note is None or note.customer_id != _customer(customer_id).id:
            abort(404)
        try:
            deed(note)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
        return _back(customer_id)

    def _page(self, customer: Customer, typed: str = "", wrong: str = "") -> Any:
        return self.render_template(
            "desk/customernotes.html", title=_("Notes about %(name)s", name=customer.name or customer.email), customer=customer, typed=typed, wrong=wrong,
            notes=customernotes.of(customer.id, g.user, removed=True), purposes=customernotes.WORDS, may_write=customernotes.may_write(g.user),
            may_change=lambda note: customernotes.may_change(g.user, note),
        )  # fmt: skip


def _customer(customer_id: int) -> Customer:
    """Who may not read customers learns of no note either."""
    if not g.user.can("show", "Customer"):
        raise Forbidden(_("Your role does not allow this."))
    return db.session.get(Customer, customer_id) or abort(404)


def _back(customer_id: int) -> Any:
    """To the ticket it was written beside."""
    ticket = request.form.get("ticket", "")
    return redirect(f"/admin/tickets/{ticket}" if is_id(ticket) else f"/admin/customers/{customer_id}/notes", code=303)
