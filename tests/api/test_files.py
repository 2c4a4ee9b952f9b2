"""Files through the API: sent first, attached after, never shown as pages."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient

from app.core.extensions import db
from tests.api.desk import Program, a_program, refused
from tests.factories import a_customer, a_department, a_supervisor, a_ticket, an_agent, multipart

PAGE = b"<!doctype html><script>alert(document.cookie)</script>"


@pytest.fixture
def program(client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def test_a_file_goes_into_a_reply_by_its_id(program: Program) -> None:
    ticket = a_ticket()
    db.session.commit()
    place = f"/tickets/{ticket.number}"

    file = program.upload(b"%PDF-1.4 scan", "../scan\u202e?.pdf", path=f"{place}/attachments")
    reply = program.post(f"{place}/replies", {"body": "", "attachment_ids": [file.json["id"]]})

    assert file.status_code == 201, file.text
    assert (file.json["name"], file.json["bytes"], file.json["type"]) == ("scan__.pdf", 13, "application/pdf")
    assert reply.status_code == 201, reply.text
    assert program.get(place).json["messages"][-1]["attachments"] == [file.json]
    assert program.get(file.json["url"].split("/api/v1")[1]).data == b"%PDF-1.4 scan"
    refused(program.post(f"{place}/notes", {"body": "x", "attachment_ids": [file.json["id"]]}), 422, "attachment_ids")


def test_a_file_goes_into_a_new_ticket_too(program: Program) -> None:
    file = program.upload(b"scan").json
    customer = a_customer()
    db.session.commit()

    ticket = program.post(
        "/tickets", {"subject": "s", "body": "b", "customer_id": customer.id, "attachment_ids": [file["id"]]}
    ).json

    assert program.get(f"/tickets/{ticket['number']}").json["messages"][0]["attachments"] == [file]


def test_a_page_among_the_files_is_saved_and_not_shown(program: Program) -> None:
    answer = program.get(f"/attachments/{program.upload(PAGE, 'page.html').json['id']}")

    assert answer.data == PAGE
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_an_eleven_megabyte_file_is_too_large(program: Program) -> None:
    refused(program.upload(b"x" * 11 * 1024 * 1024), 413)


def test_more_than_a_request_may_hold_is_too_large(program: Program) -> None:
    refused(program.upload(b"x" * 61 * 1024 * 1024), 413)


def test_an_empty_file_no_file_and_two_files_are_refused(program: Program) -> None:
    refused(program.upload(b""), 422, "file")
    refused(program.call("POST", "/attachments", **multipart({"other": (io.BytesIO(b"x"), "x")})), 422, "other")
    refused(program.call("POST", "/attachments", **multipart({"file": "text"})), 422, "file")
    refused(
        program.call("POST", "/attachments", **multipart({"file": [(io.BytesIO(b"x"), "x"), (io.BytesIO(b"y"), "y")]})),
        422,
        "file",
    )


def test_json_is_no_upload(program: Program) -> None:
    refused(program.post("/attachments", {"file": "x"}), 415)


def test_somebody_elses_file_is_not_there(client: FlaskClient, program: Program) -> None:
    file = program.upload(b"secret").json
    other = a_program(client, an_agent(a_department()))
    ticket = a_ticket(department=a_department())
    db.session.commit()
    program.post(
        f"/tickets/{ticket.number}/notes", {"body": "x", "attachment_ids": [program.upload(b"sent").json["id"]]}
    )

    refused(other.get(f"/attachments/{file['id']}"), 404)
    refused(other.get(f"/attachments/{file['id'] + 1}"), 404)
    refused(
        other.post(
            "/tickets",
            {"subject": "s", "body": "b", "customer": {"email": "a@customer.test"}, "attachment_ids": [file["id"]]},
        ),
        422,
        "attachment_ids",
    )
