"""People without an account: they write, prove their address by a mail, and can follow their ticket from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy.orm.attributes import set_committed_value
from werkzeug.datastructures import MultiDict

from app.accounts import customers, environments, guessing, tokens
from app.accounts.models import Customer
from app.accounts.tokens import Purpose
from app.accounts.viewer import CustomerActor
from app.core import clock, language, limits
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.mail import outgoing
from app.portal import choosing
from app.portal.files import Received
from app.portal.frame import link, page, portal, signed_in_customer, start_session, typed
from app.portal.incidents import Affected, about
from app.portal.once import Sending
from app.settings import desk
from app.tickets import fieldforms
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did


@portal.get("/contact")
def contact_form() -> Any:
    if signed_in_customer() is not None:
        return redirect("/portal/tickets/new")
    if not desk.current().guests_may_write:
        flash(_("Please sign in to write to us."), "warning")
        return redirect("/portal/login?next=/portal/tickets/new")
    banner = about(request.args.get("incident", ""))
    return _contact_page({"subject": banner.title, **request.args} if banner else request.args)


def _contact_page(values: Mapping[str, str], code: int = 200, errors: Mapping[str, str] | None = None) -> Any:
    return page(
        "portal/contact.html",
        code,
        form=tokens.new_form(),
        options=choosing.options(),
        values=values,
        errors=errors or {},
        fields=fieldforms.asked(values, Channel.FORM),
    )


@portal.post("/contact")
def write_as_guest() -> Any:
    """The same answer, after the same work, for a new, a known and a switched-off address; a known customer's name stays."""
    form = request.form
    if not desk.current().guests_may_write:
        raise Forbidden(_("Please sign in to write to us."))
    errors = _missing(form)
    if errors:
        return _contact_page(form, 422, errors)
    try:
        _count(form["email"])
    except TooMany as refusal:
        return _contact_page(form, TooMany.code, {"message": str(refusal)})
    customer = customers.find_or_create(form["email"], form["name"], language.chosen())
    welcome = customer.active
    set_committed_value(customer, "active", True)  # for this transaction, which is undone for whom it is not true
    received = Received(CustomerActor.of(customer), proven=False)
    sending = Sending(customer, typed("subject"), typed("message"))
    try:
        if not received.errors and not sending.became:
            sending.done(_kept(form, customer, received).id)
    except Invalid as refusal:
        errors = choosing.as_form(refusal)
    if errors or received.errors:
        db.session.rollback()
        return _contact_page(form, received.code, errors or received.errors)
    db.session.flush()
    if welcome:
        db.session.commit()
    else:
        db.session.rollback()
    return page("portal/contact_sent.html", email=customers.checked_address(form["email"]))


def _count(address: str) -> None:
    limits.spend(Limit.GUEST_NETWORK, limits.network())
    limits.spend(Limit.GUEST_ADDRESS, guessing.spelled(address), shown=guessing.masked(address))


def _missing(form: MultiDict[str, str]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not customers.clean_name(form.get("name", "")):
        wrong["name"] = _("Please tell us your name.")
    try:
        customers.checked_address(form.get("email", ""))
    except Invalid as refusal:
        wrong.update(refusal.fields)
    return {**wrong, **choosing.missing(form, Channel.FORM)}


def _kept(form: MultiDict[str, str], customer: Customer, received: Received) -> Ticket:
    """In the ticket with which they told us of a disturbance, or in a new one."""
    affected = Affected(customer)
    ticket = affected.ticket
    if ticket is None:
        ticket = _open(form, customer, received)
        affected.joins(ticket)
    else:
        ticket.receive(_words(received), CustomerActor.of(customer))
    _ask_for_proof(ticket, customer)
    return ticket


def _words(received: Received) -> Words:
    return Words(typed("message"), via=Channel.FORM, attachments=tuple(received.kept))


def _open(form: MultiDict[str, str], customer: Customer, received: Received) -> Ticket:
    category = choosing.demand("category", choosing.categories, form)
    return open_ticket(
        NewTicket(
            subject=form["subject"],
            words=_words(received),
            requester=customer,
            category=category,
            environment=choosing.demand("environment", environments.offered_to_customers, form),
            proven=False,
            fields=fieldforms.given(form),
        ),
        by=CustomerActor.of(customer),
    )


def _ask_for_proof(ticket: Ticket, customer: Customer) -> None:
    secret = tokens.issue(Purpose.GUEST_PROOF, customer, ticket.id)
    outgoing.put_notice(
        Purpose.GUEST_PROOF.value,
        customer_id=customer.id,
        ticket_id=ticket.id,
        values={"link": link(f"/portal/prove/{secret}")},
    )


@portal.get("/prove/<secret>")
def show_proof(secret: str) -> Any:
    _token, customer = tokens.look_at(secret, Purpose.GUEST_PROOF)
    return page("portal/prove.html", person=customer)


@portal.post("/prove/<secret>")
def prove(secret: str) -> Any:
    """Whoever holds the mail's link has the address: the ticket shows in the portal, and they are signed in."""
    token, customer = tokens.use(secret, Purpose.GUEST_PROOF)
    ticket = db.session.get(Ticket, token.ticket_id) if token.ticket_id else None
    customer.verified_at = customer.verified_at or clock.now()
    if ticket is not None and not ticket.proven:
        ticket.proven = True
        ticket.record(Did.VERIFIED, CustomerActor.of(customer))
    db.session.commit()
    start_session(customer)
    flash(_("Thank you. Here you can follow your ticket and answer."))
    return redirect(f"/portal/tickets/{ticket.number}" if ticket is not None else "/portal/tickets", 303)
