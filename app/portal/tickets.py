"""My tickets, one ticket, a new ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from app.accounts import environments, rights, tokens
from app.core import limits
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.kb import finding
from app.portal import choosing, uploads
from app.portal.files import Received
from app.portal.frame import me, myself, page, portal, signed_in, typed
from app.portal.once import Sending
from app.portal.promise import meaning, promise
from app.portal.shelf import Wish, shelf
from app.portal.thread import read
from app.satisfaction import giving
from app.satisfaction import words as rating_words
from app.satisfaction.giving import Answer
from app.tickets import fieldforms, fields
from app.tickets.choices import State
from app.tickets.fieldmodels import Readers
from app.tickets.mergeable import read_by_others
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Channel, Words
from app.tickets.visibility import visible_to


@portal.get("/tickets")
@signed_in
def my_tickets() -> Any:
    found = shelf(Wish.of(request.args), me())
    return page("portal/tickets.html", shelf=found, wish=found.wish, waiting_for_you=found.waiting)


@portal.get("/tickets/<int:number>")
@signed_in
def show_ticket(number: int) -> Any:
    ticket = _ticket(number)
    place = ticket.place()
    if place is not ticket and place.seen_by(me()):
        return redirect(f"/portal/tickets/{place.number}")
    return _ticket_page(ticket)


def _ticket(number: int) -> Ticket:
    """One that this customer may see; 404 for every other, whether it exists or not."""
    wanted = select(Ticket).where(Ticket.number == number, visible_to(me()))
    loaded = (
        joinedload(Ticket.status),
        joinedload(Ticket.department),
        joinedload(Ticket.category),
        joinedload(Ticket.priority),
        joinedload(Ticket.requester),
    )
    return db.session.scalar(wanted.options(*loaded)) or abort(404)


def _number(ticket_id: int) -> int:
    """Of the ticket that a form pressed twice went into at its first press."""
    return db.session.get_one(Ticket, ticket_id).number


def _ticket_page(ticket: Ticket, code: int = 200, **typed_before: Any) -> Any:
    """`place` is where it goes on, if it was merged into a ticket of somebody else's."""
    actor, place = me(), ticket.place()
    place = ticket if place.hidden_from_client else place
    return page(
        "portal/ticket.html", code, form=tokens.new_form(), ticket=ticket, place=place, thread=read(ticket, actor, _before()), promise=promise(place), documents=uploads.documents_of(ticket, actor), due=uploads.due, rating=giving.card(ticket, actor), question=rating_words.question(), longest=giving.LONGEST_COMMENT, meaning=meaning(place.state), mine=ticket.requester_id == actor.customer_id, shared=read_by_others(ticket),
        fields=[one for one in fields.held(ticket, (Readers.READ, Readers.FILL)) if one.values],
        may_close=place is ticket and ticket.state is not State.CLOSED and rights.may(actor, "close", ticket), **{"values": {}, "errors": {}, "kept": [], **typed_before},
    )  # fmt: skip


