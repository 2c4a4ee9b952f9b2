"""Signing in to a mail account by OAuth2, against a provider of our own on loopback."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock, sealing
from app.core.audit import Audit
from app.core.extensions import db
from app.mail import boxes, fetching, oauth, outgoing, transport
from app.mail.boxes import After, Mailbox, Security, SignIn
from app.mail.line import Broken
from app.mail.lines import Lines
from app.mail.models import Delivery, DeliveryState, RawMail
from tests.factories import an_admin, sign_in
from tests.mail.imap import Scripted, scripted
from tests.mail.smtp import TokenSink, serving
from tests.mail.test_incoming import a_mail

SECRET = "canary-client-secret"


class Provider:
    """Gives tokens for the code `right` to whoever proves the challenge, and for the newest refresh token."""

    def __init__(self) -> None:
        self.challenge = ""
        self.given = 0
        self.asked: list[dict[str, str]] = []
        self.refuse = ""

    def answer(self, form: dict[str, str], client: str) -> tuple[int, dict[str, object]]:
        self.asked.append(form)
        if self.refuse:
            return 400, {"error": "invalid_grant", "error_description": self.refuse}
        if client != f"desk:{SECRET}":
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")  # fmt: skip
            right = form["code"] == "right" and proof == self.challenge
        else:
            right = form["refresh_token"] == f"canary-refresh-{self.given}"
        if not right:
            return 400, {"error": "invalid_grant"}
        self.given += 1
        return 200, {"access_token": f"canary-access-{self.given}", "refresh_token": f"canary-refresh-{self.given}", "expires_in": 3600, "token_type": "Bearer"}  # fmt: skip


@pytest.fixture
def provider() -> Iterator[tuple[Provider, str]]:
    provider = Provider()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            client = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            code, answer = provider.answer(form, client)
            content = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_given: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield provider, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def box(app, provider) -> Mailbox:
    _provider, url = provider
    box = Mailbox(
        name="Billing", address="billing@desk.test", user="billing@desk.test", sign_in=SignIn.OAUTH2, provider="other", client_id="desk", after=After.KEEP,
        client_secret=sealing.seal("mailbox", SECRET), authorize_url=f"{url}/authorize", token_url=f"{url}/token", scope="mail", smtp_host="127.0.0.1", smtp_port=9,
    )  # fmt: skip
    db.session.add(box)
    db.session.commit()
    return box


def begin(client: Any, box: Mailbox, provider: Provider) -> dict[str, str]:
    """What the provider is asked in the browser."""
    left = client.post(f"/admin/mailboxes/{box.id}/sign-in")
    assert left.status_code == 303
    asked = {name: values[0] for name, values in parse_qs(urlsplit(left.location).query).items()}
    provider.challenge = asked["code_challenge"]
    return asked


def test_an_admin_signs_in_once_and_the_desk_keeps_a_fresh_token(client, box, provider):
    far, _url = provider
    sign_in(client, an_admin())
    asked = begin(client, box, far)
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "mail")
    assert asked["redirect_uri"].endswith("/admin/mailboxes/signed-in")

    client.get(f"/admin/mailboxes/signed-in?code=right&state={asked['state']}")

    assert oauth.access_token(box.id) == "canary-access-1"
    assert far.given == 1
    for number in (2, 3):  # each refresh gives another one, which counts from then on
        with time_machine.travel(clock.now() + dt.timedelta(hours=2 * number)):
            assert oauth.access_token(box.id) == f"canary-access-{number}"


def test_what_was_begun_elsewhere_or_used_before_counts_for_nothing(client, box, provider):
    far, _url = provider
    sign_in(client, an_admin())
    client.get("/admin/mailboxes/signed-in?code=right&state=made-up")
    asked = begin(client, box, far)
    client.get("/admin/mailboxes/signed-in?code=right&state=another")
    client.get(f"/admin/mailboxes/signed-in?code=right&state={asked['state']}")

    assert far.asked == []
    assert not oauth.signed_in(db.session.get_one(Mailbox, box.id, populate_existing=True))


def test_a_refusal_is_told_in_the_providers_words_and_no_mail_is_lost_by_it(client, box, provider, caplog):
    far, _url = provider
    sign_in(client, an_admin())
    asked = begin(client, box, far)
    client.get(f"/admin/mailboxes/signed-in?code=right&state={asked['state']}")
    far.refuse = "The account was locked"

    with (
        time_machine.travel(clock.now() + dt.timedelta(hours=2)),
        pytest.raises(oauth.NotSignedIn, match="The account was locked"),
    ):
        oauth.access_token(box.id)

    page = client.get(f"/admin/mailboxes/show/{box.id}").text
    told = caplog.text + page + "".join(str(row.changed) for row in db.session.scalars(select(Audit)))
    assert "canary" not in told


def signed_in(client: Any, box: Mailbox, provider: Provider) -> None:
    sign_in(client, an_admin())
    asked = begin(client, box, provider)
    client.get(f"/admin/mailboxes/signed-in?code=right&state={asked['state']}")


def test_mail_leaves_by_the_token_and_by_a_new_one_when_that_is_old(client, box, provider):
    far, _url = provider
    signed_in(client, box, far)
    sink = TokenSink("billing@desk.test")
    sink.good = {"canary-access-1"}

    with serving(sink, auth_require_tls=False) as port:
        box.smtp_port, box.smtp_security = port, Security.PLAIN
        db.session.commit()
        client.post(f"/admin/mailboxes/{box.id}/test-out")
        with time_machine.travel(clock.now() + dt.timedelta(hours=2)):
            sink.good = {"canary-access-2"}
            sent(box)

    assert len(sink.mails) == 2
    assert ["Bearer canary-access-1" in shown for shown in sink.shown] == [True, False]


def test_a_token_that_the_mail_server_does_not_take_loses_no_mail_and_is_told_in_its_words(client, box, provider):
    far, _url = provider
    signed_in(client, box, far)
    sink = TokenSink("billing@desk.test")

    with serving(sink, auth_require_tls=False) as port:
        box.smtp_port, box.smtp_security = port, Security.PLAIN
        db.session.commit()
        page = client.post(f"/admin/mailboxes/{box.id}/test-out", follow_redirects=True).text
        waiting = db.session.scalars(select(Delivery)).one()
        assert (waiting.state, sink.mails) == (DeliveryState.QUEUED, [])
        assert "The token is not good" in page and "canary" not in page + (waiting.reason or "")

        sink.good = {"canary-access-1"}
        with time_machine.travel(clock.now() + dt.timedelta(minutes=5)):
            transport.deliver_due()

    assert len(sink.mails) == 1


def test_mail_is_fetched_by_the_token_and_trouble_with_it_is_shown_on_the_page(client, box, provider):
    far, _url = provider
    signed_in(client, box, far)
    folder = Scripted()
    folder.put(a_mail(subject="By token", to="billing@desk.test"))

    with scripted(folder) as port:
        box.imap_host, box.imap_port, box.imap_security = "127.0.0.1", port, Security.PLAIN
        db.session.commit()
        refused = client.post(f"/admin/mailboxes/{box.id}/test-in", follow_redirects=True).text
        folder.token = "canary-access-1"
        told = client.post(f"/admin/mailboxes/{box.id}/test-in", follow_redirects=True).text
        with fetching.connect(box.id) as line:
            fetching.fetch_by(line, box.id)

    assert "The token is not good, says the script" in refused
    assert "The server let the desk in: 1 message in INBOX" in told
    kept = db.session.scalars(select(RawMail)).one()
    assert (kept.subject, kept.mailbox_id) == ("By token", box.id)
    assert not any(command.startswith("LOGIN") for command in folder.commands)
    assert "canary" not in refused + told


def sent(box: Mailbox) -> None:
    outgoing.put_notice("test_mail", staff_id=an_admin().id, values={boxes.TRIED: str(box.id)})
    db.session.commit()
    transport.deliver_due()


def test_without_a_sign_in_a_mail_waits_and_says_why(box):
    with Lines() as lines, pytest.raises(Broken, match=r"Nobody signed in|refused|Connection"):
        line = lines.by(box.id)
        assert line is not None
        line.send_bytes("a@desk.test", "b@customer.test", b"Subject: x\r\n\r\nx\r\n")


def test_a_key_of_another_desk_opens_nothing_and_says_what_to_do(app, box):
    box.tokens = sealing.seal("mailbox", json.dumps({"access_token": "x", "refresh_token": "y", "expires_at": 1}))
    db.session.commit()
    before, app.config["SECRET_KEY"] = app.config["SECRET_KEY"], "another key, of another desk, of length"
    try:
        with pytest.raises(oauth.NotSignedIn, match="SECRET_KEY was changed"):
            oauth.access_token(box.id)
    finally:
        app.config["SECRET_KEY"] = before
