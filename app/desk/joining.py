"""Merging as a door: choose, look, confirm; and taking apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk.outlook import Outlook, offered
from app.desk.workspace import find
from app.tickets import merging, numbering
from app.tickets.models import Ticket

MOST = 20
"""Tickets that are merged at once."""


class MergeView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "merge_several"

    @expose("/merge")
    @has_access
    @permission_name("merge")
    def merge_several(self) -> Any:
        """For the list: `with` names each ticket by its number."""
        return self._look(None)

    @expose("/<int:number>/merge")
    @has_access
    @permission_name("merge")
    def merge(self, number: int) -> Any:
        return self._look(find(number, g.user))

    @expose("/merge", methods=["POST"])
    @has_access
    @permission_name("merge")
    def confirm(self) -> Any:
        try:
            chosen = _chosen(request.form.getlist("with"))
        except Invalid as refusal:
            raise NotThere(str(refusal))
        primary = _primary(chosen, request.form.get("primary", ""))
        others = [ticket for ticket in chosen if ticket is not primary]
        try:
            if not others:
                raise Invalid(_("Choose at least one other ticket."))
            for ticket in others:
                merging.merge(ticket, into=primary, by=g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._look(None, str(refusal), request.form.getlist("with")), refusal.code
        said = ngettext("%(num)d ticket goes on in this one.", "%(num)d tickets go on in this one.", len(others))
        flash(said, "success")
        return redirect(f"/admin/tickets/{primary.number}", code=303)

    @expose("/<int:number>/unmerge", methods=["POST"])
    @has_access
    @permission_name("merge")
    def unmerge(self, number: int) -> Any:
        ticket = find(number, g.user)
        place = ticket.place()
        if not place.seen_by(g.user):
            raise NotThere(_("There is no such ticket, or it is not yours to see."))
        try:
            merging.unmerge(ticket, by=g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
            return redirect(f"/admin/tickets/{number}", code=303)
        flash(_("%(number)s stands for itself again, with all that is its own.", number=ticket.display), "success")
        return redirect(f"/admin/tickets/{number}", code=303)

    def _look(self, base: Ticket | None, refused: str = "", numbers: Sequence[str] = ()) -> Any:
        typed = request.args.get("more", "").replace(",", " ").split()
        given = [*([str(base.number)] if base else []), *(numbers or [*request.args.getlist("with"), *typed])]
        chosen, unknown = _named(given)
        if len(chosen) > MOST:
            chosen, refused = chosen[:MOST], _("At most %(most)s tickets at once.", most=MOST)
        refused = refused or " ".join(map(_not_there, unknown)) or (_itself(base, typed) if len(chosen) == 1 else "")
        first = base or (chosen[0] if chosen else None)
        primary = _primary(chosen, request.values.get("primary", "")) if chosen else None
        others = [ticket for ticket in chosen if ticket is not primary]
        shown = self.render_template(
            "desk/merge.html", title=_("Merge tickets"), base=base, chosen=chosen, primary=primary, refused=refused, unknown=unknown,
            offers=[offer for offer in (offered(first, g.user) if first else []) if offer.ticket not in chosen],
            outlook=Outlook(primary, others) if primary and others else None,
        )  # fmt: skip
        return shown


def _chosen(numbers: Sequence[str]) -> list[Ticket]:
    """Raises Invalid naming the first that is no ticket this person sees."""
    found, unknown = _named(numbers)
    if unknown:
        raise Invalid(_not_there(unknown[0]))
    if len(found) > MOST:
        raise Invalid(_("At most %(most)s tickets at once.", most=MOST))
    return found


def _named(numbers: Sequence[str]) -> tuple[list[Ticket], list[str]]:
    """Each ticket once, in the order of their numbers; and what is none that this person sees, as it was typed."""
    found: dict[int, Ticket] = {}
    unknown: list[str] = []
    for text in numbers[: MOST * 2]:
        number = numbering.read(text[:40])
        try:
            ticket = find(number if number is not None else -1, g.user)
            found[ticket.number] = ticket
        except NotThere:
            unknown.append(text[:40])
    return [found[number] for number in sorted(found)], unknown


def _not_there(text: str) -> str:
    return _("There is no ticket “%(number)s”, or it is not yours to see.", number=text)


def _itself(base: Ticket | None, typed: Sequence[str]) -> str:
    """Who names the ticket they are on would else wonder why nothing happens."""
    if base is None or base.number not in map(numbering.read, typed):
        return ""
    return _("%(number)s is this ticket itself.", number=base.display)


def _primary(chosen: Sequence[Ticket], number: str) -> Ticket:
    """The one that was chosen, else the one that was there first; what is open goes on in what is open."""
    if not chosen:
        raise NotThere(_("There is no such ticket, or it is not yours to see."))
    asked = (ticket for ticket in chosen if str(ticket.number) == number)
    return next(asked, None) or next((ticket for ticket in chosen if ticket.live), chosen[0])
