"""Pages where rules are kept: made, tried, ordered, switched, exported, and what each of them did and why."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from flask import Response, abort, flash, g, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.automation import conditions, deeds, rules, running, saying, texts, trying
from app.automation.models import Rule, RuleRun, RuleVersion
from app.automation.rules import Ready
from app.core import clock
from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk import ordering, ruleforms
from app.desk.listing import is_id
from app.desk.ruleforms import Typed
from app.desk.workspace import find
from app.tickets import numbering
from app.tickets.actions import Action
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

HERE = "/admin/rules/"
LATELY = dt.timedelta(days=30)
SHOWN = 100
"""Runs on one page."""


@dc.dataclass(frozen=True)
class Tried:
    """What trying a rule showed, or why it could not be tried."""

    trial: trying.Trial | None = None
    one: Any = None
    refusal: str = ""


class RuleView(BaseView):
    route_base = "/admin/rules"
    class_permission_name = "Rule"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        lately = select(RuleRun.rule_id, func.count(RuleRun.id)).where(RuleRun.at > clock.now() - LATELY)
        ran = dict(iter(db.session.execute(lately.group_by(RuleRun.rule_id))))
        return self.render_template("desk/rules.html", title=_("Rules"), rules=_kept(), said=saying, ran=ran)

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        return self._form(None, Typed(actions=(Action(""),)))

    @expose("/<int:rule_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, rule_id: int) -> Any:
        rule = _rule(rule_id)
        return self._form(rule, Typed.of(rule))

    @expose("/<int:rule_id>/copy", methods=["POST"])
    @has_access
    @permission_name("add")
    def copy(self, rule_id: int) -> Any:
        twin = Rule(active=False)
        rules.take_over(twin, rules.written(_rule(rule_id)))
        twin.name = _("Copy of %(name)s", name=twin.name)[:80]
        rules.save(twin, g.user)
        db.session.commit()
        flash(_("This is a copy of your own. It is switched off until you switch it on."), "success")
        return redirect(f"{HERE}{twin.id}", code=303)

    @expose("/<int:rule_id>/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self, rule_id: int) -> Any:
        rule = _rule(rule_id)
        rule.active, rule.stopped_why = request.form.get("active") == "1", None
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:rule_id>/move", methods=["POST"])
    @has_access
    @permission_name("edit")
    def move(self, rule_id: int) -> Any:
        ordering.move(_kept(), _rule(rule_id))
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:rule_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, rule_id: int) -> Any:
        db.session.delete(_rule(rule_id))
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect(HERE, code=303)

    @expose("/<int:rule_id>/versions/<int:version>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def take_back(self, rule_id: int, version: int) -> Any:
        """As it was then, as a new version."""
        rule = _rule(rule_id)
        wanted = select(RuleVersion.written).where(RuleVersion.rule_id == rule.id, RuleVersion.version == min(version, 2**31))  # fmt: skip
        rules.take_over(rule, db.session.scalar(wanted) or abort(404))
        rules.save(rule, g.user)
        db.session.commit()
        flash(_("The rule is again as it was in version %(number)s.", number=version), "success")
        return redirect(f"{HERE}{rule.id}", code=303)

    @expose("/export")
    @has_access
    @permission_name("list")
    def export(self) -> Any:
        headers = {"Content-Disposition": 'attachment; filename="rules.json"'}
        return Response(texts.export(_kept()), mimetype="application/json", headers=headers)

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def take_in(self) -> Any:
        text = request.form.get("text", "")
        if request.method == "GET":
            return self._import(text, {})
        try:
            found = texts.read(text)
            for rule in found:
                rules.save(rule, g.user)
        except Invalid as refusal:
            db.session.rollback()
            return self._import(text, {"text": str(refusal)}), Invalid.code
        db.session.commit()
        flash(_("Taken in and switched off. Look at each and switch it on."), "success")
        return redirect(HERE, code=303)

    @expose("/runs")
    @has_access
    @permission_name("list")
    def runs(self) -> Any:
        """The newest runs, of one rule or of all, on the tickets that one may see."""
        wanted = select(RuleRun, Ticket).join(Ticket, Ticket.id == RuleRun.ticket_id).where(visible_to(g.user))
        rule_id = request.args.get("rule", "")
        if is_id(rule_id):
            wanted = wanted.where(RuleRun.rule_id == int(rule_id))
        rows = db.session.execute(wanted.order_by(RuleRun.id.desc()).limit(SHOWN)).all()
        return self.render_template(
            "desk/ruleruns.html", title=_("What rules did"), rows=rows, said=saying, kinds=deeds.ALL, leaf=conditions.Leaf, ticket=None
        )  # fmt: skip

    def _import(self, text: str, wrong: dict[str, str]) -> Any:
        return self.render_template("desk/ruleimport.html", title=_("Import rules"), text=text, errors=wrong)

    def _form(self, rule: Rule | None, typed: Typed) -> Any:
        if request.method == "GET":
            return self._page(rule, typed)
        typed, deed = Typed.read(request.form, typed.kept), request.form.get("deed", "")
        if deed == "try":
            return self._try(rule, typed)
        if deed:
            typed, focus = typed.changed(deed)
            return self._page(rule, typed, focus=focus)
        wrong = ruleforms.errors(typed, ruleforms.choices(g.user))
        if wrong:
            return self._page(rule, typed, wrong), Invalid.code
        kept = rule or Rule()
        rules.take_over(kept, rules.written(typed.rule()))
        kept.active = typed.active
        rules.save(kept, g.user)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(HERE, code=303)

    def _try(self, rule: Rule | None, typed: Typed) -> Any:
        wrong = ruleforms.errors(typed, ruleforms.choices(g.user))
        wrong.pop("name", None)
        if wrong:
            return self._page(rule, typed, wrong), Invalid.code
        ready = Ready.of(typed.rule())
        try:
            tried = _tried(ready, request.form.get("number", "").strip())
        except HelpdeskError as refusal:
            tried = Tried(refusal=str(refusal))
        db.session.rollback()
        return self._page(db.session.get(Rule, rule.id) if rule else None, typed, tried=tried)

    def _page(
        self, rule: Rule | None, typed: Typed, wrong: dict[str, str] | None = None, focus: str = "", tried: Tried | None = None
    ) -> Any:  # fmt: skip
        versions = select(RuleVersion).where(RuleVersion.rule_id == rule.id) if rule else None
        return self.render_template(
            "desk/rule.html", title=rule.name if rule else _("New rule"), address=f"{HERE}{rule.id if rule else 'new'}", rule=rule, typed=typed,
            errors=wrong or {}, choices=ruleforms.choices(g.user), kinds=deeds.ALL, most=rules.MOST_ACTIONS, focus=focus, said=saying, tried=tried,
            number=request.form.get("number", ""), versions=db.session.scalars(versions.order_by(RuleVersion.version.desc())).all() if versions is not None else (),
        )  # fmt: skip


class RuleRunView(BaseView):
    """What rules did to one ticket; whoever sees the ticket sees why it is as it is."""

    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "of_ticket"

    @expose("/<int:number>/rules")
    @has_access
    @permission_name("show")
    def of_ticket(self, number: int) -> Any:
        ticket = find(number, g.user)
        rows = [(run, ticket) for run in running.of_ticket(ticket)]
        return self.render_template(
            "desk/ruleruns.html", title=_("What rules did"), rows=rows, said=saying, kinds=deeds.ALL, leaf=conditions.Leaf, ticket=ticket
        )  # fmt: skip


def _tried(ready: Ready, number: str) -> Tried:
    if not number:
        return Tried(trial=trying.on_the_last_days(ready, g.user))
    one = trying.on_ticket(ready, numbering.read(number) or 0, g.user)
    if one is None:
        raise NotThere(_("There is no ticket with this number, or you may not see it."))
    return Tried(one=one)


def _kept() -> list[Rule]:
    return list(db.session.scalars(select(Rule).order_by(Rule.position, Rule.id)))


def _rule(rule_id: int) -> Rule:
    return db.session.get(Rule, rule_id) or abort(404)


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(RuleView, "Rules", label=_l("Rules"), category="Settings")
    appbuilder.add_view_no_menu(RuleRunView)
