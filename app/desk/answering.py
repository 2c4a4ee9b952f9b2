"""The composer as a door: send, keep a draft, take back what has not left, look again before something leaks."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from flask import Response, flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.accounts import tokens
from app.core import clock, limits, web
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.core.web import wants_json
from app.desk import composing, taskforms, timeforms
from app.desk.composing import Composer
from app.desk.conversing import show
from app.desk.listing import Listing
from app.desk.workspace import Workspace, find
from app.notifications import inbox
from app.settings import desk
from app.tickets import copies, departures, drafts, timers, timespent
from app.tickets.drafts import Copy
from app.tickets.fieldkinds import FORM
from app.tickets.leaks import Doubtful, demand_looked, leaks, leaks_to_supplier
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words
from app.tickets.timeentries import Spent
from app.tickets.turns import demand
from app.tickets.unseen import Unseen, demand_seen, newest_message


class ComposerView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"

    @expose("/<int:number>/messages", methods=["POST"])
    @has_access
    @permission_name("show")
    def send(self, number: int) -> Any:
        """A reply or a note. Whatever refuses it, the page comes back with everything that was typed."""
        if request.files:
            find(number, g.user)  # no file is kept for somebody who may not see the ticket
        composer = composing.read()
        try:
            told = _deliver(number, composer)
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._refused(number, composer, refusal)
        if told:
            flash(told, "success")
        return redirect(_back(number), code=303)

    @expose("/<int:number>/draft", methods=["POST"])
    @has_access
    @permission_name("show")
    def draft(self, number: int) -> Response:
        """Called while somebody types. What it keeps is theirs alone."""
        limits.spend(Limit.DRAFT, f"staff {g.user.id}")
        ticket = find(number, g.user)
        composer = composing.read()
        turn = request.form.get("turn", "")
        if not composer.mark or not (turn.isascii() and turn.isdigit() and len(turn) < 16):
            raise Invalid(_("We could not read this request."), {"mark": _("Tell which composer it is.")})
        copy = Copy(composer.mark, int(turn), composer.origin)
        written = composing.for_ticket(composer, ticket.requester.email).written
        saved = drafts.save(ticket.id, g.user, written, copy)
        db.session.commit()
        return jsonify(saved=saved, at=web.absolute(clock.now()))

    @expose("/<int:number>/drafts/<int:draft_id>/discard", methods=["POST"])
    @has_access
    @permission_name("show")
    def discard(self, number: int, draft_id: int) -> Any:
        drafts.discard(find(number, g.user).id, g.user, draft_id)
        db.session.commit()
        return redirect(_back(number), code=303)

    @expose("/<int:number>/departures/<int:draft_id>/undo", methods=["POST"])
    @has_access
    @permission_name("show")
    def undo(self, number: int, draft_id: int) -> Any:
        """It stands in its writer's composer again."""
        ticket = find(number, g.user, lock=True)
        back = departures.take_back(ticket, g.user, draft_id)
        db.session.commit()
        if back.staff_id != g.user.id:
            flash(_("It was taken back. Its writer finds it as a draft."), "success")
            return redirect(_back(number), code=303)
        return redirect(_back(number) + "#reply-body", code=303)

    @expose("/<int:number>/departures/<int:draft_id>/now", methods=["POST"])
    @has_access
    @permission_name("show")
    def now(self, number: int, draft_id: int) -> Any:
        """What was to leave later leaves at once."""
        departures.hurry(find(number, g.user, lock=True), g.user, draft_id)
        db.session.commit()
        return redirect(_back(number), code=303)

    def _refused(self, number: int, composer: Composer, refusal: HelpdeskError) -> Any:
        code = TooMany.code if limits.reached() else refusal.code
        if wants_json():
            return jsonify(error=str(refusal)), code
        again = dc.replace(composer, **_said(composer, refusal))
        return show(self, Workspace.of(number, g.user, Listing.posted(request.form)), again), code


def _said(composer: Composer, refusal: HelpdeskError) -> dict[str, Any]:
    """What the composer shows of a refusal."""
    if isinstance(refusal, Unseen):
        return {"unseen": tuple(refusal.newer), "seen": refusal.seen}
    if isinstance(refusal, Doubtful):
        looked = (*composer.looked, *(doubt.key for doubt in refusal.doubts))
        return {"doubts": tuple(refusal.doubts), "looked": looked}
    errors = refusal.fields if isinstance(refusal, Invalid) and refusal.fields else {"body": str(refusal)}
    if any(name.startswith(FORM) for name in errors):  # those stand beside the conversation
        errors = {"body": str(refusal)}
    return {"errors": {name: str(text) for name, text in errors.items()}}


