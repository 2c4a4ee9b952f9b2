"""A program may say what it has read: its reply over something newer is refused."""

from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.tickets.thread import Words
from tests.api.desk import a_program, refused
from tests.factories import a_supervisor, a_ticket, setting


def test_a_reply_over_a_newer_message_is_refused_when_the_program_says_what_it_has_seen(
    app: Flask, client: FlaskClient
) -> None:
    ticket = a_ticket()
    program = a_program(client, a_supervisor())
    seen = ticket.messages[-1].id
    newer = ticket.receive(Words("It works again"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    address = f"/tickets/{ticket.number}/replies"

    refused(program.post(address, {"body": "Please restart it.", "seen": seen}), 409)
    assert program.post(address, {"body": "Good to hear.", "seen": newer.id}).status_code == 201
    assert program.post(address, {"body": "And good bye."}).status_code == 201
    refused(program.post(address, {"body": "x", "seen": "yesterday"}), 422, "seen")


def test_a_program_never_waits_and_is_never_asked_to_look_again(app: Flask, client: FlaskClient) -> None:
    setting(undo_send_seconds=10)
    ticket = a_ticket()
    program = a_program(client, a_supervisor())

    sent = program.post(f"/tickets/{ticket.number}/replies", {"body": "It is attached.", "status": "resolved"})

    assert sent.status_code == 201
    db.session.expire_all()
    assert ticket.messages[-1].text == "It is attached."
    assert ticket.state == "resolved"
