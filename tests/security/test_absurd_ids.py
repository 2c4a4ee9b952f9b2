"""A number that no column can hold is answered as any other unknown one, wherever it stands."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Department
from app.core.extensions import db
from tests.factories import a_customer, a_super_admin, a_ticket, sign_in, sign_in_customer

HUGE, ENDLESS = "9" * 30, "9" * 5000


@pytest.mark.parametrize(
    "address",
    [
        "/admin/mail-lab/{}",
        "/admin/mail-lab/{}/html",
        "/admin/mail-lab/{}/download",
        "/admin/mail-lab/in/{}",
        "/admin/mail-lab/in/{}/html",
        "/admin/mail-lab/in/{}/download",
        "/admin/staff/edit/-{}",
        "/admin/staff/show/-{}",
        "/admin/tickets/{}",
        "/admin/files/{}",
    ],
)
def test_a_page_of_an_absurd_number_is_not_there(client: FlaskClient, address: str) -> None:
    sign_in(client, a_super_admin())
    for number in (HUGE, ENDLESS):
        assert client.get(address.format(number)).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/admin/jobs/{}/retry",
        "/admin/notifications/{}/open",
        "/admin/mail-log/{}/resend",
        "/admin/mail-lab/{}/answer",
        "/admin/mail-lab/{}/returns",
        "/admin/mail-lab/in/{}/what-if",
        "/admin/staff/action/invite/-{}",
    ],
)
def test_a_deed_to_an_absurd_number_is_not_there(client: FlaskClient, address: str) -> None:
    sign_in(client, a_super_admin())
    assert client.post(address.format(HUGE)).status_code == 404


def test_notices_before_an_absurd_one_are_the_newest_and_none_of_them_is_read(client: FlaskClient) -> None:
    sign_in(client, a_super_admin())
    for number in (HUGE, ENDLESS, f"-{HUGE}"):
        assert client.get(f"/admin/notifications/?before={number}").status_code == 200
        assert client.post("/admin/notifications/read", data={"id": number}).status_code == 303


def test_a_place_that_no_column_holds_is_refused_on_the_page(client: FlaskClient) -> None:
    sign_in(client, a_super_admin())
    answer = client.post("/admin/departments/add", data={"name": "Far away", "position": HUGE})
    assert answer.status_code == 200 and "larger than the desk keeps" in answer.text
    assert db.session.query(Department).filter_by(name="Far away").count() == 0


@pytest.mark.parametrize("number", [HUGE, ENDLESS])
def test_a_form_with_absurd_choices_is_refused(client: FlaskClient, number: str) -> None:
    ticket = a_ticket()
    sign_in(client, a_super_admin())
    for name in ("status", "priority", "assignee", "category", "department"):
        answer = client.post(
            f"/admin/tickets/{ticket.number}/properties", data={name: number}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 422, name
    assert client.post("/admin/tickets/action_post", data={"action": "take", "rowid": number}).status_code == 404


@pytest.mark.parametrize("number", [HUGE, ENDLESS])
def test_a_reply_with_absurd_files_is_no_fault_of_ours(client: FlaskClient, number: str) -> None:
    customer = a_customer()
    ticket = a_ticket(requester=customer)
    sign_in_customer(client, customer)
    assert (
        client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": "Hello", "files_id": number}).status_code
        == 303
    )
