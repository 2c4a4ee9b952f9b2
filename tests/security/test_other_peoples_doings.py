"""What somebody does under another's address or in another's ticket: no file, no form and no word of theirs changes hands."""

from __future__ import annotations

import io

from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import customers
from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.tickets import files
from app.tickets.models import Ticket
from app.tickets.thread import Attachment
from tests.api.desk import a_program
from tests.factories import (
    a_customer,
    a_super_admin,
    a_ticket,
    an_agent,
    an_organization,
    multipart,
    run_jobs,
    setting,
    sign_in,
    sign_in_customer,
)


def _guest(**more: object) -> dict[str, object]:
    return {
        "name": "Somebody",
        "email": "victim@customer.test",
        "subject": "A question of mine",
        "message": "Please look.",
        **more,
    }


def test_a_stranger_who_names_an_address_gets_at_no_file_that_waits_there(client: FlaskClient) -> None:
    victim = a_customer("Victim", email="victim@customer.test")
    file = files.keep("plan.txt", b"secret plan", CustomerActor.of(victim))
    db.session.commit()
    assert client.post("/portal/contact", data=_guest(files_id=str(file.id))).status_code == 200
    db.session.expire_all()
    assert db.session.get_one(Attachment, file.id).message_id is None
    assert db.session.scalars(select(Ticket)).one().messages[0].attachments == []


def test_a_guest_still_sends_files_along(client: FlaskClient) -> None:
    assert (
        client.post("/portal/contact", **multipart(_guest(files=[(io.BytesIO(b"hello"), "a.txt")]))).status_code == 200
    )
    assert [file.name for file in db.session.scalars(select(Ticket)).one().messages[0].attachments] == ["a.txt"]


def test_a_guest_who_goes_back_and_mends_the_address_is_heard(client: FlaskClient) -> None:
    assert client.post("/portal/contact", data=_guest(email="wrnog@customer.test", form="one page")).status_code == 200
    assert client.post("/portal/contact", data=_guest(email="wrong@customer.test", form="one page")).status_code == 200
    assert client.post("/portal/contact", data=_guest(email="wrong@customer.test", form="one page")).status_code == 200
    assert sorted(ticket.requester.email for ticket in db.session.scalars(select(Ticket))) == [
        "wrnog@customer.test",
        "wrong@customer.test",
    ]


def test_a_colleague_who_writes_on_in_a_closed_ticket_does_so_in_their_own_name(client: FlaskClient) -> None:
    setting(reopen_policy="new_always")
    organization = an_organization()
    ada, bob = a_customer("Ada", organization=organization), a_customer("Bob", organization=organization)
    ticket = a_ticket(requester=ada, state="closed")
    sign_in_customer(client, bob)
    assert (
        client.post(
            f"/portal/tickets/{ticket.number}/reply", data={"message": "Cancel everything, please."}
        ).status_code
        == 303
    )
    newer = db.session.scalars(select(Ticket).where(Ticket.id != ticket.id)).one()
    assert newer.requester_id == ada.id
    assert (newer.messages[0].customer_id, newer.messages[0].author_name) == (bob.id, "Bob")


def test_another_address_or_role_ends_a_staff_persons_sessions(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    agent, chief, theirs = an_agent(), a_super_admin(), app.test_client()
    given = {
        "username": agent.username,
        "first_name": "New",
        "last_name": "Name",
        "roles": [str(agent.roles[0].id)],
        "active": "y",
    }
    sign_in(theirs, agent)
    sign_in(client, chief)
    assert client.post(f"/admin/staff/edit/{agent.id}", data={**given, "email": agent.email}).status_code == 302
    assert theirs.get("/admin/tickets/").status_code == 200
    assert client.post(f"/admin/staff/edit/{agent.id}", data={**given, "email": "moved@desk.test"}).status_code == 302
    assert theirs.get("/admin/tickets/").status_code == 302


def test_a_customer_whose_address_staff_change_signs_in_anew(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    customer, theirs = a_customer(), app.test_client()
    sign_in_customer(theirs, customer)
    assert theirs.get("/portal/tickets").status_code == 200
    sign_in(client, an_agent())
    given = {"name": customer.name, "email": "moved@customer.test", "active": "y", "address_works": "y"}
    assert client.post(f"/admin/customers/edit/{customer.id}", data=given).status_code == 302
    assert theirs.get("/portal/tickets").status_code == 302
    assert customers.find("moved@customer.test") is not None


def test_a_customer_whose_address_a_program_changes_signs_in_anew(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    customer, theirs = a_customer(), app.test_client()
    sign_in_customer(theirs, customer)
    assert theirs.get("/portal/tickets").status_code == 200
    program = a_program(client, a_super_admin())
    assert program.patch(f"/customers/{customer.id}", {"email": "moved@customer.test"}).status_code == 200
    assert theirs.get("/portal/tickets").status_code == 302


def test_nobody_answers_in_the_mail_lab_what_somebody_else_got_in_their_own_mailbox(client: FlaskClient) -> None:
    """With a mail server set, a reply address in a sent mail would let an admin write as a customer or as another of the staff."""
    ticket = a_ticket()
    run_jobs()
    mail = db.session.scalars(select(Delivery).where(Delivery.ticket_id == ticket.id)).first()
    assert mail is not None
    sign_in(client, a_super_admin())
    assert client.post(f"/admin/mail-lab/{mail.id}/answer", data={"text": "As them"}).status_code == 302
    mail.state = DeliveryState.SENT
    db.session.commit()

    refused = client.post(f"/admin/mail-lab/{mail.id}/answer", data={"text": "As them again"})

    assert refused.status_code == 422 and "answered there" in refused.text
    assert [message.text for message in ticket.messages][1:] == ["As them"]
