"""How a mailbox's servers are reached: host, port, TLS, and the password or token that opens them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flask import current_app
from flask_babel import gettext as _

from app.core import sealing
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import oauth
from app.mail.boxes import Mailbox, Security, SignIn

PURPOSE = "mailbox"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SMTP_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25}
IMAP_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.PLAIN: 143}
TIMEOUT_SECONDS = 20
"""For each answer of a server."""


class Unusable(HelpdeskError):
    """What the mailbox needs to sign in is not there."""


class Server(NamedTuple):
    host: str
    port: int
    security: Security
    user: str
    password: str
    token: Callable[[], str] | None


def imap(box: Mailbox) -> Server:
    """Raises Unusable."""
    port = box.imap_port or IMAP_PORTS[box.imap_security]
    return Server(box.imap_host, port, box.imap_security, box.user, _password(box), token_of(box))


def smtp(box: Mailbox) -> dict[str, object]:
    """As Flask-Mail's settings. A user never travels without TLS but on this machine. Raises Unusable."""
    return {
        "MAIL_SERVER": box.smtp_host,
        "MAIL_PORT": box.smtp_port or SMTP_PORTS[box.smtp_security],
        "MAIL_USERNAME": box.user or None,
        "MAIL_PASSWORD": _password(box) or None,
        "MAIL_USE_SSL": box.smtp_security is Security.TLS,
        "MAIL_USE_TLS": box.smtp_security is Security.STARTTLS,
        "MAIL_SUPPRESS_SEND": False,
    }


def token_of(box: Mailbox) -> Callable[[], str] | None:
    """Asks for one when it is needed: it lives an hour."""
    if box.sign_in is not SignIn.OAUTH2:
        return None
    box_id, app = box.id, current_app._get_current_object()  # type: ignore[attr-defined]

    def token() -> str:
        with app.app_context():
            try:
                return oauth.access_token(box_id)
            finally:
                db.session.remove()

    return token


def may_be_plain(host: str) -> bool:
    """Passwords and customers' words would travel readable."""
    return host.casefold() in LOOPBACK or not current_app.config["PRODUCTION"]


def _password(box: Mailbox) -> str:
    if box.sign_in is SignIn.OAUTH2 or not box.user:
        return ""
    password = sealing.opened(PURPOSE, box.secret)
    if password is None:
        raise Unusable(
            _("The password of this mailbox is not there, or was sealed by another SECRET_KEY. Type it again.")
            if box.secret
            else _("This mailbox has a user name and no password.")
        )
    return password
