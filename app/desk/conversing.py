"""The ticket's page as a door: show it, answer in it, note in it."""

from __future__ import annotations

import dataclasses as dc
from contextlib import closing
from typing import Any

from flask import Response, abort, flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import FileStorage

from app.accounts import tokens
from app.core import limits
from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.desk import canned, files, pickers
from app.desk.listing import Listing
from app.desk.workspace import Workspace, find
from app.notifications import inbox
from app.settings import desk
from app.tickets import files as incoming
from app.tickets.choices import Priority, Status
from app.tickets.conversation import Then
from app.tickets.mergeable import Merge
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel, Message, MessageKind, Words
from app.tickets.visibility import attachments_visible_to


@dc.dataclass(frozen=True)
class Draft:
    """What stands in the composer: empty, or what was typed before a refusal."""

    kind: str = "reply"
    body: str = ""
    then: str = ""
    priority: str = ""
    pending: tuple[Attachment, ...] = ()
    """Files that are here already and go with the next try."""
    errors: dict[str, str] = dc.field(default_factory=dict)
    unseen: tuple[Message, ...] = ()
    """The customer wrote these while the reply was typed."""
    mark: str = dc.field(default_factory=tokens.new_form)
    """Tells this copy of the composer from another, so that what is sent twice arrives once."""


class WorkspaceView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "page"

    @expose("/<int:number>")
    @has_access
    @permission_name("show")
    def page(self, number: int) -> Any:
        return self._show(Workspace.of(number, g.user, Listing.read(request.args)))

    @expose("/<int:number>/thread")
    @has_access
    @permission_name("show")
    def thread(self, number: int) -> Any:
        """The part that changes while one looks at it. Whoever lost the ticket is led back to the list."""
        try:
            ws = Workspace.of(number, g.user)
        except NotThere:
            if "HX-Request" not in request.headers:
                raise
            return Response(status=204, headers={"HX-Redirect": "/admin/tickets/"})
        return self.render_template("desk/_thread.html", ws=ws, alone=True)

    @expose("/<int:number>/messages/<int:message_id>/html")
    @has_access
    @permission_name("show")
    def original(self, number: int, message_id: int) -> Response:
        ticket = find(number, g.user)
        wanted = select(Message).where(
            Message.id == message_id, Message.ticket_id == ticket.id, Message.html.is_not(None)
        )
        message = db.session.scalar(wanted.options(selectinload(Message.attachments))) if message_id < 2**62 else None
        if message is None:
            abort(404)
        return files.framed(message)

    @expose("/<int:number>/canned")
    @has_access
    @permission_name("show")
    def canned(self, number: int) -> Response:
        ticket = find(number, g.user)
        found = canned.offered(ticket, g.user, request.args.get("q", "")[:60])
        return jsonify(
            items=[
                {"name": one.shortcut or one.title, "title": one.title, "text": canned.filled(one.body, ticket, g.user)}
                for one in found
            ]
        )

    @expose("/<int:number>/messages", methods=["POST"])
    @has_access
    @permission_name("show")
    def send(self, number: int) -> Any:
        """A reply or a note. Whatever refuses it, the page comes back with everything that was typed."""
        if request.files:
            find(number, g.user)  # no file is kept for somebody who may not see the ticket
        draft = _read_draft()
        try:
            hidden = self._deliver(number, draft)
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._refused(number, draft, refusal)
        flash(_arrived(draft.kind, hidden), "success")
        return redirect(_back(number), code=303)

    def _deliver(self, number: int, draft: Draft) -> bool:
        """Whether the ticket is hidden, so that no mail leaves."""
        if draft.errors:
            raise Invalid(next(iter(draft.errors.values())), draft.errors)
        ticket = find(number, g.user, lock=True)
        if not tokens.first_time(draft.mark, str(ticket.id), draft.kind, draft.body, staff_id=g.user.id):
            return ticket.hidden_from_client
        words = Words(draft.body, via=Channel.STAFF, attachments=draft.pending)
        if draft.kind == "note":
            ticket.note(words, by=g.user)
        else:
            _hold_if_unseen(ticket)
            priority = pickers.optional(Priority, draft.priority, "priority")
            ticket.reply(words, by=g.user, then=_then(draft.then))
            if priority is not None:
                ticket.set_priority(priority, by=g.user)
            canned.count_uses(draft.body, ticket, g.user)
        inbox.mark_ticket_read(g.user, ticket.id)
        hidden = ticket.hidden_from_client
        db.session.commit()
        return hidden

    def _refused(self, number: int, draft: Draft, refusal: HelpdeskError) -> Any:
        errors = refusal.fields if isinstance(refusal, Invalid) and refusal.fields else {"body": str(refusal)}
        unseen = tuple(refusal.messages) if isinstance(refusal, Unseen) else ()
        again = dc.replace(
            draft,
            pending=_pending(),
            errors={} if unseen else {name: str(text) for name, text in errors.items()},
            unseen=unseen,
        )
        code = TooMany.code if limits.reached() else refusal.code
        return self._show(Workspace.of(number, g.user, Listing.posted(request.form)), again), code

    def _show(self, ws: Workspace, draft: Draft | None = None) -> Any:
        if ws.ticket.merged_into_id is not None:
            return _gone_on(self, ws)
        return self.render_template("desk/workspace.html", ws=ws, ticket=ws.ticket, draft=draft or Draft())


