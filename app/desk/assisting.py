"""What helps while somebody writes: who else is here, canned responses, people to name, files on their way, how it will read."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify, render_template, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from app.accounts.models import Customer, StaffProfile
from app.accounts.viewer import viewer
from app.core import web
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.desk import composing, facts
from app.desk.workspace import find
from app.tickets import canned, macros, presence
from app.tickets.models import Participant, Ticket
from app.tickets.presence import Here
from app.tickets.thread import Channel, readable

OFFERED = 8
MACRO = "macro"
LONGEST_PREVIEW = 50_000


class AssistingView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"

    @expose("/<int:number>/here", methods=["POST"])
    @has_access
    @permission_name("show")
    def here(self, number: int) -> Response:
        """A page says that it is open, and whether somebody writes in it; it hears who else is here and whether anything is new."""
        ticket = facts.of(number, g.user)
        if ticket is None:
            find(number, g.user)  # says in the one sentence that there is none
            return jsonify()
        if "gone" in request.form:
            presence.go(ticket.id, g.user)
            return jsonify()
        mark = composing.waiting(ticket, g.user).mark(ticket)
        others = presence.come(ticket.id, g.user, "writes" in request.form)
        return jsonify(sentence=sentence(others), writes=any(each.writes for each in others), mark=mark)

    @expose("/<int:number>/canned")
    @has_access
    @permission_name("show")
    def canned(self, number: int) -> Response:
        ticket, words = find(number, g.user), request.args.get("q", "")[:60]
        if words.casefold().startswith(MACRO):
            return jsonify(items=_macros(ticket, words[len(MACRO) :]))
        found = canned.offered(ticket, g.user, words)
        return jsonify(
            items=[
                {"name": one.shortcut or one.title, "title": one.title, "text": canned.filled(one.body, ticket, g.user)}
                for one in found
            ]
        )

    @expose("/<int:number>/people")
    @has_access
    @permission_name("show")
    def people(self, number: int) -> Response:
        """To name with @ (`staff`), or to send a copy to: who takes part, colleagues of the customer, and customers for those who may list them."""
        ticket, begin = find(number, g.user), request.args.get("q", "").strip().casefold()[:60]
        found = _staff(begin) if "staff" in request.args else _copies(ticket, begin)
        return jsonify(items=[{"name": name, "title": title, "text": name} for name, title in found])

    @expose("/<int:number>/files", methods=["POST"])
    @has_access
    @permission_name("show")
    def files(self, number: int) -> Any:
        """One file on its way into a reply or note; it goes with the next one that names its id."""
        ticket = find(number, g.user)
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            return jsonify(error=_("There was no file.")), 422
        already = composing.ids(request.form.getlist("attachment_ids"))
        try:
            kept = composing.keep(sent, len(already))
        except HelpdeskError as refusal:
            db.session.rollback()
            return jsonify(error=str(refusal)), refusal.code
        kept.ticket_id = ticket.id
        db.session.commit()
        return jsonify(id=kept.id, name=kept.name, size=web.filesize(kept.bytes))

    @expose("/<int:number>/preview", methods=["POST"])
    @has_access
    @permission_name("show")
    def preview(self, number: int) -> str:
        """The text as the thread will show it."""
        find(number, g.user)
        text = request.form.get("body", "")[:LONGEST_PREVIEW]
        return render_template("desk/_preview.html", text=readable(text.strip(), Channel.STAFF))


def _macros(ticket: Ticket, words: str) -> list[dict[str, str]]:
    """Typed as /macro and words of a name: choosing one opens its preview."""
    here = f"/admin/tickets/{ticket.number}/macros"
    return [
        {"name": MACRO, "title": one.name, "text": "", "sheet": f"{here}/{one.id}/preview"}
        for one in macros.offered(g.user, ticket, words)[:OFFERED]
    ]


def sentence(others: list[Here]) -> str:
    """Who else is here, in words."""
    writing = [each.name for each in others if each.writes]
    if len(writing) == 1:
        return _("%(name)s is writing", name=writing[0])
    if writing:
        return _("%(names)s are writing", names=_listed(writing))
    looking = [each.name for each in others]
    if len(looking) == 1:
        return _("%(name)s is here", name=looking[0])
    return _("%(names)s are here", names=_listed(looking)) if looking else ""


def _listed(names: list[str]) -> str:
    return _("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])


def _staff(begin: str) -> list[tuple[str, str]]:
    """Whoever could see a ticket: naming them lets them see this one."""
    rows = db.session.execute(
        select(User.id, User.username)
        .join(StaffProfile, StaffProfile.user_id == User.id)
        .where(User.active.is_(True), User.id != g.user.id)
        .where(
            or_(
                *(
                    func.lower(column).startswith(begin, autoescape=True)
                    for column in (User.username, User.first_name, User.last_name)
                )
            )
        )
        .order_by(User.username)
        .limit(OFFERED * 2)
    ).all()
    people = [(row.username, viewer(row.id)) for row in rows]
    return [(name, person.name) for name, person in people if person is not None and person.can("show")][:OFFERED]


def _copies(ticket: Ticket, begin: str) -> list[tuple[str, str]]:
    if not begin:
        return []
    named = or_(
        Customer.email_key.startswith(begin, autoescape=True), Customer.name_key.startswith(begin, autoescape=True)
    )
    wanted = select(Customer.email, Customer.name).where(named, Customer.active.is_(True))
    if not g.user.can("list", "Customer"):
        parts = select(Participant.customer_id).where(Participant.ticket_id == ticket.id)
        colleagues = Customer.organization_id == (ticket.requester.organization_id or -1)
        wanted = wanted.where(or_(Customer.id.in_(parts), colleagues))
    rows = db.session.execute(wanted.order_by(Customer.name_key, Customer.id).limit(OFFERED))
    return [(row.email, row.name) for row in rows]