def _deliver(number: int, composer: Composer) -> str:
    """What its writer is told; nothing where the page shows it."""
    if composer.errors:
        raise Invalid(next(iter(composer.errors.values())), composer.errors)
    ticket = find(number, g.user, lock=True)
    composer = composing.for_ticket(composer, ticket.requester.email)
    hidden = ticket.hidden_from_client
    if not tokens.first_time(composer.mark, str(ticket.id), composer.kind, composer.body, staff_id=g.user.id):
        return _arrived(composer.kind, hidden)
    if composer.kind == "supplier":
        told = _ask(ticket, composer)
    elif composer.kind == "note":
        drafts.spend(ticket.id, g.user, composer.mark, composer.body)
        activity = timeforms.activity(composer.activity)
        words = Words(
            composer.body,
            via=Channel.STAFF,
            attachments=composer.pending,
            activity_id=activity.id if activity else None,
        )
        ticket.note(words, by=g.user)
        told = _arrived("note", hidden)
    else:
        timeforms.activity(composer.activity)  # refused now, while its writer is here
        _look_again(ticket, composer)
        told = _reply(ticket, composer)
    _log_time(ticket, composer)
    inbox.mark_ticket_read(g.user, ticket.id)
    db.session.commit()
    return told


def _ask(ticket: Ticket, composer: Composer) -> str:
    """To one of a supplier's people: now, after the moment in which it can be undone, or at its chosen time."""
    demand(g.user, "supplier", ticket)
    contact = departures.question(composer.written, g.user).contact
    files = len(composer.pending) + len(composer.along_files)
    found = leaks_to_supplier(ticket, contact.supplier_id, f"{composer.about}\n{composer.body}", files)
    demand_looked(found, composer.looked)
    name = contact.supplier.name
    return _("Your question to %(name)s is on its way.", name=name) if _send(ticket, composer) else ""


def _log_time(ticket: Ticket, composer: Composer) -> None:
    """Now, also when the reply leaves in a moment: the time is spent, whether it is taken back or not."""
    activity = timeforms.activity(composer.activity)
    timer = timers.on(ticket.id, g.user) if composer.log_timer else None
    if timer is not None:
        timers.stop(timers.own(timer.id, g.user), g.user, activity)
    elif composer.time.strip():
        minutes = timeforms.minutes(composer.time)
        timespent.log(ticket.place(), Spent(minutes, timespent.today(), activity or timespent.usual_activity()), g.user)


def _look_again(ticket: Ticket, composer: Composer) -> None:
    if composer.seen is not None:
        demand_seen(ticket, composer.seen, g.user)
    copied = [*copies.read(composer.cc, "cc"), *copies.read(composer.bcc, "bcc")]
    copied += copies.read_to(composer.to, ticket) or []
    found = leaks(ticket, composer.body, copied, len(composer.pending))
    found += taskforms.doubts(ticket, composer.then)
    demand_looked(found, composer.looked)


def _reply(ticket: Ticket, composer: Composer) -> str:
    return _arrived("reply", ticket.hidden_from_client) if _send(ticket, composer) else ""


def _send(ticket: Ticket, composer: Composer) -> bool:
    """Whether it left: now; or it leaves after the moment in which it can be undone, or at its chosen time."""
    seconds = desk.current().undo_send_seconds
    if not composer.leaves_at and not seconds:
        departures.send(ticket, g.user, composer.written, composer.mark)
        return True
    scheduled = bool(composer.leaves_at)
    chosen = composing.chosen_time(composer.leaves_at) if scheduled else clock.now() + dt.timedelta(seconds=seconds)
    seen = composer.seen.message_id if composer.seen is not None else newest_message(ticket)
    departures.put_off(ticket, g.user, composer.written, chosen, composer.mark, seen, scheduled)
    return False


def _arrived(kind: str, hidden: bool) -> str:
    if kind == "note":
        return _("Your note is in the ticket.")
    return _("Your reply is in the ticket. It is hidden: no mail leaves.") if hidden else _("Your reply is on its way.")


def _back(number: int) -> str:
    return f"/admin/tickets/{number}{Listing.posted(request.form).address()}"
