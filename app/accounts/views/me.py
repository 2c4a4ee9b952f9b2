"""One's own account: name, password, sessions."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import abort, flash, g, redirect, request, session
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _

from app.accounts import absences, passwords, secondfactor, sessions
from app.accounts import availability as presence
from app.accounts import staff as people
from app.accounts.models import StaffProfile
from app.accounts.security import current_secret
from app.accounts.viewer import viewer
from app.core import audit, language
from app.core.audit import What
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk

LONGEST_SIGNATURE = 2000


class MyAccountView(BaseView):
    route_base = "/admin/me"
    default_view = "userinfo"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def userinfo(self) -> Any:
        return self._page()

    @expose("/password", methods=["POST"])
    @has_access
    @permission_name("edit")
    def password(self) -> Any:
        """Changing it ends every session of this person; this one goes on as a new one."""
        user = db.session.get_one(User, g.user.id)
        if not people.have_passwords():
            abort(404)
        try:
            if request.form.get("password") != request.form.get("again"):
                raise Invalid(_("The password was not changed."), {"again": _("The two new passwords differ.")})
            people.change_password(user, request.form.get("old", ""), request.form.get("password", ""))
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(refusal.fields), 422
        return self._go_on(_("Your password is changed, and all other sessions are signed out."))

    @expose("/signature", methods=["POST"])
    @has_access
    @permission_name("edit")
    def signature(self) -> Any:
        db.session.get_one(StaffProfile, g.user.id).signature = (
            request.form.get("signature", "").strip()[:LONGEST_SIGNATURE] or None
        )
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/me/")

    @expose("/language", methods=["POST"])
    @has_access
    @permission_name("edit")
    def language(self) -> Any:
        """Of their pages and of the mails to them."""
        wanted = language.known(request.form.get("language"))
        if wanted is not None:
            db.session.get_one(StaffProfile, g.user.id).language = session["locale"] = wanted
            db.session.commit()
        return redirect(get_safe_redirect(request.referrer or "/admin/me/"), 303)

    @expose("/time-zone", methods=["POST"])
    @has_access
    @permission_name("edit")
    def time_zone(self) -> Any:
        """Of their pages, their days and their quiet times; empty: the desk's."""
        wanted = request.form.get("time_zone", "").strip()
        if wanted and wanted not in available_timezones():
            sentence = _("There is no such time zone.")
            return self._page({"time_zone": sentence}), 422
        db.session.get_one(StaffProfile, g.user.id).time_zone = wanted or None
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/me/", 303)

    @expose("/stand-in", methods=["POST"])
    @has_access
    @permission_name("edit")
    def stand_in(self) -> Any:
        """Whom colleagues ask while they are away; empty: nobody."""
        profile, wanted = db.session.get_one(StaffProfile, g.user.id), request.form.get("stand_in", "")
        colleague = next((one for one in people.colleagues(g.user.id) if str(one.id) == wanted), None)
        if wanted and colleague is None:
            return self._page({"stand_in": _("There is no such person on the desk.")}), 422
        presence.name_stand_in(profile, colleague, g.user)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/me/#absences", 303)

    @expose("/sessions/end-others", methods=["POST"])
    @has_access
    @permission_name("edit")
    def sign_out_others(self) -> Any:
        sessions.end_others(current_secret(), staff_id=g.user.id)
        audit.note(What.SESSIONS_ENDED)
        db.session.commit()
        flash(_("All other sessions are signed out."), "success")
        return redirect("/admin/me/")

    @expose("/sessions/<int:session_id>/end", methods=["POST"])
    @has_access
    @permission_name("edit")
    def sign_out_one(self, session_id: int) -> Any:
        """One of their own; nobody learns that another's is there."""
        if not sessions.end_one(session_id, staff_id=g.user.id):
            abort(404)
        audit.note(What.SESSIONS_ENDED)
        db.session.commit()
        flash(_("That session is signed out."), "success")
        return redirect("/admin/me/")

    def _go_on(self, words: str) -> Any:
        again = viewer(g.user.id)
        if again is not None:
            self.appbuilder.sm.start_session(again)
        flash(words, "success")
        return redirect("/admin/me/")

    def _page(self, errors: dict[str, str] | None = None) -> Any:
        profile = db.session.get(StaffProfile, g.user.id)
        return self.render_template(
            "accounts/me.html",
            profile=profile,
            errors=errors or {},
            absences=absences.coming(g.user.id),
            colleagues=[(one.id, one.get_full_name()) for one in people.colleagues(g.user.id)],
            zones=zones(),
            desk_zone=desk.current().time_zone,
            roles=sorted(g.user.role_names),
            sessions=sessions.of_staff(g.user.id),
            this_session=sessions.digest(current_secret()),
            factor=secondfactor.in_force(g.user.id),
            has_password=people.have_passwords(),
            shortest_password=passwords.STAFF.shortest,
        )


@cache
def zones() -> list[str]:
    """Those of places, in their order; the others are aliases that nobody looks for."""
    return [name for name in sorted(available_timezones()) if "/" in name and not name.startswith(("Etc/", "SystemV/"))]
