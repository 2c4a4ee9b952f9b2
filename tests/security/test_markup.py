"""Markup in every name and text that a person can type, looked for on every page that shows it."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.views import ModelView

from app.core.extensions import db
from app.tickets.choices import CannedResponse, Status, Tag
from app.tickets.thread import Channel, Words
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_super_admin,
    a_ticket,
    acting,
    an_organization,
    setting,
    sign_in,
    sign_in_customer,
)

EVIL = "x\"'><img src=1 onerror=alert(1)><script>alert(2)</script>{{7*191}}"
RAW = re.compile(r"<img src=1|<script>alert|\b1337\b|x\"'>")
"""As markup, or as a template's sum."""
ESCAPED = re.compile(r"&lt;script&gt;alert")


def a_desk_full_of_markup() -> tuple[object, object, int]:
    """Every name a person types, and a ticket that shows them all."""
    organization = an_organization(f"Org {EVIL}")
    customer = a_customer(f"Name {EVIL}", email="evil@customer.test", organization=organization)
    department, category = a_department(f"Department {EVIL}"), a_category(f"Category {EVIL}", description=EVIL)
    admin = a_super_admin(name="signe")
    admin.first_name, admin.last_name = f"First {EVIL}"[:64], f"Last {EVIL}"[:64]
    db.session.add_all(
        [CannedResponse(title=f"Canned {EVIL}", shortcut="evil", body=EVIL), Tag(name=f"tag {EVIL}".casefold())]
    )
    db.session.query(Status).update(
        {Status.name: Status.name + EVIL, Status.customer_label: Status.customer_label + EVIL}
    )
    setting(desk_name=f"Desk {EVIL}"[:80])
    ticket = a_ticket(
        f"Subject {EVIL}", requester=customer, department=department, category=category, text=f"Text {EVIL}"
    )
    ticket.reply(Words(f"Reply {EVIL}", via=Channel.STAFF), by=acting(admin))
    ticket.note(Words(f"Note {EVIL}", via=Channel.STAFF), by=acting(admin))
    ticket.assign_to(admin, by=acting(admin))
    ticket.tag(f"tag {EVIL}"[:40], by=acting(admin))
    db.session.commit()
    return admin, customer, ticket.number


def test_no_page_of_staff_runs_what_somebody_typed(app: Flask, client: FlaskClient) -> None:
    admin, _customer, number = a_desk_full_of_markup()
    sign_in(client, admin)
    pages = [
        "/admin/tickets/?view=everything",
        "/admin/tickets/?q=subject",
        f"/admin/tickets/{number}",
        f"/admin/tickets/{number}/canned",
        "/admin/dashboard",
        "/admin/tickets/new",
        "/admin/me/",
    ]
    pages += [
        "/admin/notifications/",
        "/admin/mail-log/",
        "/admin/settings/general",
        "/admin/jobs/",
        f"/admin/tickets/?q={EVIL}",
        f"/admin/mail-lab/?address={EVIL}",
        f"/login/?next={EVIL}",
    ]
    for view in app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if isinstance(view, ModelView):
            pages += [
                f"{view.route_base}/list/",
                f"{view.route_base}/list/?_flt_0_{view.search_columns[0]}={EVIL}",
                f"{view.route_base}/show/1",
                f"{view.route_base}/edit/1",
            ]

    assert shown_raw(client, pages) == []


def test_no_page_of_customers_runs_what_somebody_typed(app: Flask, client: FlaskClient) -> None:
    _admin, customer, number = a_desk_full_of_markup()
    sign_in_customer(client, customer)

    assert (
        shown_raw(
            client,
            [
                "/portal/tickets",
                f"/portal/tickets/{number}",
                "/portal/tickets/new",
                "/portal/account",
                "/help/",
                f"/portal/tickets?q={EVIL}",
                f"/help/?q={EVIL}",
                f"/portal/tickets/new/suggest?subject={EVIL}",
            ],
        )
        == []
    )


def shown_raw(client: FlaskClient, pages: list[str]) -> list[str]:
    found, said = [], 0
    for page in pages:
        answer = client.get(page)
        said += bool(ESCAPED.search(answer.text))
        assert answer.status_code < 500, page
        if answer.mimetype == "text/html" and (raw := RAW.search(answer.text)):
            found.append(f"{page}: {answer.text[max(raw.start() - 80, 0) : raw.end() + 40]!r}")
    assert said >= len(pages) / 3, "most of these pages show nothing of what was typed"
    return found
