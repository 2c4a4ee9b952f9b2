"""The bell, the page behind it, and each person's choice of notices."""

from __future__ import annotations

from typing import Any

from flask import flash, g, jsonify, redirect, render_template, request
from flask_appbuilder import AppBuilder, BaseView, expose, has_access, permission_name
from flask_babel import gettext as _

from app.core.errors import NotThere
from app.core.extensions import db
from app.core.web import wants_json
from app.notifications import inbox
from app.notifications.inbox import Wanted
from app.notifications.models import APP_ONLY, LABELS, Notification

IN_BELL = 8
LONGEST_ID = 19
"""Digits: no column holds a number of more."""


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view_no_menu(NotificationView)


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
        before = _id(request.args.get("before", ""))
        rows = inbox.newest(g.user, before, inbox.PAGE + 1)
        older = rows[inbox.PAGE - 1].id if len(rows) > inbox.PAGE else None
        return self.render_template(
            "notifications/list.html",
            notices=rows[: inbox.PAGE],
            older=older,
            before=before,
            unread=inbox.unread_count(g.user),
        )

    @expose("/unread")
    @has_access
    @permission_name("list")
    def unread(self) -> Any:
        """For the bell, which asks now and then."""
        newest = [row for row in inbox.newest(g.user, limit=IN_BELL) if row.read_at is None]
        return jsonify(count=inbox.unread_count(g.user), newest=[_shown(row) for row in newest])

    @expose("/bell")
    @has_access
    @permission_name("list")
    def bell(self) -> Any:
        """The bell itself, for pages that load pieces."""
        return render_template("notifications/_bell.html", unread=inbox.unread_count(g.user))

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
        db.session.commit()
        return redirect(place, 303)

    @expose("/read", methods=["POST"])
    @has_access
    @permission_name("list")
    def read(self) -> Any:
        """One of them (`id`), or all. An id that is none is nobody's."""
        given = request.form.get("id")
        inbox.mark_read(g.user, (_id(given) or 0) if given else None)
        db.session.commit()
        if wants_json():
            return jsonify(count=inbox.unread_count(g.user))
        return redirect("/admin/notifications/", 303)

    @expose("/preferences", methods=["GET"])
    @has_access
    @permission_name("edit")
    def preferences(self) -> Any:
        return self.render_template(
            "notifications/preferences.html",
            choices=inbox.all_wanted(g.user.id),
            labels=LABELS,
            app_only=APP_ONLY,
            email=g.user.email,
        )

    @expose("/preferences", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save_preferences(self) -> Any:
        for kind in LABELS:
            inbox.prefer(
                g.user.id,
                kind,
                Wanted(app=f"{kind.value}.app" in request.form, mail=f"{kind.value}.mail" in request.form),
            )
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/notifications/preferences", 303)


def _id(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < LONGEST_ID else None


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
