"""A ticket's record as a door: the whole timeline, what of it somebody asks for, and everything on paper."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from flask import g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.extensions import db
from app.desk import entries, family
from app.desk.entries import Span
from app.desk.reading import FIRST, LAST, Place
from app.desk.workspace import Workspace, find
from app.tickets.thread import Message
from app.tickets.timeline import Did
from app.tickets.visibility import for_customers, messages_visible_to

LOOKED_THROUGH = 10
"""Looks of 200 entries that one page takes to find those of one sort."""


class Sort(enum.StrEnum):
    ALL = "all"
    TALK = "talk"
    STATUS = "status"
    FACTS = "facts"
    FILES = "files"
    TASKS = "tasks"


WORDS = {
    Sort.ALL: _l("Everything"),
    Sort.TALK: _l("Messages"),
    Sort.STATUS: _l("Status and assignment"),
    Sort.FACTS: _l("Properties"),
    Sort.FILES: _l("Documents"),
    Sort.TASKS: _l("Tasks and dates"),
}
TALK = {Did.OPENED, Did.RECEIVED, Did.REPLIED, Did.NOTED, Did.MENTIONED, Did.SCHEDULED, Did.UNSENT, Did.HELD_BACK, Did.COPIED, Did.REMINDED, Did.KEPT_OPEN, Did.VERIFIED}  # fmt: skip
STATUS = {
    Did.ASSIGNED,
    Did.STATUS_CHANGED,
    Did.RESOLVED,
    Did.CLOSED,
    Did.REOPENED,
    Did.RESTATED,
    Did.BREACHED,
    Did.SNOOZED,
    Did.WOKE,
}
DATES = ("task_", "follow_up", "action_")


def sort_of(what: Did) -> Sort:
    if what in TALK:
        return Sort.TALK
    if what in STATUS:
        return Sort.STATUS
    if what.value.startswith(("document", "upload_")):
        return Sort.FILES
    return Sort.TASKS if what.value.startswith(DATES) else Sort.FACTS


class RecordView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "timeline"

    @expose("/<int:number>/timeline")
    @has_access
    @permission_name("show")
    def timeline(self, number: int) -> Any:
        """The newest first; `before` goes further back."""
        ws = Workspace.of(number, g.user)
        sort, before = _sort(request.args), Place.read(request.args.get("before", "")) or LAST
        told, further = _events(ws, sort, before)
        return self.render_template(
            "desk/timeline.html", ws=ws, ticket=ws.ticket, told=told, sort=sort, sorts=WORDS, further=further
        )

    @expose("/<int:number>/print")
    @has_access
    @permission_name("show")
    def paper(self, number: int) -> Any:
        """The whole thread for paper; when `notes` is 0, what customers may read of it."""
        ticket = find(number, g.user)
        wanted = select(Message).where(Message.ticket_id == ticket.id, messages_visible_to(g.user))
        with_notes = request.args.get("notes") != "0"
        if not with_notes:
            wanted = wanted.where(for_customers())
        rows = db.session.scalars(
            wanted.options(selectinload(Message.attachments)).order_by(Message.created_at, Message.id)
        )
        return self.render_template("desk/print.html", ticket=ticket, messages=rows.all(), with_notes=with_notes)


def _sort(given: Mapping[str, str]) -> Sort:
    asked = given.get("sort", "")
    return Sort(asked) if asked in {each.value for each in Sort} else Sort.ALL


def _events(ws: Workspace, sort: Sort, before: Place) -> tuple[list[entries.Happened], Place | None]:
    """A page of them, and the place before which there are more."""
    told: list[entries.Happened] = []
    end: Place | None = before
    for _look in range(LOOKED_THROUGH):
        found = family.events_of(ws.ticket, ws.members, g.user, Span(FIRST, end or LAST, False, entries.MOST))
        end = found.whole_to
        kept = [event for event in found.events if end is None or event.place >= end]
        told += [event.told() for event in kept if sort is Sort.ALL or sort_of(event.what) is sort]
        if end is None or len(told) >= entries.MOST:
            break
    return told, end
