"""Mailboxes: generated pages, and a page of each with its health, the tests of both ways and its sign-in elsewhere."""

from __future__ import annotations

import secrets
from typing import Any

from flask import abort, flash, g, get_template_attribute, redirect, request, session
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.core.shipped import shown
from app.mail import boxes, boxrules, fetching, hooks, oauth, outgoing, transport
from app.mail.boxes import After, Health, Mailbox, Security, SignIn
from app.mail.boxrules import Typed
from app.mail.models import DeliveryState

HEALTH = {
    Health.OFF: (_l("Switched off"), "grey", "ban"),
    Health.PAUSED: (_l("Paused"), "amber", "pause"),
    Health.RECEIVES: (_l("Takes what is brought"), "grey", "inbox"),
    Health.WAITING: (_l("Not reached yet"), "grey", "clock"),
    Health.FINE: (_l("Works"), "green", "check"),
    Health.TROUBLE: (_l("In trouble"), "red", "triangle-alert"),
    Health.FORGOTTEN: (_l("Nobody asks it: is the receiver running?"), "red", "triangle-alert"),
}
SECURITIES = {
    Security.TLS: _l("TLS from the first byte"),
    Security.STARTTLS: _l("STARTTLS, required"),
    Security.PLAIN: _l("None, on this machine alone"),
}
SIGN_INS = {SignIn.PASSWORD: _l("User and password"), SignIn.OAUTH2: _l("OAuth2 (Google, Microsoft 365)")}
AFTER = {
    After.KEEP: _l("leave it, marked as read"),
    After.MOVE: _l("move it to a folder"),
    After.DELETE: _l("delete it"),
}
STATE, LIVES_SECONDS = "mailbox_sign_in", 900
"""What the browser has to bring back from the provider, in the session."""


def _choices(kind: Any, words: dict[Any, Any]) -> dict[str, Any]:
    return {"choices": [SelectChoice(one.value, label) for one, label in words.items()], "coerce": kind}


def _secret(label: Any) -> PasswordField:
    hint = _l("It is never shown again. Empty: the one that is there stays.")
    return PasswordField(label, [Optional(), Length(max=2000)], description=hint, render_kw={"autocomplete": "off"})


