"""Staff write to customers first: a message, or a request for documents; to each of several in a ticket of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.accounts import customers, tokens
from app.accounts.models import Customer, Department
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import lookups, pickers, requestforms
from app.desk.listing import is_id
from app.desk.requestforms import Form
from app.tickets import canned, collecting
from app.tickets.choices import Category, Priority, Status
from app.tickets.lifecycle import demand_choosable
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket
from app.tickets.sorting import LONGEST_SUBJECT
from app.tickets.thread import Channel, Words

MESSAGE, DOCUMENTS = "message", "documents"
MOST = 50
"""Customers written to at once."""


class MessagingView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "message"

    @expose("/message", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def message(self) -> Any:
        if request.method == "GET":
            begun = {"type": MESSAGE, "to": _chosen(request.args), "mark": tokens.new_form()}
            return self._page(begun, {})
        form = request.form
        try:
            if not tokens.first_time(form.get("mark", "")[:40], repr([*form.items(multi=True)]), staff_id=g.user.id):
                flash(_("This message was sent already."), "info")
                return redirect("/admin/tickets/", code=303)
            tickets = _begin(form)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            if not fields:
                flash(str(refusal), "danger")
            return self._page(form.to_dict(), fields), refusal.code
        flash(ngettext("Sent to %(num)d customer.", "Sent to %(num)d customers.", len(tickets)), "success")
        alone = len(tickets) == 1 and tickets[0].seen_by(g.user)
        return redirect(f"/admin/tickets/{tickets[0].number}" if alone else "/admin/tickets/?state=waiting", code=303)

    @expose("/message/people")
    @has_access
    @permission_name("add")
    def people(self) -> Any:
        """For the field of addresses: customers whose name or address begins with `q`."""
        found = pickers.customers(request.args.get("q", "")[:100].replace("\x00", ""))
        return jsonify(items=[{"name": one["email"], "title": one["name"], "text": one["email"]} for one in found])

    @expose("/message/canned")
    @has_access
    @permission_name("add")
    def canned(self) -> Any:
        """Their names in braces are filled for each customer when the message is sent."""
        found = canned.offered_to_begin(g.user, request.args.get("q", "")[:60])
        return jsonify(
            items=[{"name": one.shortcut or one.title, "title": one.title, "text": one.body} for one in found]
        )

    def _page(self, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        return self.render_template(
            "desk/message.html", title=_("Message client"), values=values, errors=errors, names=lookups.of_list(), may_ask=g.user.can("documents"),
            rows=requestforms.rows(requestforms.wanted(request.form)), more=requestforms.MORE_ROWS, types=requestforms.types(),
        )  # fmt: skip


def _chosen(given: MultiDict[str, str]) -> str:
    """The customers whose pages or list led here, for those who may read customers."""
    wanted = [int(text) for text in given.getlist("customer_id")[:MOST] if is_id(text)]
    if not wanted or not g.user.can("show", "Customer"):
        return ""
    found = select(Customer.email).where(Customer.id.in_(wanted), Customer.active.is_(True))
    return ", ".join(db.session.scalars(found.order_by(Customer.name_key, Customer.id)))


def _begin(form: Form) -> list[Ticket]:
    """All of them or none. Everything that is wrong is said at once, each beside its field."""
    asks = form.get("type") == DOCUMENTS
    if asks and not g.user.can("documents"):
        raise Forbidden(_("Your role does not allow this."))
    people = _checked(form, asks)
    filed = _filed(form)
    agent = pickers.person(form.get("assignee", ""), g.user)
    words = Words(form.get("body", "").replace("\x00", "").replace("\r\n", "\n"), via=Channel.STAFF)
    tickets = []
    for person in people:
        new = NewTicket(form["subject"].strip(), words, person, variables=True, **filed)
        if asks:
            wanted, due_on = requestforms.wanted(form), requestforms.due_on(form)
            ticket = collecting.begin_request(new, wanted, due_on, g.user).ticket
        else:
            ticket = collecting.begin(new, g.user)
        if agent is not None:
            ticket.assign_to(agent, by=g.user)
        tickets.append(ticket)
    return tickets


def _filed(form: Form) -> dict[str, Any]:
    """Where the tickets belong, as far as that was chosen and this person may choose it."""
    chosen: dict[str, Any] = {}
    for name, kind in (("department", Department), ("category", Category), ("priority", Priority), ("status", Status)):
        row = pickers.optional(kind, form.get(name, ""), name)  # type: ignore[type-var]
        if row is not None and name != "department" and not g.user.can(name):
            raise Forbidden(_("Your role does not allow this."))
        chosen[name] = row
    if chosen["status"] is not None:
        demand_choosable(chosen["status"], g.user)
    return chosen


def _checked(form: Form, asks: bool) -> list[Customer]:
    wrong: dict[str, str] = {}
    subject = form.get("subject", "").strip()
    if not subject:
        wrong["subject"] = _("Please say in a few words what it is about.")
    elif len(subject) > LONGEST_SUBJECT:
        wrong["subject"] = _("At most %(most)s characters.", most=LONGEST_SUBJECT)
    if not form.get("body", "").replace("\x00", "").strip():
        wrong["body"] = _("Please write what it is about.")
    addresses: list[str] = []
    for read in (lambda: addresses.extend(_addresses(form.get("to", ""))), lambda: _asked(form) if asks else None):
        try:
            read()
        except Invalid as refusal:
            wrong |= refusal.fields
    if wrong:
        raise Invalid(_("The message is not complete yet."), wrong)
    return [
        customers.find_or_create(address, form.get("name", "") if len(addresses) == 1 else "") for address in addresses
    ]


def _asked(form: Form) -> None:
    collecting.checked(requestforms.wanted(form), requestforms.due_on(form))


def _addresses(given: str) -> list[str]:
    """Each once, in their order. Raises Invalid beside `to`."""
    found: dict[str, str] = {}
    for text in re.split(r"[,;\s]+", given.strip()):
        if not text:
            continue
        try:
            address = customers.checked_address(text)
        except Invalid:
            sentence = _("“%(address)s” is no address.", address=text[:80])
            raise Invalid(sentence, {"to": sentence}) from None
        found.setdefault(address.casefold(), address)
    if not found or len(found) > MOST:
        sentence = _("Please choose between 1 and %(most)s customers.", most=MOST)
        raise Invalid(sentence, {"to": sentence})
    return list(found.values())
