"""Incidents as a door: declare one, gather its tickets, look at whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from app.accounts import rights
from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk import bulk, doing
from app.desk.bulkpages import tell
from app.desk.deeds import Asked
from app.desk.listing import is_id
from app.desk.workspace import find
from app.search import surges
from app.search.alike import alike
from app.tickets import banners, incidents, numbering
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.thread import Message, MessageKind

SHOWN = 200
"""Tickets of an incident that its page names; it counts all."""
SIMILAR = 40


class IncidentView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "incident"

    @expose("/<int:number>/incident")
    @has_access
    @permission_name("show")
    def incident(self, number: int) -> Any:
        return self._page(_incident(number))

    @expose("/<int:number>/incident/banner", methods=["POST"])
    @has_access
    @permission_name("incident")
    def banner(self, number: int) -> Any:
        """`withdraw`, or `title` and `sentence` as customers are to read them."""
        ticket = find(_incident(number).number, g.user, lock=True)
        try:
            if "withdraw" in request.form:
                banners.withdraw(ticket, g.user)
            else:
                banners.publish(ticket, request.form.get("title", ""), request.form.get("sentence", ""), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            errors = refusal.fields if isinstance(refusal, Invalid) else {"title": str(refusal)}
            return self._page(_incident(number), request.form, errors), Invalid.code
        return redirect(f"/admin/tickets/{number}/incident", code=303)

    def _page(self, ticket: Ticket, values: Any = None, errors: Any = None) -> Any:
        wanted = incidents.tickets_of(ticket.id, g.user).options(
            joinedload(Ticket.requester), joinedload(Ticket.status)
        )
        return self.render_template(
            "desk/incident.html", ticket=ticket, reach=incidents.reach(ticket.id, g.user), may=lambda verb: rights.may(g.user, verb),
            incident=incidents.of(ticket), values=values or {}, errors=errors or {}, rows=db.session.scalars(wanted.limit(SHOWN)).all(),
        )  # fmt: skip

    @expose("/<int:number>/incident", methods=["POST"])
    @has_access
    @permission_name("incident")
    def declare(self, number: int) -> Any:
        return doing.do(number, _declare, back=f"/admin/tickets/{number}/incident")

    @expose("/<int:number>/incident/end", methods=["POST"])
    @has_access
    @permission_name("incident")
    def call_off(self, number: int) -> Any:
        return doing.do(number, _call_off)

    @expose("/<int:number>/incident/join")
    @has_access
    @permission_name("link")
    def joining(self, number: int) -> Any:
        return self._join_page(number)

    @expose("/<int:number>/incident/join", methods=["POST"])
    @has_access
    @permission_name("link")
    def join(self, number: int) -> Any:
        ticket = find(number, g.user)
        try:
            incidents.add(ticket, _named(request.form.get("incident", "")), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._join_page(number, str(refusal)), Invalid.code
        return redirect(f"/admin/tickets/{number}", code=303)

    @expose("/<int:number>/incident/leave", methods=["POST"])
    @has_access
    @permission_name("link")
    def leave(self, number: int) -> Any:
        """`incident`: of which it stands on the page; `back`: whether the incident's own page is shown then."""
        given = request.form.get("incident", "")
        stays = "stay" in request.form and is_id(given)
        return doing.do(number, _leave, back=f"/admin/tickets/{given}/incident" if stays else None)

    @expose("/<int:number>/incident/similar")
    @has_access
    @permission_name("link")
    def similar(self, number: int) -> Any:
        ticket = _incident(number)
        first = select(Message.text).where(Message.ticket_id == ticket.id, Message.kind == MessageKind.REPLY)
        text = db.session.scalar(first.order_by(Message.created_at, Message.id).limit(1)) or ""
        found = [one for one in alike(ticket.subject, text, g.user, ticket, SIMILAR) if one.ticket.live]
        taken = incidents.taken([one.ticket.id for one in found])
        return self.render_template(
            "desk/incident_similar.html", ticket=ticket, found=[one for one in found if one.ticket.id not in taken]
        )

    @expose("/<int:number>/incident/add", methods=["POST"])
    @has_access
    @permission_name("link")
    def add(self, number: int) -> Any:
        """`with` names each ticket by its number; `more` is what somebody typed."""
        ticket = _incident(number)
        given = [*request.form.getlist("with"), *request.form.get("more", "").replace(",", " ").split()]
        back = f"/admin/tickets/{number}/incident"
        tickets = _seen(given)
        if not tickets:
            flash(_("Choose at least one ticket that is yours to see."), "danger")
            return redirect(back, code=303)
        return gather(ticket, [one.id for one in tickets], back)

    @expose("/incident", methods=["POST"])
    @has_access
    @permission_name("incident")
    def make(self) -> Any:
        """An incident of several: `primary` stands for it, the others `with` it are its tickets."""
        tickets = _seen([request.form.get("primary", ""), *request.form.getlist("with")])
        primary = next((one for one in tickets if str(one.number) == request.form.get("primary", "")), None)
        try:
            if primary is None:
                raise Invalid(_("Choose the ticket that stands for the incident."))
            incidents.declare(primary, g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
            return redirect("/admin/tickets/incident?" + urlencode([("with", one.number) for one in tickets]), code=303)
        others, back = [one.id for one in tickets if one is not primary], f"/admin/tickets/{primary.number}/incident"
        return gather(primary, others, back) if others else redirect(back, code=303)

    @expose("/incident")
    @has_access
    @permission_name("show")
    def several(self) -> Any:
        """Tickets that may be one disturbance, each ticked; `with` names them, or `surge` the one with which they were noticed."""
        noticed = _noticed(request.args.get("surge", ""))
        found = [one for one in (*noticed, *_seen(request.args.getlist("with"))) if one.live]
        taken = incidents.taken([one.id for one in found])
        if noticed and taken >= {one.id for one in found} and (made := _made(noticed)) is not None:
            return redirect(f"/admin/tickets/{made.number}/incident")
        return self.render_template(
            "desk/incident_make.html",
            tickets=[one for one in found if one.id not in taken],
            left=len(taken),
            may_make=rights.may(g.user, "incident"),
        )

    def _join_page(self, number: int, refused: str = "") -> Any:
        ticket = find(number, g.user)
        offered = [one for one in incidents.running(g.user) if one.id != ticket.id]
        return self.render_template("desk/incident_join.html", ticket=ticket, offered=offered, refused=refused)


def gather(incident: Ticket, ids: Sequence[int], back: str) -> Any:
    """Few at once, many as a job with its page; what refuses is named with its reason."""
    change = bulk.begin("join_incident", Asked({"id": incident.id}, incident.display), ids, g.user)
    if change.finished_at is None:
        return redirect(f"/admin/bulk/{change.id}", code=303)
    tell(change)
    return redirect(back, code=303)


def _incident(number: int) -> Ticket:
    ticket = find(number, g.user)
    if incidents.of(ticket) is None:
        raise NotThere(_("Ticket %(number)s is no incident.", number=ticket.display))
    return ticket


def _declare(ticket: Ticket) -> None:
    incidents.declare(ticket, g.user)


def _call_off(ticket: Ticket) -> None:
    incidents.call_off(ticket, g.user)


def _leave(ticket: Ticket) -> None:
    incidents.take_out(ticket, _named(request.form.get("incident", "")), g.user)


def _named(text: str) -> Ticket:
    """Raises Invalid for what is no ticket that this person sees."""
    number = numbering.read(text[:40])
    try:
        return find(number if number is not None else -1, g.user)
    except NotThere:
        sentence = _("There is no ticket “%(number)s”, or it is not yours to see.", number=text[:40])
        raise Invalid(sentence, {"incident": sentence})


def _noticed(first: str) -> list[Ticket]:
    """Of the surge that began with this ticket those that this person sees."""
    ids = surges.tickets_of(int(first)) if is_id(first) else []
    return _rows(Ticket.id.in_(ids), bulk.AT_ONCE) if ids else []


def _made(noticed: Sequence[Ticket]) -> Ticket | None:
    """The incident that somebody made of them meanwhile."""
    found = (one.id if incidents.of(one) is not None else incidents.part_of(one) for one in noticed)
    made = next((id for id in found if id is not None), None)
    return incidents.seen(made, g.user) if made is not None else None


def _seen(numbers: Sequence[str]) -> list[Ticket]:
    """Those among them that this person sees, the oldest first; the rest is nobody's."""
    read = {numbering.read(text[:40]) for text in numbers[: bulk.AT_ONCE]}
    return _rows(Ticket.number.in_({number for number in read if number is not None}), len(read))


def _rows(which: ColumnElement[bool], most: int) -> list[Ticket]:
    wanted = TicketQuery.seen_by(g.user).where(which)
    loaded = (joinedload(Ticket.requester), joinedload(Ticket.status), joinedload(Ticket.department))
    return list(db.session.scalars(wanted.statement.options(*loaded).order_by(Ticket.number).limit(most)))