def _before() -> int | None:
    """The message whose earlier ones are asked for."""
    given = request.args.get("before", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


@portal.post("/tickets/<int:number>/reply")
@signed_in
def reply(number: int) -> Any:
    ticket, actor = _ticket(number), me()
    received = Received(actor)
    received.secure()
    errors = received.errors
    sending = Sending(myself(), str(ticket.id), typed("message"))
    if sending.became:
        return redirect(f"/portal/tickets/{_number(sending.became)}", 303)
    try:
        if not errors:
            limits.spend(Limit.REPLY, f"customer {actor.customer_id}")
            message = ticket.receive(
                Words(typed("message"), via=Channel.PORTAL, attachments=tuple(received.kept)), by=actor
            )
    except (Invalid, TooMany) as refusal:
        errors = {"message": _about_words(refusal)}
    if errors:
        db.session.rollback()
        return _ticket_page(_ticket(number), received.code, values=request.form, errors=errors, kept=received.kept)
    sending.done(message.home_id)
    db.session.commit()
    elsewhere = message.home_id != ticket.id
    flash(
        _("This ticket stays closed, so we opened a new one for you.")
        if elsewhere
        else _("Sent. You find our answer here and in your mail.")
    )
    return redirect(f"/portal/tickets/{(message.ticket if elsewhere else ticket).number}#m{message.id}", 303)


def _about_words(refusal: HelpdeskError) -> str:
    return refusal.fields.get("body", str(refusal)) if isinstance(refusal, Invalid) else str(refusal)


@portal.post("/tickets/<int:number>/close")
@signed_in
def close(number: int) -> Any:
    """With a last word if they like."""
    ticket, actor = _ticket(number), me()
    last = typed("last").strip()
    try:
        rights.demand(actor, "close", ticket)
        if last and ticket.live:
            limits.spend(Limit.REPLY, f"customer {actor.customer_id}")
            ticket.receive(Words(last, via=Channel.PORTAL), by=actor)
        ticket.close(by=actor)
    except (Invalid, TooMany) as refusal:
        db.session.rollback()
        return _ticket_page(_ticket(number), refusal.code, values=request.form, errors={"last": _about_words(refusal)})
    db.session.commit()
    flash(_("Closed. Thank you for telling us."))
    return redirect(f"/portal/tickets/{number}", 303)


@portal.post("/tickets/<int:number>/rating")
@signed_in
def rate(number: int) -> Any:
    ticket, actor = _ticket(number), me()
    try:
        limits.spend(Limit.REPLY, f"customer {actor.customer_id}")
        giving.give_in_portal(ticket, Answer(typed("score"), typed("comment")), by=actor)
    except (Invalid, TooMany) as refusal:
        db.session.rollback()
        return _ticket_page(_ticket(number), refusal.code, values=request.form, errors=giving.beside(refusal))
    db.session.commit()
    flash(_("Thank you. That helps us."))
    return redirect(f"/portal/tickets/{number}#rating", 303)


@portal.post("/tickets/<int:number>/keep")
@signed_in
def keep_open(number: int) -> Any:
    ticket = _ticket(number)
    ticket.keep_open(by=me())
    db.session.commit()
    flash(_("We keep it open."))
    return redirect(f"/portal/tickets/{number}", 303)


@portal.get("/tickets/<int:number>/keep")
@portal.get("/tickets/<int:number>/close")
@signed_in
def confirm(number: int) -> Any:
    """Where a mail's buttons lead: mail scanners open every link, so nothing changes before a press here."""
    return page("portal/confirm.html", ticket=_ticket(number), keep=request.path.endswith("/keep"))


@portal.get("/tickets/new")
@signed_in
def new_ticket() -> Any:
    return _new_page(request.args)


def _new_page(
    values: Mapping[str, str], code: int = 200, errors: Mapping[str, str] | None = None, kept: Any = ()
) -> Any:
    options = choosing.options()
    category = choosing.chosen(options.categories, values.get("category"))
    subject = values.get("subject", "")
    return page(
        "portal/new.html", code, form=tokens.new_form(), options=options, values={"priority": options.usual_priority, **values}, errors=errors or {}, kept=kept,
        category=category, asked_often=finding.asked_often(category.id) if category else [], fields=fieldforms.asked(values, Channel.PORTAL), **_suggested(subject),
    )  # fmt: skip


def _suggested(subject: str) -> dict[str, Any]:
    return {"articles": finding.suggestions(subject), "similar": choosing.similar(subject, me())}


@portal.get("/tickets/new/suggest")
@signed_in
def suggest() -> Any:
    """Swapped in while the subject is typed."""
    return page("portal/_suggest.html", waiting_for_you=0, **_suggested(request.args.get("subject", "")[:500]))


@portal.get("/tickets/new/faq")
@signed_in
def often_asked() -> Any:
    category = choosing.chosen(choosing.categories(), request.args.get("category"))
    return page(
        "portal/_faq.html",
        waiting_for_you=0,
        category=category,
        asked_often=finding.asked_often(category.id) if category else [],
    )


@portal.post("/tickets/new")
@signed_in
def open_new() -> Any:
    form = request.form
    if form.get("step") == "look":
        return _new_page(form)
    received = Received(me())
    received.secure()
    sending = Sending(myself(), typed("subject"), typed("message"))
    if sending.became:
        return redirect(f"/portal/tickets/{_number(sending.became)}", 303)
    errors = {**choosing.missing(form, Channel.PORTAL), **received.errors}
    try:
        if not errors:
            ticket = _open(form, received)
    except Invalid as refusal:
        errors = choosing.as_form(refusal)
    except TooMany as refusal:
        errors = {"message": str(refusal)}
    if errors:
        db.session.rollback()
        return _new_page(form, received.code, errors, received.kept)
    sending.done(ticket.id)
    number, display = ticket.number, ticket.display  # a commit forgets what was read
    db.session.commit()
    flash(_("We have it. Your number is %(number)s.", number=display))
    return redirect(f"/portal/tickets/{number}", 303)


def _open(form: MultiDict[str, str], received: Received) -> Ticket:
    limits.spend(Limit.NEW_TICKET, f"customer {myself().id}")
    words = Words(typed("message"), via=Channel.PORTAL, attachments=tuple(received.kept))
    new = NewTicket(
        subject=form.get("subject", ""), words=words, requester=myself(),
        department=choosing.demand("department", choosing.departments, form), category=choosing.demand("category", choosing.categories, form),
        priority=choosing.demand("priority", choosing.priorities, form), environment=choosing.demand("environment", environments.offered_to_customers, form), fields=fieldforms.given(form),
    )  # fmt: skip
    return open_ticket(new, by=me())