def _gone_on(view: BaseView, ws: Workspace) -> Any:
    """A merged ticket's page: where it goes on, for whoever sees that, and how to take it out again."""
    ticket = db.session.get_one(Ticket, ws.ticket.id)
    place = ticket.place()
    seen = place.seen_by(g.user)
    done = db.session.scalars(select(Merge).where(Merge.ticket_id == ticket.id).order_by(Merge.id.desc()).limit(1)).one()
    return view.render_template("desk/merged.html", ws=ws, ticket=ticket, place=place if seen else None, done=done)


def _arrived(kind: str, hidden: bool) -> str:
    if kind == "note":
        return _("Your note is in the ticket.")
    return _("Your reply is in the ticket. It is hidden: no mail leaves.") if hidden else _("Your reply is on its way.")


class Unseen(HelpdeskError):
    """The customer wrote again while the reply was typed: it waits for a second look."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__(_("The customer wrote again while you were writing. Please look first."))
        self.messages = messages


def _hold_if_unseen(ticket: Ticket) -> None:
    """`last_message_id` is the customer's newest message on the page the reply was typed in."""
    seen = request.form.get("last_message_id", "")
    last = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 0
    by_customer = or_(Message.customer_id.is_not(None), Message.staff_id.is_(None))
    newer = (
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.id > last, Message.kind == MessageKind.REPLY, by_customer)
        .order_by(Message.id)
    )
    unseen = list(db.session.scalars(newer)) if seen else []
    if unseen:
        raise Unseen(unseen)


def _read_draft() -> Draft:
    """The posted composer. Its files are kept at once, before any rule can refuse the rest: nobody attaches twice."""
    form = request.form
    g.kept_files = [
        int(text) for text in form.getlist("attachment_ids") if text.isascii() and text.isdigit() and len(text) < 18
    ]
    kind = form.get("kind", "reply")
    known = kind in ("reply", "note")  # an unknown kind is shown as a note: a guess must not reach the customer
    errors = {} if known else {"body": _("Please choose between a reply and an internal note.")}
    for file in request.files.getlist("files"):
        errors |= _keep(file)
    if request.files:
        db.session.commit()
    body = form.get("body", "").replace("\x00", "").replace("\r\n", "\n")
    return Draft(
        kind if known else "note",
        body,
        form.get("then", ""),
        form.get("priority", ""),
        _pending(),
        errors,
        mark=form.get("mark", "")[:40],
    )


def _keep(file: FileStorage) -> dict[str, str]:
    """Store one file; what is wrong with it."""
    if not file.filename:
        return {}
    most = desk.current().max_attachments
    if len(g.kept_files) >= most:
        return {"files": _("At most %(most)s files a message.", most=most)}
    with closing(file):
        content = file.read()
    try:
        limits.spend(Limit.UPLOAD, f"staff {g.user.id}")
        kept = incoming.keep(file.filename, content, g.user)
    except HelpdeskError as refusal:
        return {"files": str(refusal)}
    db.session.flush()
    g.kept_files.append(kept.id)
    return {}


def _pending() -> tuple[Attachment, ...]:
    """The files of this form that nobody sent yet, and that are this person's."""
    wanted = select(Attachment).where(
        Attachment.id.in_(g.kept_files), Attachment.message_id.is_(None), attachments_visible_to(g.user)
    )
    return tuple(db.session.scalars(wanted.order_by(Attachment.id))) if g.kept_files else ()


def _then(value: str) -> Then | Status:
    """An outcome, or `status:` and the id of a chosen one."""
    kind, _sep, status_id = value.partition(":")
    if kind == "status":
        return pickers.chosen(Status, status_id, "then")
    if value and value not in set(Then):
        raise Invalid(_("We do not know this way to send."), {"then": _("Please choose how to send it.")})
    return Then(value or Then.KEEP)


def _back(number: int) -> str:
    return f"/admin/tickets/{number}{Listing.posted(request.form).address()}"
