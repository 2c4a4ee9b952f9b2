"""Macros over the API: which fit a ticket, what one would do, and running it whole or not at all."""

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.tickets import actions
from app.tickets.macros import MacroRun
from app.tickets.tally import recount
from app.tickets.thread import Message, Words
from tests.api.desk import a_program
from tests.factories import a_customer, a_macro, a_priority, a_supervisor, a_ticket, acting, an_agent, setting


@pytest.fixture
def program(app, client):
    return a_program(client, a_supervisor(name="mira"))


def test_those_that_fit_are_listed_and_a_preview_changes_nothing(program):
    ticket = a_ticket(requester=a_customer("Ada"))
    macro = a_macro(
        {"do": "priority", "choice": a_priority(4).id}, {"do": "note", "text": "For {{customer_name}}"}, name="Go"
    )
    a_macro({"do": "tag", "text": "x"}, name="Elsewhere", conditions={"state": "closed"})
    db.session.commit()
    at, before = f"/tickets/{ticket.number}/macros", actions.state_of(ticket)
    listed = program.get(at).json
    seen = program.post(f"{at}/{macro.id}", {"preview": True})
    db.session.expire_all()

    assert listed == {"items": [{"id": macro.id, "name": "Go", "actions": ["priority", "note"]}], "next": None}
    assert seen.status_code == 200 and seen.json["preview"] is True
    assert [(one["action"], one["now"], one["text"]) for one in seen.json["steps"]] == [
        ("priority", "Critical", None),
        ("note", None, "For Ada"),
    ]
    assert seen.json["ticket"]["priority"] == "Normal"
    assert actions.state_of(ticket) == before and db.session.scalars(select(MacroRun)).all() == [] and recount() == 0


def test_a_run_does_all_of_it_and_its_reply_leaves_at_once(program):
    setting(undo_send_seconds=10)
    ticket = a_ticket(requester=a_customer("Ada"))
    macro = a_macro({"do": "priority", "choice": a_priority(4).id}, {"do": "reply", "text": "Dear {{customer_name}}"})
    db.session.commit()
    answer = program.post(f"/tickets/{ticket.number}/macros/{macro.id}", {})
    db.session.expire_all()

    assert (answer.status_code, answer.json["ticket"]["priority"]) == (200, "Critical")
    assert db.session.scalars(select(Message.text).order_by(Message.id.desc())).first() == "Dear Ada"


def test_one_refusal_refuses_all_of_it(program):
    ticket = a_ticket()
    macro = a_macro({"do": "priority", "choice": a_priority(4).id}, {"do": "category", "choice": "99999"})
    foreign = a_macro({"do": "tag", "text": "x"}, owner=an_agent())
    db.session.commit()
    at, rank = f"/tickets/{ticket.number}/macros", ticket.priority_rank
    seen = program.post(f"{at}/{macro.id}", {"preview": True}).json
    answers = [
        program.post(f"{at}/{macro.id}", {}),
        program.post(f"{at}/{foreign.id}", {}),
        program.post(f"{at}/{macro.id}", {"preview": "yes"}),
    ]
    db.session.expire_all()

    assert [bool(one["refused"]) for one in seen["steps"]] == [False, True]
    assert [answer.status_code for answer in answers] == [422, 404, 422]
    assert ticket.priority_rank == rank


def test_what_its_reply_gives_away_is_told_and_accepted_by_key(program):
    ticket, secret = a_ticket(), "They have not paid since summer, be careful with them"
    ticket.note(Words(secret), by=acting(a_supervisor()))
    macro = a_macro({"do": "reply", "text": secret})
    db.session.commit()
    at, count = f"/tickets/{ticket.number}/macros/{macro.id}", ticket.message_count
    seen = program.post(at, {"preview": True}).json
    refused = [program.post(at, {}), program.post(at, {"accept": ["file:"]})]
    db.session.expire_all()

    assert len(seen["findings"]) == 1 and "note" in seen["findings"][0]["sentence"]
    assert {answer.status_code for answer in refused} == {409} and ticket.message_count == count
    assert program.post(at, {"accept": [one["key"] for one in seen["findings"]]}).status_code == 200
    assert program.post(at, {"accept": "all"}).status_code == 422
    db.session.expire_all()
    assert ticket.message_count == count + 1
