"""Pages where macros are kept: made, ordered, shared, duplicated, switched off and deleted."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, g, redirect, request, session
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk import macroforms, ordering
from app.desk.macroforms import Typed
from app.desk.macroing import MacroRunView, just_ran
from app.desk.palette import PaletteView
from app.tickets.actions import KINDS, Action
from app.tickets.lists import Audience
from app.tickets.macros import LONGEST_NAME, Macro, in_order, visible_to

HERE = "/admin/macros/"
MOST = 500
"""Of one person, shared ones among them."""


class MacroView(BaseView):
    """Everybody's own, and those that others share with them; to share takes can_share on Macro."""

    route_base = "/admin/macros"
    class_permission_name = "Macro"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete", "can_share"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return self.render_template("desk/macros.html", title=_("Macros"), macros=_kept(), words=_words)

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        if request.method == "POST":
            return self._save(None)
        return self._page(Typed(actions=(Action(""),)), None)

    @expose("/<int:macro_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def edit(self, macro_id: int) -> Any:
        macro = _changeable(macro_id)
        return self._save(macro) if request.method == "POST" else self._page(Typed.of(macro), macro)

    @expose("/<int:macro_id>/copy", methods=["POST"])
    @has_access
    @permission_name("add")
    def copy(self, macro_id: int) -> Any:
        """Whoever may run it may begin one of their own with it."""
        macro = _seen(macro_id)
        name = _("Copy of %(name)s", name=macro.name)[:LONGEST_NAME]
        twin = Macro(
            name=name,
            owner_id=g.user.id,
            actions=macro.actions,
            conditions=macro.conditions,
            active=False,
            position=_last() + 1,
        )
        db.session.add(twin)
        db.session.commit()
        flash(_("This is a copy of your own. It is switched off until you switch it on."), "success")
        return redirect(f"{HERE}{twin.id}", code=303)

    @expose("/<int:macro_id>/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self, macro_id: int) -> Any:
        macro = _changeable(macro_id)
        macro.active = request.form.get("active") == "1"
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:macro_id>/move", methods=["POST"])
    @has_access
    @permission_name("edit")
    def move(self, macro_id: int) -> Any:
        """One place up or down among all that are on the page; the places of those of others stay as they are."""
        ordering.move(_kept(), _changeable(macro_id), lambda one: one.may_be_changed_by(g.user))
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:macro_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, macro_id: int) -> Any:
        db.session.delete(_changeable(macro_id))
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect(HERE, code=303)

    def _save(self, macro: Macro | None) -> Any:
        typed, deed = Typed.read(request.form), request.form.get("deed", "")
        if deed:
            typed, at = typed.changed(deed)
            return self._page(typed, macro, focus=at)
        wrong = macroforms.errors(typed, macroforms.offers(g.user))
        if wrong:
            return self._page(typed, macro, wrong), Invalid.code
        if macro is None:
            if len(_kept()) >= MOST:
                raise Invalid(_("There are %(most)s macros already. Delete one first.", most=MOST))
            macro = Macro(owner_id=g.user.id, audience=Audience.OWNER, position=_last() + 1)
            db.session.add(macro)
        macroforms.write(typed, macro, g.user)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(HERE, code=303)

    def _page(self, typed: Typed, macro: Macro | None, wrong: dict[str, str] | None = None, focus: int = -1) -> Any:
        return self.render_template(
            "desk/macro.html", title=macro.name if macro else _("New macro"), address=f"{HERE}{macro.id if macro else 'new'}",
            typed=typed, errors=wrong or {}, offers=macroforms.offers(g.user), kinds=KINDS, most=macroforms.MOST_ACTIONS, focus=focus,
        )  # fmt: skip


def _kept() -> list[Macro]:
    return in_order(db.session.scalars(select(Macro).where(visible_to(g.user)).order_by(Macro.id)).all())


def _last() -> int:
    return db.session.scalar(select(func.max(Macro.position))) or 0


def _seen(macro_id: int) -> Macro:
    return db.session.scalar(select(Macro).where(Macro.id == macro_id, visible_to(g.user))) or abort(404)


def _changeable(macro_id: int) -> Macro:
    macro = _seen(macro_id)
    if not macro.may_be_changed_by(g.user):
        raise Forbidden(
            _("This macro is shared; whoever may share macros changes it. You can make a copy of your own.")
        )
    return macro


def _words(macro: Macro) -> str:
    """What it does, in short."""
    return ", ".join(str(KINDS[action.do].label) for action in macro.steps if action.do in KINDS)


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(MacroView, "Macros", label=_l("Macros"), category="Settings")
    appbuilder.add_view_no_menu(MacroRunView)
    appbuilder.add_view_no_menu(PaletteView)
    current_app.jinja_env.globals.update(macro_ran=lambda number: just_ran(session, number))
