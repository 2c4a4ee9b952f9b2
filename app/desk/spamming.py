"""Spam, bans, unverified senders and copies that wait, as a door: what is done about them from a ticket."""

from __future__ import annotations

from typing import Any

from flask import flash, g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.errors import NotThere
from app.core.extensions import db
from app.desk import doing
from app.desk.listing import is_id
from app.mail import banned
from app.tickets import copies, trusting
from app.tickets.models import Ticket
from app.tickets.thread import Message


class SpammingView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "spam"

    @expose("/<int:number>/spam", methods=["POST"])
    @has_access
    @permission_name("spam")
    def spam(self, number: int) -> Any:
        return doing.do(number, lambda ticket: ticket.mark_spam(g.user))

    @expose("/<int:number>/no-spam", methods=["POST"])
    @has_access
    @permission_name("spam")
    def no_spam(self, number: int) -> Any:
        return doing.do(number, lambda ticket: ticket.unmark_spam(g.user))

    @expose("/<int:number>/ban", methods=["POST"])
    @has_access
    @permission_name("spam")
    def ban(self, number: int) -> Any:
        """`what`: address or domain of the ticket's customer. A whole domain is for those who keep the list."""
        return doing.do(number, _ban)

    @expose("/<int:number>/wishes", methods=["POST"])
    @has_access
    @permission_name("reply")
    def wishes(self, number: int) -> Any:
        """`accept` or `refuse`: an address that somebody's mail named."""
        return doing.do(number, _answer_wish)

    @expose("/<int:number>/accept", methods=["POST"])
    @has_access
    @permission_name("reply")
    def accept(self, number: int) -> Any:
        """`message`: one of an unverified sender whom somebody knows."""
        return doing.do(number, _accept)


def _answer_wish(ticket: Ticket) -> None:
    for name in ("accept", "refuse"):
        given = request.form.get(name, "")
        if is_id(given):
            copies.answer_wish(ticket, int(given), accepted=name == "accept", by=g.user)


def _ban(ticket: Ticket) -> None:
    whole = request.form.get("what") == "domain"
    address = ticket.requester.email
    sender = "@" + address.rpartition("@")[2] if whole else address
    banned.demand_right(sender, g.user)
    row = banned.ban(sender, _("from %(number)s", number=ticket.display), by=g.user)
    told = _("%(sender)s is banned.", sender=row.sender)
    if whole:
        count = banned.customers_of(row.sender)
        told += " " + ngettext("%(num)d customer writes from there.", "%(num)d customers write from there.", count)
    flash(told, "success")


def _accept(ticket: Ticket) -> None:
    given = request.form.get("message", "")
    message = db.session.get(Message, int(given)) if is_id(given) else None
    if message is None or message.ticket_id != ticket.id:
        raise NotThere(_("There is no such message in this ticket."))
    trusting.accept(message, g.user)
