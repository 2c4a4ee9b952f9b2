"""Staff open a ticket: for a customer who called or wrote elsewhere, or to begin a conversation themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.accounts import customers, environments, tokens
from app.accounts.environments import Environment
from app.accounts.models import Department
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import lookups, pickers
from app.tickets import fieldforms
from app.tickets.choices import Category, Priority
from app.tickets.models import Ticket, TicketKind
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.sorting import LONGEST_SUBJECT
from app.tickets.thread import Channel, Words

BY_CUSTOMER, BY_STAFF = "customer", "staff"


class NewTicketView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "new"

    @expose("/add", methods=["GET", "POST"])
    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        if request.method == "GET":
            begun = {
                "begun_by": BY_CUSTOMER,
                "email": request.args.get("customer", "")[:254],
                "mark": tokens.new_form(),
            }
            return self._form(begun, {})
        form = request.form
        try:
            if not tokens.first_time(
                form.get("mark", "")[:40], form.get("subject", ""), form.get("body", ""), staff_id=g.user.id
            ):
                flash(_("This ticket is open already."), "info")
                return redirect("/admin/tickets/", code=303)
            ticket = _open(form)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            if not fields:
                flash(str(refusal), "danger")
            return self._form(request.form, fields), refusal.code
        if not ticket.seen_by(g.user):
            flash(_("%(number)s is open. It is out of your sight.", number=ticket.display), "success")
            return redirect("/admin/tickets/", code=303)
        flash(_("%(number)s is open.", number=ticket.display), "success")
        return redirect(f"/admin/tickets/{ticket.number}", code=303)

    @expose("/customers")
    @has_access
    @permission_name("add")
    def customers(self) -> Any:
        """For the picker: people whose name or address begins with `q`."""
        return jsonify(items=pickers.customers(request.args.get("q", "")[:100].replace("\x00", "")))

    def _form(self, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        return self.render_template(
            "desk/new.html",
            title=_("New ticket"),
            values=values,
            errors=errors,
            names=lookups.of_list(),
            environment_required=environments.required(),
            fields=fieldforms.asked(values, Channel.STAFF),
        )


def _open(form: MultiDict[str, str]) -> Ticket:
    """Everything that is wrong is said at once, each beside its field."""
    wrong: dict[str, str] = {}
    subject, body = form.get("subject", "").strip(), form.get("body", "").replace("\x00", "").replace("\r\n", "\n")
    if not subject:
        wrong["subject"] = _("Please say in a few words what it is about.")
    elif len(subject) > LONGEST_SUBJECT:
        wrong["subject"] = _("At most %(most)s characters.", most=LONGEST_SUBJECT)
    if not body.strip():
        wrong["body"] = _("Please write what it is about.")
    try:
        address = customers.checked_address(form.get("email", ""))
    except Invalid as refusal:
        wrong |= refusal.fields
    wrong |= fieldforms.wrong(form, Channel.STAFF)
    if not form.get("environment") and environments.required():
        wrong["environment"] = _("Please choose where it happened.")
    if wrong:
        raise Invalid(_("The ticket is not complete yet."), wrong)
    by_staff = form.get("begun_by") == BY_STAFF
    return open_ticket(
        NewTicket(
            subject=subject, words=Words(body, via=Channel.STAFF), requester=customers.find_or_create(address, form.get("name", "")),
            department=pickers.optional(Department, form.get("department", ""), "department"), category=pickers.optional(Category, form.get("category", ""), "category"),
            priority=pickers.optional(Priority, form.get("priority", ""), "priority"), fields=fieldforms.given(form), environment=pickers.optional(Environment, form.get("environment", ""), "environment"), kind=TicketKind.CONVERSATION if by_staff else TicketKind.TICKET, opened_by_staff=by_staff,
        ),
        by=g.user,
    )  # fmt: skip
