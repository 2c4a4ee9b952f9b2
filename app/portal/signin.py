"""In and out, the password, the account page, and how the pages look."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, request, session
from flask_babel import gettext as _

from app.accounts import customers, guessing, passwords, sessions, tokens
from app.accounts.models import Customer
from app.accounts.tokens import Purpose
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.limits import TooMany
from app.core.outbox import Outbox
from app.portal.frame import (
    current_secret,
    end_session,
    myself,
    page,
    portal,
    signed_in,
    signed_in_customer,
    start_session,
    within,
)

A_YEAR = 365 * 24 * 3600


@portal.get("/")
def start() -> Any:
    return redirect("/portal/tickets" if signed_in_customer() else "/portal/login")


@portal.get("/login")
def sign_in_form() -> Any:
    if signed_in_customer() is not None:
        return redirect(within(request.args.get("next")))
    return page("portal/signin.html", values=request.args, errors={})


@portal.post("/login")
def sign_in() -> Any:
    """By password, or by a link that is mailed."""
    form = request.form
    try:
        address = customers.checked_address(form.get("email", ""))
        if form.get("how") == "link":
            return _mail_link("portal.mail_sign_in_link", address)
        customer = _by_password(address, form.get("password", ""))
    except Invalid as refusal:
        return page("portal/signin.html", 422, values=form, errors=refusal.fields)
    except TooMany as refusal:
        return page("portal/signin.html", refusal.code, values=form, errors={"email": str(refusal)})
    start_session(customer)
    return redirect(within(form.get("next")), 303)


def _by_password(address: str, password: str) -> Customer:
    if not password:
        raise Invalid("", {"password": _("Please type your password, or ask for a link instead.")})
    customer = guessing.bounded(address, lambda: customers.sign_in(address, password))
    if customer is None:
        raise Invalid("", {"password": _("This address and password do not belong together.")})
    return customer


def _mail_link(job: str, address: str) -> Any:
    """The same answer for every address; a worker looks whether somebody has it."""
    guessing.count_link(address)
    Outbox.put(job, address=address)
    db.session.commit()
    return page("portal/sent.html", email=address, reset=job.endswith("reset"))


@portal.get("/link/<secret>")
def show_link(secret: str) -> Any:
    _token, customer = tokens.look_at(secret, Purpose.SIGN_IN)
    return page("portal/link.html", person=customer)


@portal.post("/link/<secret>")
def use_link(secret: str) -> Any:
    _token, customer = tokens.use(secret, Purpose.SIGN_IN)
    _verified(customer)
    db.session.commit()
    start_session(customer)
    return redirect("/portal/tickets", 303)


def _verified(customer: Customer) -> None:
    """Who opened a mail to this address has it."""
    customer.verified_at = customer.verified_at or clock.now()


@portal.post("/logout")
def sign_out() -> Any:
    end_session()
    return redirect("/portal/login", 303)


@portal.get("/password")
def forgot_form() -> Any:
    return page("portal/forgot.html", values=request.args, errors={})


@portal.post("/password")
def forgot() -> Any:
    try:
        return _mail_link("portal.mail_password_reset", customers.checked_address(request.form.get("email", "")))
    except Invalid as refusal:
        return page("portal/forgot.html", 422, values=request.form, errors=refusal.fields)
    except TooMany as refusal:
        return page("portal/forgot.html", refusal.code, values=request.form, errors={"email": str(refusal)})


@portal.get("/password/<secret>")
def reset_form(secret: str) -> Any:
    _token, customer = tokens.look_at(secret, Purpose.RESET)
    return page("portal/reset.html", person=customer, errors={}, shortest_password=passwords.CUSTOMERS.shortest)


@portal.post("/password/<secret>")
def reset(secret: str) -> Any:
    _token, customer = tokens.use(secret, Purpose.RESET)
    try:
        customers.set_password(customer, _new_password())
    except Invalid as refusal:
        db.session.rollback()
        _token, customer = tokens.look_at(secret, Purpose.RESET)
        return page(
            "portal/reset.html",
            422,
            person=customer,
            errors=refusal.fields,
            shortest_password=passwords.CUSTOMERS.shortest,
        )
    _verified(customer)
    db.session.commit()
    start_session(customer)
    flash(_("Your password is set. Sessions elsewhere are signed out."))
    return redirect("/portal/tickets", 303)


def _new_password() -> str:
    password = request.form.get("password", "")
    if password != request.form.get("again", password):
        raise Invalid(_("The password was not changed."), {"again": _("The two are not the same.")})
    return password


@portal.get("/account")
@signed_in
def account() -> Any:
    return _account({})


def _account(errors: dict[str, str], code: int = 200) -> Any:
    customer = myself()
    return page(
        "portal/account.html",
        code,
        errors=errors,
        values={"name": customer.name, "language": customer.language or session.get("locale")},
        sessions=sessions.of_customer(customer.id),
        this_session=sessions.digest(current_secret()),
        shortest_password=passwords.CUSTOMERS.shortest,
        languages=current_app.config["LANGUAGES"],
    )


@portal.post("/account")
@signed_in
def save_account() -> Any:
    customer = myself()
    language = request.form.get("language")
    try:
        customers.rename(customer, request.form.get("name", ""))
    except Invalid as refusal:
        return _account(refusal.fields, 422)
    if language in current_app.config["LANGUAGES"]:
        customer.language = session["locale"] = language
    db.session.commit()
    flash(_("Saved."))
    return redirect("/portal/account", 303)


@portal.post("/account/password")
@signed_in
def change_password() -> Any:
    customer = myself()
    try:
        customers.change_password(customer, request.form.get("old", ""), _new_password())
    except Invalid as refusal:
        return _account(refusal.fields, 422)
    except TooMany as refusal:
        return _account({"old": str(refusal)}, refusal.code)
    db.session.commit()
    start_session(customer)
    flash(_("Your password is changed. Sessions elsewhere are signed out."))
    return redirect("/portal/account", 303)


@portal.post("/account/sessions")
@signed_in
def sign_out_others() -> Any:
    sessions.end_others(current_secret(), customer_id=myself().id)
    db.session.commit()
    flash(_("Everywhere else you are signed out now."))
    return redirect("/portal/account", 303)


@portal.post("/account/sessions/<int:session_id>")
@signed_in
def sign_out_one(session_id: int) -> Any:
    """Its own row only; ending this very one is signing out."""
    if not sessions.end_one(session_id, customer_id=myself().id):
        abort(404)
    db.session.commit()
    flash(_("That session is signed out."))
    return redirect("/portal/account", 303)


@portal.post("/preferences")
def preferences() -> Any:
    """Light or dark is a cookie, so that the server draws it; the language belongs to the session and to the account."""
    came_from = request.referrer or ""
    back = within(came_from.removeprefix(request.host_url.rstrip("/")), "/portal/")
    response = redirect(back, 303)
    theme, language = request.form.get("theme"), request.form.get("locale")
    if theme in ("auto", "light", "dark"):
        response.set_cookie(
            "theme", theme, max_age=A_YEAR if theme != "auto" else 0, samesite="Lax", secure=current_app.config["HTTPS"]
        )
    if language in current_app.config["LANGUAGES"]:
        session["locale"] = language
        customer = signed_in_customer()
        if customer is not None:
            customer.language = language
            db.session.commit()
    return response
