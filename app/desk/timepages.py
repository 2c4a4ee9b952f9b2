"""The time of a ticket: its page with every entry, the part beside the conversation, the timer, the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.core.web import wants_json
from app.desk import timeforms
from app.desk.workspace import Workspace, find
from app.tickets import budgets, timers, timespent
from app.tickets.durations import said
from app.tickets.models import Ticket
from app.tickets.timeentries import TimeEntry
from app.tickets.timers import Timer

Pairs = list[tuple[str, str]]


class TicketTimeView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "page"

    @expose("/<int:number>/time")
    @has_access
    @permission_name("show")
    def page(self, number: int) -> Any:
        return self._page(find(number, g.user), {}, {})

    @expose("/<int:number>/time", methods=["POST"])
    @has_access
    @permission_name("time")
    def log(self, number: int) -> Any:
        """From the ticket's page (for a script the part of it alone), or from that of its time."""
        ticket = find(number, g.user)
        if "part" in request.form:
            return self._part(number, lambda: timespent.log(ticket, timeforms.spent(request.form, g.user), g.user))
        try:
            timespent.log(ticket, timeforms.spent(request.form, g.user), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            return self._refused(number, refusal)
        flash(_("The time is written down."), "success")
        return redirect(f"/admin/tickets/{number}/time", code=303)

    @expose("/<int:number>/time/<int:entry_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("time")
    def edit(self, number: int, entry_id: int) -> Any:
        ticket = find(number, g.user)
        entry = _entry(ticket, entry_id)
        if request.method == "GET":
            return self._form(ticket, entry, timeforms.values(entry), {})
        try:
            timespent.change(entry, timeforms.spent(request.form, g.user, entry), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            ticket = find(number, g.user)
            return self._form(ticket, _entry(ticket, entry_id), request.form.to_dict(), _fields(refusal)), refusal.code
        return redirect(f"/admin/tickets/{number}/time", code=303)

    @expose("/<int:number>/time/<int:entry_id>/delete", methods=["POST"])
    @has_access
    @permission_name("time")
    def delete(self, number: int, entry_id: int) -> Any:
        entry = _entry(find(number, g.user), entry_id)
        try:
            timespent.remove(entry, g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            return self._refused(number, refusal)
        flash(_("The time entry is gone."), "success")
        return redirect(f"/admin/tickets/{number}/time", code=303)

    @expose("/<int:number>/timer", methods=["POST"])
    @has_access
    @permission_name("time")
    def timer(self, number: int) -> Any:
        """`do` is start, pause, stop or discard."""
        ticket = find(number, g.user)
        return self._part(number, lambda: _deed(ticket, request.form.get("do", "")))

    @expose("/<int:number>/budget", methods=["POST"])
    @has_access
    @permission_name("budget")
    def budget(self, number: int) -> Any:
        """Empty takes it away."""
        ticket, written = find(number, g.user), request.form.get("budget", "").strip()
        return self._part(
            number,
            lambda: budgets.set_budget(ticket, timeforms.minutes(written, "budget") if written else None, g.user),
        )

    @expose("/<int:number>/timepart")
    @has_access
    @permission_name("show")
    def part(self, number: int) -> Any:
        return self._shown(number, "", {})

    def _part(self, number: int, deed: Callable[[], object]) -> Any:
        """Do it, and show the part again; without a script the ticket's page."""
        refused, given = "", {}
        try:
            deed()
            db.session.commit()
        except (HelpdeskError, NotThere) as refusal:
            db.session.rollback()
            refused, given = str(refusal), request.form.to_dict()
        if "HX-Request" in request.headers:
            return self._shown(number, refused, given)
        if refused:
            flash(refused, "danger")
        return redirect(f"/admin/tickets/{number}", code=303)

    def _shown(self, number: int, refused: str, given: Mapping[str, str]) -> Any:
        ws = Workspace.of(number, g.user)
        return self.render_template(
            "desk/timepart.html", ws=ws, ticket=ws.ticket, alone=True, refused=refused, given=given
        )

    def _page(self, ticket: Ticket, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        entries = timespent.entries_of(ticket)
        return self.render_template(
            "desk/time.html", ticket=ticket, entries=entries, sums=sums(entries), values=_usual() | dict(values), errors=errors, may=g.user.can("time") and not ticket.merged,
            said=said, may_change=lambda entry: timespent.may_change(entry, g.user), colleagues=timeforms.colleagues(g.user), activities=_activities(),
        )  # fmt: skip

    def _form(
        self, ticket: Ticket, entry: TimeEntry, values: Mapping[str, str], errors: Mapping[str, str]
    ) -> tuple[Any, ...] | Any:
        return self.render_template(
            "desk/timeentry.html", ticket=ticket, entry=entry, values=values, errors=errors, activities=_activities(entry)
        )  # fmt: skip

    def _refused(self, number: int, refusal: HelpdeskError) -> Any:
        db.session.rollback()
        fields = _fields(refusal)
        if not fields:
            flash(str(refusal), "danger")
        return self._page(find(number, g.user), request.form.to_dict(), fields), refusal.code


class TimerView(BaseView):
    """One's own timers, wherever one is in the desk."""

    route_base = "/admin/time"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list"]
    default_view = "mine"

    @expose("/timers/<int:timer_id>", methods=["POST"])
    @has_access
    @permission_name("list")
    def change(self, timer_id: int) -> Any:
        """`do` is pause, go_on, stop or discard."""
        try:
            _do(timers.own(timer_id, g.user), request.form.get("do", ""))
            db.session.commit()
        except (HelpdeskError, NotThere) as refusal:
            db.session.rollback()
            if wants_json():
                return jsonify(error=str(refusal)), getattr(refusal, "code", 409)
            flash(str(refusal), "danger")
        return jsonify(done=True) if wants_json() else redirect("/admin/my-day/", code=303)


class Sum(NamedTuple):
    name: str
    minutes: int


def sums(entries: list[TimeEntry]) -> tuple[list[Sum], list[Sum]]:
    """By person and by activity, the largest first."""
    people: Counter[str] = Counter()
    activities: Counter[str] = Counter()
    for entry in entries:
        people[entry.staff_name] += entry.minutes
        activities[str(entry.activity or _("None"))] += entry.minutes
    return _largest(people), _largest(activities)


def _largest(counted: Counter[str]) -> list[Sum]:
    return [Sum(name, minutes) for name, minutes in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]


def _deed(ticket: Ticket, name: str) -> None:
    if name == "start":
        timers.start(ticket, g.user)
        return
    timer = timers.on(ticket.id, g.user)
    if timer is None:
        raise NotThere(_("This timer is not running any more."))
    _do(timers.own(timer.id, g.user), name)


def _do(timer: Timer, name: str) -> None:
    """Stopping writes it down, also when it stands on a ticket that goes on in another one."""
    if name == "go_on":
        timers.start(timer.ticket.place_in_turn(), g.user)
    elif name == "pause":
        timer.pause()
    elif name == "stop":
        timers.stop(timer, g.user, timeforms.activity(request.form.get("activity", "")))
    elif name == "discard":
        timers.discard(timer)
    else:
        raise Invalid(_("Nothing was named that could be changed."))


def _entry(ticket: Ticket, entry_id: int) -> TimeEntry:
    """Of this ticket, or of one that goes on in it."""
    entry = db.session.get(TimeEntry, entry_id)
    if entry is None or entry.ticket_id not in ticket.family():
        raise NotThere(_("There is no such time entry."))
    return entry


def _usual() -> dict[str, str]:
    usual = timespent.usual_activity()
    return {"spent_on": timespent.today().isoformat(), "activity": str(usual.id) if usual else ""}


def _activities(entry: TimeEntry | None = None) -> Pairs:
    rows = timespent.activities()
    if entry is not None and entry.activity is not None and entry.activity not in rows:
        rows.append(entry.activity)
    return [(str(row.id), str(row)) for row in rows]


def _fields(refusal: HelpdeskError) -> Mapping[str, str]:
    return refusal.fields if isinstance(refusal, Invalid) else {}
