"""The API merges, takes apart, splits, moves and links, and follows a merged number to where it goes on."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import db
from app.tickets import links, merging
from app.tickets.thread import Message, Words
from tests.api.desk import Program, a_program, refused
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, staff


@pytest.fixture
def program(app: Flask, client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def test_a_merged_number_answers_301_and_takes_replies_for_the_primary(program: Program) -> None:
    first, second = a_ticket("First", text="one"), a_ticket("Second", text="two")
    db.session.commit()

    answer = program.post(f"/tickets/{second.number}/merge", {"into": first.number})
    assert (answer.status_code, answer.json["number"]) == (200, first.number)

    moved = program.get(f"/tickets/{second.number}")
    assert moved.status_code == 301 and moved.headers["Location"].endswith(f"/api/v1/tickets/{first.number}")
    texts = [
        entry["text"] for entry in program.get(f"/tickets/{first.number}").json["messages"] if entry["kind"] == "reply"
    ]
    assert texts == ["one", "two"]
    assert program.post(f"/tickets/{second.number}/replies", {"body": "to both"}).status_code == 201
    assert "merged" in refused(program.patch(f"/tickets/{second.number}", {"priority": "high"}), 409)
    assert "already" in refused(program.post(f"/tickets/{second.number}/merge", {"into": first.number}), 409)

    assert program.post(f"/tickets/{second.number}/unmerge").json["state"] == "open"
    assert program.get(f"/tickets/{second.number}").status_code == 200
    refused(program.post(f"/tickets/{second.number}/unmerge"), 409)


def test_odd_wishes_are_refused_by_name(program: Program) -> None:
    ticket = a_ticket()
    db.session.commit()
    at = f"/tickets/{ticket.number}"

    refused(program.post(f"{at}/merge", {}), 422, "into")
    refused(program.post(f"{at}/merge", {"into": ticket.number}), 409)
    refused(program.post(f"{at}/merge", {"into": 999_999}), 404)
    refused(program.post(f"{at}/split", {"subject": "x", "message_id": 999_999}), 422, "message_id")
    refused(program.post(f"{at}/split", {"message_id": ticket.messages[0].id}), 422, "subject")
    refused(program.post(f"{at}/links", {"type": "marries", "number": ticket.number}), 422, "type")
    refused(program.post(f"{at}/links", {"type": "blocks", "number": ticket.number}), 409)


def test_messages_are_split_off_and_moved(program: Program) -> None:
    ticket, other = a_ticket(), a_ticket()
    person = acting(a_supervisor())
    entry = ticket.note(Words("elsewhere"), by=person)
    ticket.note(Words("after it"), by=person)
    db.session.commit()

    new = program.post(f"/tickets/{ticket.number}/split", {"subject": "Apart", "message_id": entry.id, "onwards": True})
    assert new.status_code == 201
    kinds = [one["kind"] for one in program.get(f"/tickets/{new.json['number']}").json["messages"]]
    assert kinds.count("note") == 2
    answer = program.post(f"/tickets/{new.json['number']}/move", {"to": other.number, "message_id": entry.id})

    assert (answer.status_code, answer.json["number"]) == (200, other.number)
    db.session.expire_all()
    assert db.session.get_one(Message, entry.id).ticket_id == other.id


def test_links_are_said_by_either_name(program: Program) -> None:
    one, other = a_ticket(), a_ticket()
    db.session.commit()

    made = program.post(f"/tickets/{one.number}/links", {"type": "is blocked by", "number": other.number})

    assert made.status_code == 201 and made.json["items"][0]["type"] == "is blocked by"
    assert program.get(f"/tickets/{other.number}/links").json["items"][0] == {
        "type": "blocks", "number": one.number, "display": one.display, "subject": one.subject, "state": "open",
    }  # fmt: skip
    assert program.call("DELETE", f"/tickets/{one.number}/links/{other.number}").json == {"items": [], "next": None}


def test_what_the_keys_owner_may_not_see_is_not_there(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    own, foreign, merged = a_ticket(department=mine), a_ticket("Foreign", department=theirs), a_ticket(department=mine)
    supervisor = acting(a_supervisor())
    blocks = links.types()[3]
    links.link(own, foreign, blocks, by=supervisor)
    merging.merge(merged, into=foreign, by=supervisor)
    program = a_program(client, an_agent(mine))

    for path, body in (
        ("merge", {"into": foreign.number}),
        ("move", {"to": foreign.number, "message_id": 1}),
        ("links", {"type": "blocks", "number": foreign.number}),
    ):
        refused(program.post(f"/tickets/{own.number}/{path}", body), 404)
    assert program.get(f"/tickets/{merged.number}").status_code == 404
    assert program.post(f"/tickets/{merged.number}/unmerge").status_code == 404
    assert program.get(f"/tickets/{own.number}/links").json["items"] == []
    assert foreign.display not in program.get(f"/tickets/{own.number}").text


def test_whoever_may_not_merge_or_split_is_told_so(app: Flask, client: FlaskClient) -> None:
    from sqlalchemy import select

    from app.tickets.choices import Category

    technical = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    one, other = a_ticket(category=technical), a_ticket(category=technical)
    one.note(Words("more"), by=acting(a_supervisor()))
    entry = one.messages[0].id
    program = a_program(client, staff("Developer"))

    refused(program.post(f"/tickets/{one.number}/merge", {"into": other.number}), 403)
    refused(program.post(f"/tickets/{one.number}/split", {"subject": "x", "message_id": entry}), 403)
    assert program.post(f"/tickets/{one.number}/links", {"type": "blocks", "number": other.number}).status_code == 201
