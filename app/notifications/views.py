"""The bell, the page behind it, what each person wants to be told, and where a digest is stopped."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, flash, g, jsonify, redirect, render_template, request
from flask_appbuilder import AppBuilder, BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.accounts.models import RoleScope
from app.core import clock, web
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.core.web import wants_json
from app.notifications import forms, header, inbox, plans, stopping, wishes
from app.notifications.inbox import Only
from app.notifications.models import APP_ONLY, LABELS, Notice, Notification, Reach, Rhythm
from app.notifications.wishes import Wanted
from app.settings import desk
from app.tickets import timers
from app.tickets.durations import said

IN_BELL = 8
LONGEST_ID = 19
"""Digits: no column holds a number of more."""
REACHES = {
    Reach.MINE: _l("Only of my tickets"),
    Reach.USUAL: _l("Of my tickets, and of those of nobody in my departments"),
    Reach.DEPARTMENTS: _l("Of all tickets of my departments"),
}
RHYTHMS = {Rhythm.HOURLY: _l("Every hour"), Rhythm.DAILY: _l("Every day"), Rhythm.WEEKLY: _l("Every week")}
DAYS = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))
LISTED = {Only.ALL: _l("All"), Only.UNREAD: _l("Unread"), Only.MENTIONS: _l("Mentions")}


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view_no_menu(NotificationView)
    appbuilder.add_view_no_menu(StoppingView)
    appbuilder.add_view(DefaultsView, "Default notices", label=_l("Default notices"), category="Settings")
    current_app.jinja_env.globals.update(my_header=header.mine)


class NotificationView(BaseView):
    """Everybody's own: no row of another person is ever read here."""

    route_base = "/admin/notifications"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list", "can_edit"]
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        before, only = _id(request.args.get("before", "")), _only(request.args.get("only", ""))
        rows = inbox.newest(g.user, before, inbox.PAGE + 1, only)
        older = rows[inbox.PAGE - 1].id if len(rows) > inbox.PAGE else None
        return self.render_template(
            "notifications/list.html", notices=rows[: inbox.PAGE], older=older, before=before, only=only, listed=LISTED, unread=_unread()
        )  # fmt: skip

    @expose("/unread")
    @has_access
    @permission_name("list")
    def unread(self) -> Any:
        """For the bell, which asks now and then."""
        newest = [row for row in inbox.newest(g.user, limit=IN_BELL) if row.read_at is None]
        return jsonify(count=inbox.unread_count(g.user), newest=[_shown(row) for row in newest], timer=_timer())

    @expose("/bell")
    @has_access
    @permission_name("list")
    def bell(self) -> Any:
        """The bell itself, for pages that load pieces."""
        return render_template("notifications/_bell.html")

    @expose("/<int:notification_id>/open", methods=["POST"])
    @has_access
    @permission_name("list")
    def open(self, notification_id: int) -> Any:
        """Read, and on to its ticket or page."""
        notification = db.session.get(Notification, notification_id)
        if notification is None or notification.staff_id != g.user.id:
            raise NotThere(_("There is nothing here, or nothing that you may see."))
        place = notification.place
        inbox.mark_read(g.user, notification_id)
        if notification.ticket_id is not None:
            inbox.mark_ticket_read(g.user, notification.ticket_id)
        db.session.commit()
        return redirect(place, 303)

    @expose("/read", methods=["POST"])
    @has_access
    @permission_name("list")
    def read(self) -> Any:
        """One of them (`id`), those of one `ticket`, or all. What is no id is nobody's."""
        given, ticket = request.form.get("id"), request.form.get("ticket")
        if ticket:
            inbox.mark_ticket_read(g.user, _id(ticket) or 0)
        else:
            inbox.mark_read(g.user, (_id(given) or 0) if given else None)
        db.session.commit()
        if wants_json():
            return jsonify(count=inbox.unread_count(g.user))
        return redirect("/admin/notifications/", 303)

    @expose("/preferences", methods=["GET"])
    @has_access
    @permission_name("edit")
    def preferences(self) -> Any:
        return self._preferences({})

    @expose("/preferences", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save_preferences(self) -> Any:
        default = {kind: wishes.default_of(kind, g.user.role_names) for kind in LABELS}
        for kind, choice in forms.choices(request.form, inbox.all_wanted(g.user), default).items():
            inbox.prefer(g.user.id, kind, choice)
        db.session.flush()
        plans.move_waiting(g.user)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/notifications/preferences", 303)

    @expose("/plan", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save_plan(self) -> Any:
        """What is wrong is said beside its field."""
        try:
            plans.keep(g.user, forms.plan(request.form, plans.zone_of(g.user)))
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._preferences(refusal.fields), 422
        flash(_("Saved."), "success")
        return redirect("/admin/notifications/preferences", 303)

    def _preferences(self, errors: dict[str, str]) -> Any:
        plan, zone = plans.plan_of(g.user.id), plans.zone_of(g.user)
        until = plan.undisturbed_until
        undisturbed = until if until is not None and until > clock.now() else None
        return self.render_template(
            "notifications/preferences.html", choices=inbox.all_wanted(g.user), chosen=inbox.chosen_by(g.user.id), labels=LABELS, app_only=APP_ONLY,
            default={kind: wishes.default_of(kind, g.user.role_names) for kind in LABELS}, email=g.user.email, plan=plan, zone=zone, errors=errors,
            undisturbed=f"{web.local(undisturbed):%Y-%m-%dT%H:%M}" if undisturbed else "", written=forms.written, reaches=REACHES, rhythms=RHYTHMS, days=DAYS,
        )  # fmt: skip


class StoppingView(BaseView):
    """From a mail, signed out. Its link names one person; whoever has the mail may stop it, and do nothing else."""

    route_base = "/notices"
    default_view = "stop"
    class_permission_name = "MyAccount"
    base_permissions: list[str] = []

    @expose("/stop/<token>", methods=["GET"])
    def stop(self, token: str) -> Any:
        """Changes nothing: mail scanners open every link."""
        stopping.whose(token)
        return render_template("notifications/stop.html", stopped=False, desk_name=desk.current().desk_name)

    @expose("/stop/<token>", methods=["POST"])
    def stopped(self, token: str) -> Any:
        stopping.stop(stopping.whose(token))
        db.session.commit()
        return render_template("notifications/stop.html", stopped=True, desk_name=desk.current().desk_name)


class DefaultsView(BaseView):
    """What people are told of who chose nothing: of the whole desk, or of one role."""

    route_base = "/admin/notices/defaults"
    default_view = "defaults"
    class_permission_name = "Setting"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def defaults(self) -> Any:
        role = _role(request.args.get("role", wishes.DESK))
        kept = wishes.defaults().get(role, {})
        below = _below(role)
        return self.render_template(
            "notifications/defaults.html", role=role, roles=_roles(), choices=below | kept, chosen=kept, default=below, labels=LABELS, app_only=APP_ONLY
        )  # fmt: skip

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self) -> Any:
        role = _role(request.form.get("role", wishes.DESK))
        below = _below(role)
        shown = below | wishes.defaults().get(role, {})
        wishes.set_defaults(role, forms.choices(request.form, shown, below), g.user.username)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(
            f"/admin/notices/defaults/?{urlencode({'role': role})}" if role else "/admin/notices/defaults/", 303
        )


def _below(role: str) -> dict[Notice, Wanted]:
    """What holds where the page sets nothing: of a role the desk's, of the desk what we ship."""
    if role == wishes.DESK:
        return dict(wishes.DEFAULTS)
    return {kind: wishes.default_of(kind, ()) for kind in LABELS}


def _roles() -> list[str]:
    return sorted(row.role.name for row in db.session.scalars(select(RoleScope)))


def _role(name: str) -> str:
    if name != wishes.DESK and name not in _roles():
        raise NotThere(_("There is no such role."))
    return name


def _only(word: str) -> Only:
    return Only(word) if word in Only._value2member_map_ else Only.ALL


def _unread() -> int:
    found = header.mine()
    return found.unread if found is not None else 0


def _id(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < LONGEST_ID else None


def _timer() -> dict[str, object] | None:
    """The reader's, for the head of every page: the running one, else one that is paused."""
    found = timers.first_of(g.user)
    return {**found._asdict(), "said": said(found.seconds // 60)} if found else None


def _shown(notification: Notification) -> dict[str, object]:
    ticket = notification.ticket
    return {
        "id": notification.id,
        "kind": notification.kind.value,
        "sentence": notification.sentence,
        "number": ticket.display if ticket else None,
        "subject": ticket.subject if ticket else None,
        "url": notification.place,
        "created_at": notification.created_at.isoformat(),
    }
