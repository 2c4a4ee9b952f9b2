"""My day: what is due, who waits for me, who mentioned me, what I wanted to look at again, what came back, and my tasks. Each can be put off or ticked off here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import flash, g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import ColumnElement, and_, case, or_

from app.accounts.models import Customer
from app.accounts.viewer import Viewer
from app.core import clock, web
from app.core.errors import Invalid
from app.core.rows import plain_rows
from app.core.words import said as _
from app.desk import doing, moments, tasklist
from app.desk.promise import lasting
from app.notifications import inbox
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery

PAGE = "/admin/my-day/"
AHEAD = dt.timedelta(hours=24)
"""What is due within this time is due soon."""
ROWS = 12
"""Of a section; its list has the others."""


class Line(NamedTuple):
    number: int
    display: str
    subject: str
    customer: str
    words: str
    """When, or for how long."""
    tone: str
    """red amber blue grey"""
    sign: str
    done: str
    """What ticking it off means (DONE); empty where only an answer ends it."""


class Section(NamedTuple):
    name: str
    words: str
    lines: list[Line]
    more: str
    """Where the others are, when there are more than stand here."""


class MyDayView(BaseView):
    route_base = "/admin/my-day"
    class_permission_name = "Ticket"
    default_view = "day"

    @expose("/")
    @expose("")
    @has_access
    @permission_name("list")
    def day(self) -> Any:
        tasks = tasklist.of_day(g.user, ROWS + 1)
        return self.render_template(
            "desk/myday.html", sections=sections_of(g.user), tasks=tasks[:ROWS], more_tasks=len(tasks) > ROWS,
            choices=moments.choices(*moments.SNOOZES), states=tasklist.STATES,
        )  # fmt: skip

    @expose("/<int:number>/snooze", methods=["POST"])
    @has_access
    @permission_name("status")
    def snooze(self, number: int) -> Any:
        return doing.do(number, _put_off, PAGE)

    @expose("/<int:number>/done", methods=["POST"])
    @has_access
    @permission_name("list")
    def done(self, number: int) -> Any:
        return doing.do(number, _tick_off, PAGE)


def _put_off(ticket: Ticket) -> None:
    until = moments.read(request.form.get("snooze", ""), request.form.get("snooze_on", ""), "snooze")
    if until is None:
        raise Invalid(_("Please choose a day and a time."))
    ticket.snooze(until, g.user)
    flash(_("%(number)s sleeps until %(at)s.", number=ticket.display, at=web.absolute(until)), "success")


def _tick_off(ticket: Ticket) -> None:
    deed = DONE.get(request.form.get("what", ""))
    if deed is None:
        raise Invalid(_("Nothing was named that could be ticked off."))
    deed(ticket, g.user)


DONE: dict[str, Callable[[Ticket, Viewer], None]] = {
    "action": lambda ticket, viewer: ticket.require_action(None, viewer),
    "follow_up": lambda ticket, viewer: ticket.follow_up(None, viewer),
    "back": lambda ticket, viewer: ticket.welcome(viewer),
    "mention": lambda ticket, viewer: inbox.mark_mentions_read(viewer, ticket.id),
}


def sections_of(viewer: Viewer) -> list[Section]:
    """Only those that have something; a ticket that is due does not stand among the waiting ones again."""
    at = clock.now()
    found = [section(viewer, at) for section in SECTIONS]
    due = {line.number for line in found[0].lines}
    return [
        section._replace(lines=[line for line in section.lines if section.name != "waiting" or line.number not in due])
        for section in found
        if section.lines
    ]


def _due(viewer: Viewer, at: dt.datetime) -> Section:
    """Promises and required actions, the most overdue first."""
    end = at + AHEAD
    first = case(
        (Ticket.next_due_at.is_(None), Ticket.action_required_at), (Ticket.action_required_at.is_(None), Ticket.next_due_at),
        (Ticket.next_due_at < Ticket.action_required_at, Ticket.next_due_at), else_=Ticket.action_required_at,
    )  # fmt: skip
    due = or_(
        and_(Ticket.assignee_id == viewer.id, Ticket.next_due_at < end),
        and_(_mine(viewer, Ticket.action_by_id), Ticket.action_required_at < end),
    )
    rows = _rows(viewer, due, first, Ticket.next_due_at, Ticket.action_required_at)
    return _section("due", _("Due soon"), [_due_line(row, at, end) for row in rows], "?view=mine&sort=sla")


def _due_line(row: Any, at: dt.datetime, end: dt.datetime) -> Line:
    acts = row.action_required_at is not None and row.action_required_at < end
    date = row.action_required_at if acts and not (row.next_due_at and row.next_due_at < row.action_required_at) else row.next_due_at  # fmt: skip
    span = _distance(date, at)
    words = _("Action: %(time)s", time=span) if date == row.action_required_at else span
    tone, sign = ("red", "triangle-alert") if date <= at else ("amber", "clock")
    return _line(row, words, tone, sign, "action" if acts else "")


def _waiting(viewer: Viewer, at: dt.datetime) -> Section:
    mine = and_(Ticket.assignee_id == viewer.id, *TicketQuery.needs(), Ticket.awaiting_since.is_not(None))
    lines = [
        _line(row, _("waits %(time)s", time=lasting(at - row.awaiting_since)), "grey", "message-square", "")
        for row in _rows(viewer, mine, Ticket.awaiting_since, Ticket.awaiting_since)
    ]
    return _section("waiting", _("Waiting for my answer"), lines, "?view=needs&assigned=me")


def _mentions(viewer: Viewer, at: dt.datetime) -> Section:
    lines = [
        Line(ticket.number, ticket.display, ticket.subject, ticket.requester.name or ticket.requester.email, _("by %(name)s", name=who), "blue", "at-sign", "mention")
        for ticket, who in inbox.unread_mentions(viewer, ROWS + 1)
    ]  # fmt: skip
    return _section("mentions", _("Mentions I have not read"), lines, "/admin/notifications/")


def _reminders(viewer: Viewer, at: dt.datetime) -> Section:
    today = and_(_mine(viewer, Ticket.follow_up_by_id), Ticket.follow_up_at < moments.end_of_today())
    lines = [
        _line(row, _distance(row.follow_up_at, at), "red" if row.follow_up_at <= at else "blue", "calendar-clock", "follow_up")
        for row in _rows(viewer, today, Ticket.follow_up_at, Ticket.follow_up_at)
    ]  # fmt: skip
    return _section("reminders", _("Follow-ups of today"), lines, "?assigned=me&followup=over")


def _back(viewer: Viewer, at: dt.datetime) -> Section:
    """Until somebody answers, snoozes it again or ticks it off."""
    unseen = or_(Ticket.last_staff_at.is_(None), Ticket.last_staff_at < Ticket.woke_at)
    back = and_(_mine(viewer, Ticket.snoozed_by_id), Ticket.woke_at.is_not(None), unseen)
    lines = [
        _line(row, _("back since %(time)s", time=lasting(at - row.woke_at)), "blue", "sun-medium", "back")
        for row in _rows(viewer, back, Ticket.woke_at.desc(), Ticket.woke_at)
    ]
    return _section("back", _("Snoozed and back"), lines, "?view=mine")


SECTIONS: tuple[Callable[[Viewer, dt.datetime], Section], ...] = (_due, _waiting, _mentions, _reminders, _back)
"""In their order on the page, one statement each. What else belongs to a person's day joins here."""


