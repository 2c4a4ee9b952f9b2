"""Files from the portal: who may have them, and that none of them ever acts as a page of the desk."""

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import storage
from app.core.extensions import db
from app.tickets import files
from app.tickets.thread import Attachment, Words
from tests.factories import a_customer, a_ticket, an_organization, multipart, sign_in_customer

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def sent(customer: Customer, name: str = "a.txt", content: bytes = b"hello", trusted: bool = True) -> Attachment:
    actor = CustomerActor.of(customer)
    file = files.keep(name, content, actor)
    a_ticket(requester=customer).receive(Words("see the file", attachments=(file,), trusted=trusted), by=actor)
    db.session.commit()
    return file


def test_a_file_is_bytes_to_be_saved_under_its_name(client: FlaskClient) -> None:
    ada = a_customer()
    file = sent(ada, "Rechnung „März“ 帳單.txt")
    sign_in_customer(client, ada)

    answer = client.get(f"/portal/files/{file.id}")

    assert answer.data == b"hello"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert (
        "filename*=UTF-8''Rechnung%20%E2%80%9EM%C3%A4rz%E2%80%9C%20%E5%B8%B3%E5%96%AE.txt"
        in answer.headers["Content-Disposition"]
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.html", b"<html><script>alert(1)</script>"), ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), ("x.png", b"<html>no picture</html>"), ("x.pdf", b"%PDF-1.7 /JS (app.alert(1))"), ("x.js", b"alert(1)"), ("x.xhtml", b'<?xml version="1.0"?><html/>')],
    ids=lambda value: str(value)[:10],
)  # fmt: skip
def test_what_could_act_is_never_shown_in_a_page(client: FlaskClient, name: str, content: bytes) -> None:
    ada = a_customer()
    file = sent(ada, name, content)
    sign_in_customer(client, ada)

    answer = client.get(f"/portal/files/{file.id}?inline=1", headers={"Accept": "text/html"})

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_picture_is_shown_when_the_page_asks_for_it(client: FlaskClient) -> None:
    ada = a_customer()
    file = sent(ada, "a.png", PNG)
    sign_in_customer(client, ada)

    shown = client.get(f"/portal/files/{file.id}?inline=1")

    assert (shown.headers["Content-Type"], shown.headers["Content-Disposition"][:6]) == ("image/png", "inline")
    assert client.get(f"/portal/files/{file.id}").headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        '"><img src=x onerror=alert(1)>.png',
        "a\r\nX-Evil: 1.txt",
        "‮gpj.exe",
        "../../etc/passwd",
        "\x00",
        "n" * 400 + ".txt",
        "a;b=c.txt",
    ],
)
def test_no_name_breaks_the_header_or_the_page(client: FlaskClient, name: str) -> None:
    ada = a_customer()
    file = sent(ada, name)
    sign_in_customer(client, ada)

    header = client.get(f"/portal/files/{file.id}").headers["Content-Disposition"]

    assert header.isascii()
    assert "\n" not in header and "/" not in header
    assert header.count('"') == 2
    assert "<img" not in client.get("/portal/tickets").text


def test_colleagues_get_it_strangers_visitors_and_guessers_do_not(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    organization = an_organization()
    file = sent(a_customer(organization=organization))
    untrusted = sent(a_customer(organization=organization), trusted=False)
    colleague, stranger = app.test_client(), app.test_client()
    sign_in_customer(colleague, a_customer(organization=organization))
    sign_in_customer(stranger, a_customer())

    assert colleague.get(f"/portal/files/{file.id}").status_code == 200
    assert colleague.get(f"/portal/files/{untrusted.id}").status_code == 404
    assert stranger.get(f"/portal/files/{file.id}").status_code == 404
    assert client.get(f"/portal/files/{file.id}").status_code == 404
    for wrong in ("0", "987654321", "9" * 30, "-1", "x", "..%2f1"):
        assert colleague.get(f"/portal/files/{wrong}").status_code == 404


def test_a_file_of_a_note_or_of_a_hidden_ticket_is_not_there(client: FlaskClient) -> None:
    ada = a_customer()
    ticket = a_ticket(requester=ada)
    noted = files.keep("plan.txt", b"inside", SYSTEM)
    ticket.note(Words("see", attachments=(noted,)), by=SYSTEM)
    file = sent(ada)
    file.message.ticket.hidden_from_client = True  # type: ignore[union-attr]
    sign_in_customer(client, ada)

    assert client.get(f"/portal/files/{noted.id}").status_code == 404
    assert client.get(f"/portal/files/{file.id}").status_code == 404


def test_a_file_whose_bytes_are_gone_is_not_there(client: FlaskClient) -> None:
    ada = a_customer()
    file = sent(ada)
    storage.remove(file.storage_key)
    sign_in_customer(client, ada)

    assert client.get(f"/portal/files/{file.id}").status_code == 404


def test_the_script_sends_a_file_that_waits_for_its_message(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    ada = a_customer()
    sign_in_customer(client, ada)
    other = app.test_client()
    sign_in_customer(other, a_customer())

    answer = client.post("/portal/files", data={"file": (io.BytesIO(b"log"), "a.log")})

    assert answer.status_code == 201
    assert answer.json["name"] == "a.log"
    assert client.get(f"/portal/files/{answer.json['id']}").status_code == 200
    assert other.get(f"/portal/files/{answer.json['id']}").status_code == 404


@pytest.mark.parametrize(("content", "status"), [(b"", 422), (b"x" * (11 * 1024 * 1024), 413)], ids=["empty", "11 MB"])
def test_an_upload_outside_the_limits_is_refused(client: FlaskClient, content: bytes, status: int) -> None:
    sign_in_customer(client, a_customer())

    assert client.post("/portal/files", **multipart({"file": (io.BytesIO(content), "a.bin")})).status_code == status
    assert client.post("/portal/files").status_code == 422
    assert db.session.scalars(select(Attachment)).all() == []


def test_uploads_that_are_never_sent_have_an_end(client: FlaskClient) -> None:
    ada = a_customer()
    db.session.add_all(
        Attachment(name="x", type="x", bytes=1, sha256="", storage_key=f"k{n}", customer_id=ada.id) for n in range(200)
    )
    sign_in_customer(client, ada)

    assert client.post("/portal/files", data={"file": (io.BytesIO(b"x"), "a.bin")}).status_code == 422
