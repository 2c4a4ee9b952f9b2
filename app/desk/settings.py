"""The settings pages: one a section, made from the fields of DeskSettings; the vocabulary while the desk is empty; a test mail."""

from __future__ import annotations

import dataclasses as dc
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import Department
from app.core.errors import Invalid
from app.core.extensions import db
from app.desk import testmails
from app.mail import outgoing
from app.settings import desk
from app.settings.models import Setting
from app.tickets.choices import Status
from app.tickets.models import Ticket
from app.tickets.vocabularies import VOCABULARIES, choose


class SettingsView(BaseView):
    route_base = "/admin/settings"
    default_view = "index"
    class_permission_name = "Setting"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return redirect("/admin/settings/general")

    @expose("/<section>")
    @has_access
    @permission_name("list")
    def section(self, section: str) -> Any:
        return self._page(section, dc.asdict(desk.current()), {})

    @expose("/<section>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, section: str) -> Any:
        """What is wrong is said beside its field, and the page keeps what was typed."""
        if section not in desk.SECTIONS:
            abort(404)
        values = {field.name: _typed(field, request.form) for field in desk.fields(section)}
        try:
            changed = desk.change(values, by=g.user.username)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(section, dc.asdict(desk.current()) | values, refusal.fields), 422
        flash(_("Saved.") if changed else _("Nothing was changed."), "success")
        return redirect(f"/admin/settings/{section}")

    @expose("/general/vocabulary", methods=["POST"])
    @has_access
    @permission_name("edit")
    def vocabulary(self) -> Any:
        name = request.form.get("vocabulary", "")
        if name not in VOCABULARIES:
            abort(404)
        choose(name)
        db.session.commit()
        flash(_("The statuses are now: %(names)s", names=VOCABULARIES[name].shown), "success")
        return redirect("/admin/settings/general")

    @expose("/email/test", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test_mail(self) -> Any:
        """To the admin's own address, at once, and told in the server's own words."""
        testmails.send(outgoing.put_notice("test_mail", staff_id=g.user.id))
        return redirect("/admin/settings/email")

    def _page(self, section: str, values: dict[str, Any], errors: dict[str, str]) -> Any:
        if section not in desk.SECTIONS:
            abort(404)
        statuses = db.session.scalars(select(Status).where(Status.active.is_(True)).order_by(Status.position)).all()
        rows = {
            "status": [("", "–"), *((row.id, str(row)) for row in statuses)],
            "ended": [(row.id, str(row)) for row in statuses if not row.state.live],
            "department": [
                ("", "–"),
                *((row.id, str(row)) for row in db.session.scalars(select(Department).order_by(Department.position))),
            ],
        }
        changed = {row.name: row for row in db.session.scalars(select(Setting))}
        empty = section == "general" and db.session.scalar(select(Ticket.id).limit(1)) is None
        return self.render_template(
            "desk/settings.html", section=section, sections=desk.SECTIONS, fields=list(desk.fields(section)), values=values, errors=errors, rows=rows,
            changed=changed, vocabularies=VOCABULARIES if empty else {}, vocabulary=desk.current().vocabulary,
        )  # fmt: skip


def _typed(field: dc.Field[Any], form: Any) -> Any:
    """A box that is not ticked sends nothing."""
    if isinstance(field.default, bool):
        return field.name in form
    if "many" in field.metadata:
        return ",".join(form.getlist(field.name))
    return form.get(field.name, "").strip()
