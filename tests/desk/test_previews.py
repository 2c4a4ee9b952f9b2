"""Files are looked at without leaving the ticket, and never run: a PDF in an origin that is nobody's, nothing else by that way."""

from __future__ import annotations

from typing import Any

import pytest

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import files
from app.tickets.thread import Attachment, Words
from tests.desk.test_list import as_
from tests.desk.test_workspace import PNG
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
HARMFUL = {
    "page.html": b"<!doctype html><script>alert(1)</script>",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "script.js": b"alert(1)",
    "named.pdf": b"<html><script>alert(1)</script>",
}


def a_file(name: str, content: bytes, **given: Any) -> tuple[Any, Attachment]:
    ticket = a_ticket(**given)
    kept = files.store(name, content, SYSTEM)
    ticket.reply(Words("Look", attachments=(kept,)), by=acting(a_supervisor()))
    db.session.commit()
    return ticket, kept


def test_a_pdf_is_shown_in_a_frame_without_any_right(app: Any, client: Any) -> None:
    ticket, kept = a_file("bill.pdf", PDF)
    as_(client, a_supervisor())

    answer = client.get(f"/admin/files/{kept.id}/pdf")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.mimetype == "application/pdf" and answer.data == PDF
    assert "default-src 'none'" in policy and policy.endswith("sandbox") and "frame-ancestors 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert f'href="/admin/files/{kept.id}/pdf"' in client.get(f"/admin/tickets/{ticket.number}").text


@pytest.mark.parametrize("name", HARMFUL)
def test_nothing_but_a_pdf_is_given_by_that_way(app: Any, client: Any, name: str) -> None:
    ticket, kept = a_file(name, HARMFUL[name])
    as_(client, a_supervisor())

    assert client.get(f"/admin/files/{kept.id}/pdf").status_code == 404
    assert f"/admin/files/{kept.id}/pdf" not in client.get(f"/admin/tickets/{ticket.number}").text
    assert client.get(f"/admin/files/{kept.id}?inline=1").headers["Content-Disposition"].startswith("attachment")


def test_a_type_that_lies_opens_nothing(app: Any, client: Any) -> None:
    _ticket, kept = a_file("page.html", HARMFUL["page.html"])
    kept.type = "application/pdf"
    db.session.commit()
    as_(client, a_supervisor())

    assert client.get(f"/admin/files/{kept.id}/pdf").status_code == 404


def test_a_preview_is_for_whoever_sees_the_message(app: Any, client: Any) -> None:
    _ticket, kept = a_file("bill.pdf", PDF, department=a_department())
    as_(client, an_agent(a_department()))

    assert client.get(f"/admin/files/{kept.id}/pdf").status_code == 404
    assert client.get("/admin/files/99999999999999999999/pdf").status_code == 404


def test_pictures_are_offered_to_be_looked_at(app: Any, client: Any) -> None:
    ticket, kept = a_file("shot.png", PNG)
    as_(client, a_supervisor())

    assert (
        f'href="/admin/files/{kept.id}?inline=1" target="_blank" rel="noopener" data-look="image"'
        in client.get(f"/admin/tickets/{ticket.number}").text
    )
