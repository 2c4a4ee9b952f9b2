"""Signing in to a mail account by OAuth2: leading an admin to the provider, what it gave, and a fresh token when one is needed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from flask import current_app
from flask_babel import gettext as _
from requests import RequestException
from sqlalchemy import update

from app.core import clock, sealing
from app.core.database import writing
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail.boxes import Mailbox, SignIn

PURPOSE = "mailbox"
CALLBACK = "/admin/mailboxes/signed-in"
TIMEOUT_SECONDS = 20
EARLY_SECONDS = 120
"""A token that ends within these is not begun with."""


class Provider(NamedTuple):
    label: str
    """Its name; empty: any other."""
    authorize_url: str
    token_url: str
    scope: str
    more: dict[str, str]


PROVIDERS = {
    "google": Provider(
        "Google", "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token", "https://mail.google.com/",
        {"access_type": "offline", "prompt": "consent"},
    ),
    "microsoft": Provider(
        "Microsoft 365", "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize", "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access", {"prompt": "select_account"},
    ),
    "other": Provider("", "", "", "", {}),
}  # fmt: skip


class NotSignedIn(HelpdeskError):
    """The provider gives no token (any more)."""


class Leaving(NamedTuple):
    """Where the admin's browser goes, and what it has to bring back."""

    url: str
    state: str
    verifier: str


class Client(NamedTuple):
    """What a mailbox says of its provider, as plain values: no transaction is open while that is asked."""

    user: str
    id: str
    secret: str | None
    scope: str
    authorize_url: str
    token_url: str
    more: dict[str, str]
    tokens: str | None
    """Sealed."""


def begin(box: Mailbox) -> Leaving:
    """Raises Invalid when something is missing for it."""
    client = _client_of(box)
    if box.sign_in is not SignIn.OAUTH2 or not client.id or not client.authorize_url or not client.token_url:
        raise Invalid(_("Choose OAuth2 and enter the client and the provider's addresses first."))
    verifier = generate_token(64)
    with _session(client) as session:
        url, state = session.create_authorization_url(
            client.authorize_url, code_verifier=verifier, login_hint=client.user, **client.more
        )
    return Leaving(url, state, verifier)


def finish(box_id: int, code: str, verifier: str) -> None:
    """What the provider gave for the code is kept, sealed. Commits. Raises NotSignedIn with the provider's own words."""
    client = _client(box_id)
    given = _ask(client, lambda session: session.fetch_token(client.token_url, code=code, code_verifier=verifier, timeout=TIMEOUT_SECONDS, allow_redirects=False))  # fmt: skip
    if not given.get("refresh_token"):
        raise NotSignedIn(_("The provider gave no lasting access (no refresh token). Allow offline access and sign in again."))  # fmt: skip
    with writing():
        box = db.session.get_one(Mailbox, box_id, populate_existing=True)
        box.tokens, box.failures, box.due_at = sealing.seal(PURPOSE, json.dumps(given)), 0, None
        db.session.commit()


def access_token(box_id: int) -> str:
    """A token that is still good, refreshed when it must be. Commits. Raises NotSignedIn."""
    client = _client(box_id)
    kept = _kept(client)
    if kept.get("expires_at", 0) > clock.now().timestamp() + EARLY_SECONDS:
        return str(kept["access_token"])
    refresh = str(kept["refresh_token"])
    given = _ask(client, lambda session: session.refresh_token(client.token_url, refresh_token=refresh, timeout=TIMEOUT_SECONDS, allow_redirects=False))  # fmt: skip
    renewed = sealing.seal(PURPOSE, json.dumps({"refresh_token": refresh} | given))
    same = update(Mailbox).where(Mailbox.id == box_id, Mailbox.tokens == client.tokens).values(tokens=renewed)
    with writing():  # unless somebody signed in anew meanwhile; nobody edited the mailbox
        db.session.execute(same.execution_options(synchronize_session=False))
        db.session.commit()
    return str(given["access_token"])


def signed_in(box: Mailbox) -> bool:
    return sealing.opened(PURPOSE, box.tokens) is not None


def callback_url() -> str:
    """What has to stand at the provider as an allowed address to come back to."""
    return f"{current_app.config['PUBLIC_URL']}{CALLBACK}"


def checked_url(url: str) -> str:
    """A client's secret goes to https alone, but on this machine."""
    parts = urlsplit(url.strip())
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if (parts.scheme == "https" or (parts.scheme == "http" and here)) and parts.hostname and not parts.username:
        return url.strip()
    raise ValueError(url)


def _client(box_id: int) -> Client:
    """Ends the present transaction."""
    box = db.session.get(Mailbox, box_id, populate_existing=True)
    if box is None:
        raise NotSignedIn(_("This mailbox is gone."))
    client = _client_of(box)
    db.session.commit()
    return client


def _client_of(box: Mailbox) -> Client:
    usual = PROVIDERS[box.provider]
    return Client(
        box.user, box.client_id, sealing.opened(PURPOSE, box.client_secret), box.scope or usual.scope, box.authorize_url or usual.authorize_url,
        box.token_url or usual.token_url, usual.more, box.tokens,
    )  # fmt: skip


def _kept(client: Client) -> dict[str, Any]:
    sealed = sealing.opened(PURPOSE, client.tokens)
    if sealed is None:
        raise NotSignedIn(_("Nobody signed in to this mail account yet, or SECRET_KEY was changed since. Sign in to it on the mailbox's page."))  # fmt: skip
    kept: dict[str, Any] = json.loads(sealed)
    return kept


def _ask(client: Client, ask: Any) -> dict[str, Any]:
    try:
        with _session(client) as session:
            given = dict(ask(session))
    except OAuthError as refusal:
        words = f"{refusal.error} {refusal.description or ''}".strip()
        raise NotSignedIn(_("The provider refused: %(words)s", words=words[:500])) from refusal
    except (RequestException, ValueError) as problem:
        raise NotSignedIn(_("The provider could not be reached: %(why)s", why=type(problem).__name__)) from problem
    if not given.get("access_token"):
        raise NotSignedIn(_("The provider gave no token."))
    return {name: given[name] for name in ("access_token", "refresh_token", "expires_at") if given.get(name)}


def _session(client: Client) -> Any:
    return OAuth2Session(
        client.id, client.secret, scope=client.scope, redirect_uri=callback_url(), code_challenge_method="S256"
    )
