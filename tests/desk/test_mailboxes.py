"""The pages of mailboxes: an admin keeps them, no secret comes back, and what is wrong is said beside its field."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.core import clock, sealing
from app.core.audit import Audit
from app.core.extensions import db
from app.desk import backupheld
from app.mail import boxes
from app.mail.boxes import Mailbox
from app.mail.models import RawMail
from tests.factories import a_supervisor, a_ticket, an_admin, sign_in
from tests.mail.imap import Scripted, scripted

CANARY = "canary-password-of-the-account"
FORM = {
    "name": "Billing", "own_address": "Billing@desk.test", "aliases": "", "sender_name": "", "signature": "Your money people", "active": "y", "sign_in": "password", "user": "box",
    "password": CANARY, "imap_host": "127.0.0.1", "imap_port": "9", "imap_security": "plain", "folder": "INBOX", "after": "keep", "after_folder": "", "poll_seconds": "60",
    "smtp_host": "", "smtp_port": "", "smtp_security": "starttls", "provider": "google", "client_id": "", "client_password": "", "authorize_url": "", "token_url": "", "scope": "",
}  # fmt: skip


def the_box() -> Mailbox:
    return db.session.scalars(select(Mailbox).where(Mailbox.name == "Billing").execution_options(populate_existing=True)).one()  # fmt: skip


@pytest.fixture
def desk(client: Any) -> Any:
    """An admin who has typed in a mailbox."""
    sign_in(client, an_admin())
    client.post("/admin/mailboxes/add", data=FORM)
    return client


def test_an_admin_adds_one_and_its_secret_never_comes_back(desk, caplog):
    box = the_box()
    assert (box.address, sealing.opened("mailbox", box.secret)) == ("billing@desk.test", CANARY)

    pages = [desk.get(f"/admin/mailboxes/{page}").text for page in ("list/", f"show/{box.id}", f"edit/{box.id}")]
    desk.post(f"/admin/mailboxes/{box.id}/test-in")

    told = "".join(pages) + caplog.text + "".join(str(row.changed) for row in db.session.scalars(select(Audit)))
    assert "billing@desk.test" in told
    assert CANARY not in told and box.secret not in told


def test_whoever_saves_one_comes_to_its_page_where_the_servers_can_be_tried(client):
    sign_in(client, an_admin())

    for address in ("/admin/mailboxes/add", "/admin/mailboxes/edit/{}"):
        box = db.session.scalar(select(Mailbox.id).where(Mailbox.name == "Billing"))
        answer = client.post(address.format(box), data=FORM)
        assert answer.location == f"/admin/mailboxes/show/{the_box().id}"


def test_an_empty_password_leaves_the_one_that_is_there(desk):
    box = the_box()
    desk.post(f"/admin/mailboxes/edit/{box.id}", data=FORM | {"password": "", "sender_name": "Money"})

    assert sealing.opened("mailbox", the_box().secret) == CANARY
    assert the_box().sender_name == "Money"


def test_what_is_wrong_is_said_and_what_was_typed_stays(desk):
    page = desk.post("/admin/mailboxes/add", data=FORM | {"name": "Second", "poll_seconds": "3"}).text

    assert "belongs to another mailbox" in page
    assert "Between 10 seconds and a day." in page
    assert "Your money people" in page and CANARY not in page
    assert len(db.session.scalars(select(Mailbox)).all()) == 2


def test_the_main_mailboxs_address_is_the_setting(desk):
    main = boxes.in_force().main.id
    desk.post(f"/admin/mailboxes/edit/{main}", data=FORM | {"name": "Support", "own_address": "help@desk.test", "imap_host": "", "user": "", "password": ""})  # fmt: skip

    assert boxes.in_force().main.address == "help@desk.test"
    assert 'value="help@desk.test"' in desk.get("/admin/settings/email").text


def test_the_test_says_what_the_server_said(desk):
    box, folder = the_box(), Scripted()
    with scripted(folder) as port:
        desk.post(f"/admin/mailboxes/edit/{box.id}", data=FORM | {"imap_port": str(port)})
        page = desk.post(f"/admin/mailboxes/{box.id}/test-in", follow_redirects=True).text

    assert "Wrong user or password, says the script" in page


def test_it_is_paused_and_let_go_on(desk):
    box = the_box()
    for what, paused in (("pause", True), ("resume", False)):
        desk.post(f"/admin/mailboxes/{box.id}/{what}")
        assert the_box().paused is paused


def test_a_secret_for_http_is_shown_once(desk):
    box = the_box()
    page = desk.post(f"/admin/mailboxes/{box.id}/secret").text
    secret = sealing.opened("mailbox", the_box().hook_secret)

    assert secret and secret in page
    assert secret not in desk.get(f"/admin/mailboxes/show/{box.id}").text


def test_only_who_may_run_the_desk_sees_them(desk, client):
    box_id = the_box().id
    sign_in(client, a_supervisor())

    for path in ("list/", f"show/{box_id}", f"edit/{box_id}", "add", "signed-in?state=x"):
        assert "billing@desk.test" not in client.get(f"/admin/mailboxes/{path}").text
    client.post(f"/admin/mailboxes/{box_id}/pause")
    assert not the_box().paused


def test_the_signature_stands_below_the_composer(desk):
    ticket = a_ticket()
    ticket.mailbox_id = the_box().id
    db.session.commit()

    assert "Your money people" in desk.get(f"/admin/tickets/{ticket.number}").text


def test_mails_of_today_are_counted_for_each(desk):
    for state in ("a", "b"):
        db.session.add(RawMail(via="imap", sha256=state, content=b"", mailbox_id=the_box().id, received_at=clock.now()))
    db.session.commit()

    page = desk.get(f"/admin/mailboxes/show/{the_box().id}").text
    assert "<dt>Mails today</dt><dd>2</dd>" in page


def test_a_copy_of_the_desk_fetches_no_mail_away_from_it(desk):
    backupheld.hold("yesterday", None)
    db.session.commit()

    assert the_box().paused
