"""What went wrong in Flask-AppBuilder and django-helpdesk, and must not go wrong here. Each test bears the number of its advisory."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.const import AUTH_DB

from app.core import storage
from app.core.extensions import db
from tests.factories import HASH, PASSWORD, a_super_admin, a_ticket, an_agent, sign_in


def test_cve_2024_45314_no_browser_keeps_the_sign_in_page(client: FlaskClient) -> None:
    """There the page with what was typed lay in the cache of a shared computer."""
    an_agent(name="lena")
    pages = [client.get("/login/"), client.post("/login/", data={"username": "lena", "password": "wrong"}), client.get("/portal/login")]  # fmt: skip

    for page in pages:
        assert page.headers["Cache-Control"] == "no-store"
        assert 'value="wrong"' not in page.text


@pytest.mark.parametrize("column", ["password", "login_count", "password_hash", "key_hash", "token_hash", "secret"])
def test_cve_2022_31177_nobody_asks_for_a_hash_letter_by_letter(client: FlaskClient, column: str) -> None:
    """There an admin could filter people by the beginning of their password's hash, and so read it."""
    from tests.factories import a_customer

    a_customer("Ada", password_hash=HASH)
    a_ticket()
    sign_in(client, a_super_admin(name="signe"))
    for view in ("staff", "customers", "api-keys"):
        name = {"staff": "StaffView", "customers": "CustomerView", "api-keys": "ApiKeyView"}[view]
        every = _rows(client, f"/admin/{view}/list/")
        for question in (f"_flt_0_{column}=pbkdf2", f"_flt_0_{column}=zzz", f"_flt_2_{column}=zzz", f"_oc_{name}={column}&_od_{name}=desc"):  # fmt: skip
            assert _rows(client, f"/admin/{view}/list/?{question}") == every, (view, question)


def _rows(client: FlaskClient, path: str) -> int:
    return client.get(path).text.count("<tr")


@pytest.mark.parametrize("target", ["https://evil.test", "//evil.test", "/\\evil.test", "///evil.test", "http:evil.test", "https:///evil.test"])  # fmt: skip
def test_cve_2021_32805_and_2025_32962_no_sign_in_leads_elsewhere(client: FlaskClient, target: str) -> None:
    """There the address to go on to was believed, also with a forged Host beside it."""
    an_agent(name="lena")
    for headers in ({}, {"X-Forwarded-Host": "evil.test"}, {"Forwarded": "host=evil.test"}):
        answer = client.post("/login/", query_string={"next": target}, data={"username": "lena", "password": PASSWORD}, headers=headers)  # fmt: skip
        assert urlsplit(answer.headers["Location"].replace("\\", "/")).netloc in ("", "localhost")
        client.post("/logout/")
    assert client.post("/login/", headers={"Host": "evil.test"}).status_code == 400


def test_cve_2024_25128_there_is_no_other_way_in_than_those_that_are_set(app: Flask, client: FlaskClient) -> None:
    """There an unused way to sign in could be reached and believed a forged identity."""
    assert app.config["AUTH_TYPE"] == AUTH_DB
    for path in ("/login/openid", "/login/google", "/oauth-authorized/google", "/login/?openid=https://evil.test"):
        answer = client.get(path)
        assert answer.status_code in (200, 404)
    with client.session_transaction() as session:
        assert "_user_id" not in session


def test_cve_2018_25111_no_other_account_of_the_machine_reads_the_files(app: Flask) -> None:
    """There (in django-helpdesk) uploads were written so that every account of the server could read and change them."""
    with app.app_context():
        key = storage.save(b"words")
    file = Path(urlsplit(app.config["STORAGE_URL"]).path, key)
    store = Path(urlsplit(app.config["STORAGE_URL"]).path)

    assert file.read_bytes() == b"words"
    assert not file.stat().st_mode & 0o022, "others may write it"
    assert not store.stat().st_mode & 0o077, "others may open the folder"


def test_cve_2021_3945_3950_and_3994_markup_in_a_ticket_and_the_name_of_a_file_stay_words(app: Flask, client: FlaskClient) -> None:  # fmt: skip
    """There (in django-helpdesk) the list of tickets, a comment and an uploaded page ran what a customer had written."""
    from app.accounts.viewer import CustomerActor
    from app.tickets import files
    from app.tickets.thread import Channel, Words

    evil = "<svg/onload=alert(1)>"
    ticket = a_ticket(f"Subject {evil}", text=f"Text {evil}")
    actor = CustomerActor.of(ticket.requester)
    page = files.keep(f'"{evil}.html', f"<html>{evil}</html>".encode(), actor)
    drawing = files.keep("x.svg", f"<svg xmlns='http://www.w3.org/2000/svg' {evil}></svg>".encode(), actor)
    ticket.receive(Words(f"Reply {evil}", via=Channel.PORTAL, attachments=(page, drawing)), by=actor)
    sign_in(client, a_super_admin())
    db.session.commit()

    for path in ("/admin/tickets/?view=everything", f"/admin/tickets/{ticket.number}"):
        assert evil not in client.get(path).text
    for file in (page, drawing):
        answer = client.get(f"/admin/files/{file.id}?inline=1")
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
