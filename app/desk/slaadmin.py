"""Pages where SLA policies are kept: their order and what each says, the form, trying them on a ticket; and why a ticket has its promises."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import promise, slaforms
from app.desk.slaforms import Typed
from app.desk.workspace import find
from app.sla import amounts, deciding, keeping, policies, rebuilding, saying
from app.sla.models import METRIC_LABELS, SlaPolicy
from app.tickets import numbering
from app.tickets.models import Ticket

HERE = "/admin/sla-policies/"


class SlaPolicyView(BaseView):
    route_base = "/admin/sla-policies"
    class_permission_name = "SlaPolicy"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        """With a number, also which policy that ticket has."""
        found, called = policies.in_order(), saying.ranks()
        known = saying.names_in(found)
        tried, refusal = _tried(request.args.get("number", "").strip())
        return self.render_template(
            "desk/slapolicies.html", title=_("SLA policies"), policies=found, called=called, said=saying, known=known, problems=keeping.problems(found, called, known),
            rebuild=rebuilding.latest(), number=request.args.get("number", "")[:30], tried=tried, refusal=refusal, amount=amounts.said,
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        return self._form(None, Typed())

    @expose("/<int:policy_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, policy_id: int) -> Any:
        policy = _policy(policy_id)
        return self._form(policy, Typed.of(policy))

    @expose("/<int:policy_id>/move", methods=["POST"])
    @has_access
    @permission_name("edit")
    def move(self, policy_id: int) -> Any:
        return self._did(lambda: keeping.move(_policy(policy_id), 1 if request.form.get("way") == "down" else -1))

    @expose("/<int:policy_id>/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self, policy_id: int) -> Any:
        return self._did(lambda: keeping.switch(_policy(policy_id), request.form.get("active") == "1"))

    @expose("/<int:policy_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, policy_id: int) -> Any:
        return self._did(lambda: keeping.delete(_policy(policy_id)), _("Deleted."))

    def _did(self, deed: Any, told: str = "") -> Any:
        try:
            deed()
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
            return redirect(HERE, code=303)
        if told:
            flash(told, "success")
        return redirect(HERE, code=303)

    def _form(self, policy: SlaPolicy | None, typed: Typed) -> Any:
        if request.method == "GET":
            return self._page(policy, typed)
        typed = Typed.read(request.form)
        if request.form.get("deed") == "more":
            return self._page(policy, typed)
        try:
            keeping.keep(policy, slaforms.wanted(typed))
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            wrong = refusal.fields if isinstance(refusal, Invalid) and refusal.fields else {"conditions": str(refusal)}
            return self._page(policy, typed, wrong), refusal.code
        flash(_("Saved. Running promises are counted anew."), "success")
        return redirect(HERE, code=303)

    def _page(self, policy: SlaPolicy | None, typed: Typed, wrong: dict[str, str] | None = None) -> Any:
        return self.render_template(
            "desk/slapolicy.html", title=str(policy) if policy else _("New SLA policy"), address=f"{HERE}{policy.id if policy else 'new'}", typed=typed, errors=wrong or {},
            offers=slaforms.offers(), ranks=slaforms.ranks(), blank=slaforms.Step(), most=keeping.MOST_LEVELS,
        )  # fmt: skip


class TicketPromiseView(BaseView):
    """Whoever sees a ticket sees why it has its promises."""

    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "of_ticket"

    @expose("/<int:number>/promises")
    @has_access
    @permission_name("show")
    def of_ticket(self, number: int) -> Any:
        ticket, found = find(number, g.user), policies.in_order()
        return self.render_template(
            "desk/promises.html", title=_("Why this promise"), ticket=ticket, decision=deciding.decide(ticket), clocks=deciding.running(ticket), metrics=METRIC_LABELS,
            names={policy.id: str(policy) for policy in found}, said=saying, known=saying.names_in(found), amount=amounts.said, lasting=_lasting, now=clock.now(),
        )  # fmt: skip


def _lasting(seconds: int) -> str:
    return promise.lasting(dt.timedelta(seconds=seconds))


def _tried(number: str) -> tuple[tuple[Ticket, deciding.Decision] | None, str]:
    if not number:
        return None, ""
    try:
        ticket = find(numbering.read(number) or 0, g.user)
    except HelpdeskError:
        return None, _("There is no ticket with this number, or you may not see it.")
    return (ticket, deciding.decide(ticket)), ""


def _policy(policy_id: int) -> SlaPolicy:
    return db.session.get(SlaPolicy, policy_id) or abort(404)


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(SlaPolicyView, "SLA policies", label=_l("SLA policies"), category="Settings")
    appbuilder.add_view_no_menu(TicketPromiseView)
