"""One update to everybody whom an incident concerns, as a door: written once, looked at, and then a reply in each ticket."""

from __future__ import annotations

import dataclasses as dc
import hashlib
from collections.abc import Sequence
from typing import Any

from flask import g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import rights, tokens
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.desk import bulk
from app.desk.deeds import DEEDS
from app.desk.workspace import find
from app.tickets import incidents
from app.tickets.canned import filled
from app.tickets.conversation import LEADS_TO, Then
from app.tickets.leaks import Leak, leaks
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.timeline import Did

LOOKED_AT = 50
"""Tickets for which the text is looked at one by one: what it says of others it says in all of them."""


@dc.dataclass(frozen=True)
class Outcome:
    """What will happen when it is sent."""

    ids: list[int]
    customers: int
    reaches: str
    """Stands for exactly these tickets."""
    doubts: list[Leak]
    example: str
    """The text as the first of them reads it."""


class UpdateView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "write"

    @expose("/<int:number>/incident/update")
    @has_access
    @permission_name("incident")
    def write(self, number: int) -> Any:
        """`then`: what is chosen to become of the tickets."""
        ticket = _incident(number)
        return self._page(ticket, {"then": request.args.get("then", Then.KEEP), "own": "1"})

    @expose("/<int:number>/incident/update", methods=["POST"])
    @has_access
    @permission_name("incident")
    def send(self, number: int) -> Any:
        """Without `reaches` it is looked at; with it, it goes to exactly the tickets its writer saw, or is looked at again."""
        ticket = _incident(number)
        form = request.form.to_dict()
        try:
            asked = DEEDS["reply_all"].read({**form, "tasks_too_reply": form.get("tasks_too", "")}, "", g.user)
        except Invalid as refusal:
            return self._page(ticket, form, refusal.fields), refusal.code
        if asked.value["then"] not in _endings(_ids(ticket, "own" in form)):
            return self._page(
                ticket, form, {"then": _("Your role allows this for none of these tickets.")}
            ), Invalid.code
        outcome = _outcome(ticket, asked.value["body"], "own" in form)
        if not outcome.ids:
            return self._page(ticket, form, {"body": _("No open ticket belongs to it.")}), Invalid.code
        agreed = {doubt.key for doubt in outcome.doubts} <= set(request.form.getlist("looked"))
        if form.get("reaches") != outcome.reaches or not agreed:
            return self._page(ticket, form, outcome=outcome)
        if not tokens.first_time(form.get("mark", ""), str(ticket.id), asked.value["body"], staff_id=g.user.id):
            db.session.rollback()
            return redirect("/admin/bulk/", code=303)
        ticket.record(Did.INCIDENT_UPDATED, g.user, tickets=len(outcome.ids))
        change = bulk.begin("reply_all", asked._replace(words=ticket.display), outcome.ids, g.user, by_worker=True)
        return redirect(f"/admin/bulk/{change.id}", code=303)

    def _page(self, ticket: Ticket, values: dict[str, Any], errors: Any = None, outcome: Outcome | None = None) -> Any:
        ids = _ids(ticket, own=False)
        return self.render_template(
            "desk/incident_update.html", ticket=ticket, values=values, errors=errors or {}, outcome=outcome, tickets=len(ids),
            customers=incidents.customers_of(ids), endings=_endings(_ids(ticket, own=True)), mark=values.get("mark") or tokens.new_form(),
        )  # fmt: skip


def _incident(number: int) -> Ticket:
    ticket = find(number, g.user)
    rights.demand(g.user, "reply", ticket)
    if incidents.of(ticket) is None:
        raise NotThere(_("Ticket %(number)s is no incident.", number=ticket.display))
    return ticket


def _ids(ticket: Ticket, own: bool) -> list[int]:
    """The incident's own thread first, where that is wanted and goes on."""
    return [*([ticket.id] if own and ticket.live else []), *incidents.reached(ticket, g.user)]


def _endings(ids: Sequence[int]) -> tuple[str, ...]:
    """What may become of these tickets by hand: what this person's roles allow for one of them at least."""
    if not rights.may(g.user, "status"):
        return (Then.KEEP,)
    held = db.session.scalars(select(Ticket.status_id).where(Ticket.id.in_(ids)).distinct()).all()
    targets = {way: status_for(state).id for way, state in LEADS_TO.items()}
    return (Then.KEEP, *(way for way, now in targets.items() if any(g.user.may_step(was, now) for was in held)))


def _outcome(ticket: Ticket, body: str, own: bool) -> Outcome:
    ids = _ids(ticket, own)
    wanted = select(Ticket).where(Ticket.id.in_(ids[:LOOKED_AT])).options(joinedload(Ticket.requester))
    looked = sorted(db.session.scalars(wanted), key=lambda one: ids.index(one.id))
    texts = [(one, filled(body, one, g.user)) for one in looked]
    doubts = {leak.key: leak for one in [ticket, *looked] for leak in leaks(one, filled(body, one, g.user), [], 0)}
    return Outcome(ids, incidents.customers_of(ids), _mark(ids), list(doubts.values()), texts[0][1] if texts else body)


def _mark(ids: Sequence[int]) -> str:
    return hashlib.sha256(repr(sorted(ids)).encode()).hexdigest()[:32]