class MailboxView(DeskView):
    datamodel = DeskInterface(Mailbox)
    route_base = "/admin/mailboxes"
    class_permission_name = "Mailbox"
    titles = _l("Mailboxes"), _l("New mailbox"), _l("Mailbox")
    list_columns = ["name", "at", "department", "health", "id"]
    show_columns = ["name"]
    search_columns = ["name", "address"]
    order_columns = ["name"]
    base_order = ("id", "asc")
    add_fieldsets = edit_fieldsets = [
        (_l("Mailbox"), {"fields": ["name", "own_address", "aliases", "sender_name", "signature", "active"], "expanded": True}),
        (_l("New tickets"), {"fields": ["department", "category", "priority", "for_department"], "expanded": True}),
        (_l("Signing in to its servers"), {"fields": ["sign_in", "user", "password"], "expanded": True}),
        (_l("Fetching (IMAP)"), {"fields": ["imap_host", "imap_port", "imap_security", "folder", "after", "after_folder", "idle", "poll_seconds"], "expanded": True}),
        (_l("Sending (SMTP)"), {"fields": ["smtp_host", "smtp_port", "smtp_security"], "expanded": True}),
        (_l("OAuth2"), {"fields": ["provider", "client_id", "client_password", "authorize_url", "token_url", "scope"], "expanded": False}),
    ]  # fmt: skip
    label_columns = {
        "address": _l("Address"), "name": _l("Name"), "at": _l("Address"), "health": _l("Fetching"), "id": _l("Mails today"), "own_address": _l("Address"), "aliases": _l("Further addresses"), "sender_name": _l("Name in From"),
        "signature": _l("Signature"), "active": _l("Active"), "department": _l("Department"), "category": _l("Category"), "priority": _l("Priority"),
        "for_department": _l("Answers for its department"), "sign_in": _l("How"), "user": _l("User name"), "password": _l("Password"), "imap_host": _l("IMAP server"),
        "imap_port": _l("Port"), "imap_security": _l("TLS"), "folder": _l("Folder"), "after": _l("When the desk has a mail"), "after_folder": _l("To the folder"),
        "idle": _l("Let the server tell (IDLE)"), "poll_seconds": _l("Seconds between rounds"), "smtp_host": _l("SMTP server"), "smtp_port": _l("Port"), "smtp_security": _l("TLS"),
        "provider": _l("Provider"), "client_id": _l("Client"), "client_password": _l("Client secret"), "authorize_url": _l("Address to sign in"), "token_url": _l("Address for tokens"), "scope": _l("Scope"),
    }  # fmt: skip
    description_columns = {
        "sender_name": _l("Empty: the name of the desk."),
        "signature": _l("Below the answers of staff that leave from here."),
        "active": _l("Off: mail to it is refused, and its tickets are answered from the main mailbox."),
        "for_department": _l("Tickets of the department that came by no mail are answered from here, too."),
        "user": _l("Often the address itself."),
        "imap_host": _l("Empty: nothing is fetched; mail is brought by SMTP, LMTP, a pipe or HTTP."),
        "imap_port": _l("Empty: the usual one."),
        "smtp_port": _l("Empty: the usual one."),
        "idle": _l("Mail comes within seconds, where the server can. Else it is asked in rounds."),
        "smtp_host": _l("Empty: mails of this mailbox leave by the desk's own server."),
        "authorize_url": _l("Empty: the provider's own. Microsoft 365 with one tenant has its own here."),
        "token_url": _l("Empty: the provider's own."),
        "scope": _l("Empty: what fetching and sending need."),
    }
    formatters_columns: dict[str, Any] = {
        "name": shown,
        "health": lambda state: _badge(state),
        "id": lambda box_id: _today(box_id),
    }
    add_form_extra_fields = edit_form_extra_fields = {
        "own_address": StringField(_l("Address"), [DataRequired(), Length(max=200)], description=_l("Customers write to it and are answered from it.")),
        "aliases": TextAreaField(_l("Further addresses"), [Optional(), Length(max=5000)], description=_l("One a line. Mail to them comes here; answers leave from the address above.")),
        "signature": TextAreaField(_l("Signature"), [Optional(), Length(max=2000)], description=_l("Below the answers of staff that leave from here.")),
        "sign_in": SelectField(_l("How"), **_choices(SignIn, SIGN_INS)),
        "password": _secret(_l("Password")),
        "imap_security": SelectField(_l("TLS"), **_choices(Security, SECURITIES)),
        "smtp_security": SelectField(_l("TLS"), **_choices(Security, SECURITIES)),
        "after": SelectField(_l("When the desk has a mail"), **_choices(After, AFTER)),
        "provider": SelectField(_l("Provider"), choices=[SelectChoice(name, one.label or _l("Another provider")) for name, one in oauth.PROVIDERS.items()]),
        "client_password": _secret(_l("Client secret")),
    }  # fmt: skip

    def prefill_form(self, form: Any, pk: int) -> None:
        form.own_address.data = db.session.get_one(Mailbox, pk).at

    def pre_add(self, box: Mailbox) -> None:
        for name in ("sender_name", "signature", "aliases", "smtp_host", "imap_host", "folder", "after_folder", "client_id", "authorize_url", "token_url", "scope", "user"):  # fmt: skip
            setattr(box, name, getattr(box, name) or "")
        given = {name: getattr(box, name, None) or "" for name in ("own_address", "password", "client_password")}
        boxrules.keep(box, Typed(given["own_address"], given["password"], given["client_password"]))

    pre_update = pre_add

    def post_add(self, box: Mailbox) -> None:
        g.kept_mailbox = box.id

    post_update = post_add

    def post_add_redirect(self) -> Any:
        """To its own page, where the servers can be tried."""
        return self._back(g.kept_mailbox)

    post_edit_redirect = post_add_redirect

    def pre_delete(self, box: Mailbox) -> None:
        boxrules.remove(box)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        return self._page(self._box(pk))

    @expose("/<int:pk>/test-in", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test_in(self, pk: int) -> Any:
        """In the server's own words."""
        box = self._box(pk)
        if not box.imap_host:
            abort(404)
        try:
            flash(fetching.try_out(box), "success")
        except HelpdeskError as problem:
            flash(_("Fetching does not work: %(why)s", why=problem), "danger")
        return self._back(pk)

    @expose("/<int:pk>/test-out", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test_out(self, pk: int) -> Any:
        """To the admin's own address, as every mail of this mailbox goes, and told in the server's own words."""
        self._box(pk)
        put = outgoing.put_notice("test_mail", staff_id=g.user.id, values={boxes.TRIED: str(pk)})
        mail = transport.send_now(put.id)
        if mail.state is DeliveryState.SENT:
            words = _("The mail server took the test mail to %(address)s: %(words)s", address=mail.address, words=mail.reason or "")  # fmt: skip
            flash(words, "success")
        elif mail.state is DeliveryState.CAPTURED:
            flash(_("No mail server is set, so the test mail to %(address)s lies in the mail lab.", address=mail.address), "success")  # fmt: skip
        else:
            flash(_("The test mail to %(address)s did not leave: %(reason)s", address=mail.address, reason=mail.reason or "?"), "danger")  # fmt: skip
        return self._back(pk)

    @expose("/<int:pk>/pause", methods=["POST"])
    @has_access
    @permission_name("edit")
    def pause(self, pk: int) -> Any:
        boxrules.pause(self._box(pk), paused=True)
        return self._done(pk, _("Nothing is fetched until you let it go on."))

    @expose("/<int:pk>/resume", methods=["POST"])
    @has_access
    @permission_name("edit")
    def resume(self, pk: int) -> Any:
        boxrules.pause(self._box(pk), paused=False)
        return self._done(pk, _("It goes on in a moment."))

    @expose("/<int:pk>/fetch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def fetch(self, pk: int) -> Any:
        boxrules.ask_now(self._box(pk))
        return self._done(pk, _("It is asked in a moment."))

    @expose("/<int:pk>/secret", methods=["POST"])
    @has_access
    @permission_name("edit")
    def secret(self, pk: int) -> Any:
        """Shown on this one page and never again."""
        box = self._box(pk)
        made = hooks.new_secret(box)
        db.session.commit()
        return self._page(box, made=made)

    @expose("/<int:pk>/sign-in", methods=["POST"])
    @has_access
    @permission_name("edit")
    def sign_in(self, pk: int) -> Any:
        """To the provider. What comes back counts in this browser's session alone."""
        try:
            leaving = oauth.begin(self._box(pk))
        except HelpdeskError as refusal:
            flash(str(refusal), "danger")
            return self._back(pk)
        session[STATE] = {"box": pk, "state": leaving.state, "verifier": leaving.verifier}
        return redirect(leaving.url, 303)

    @expose("/signed-in")
    @has_access
    @permission_name("edit")
    def signed_in(self) -> Any:
        """Back from the provider. Without what this browser took along, nothing happens."""
        kept = session.pop(STATE, None) or {}
        given = request.args.get("state", "")
        if not kept or not secrets.compare_digest(given.encode(), str(kept["state"]).encode()):
            flash(_("This sign-in was not begun in this browser, or it was used already. Please begin again."), "danger")  # fmt: skip
            return redirect("/admin/mailboxes/list/")
        box = self._box(kept["box"])
        try:
            self._finish(box.id, kept["verifier"])
        except HelpdeskError as refusal:
            flash(str(refusal), "danger")
        return self._back(kept["box"])

    def _finish(self, box_id: int, verifier: str) -> None:
        if "code" not in request.args:
            words = f"{request.args.get('error', '')} {request.args.get('error_description', '')}".strip()
            raise HelpdeskError(_("The provider refused: %(words)s", words=words[:500] or "?"))
        oauth.finish(box_id, request.args["code"], verifier)
        flash(_("The desk may use this mail account now."), "success")

    def _box(self, pk: Any) -> Mailbox:
        found: Mailbox = self.datamodel.get(pk, self._base_filters) or abort(404)
        return found

    def _done(self, pk: int, said: str) -> Any:
        db.session.commit()
        flash(said, "success")
        return self._back(pk)

    def _back(self, pk: int) -> Any:
        return redirect(f"/admin/mailboxes/show/{pk}", 303)

    def _page(self, box: Mailbox, made: str = "") -> Any:
        state = box.health
        return self.render_template(
            "desk/mailbox.html", box=box, name=shown(box.name), look=HEALTH[state], state=state.value, today=_today(box.id),
            made=made, callback=oauth.callback_url(), signed_in=oauth.signed_in(box), after=AFTER[box.after],
            hook=hooks.address(box), may=g.user.can("edit", "Mailbox"),
        )  # fmt: skip


def _badge(state: Health) -> Markup:
    said, tone, sign = HEALTH[state]
    return Markup(get_template_attribute("_macros/ui.html", "badge")(said, tone, sign))


def _today(box_id: int) -> int:
    """One question for the whole page."""
    if "mailboxes_today" not in g:
        g.mailboxes_today = boxrules.came_today()
    return int(g.mailboxes_today.get(box_id, 0))