def _distance(date: dt.datetime, at: dt.datetime) -> str:
    over = date <= at
    return _("%(time)s over", time=lasting(at - date)) if over else _("%(time)s left", time=lasting(date - at))


def _mine(viewer: Viewer, setter: Any) -> ColumnElement[bool]:
    """Of the ticket's assignee; while it has none, of whoever set the date."""
    return or_(Ticket.assignee_id == viewer.id, and_(Ticket.assignee_id.is_(None), setter == viewer.id))


def _rows(viewer: Viewer, criterion: ColumnElement[bool], order: Any, *columns: Any) -> Sequence[Any]:
    wanted = TicketQuery.seen_by(viewer).live().awake().where(criterion).statement
    shown = (Ticket.number, Ticket.subject, Customer.name, Customer.email, *columns)
    rows = wanted.with_only_columns(*shown).join(Customer, Customer.id == Ticket.requester_id)
    return plain_rows(rows.order_by(order, Ticket.id).limit(ROWS + 1))


def _line(row: Any, words: str, tone: str, sign: str, done: str) -> Line:
    return Line(
        row.number, desk.current().display(row.number), row.subject, row.name or row.email, words, tone, sign, done
    )


def _section(name: str, words: str, lines: list[Line], more: str) -> Section:
    address = more if more.startswith("/") else f"/admin/tickets/{more}"
    return Section(name, words, lines[:ROWS], address if len(lines) > ROWS else "")
