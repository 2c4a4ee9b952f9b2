"""An admin gives the tickets of a status to another one, or changes what it means: the preview, the refusals, how far it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.viewer import SYSTEM
from app.core.audit import Audit
from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.lists import SavedView
from app.tickets.models import Ticket
from app.tickets.statusmoves import StatusMove
from tests.automation.making import a_rule
from tests.desk.test_list import as_
from tests.factories import (  # fmt: skip
    a_macro,
    a_status,
    a_super_admin,
    a_supervisor,
    a_ticket,
    an_admin,
    an_agent,
    bound,
    run_jobs,
    setting,
    sign_in,
)

OPEN, DOING, WAITING, HOLD, RESOLVED, CLOSED = "Open", "In Progress", "Waiting for Customer", "On Hold", "Resolved", "Closed"  # fmt: skip


def page_of(name: str) -> str:
    return f"/admin/statuses/{a_status(name).id}/move"


def look(client: FlaskClient, was: str, **asked: Any) -> str:
    return client.get(page_of(was), query_string=asked).text


def begin(client: FlaskClient, was: str, **asked: Any) -> Any:
    """As the page sends what it shows."""
    seen = re.search(r'name="seen" value="([^"]+)"', look(client, was, **{name: value for name, value in asked.items() if name != "tell"}))  # fmt: skip
    return client.post(page_of(was), data={**asked, "seen": seen[1] if seen else ""})


def tickets_in(name: str, many: int = 1) -> list[Ticket]:
    found = [a_ticket(f"{name} {n}") for n in range(many)]
    for ticket in found:
        ticket._enter(a_status(name), SYSTEM)
    db.session.commit()
    return found


def the_move() -> StatusMove:
    return db.session.scalars(select(StatusMove).order_by(StatusMove.id.desc())).first()


def test_an_admin_moves_all_tickets_of_a_status_and_deletes_it(app, client):
    tickets = tickets_in(DOING, 3)
    setting(status_on_staff_reply=None)
    a_status(WAITING).after_customer_reply = a_status(OPEN)
    db.session.commit()
    as_(client, an_admin())
    old_id = a_status(DOING).id

    answer = begin(client, DOING, to=a_status(HOLD).id)
    assert answer.status_code == 303
    assert "0 tickets are through, 3 are left" in client.get(answer.location).text
    run_jobs()
    done = client.get(answer.location).text

    assert "Finished." in done and "3 tickets are through." in done
    assert {ticket.status.name for ticket in tickets} == {HOLD}
    assert f"/admin/statuses/delete/{old_id}" in done
    client.post(f"/admin/statuses/delete/{old_id}")
    assert db.session.scalar(select(Status.id).where(Status.id == old_id)) is None
    assert "Finished." in client.get(answer.location).text


def test_looking_changes_nothing_and_tells_what_would_happen(app, client):
    mine, theirs = tickets_in(WAITING, 2)
    admin = an_admin()
    mine.assign_to(admin, by=SYSTEM)
    mine.needs_response = False
    setting(resolved_close_days=7)
    db.session.commit()
    as_(client, admin)

    page = look(client, WAITING, to=a_status(RESOLVED).id)

    for sentence in (
        "2 tickets end. Reports do not count them as solved by somebody.",
        "Reminders of customers who let us wait, and closing by itself, end for them.",
        "They close by themselves 7 days after the move",
        "Customers read “Resolved” where they read “Waiting for you”.",
        "Tell customers whose tickets end by it",
    ):
        assert sentence in page
    assert re.search(r"Assigned to you</dt><dd class=\"num\">1<", page)
    assert re.search(r"Wait for our answer</dt><dd class=\"num\">1<", page)
    assert the_move() is None and a_status(WAITING).active and {mine.status.name, theirs.status.name} == {WAITING}


def test_the_preview_names_and_links_what_names_the_status(app, client):
    admin = an_admin()
    doing = str(a_status(DOING).id)
    rule = a_rule({"do": "status", "choice": doing})
    asking = a_rule(
        {"do": "tag", "text": "x"}, condition={"not": {"any": [{"field": "status", "op": "is", "value": [doing]}]}}
    )
    own, others = a_macro({"do": "status", "choice": doing}, owner=admin), a_macro({"do": "status", "choice": doing}, owner=an_agent())  # fmt: skip
    view = SavedView(name="At work", owner_id=admin.id, query=f"view=open&status={doing}")
    db.session.add(view)
    setting(status_on_reopen=int(doing))
    role = bound("Support Agent", (OPEN, DOING))
    db.session.commit()
    as_(client, admin)

    page = look(client, DOING, to=a_status(HOLD).id)

    links = (f"/admin/rules/{rule.id}", f"/admin/rules/{asking.id}", f"/admin/views/{view.id}", "/admin/settings/general", f"/admin/statuses/steps/?role={role.id}", f"/admin/statuses/edit/{a_status(WAITING).id}")  # fmt: skip
    for address in links:
        assert f'href="{address}"' in page
    assert f"/admin/macros/{own.id}" in page
    assert f"/admin/macros/{others.id}" not in page and "1 of a colleague’s own" in page


def test_what_was_changed_since_the_preview_is_shown_anew_before_anything_happens(app, client):
    tickets_in(DOING)
    as_(client, an_admin())
    seen = re.search(r'name="seen" value="([^"]+)"', look(client, DOING, to=a_status(HOLD).id))[1]
    a_status(HOLD).state = State.WAITING
    db.session.commit()

    answer = client.post(page_of(DOING), data={"to": a_status(HOLD).id, "seen": seen, "tell": "on"})

    assert answer.status_code == 409
    assert "Something here was changed since you looked." in answer.text
    assert the_move() is None and a_status(DOING).active


def test_a_new_meaning_goes_with_its_tickets(app, client):
    (ticket,) = tickets_in(HOLD)
    as_(client, an_admin())

    assert begin(client, HOLD, means="waiting").status_code == 303
    run_jobs()
    db.session.expire_all()

    assert (ticket.status.name, ticket.state, a_status(HOLD).state) == (HOLD, State.WAITING, State.WAITING)


@pytest.mark.parametrize(
    ("was", "asked", "says"),
    [
        (OPEN, {"to": HOLD}, "New tickets start in this status."),
        (DOING, {"to": DOING}, "This is no other status."),
        (DOING, {"to": "x\x00"}, "This is no other status."),
        (DOING, {"to": "9" * 30}, "This is no other status."),
        (DOING, {"means": "open"}, "The status means that already."),
        (DOING, {"means": "asleep"}, "There is no such meaning."),
        (OPEN, {"means": "closed"}, "New tickets start in this status, so it cannot mean that they are over."),
        (DOING, {"means": "hold", "to": HOLD}, "Choose another status, or another meaning."),
        (DOING, {"to": ""}, "Choose another status, or another meaning."),
    ],
)
def test_a_bad_choice_gets_a_sentence_by_either_way(app, client, was, asked, says):
    as_(client, an_admin())
    given = {name: a_status(value).id if value in (DOING, HOLD) else value for name, value in asked.items()}

    looked, sent = client.get(page_of(was), query_string=given), client.post(page_of(was), data=given)

    assert (looked.status_code, sent.status_code) == (422, 422)
    assert says in looked.text and says in sent.text and the_move() is None


def test_the_last_status_of_a_needed_meaning_stays(app, client):
    as_(client, an_admin())
    a_status(RESOLVED).active = False
    db.session.commit()

    answer = client.get(page_of(CLOSED), query_string={"to": a_status(DOING).id})

    assert answer.status_code == 409 and "This is the last status of its kind." in answer.text


def test_a_status_at_work_is_neither_moved_again_nor_switched_on_nor_deleted(app, client):
    tickets_in(DOING)
    as_(client, a_super_admin())
    begin(client, DOING, to=a_status(HOLD).id)
    old = a_status(DOING)

    assert client.get(page_of(HOLD), query_string={"to": a_status(WAITING).id}).status_code == 409
    client.post(f"/admin/statuses/edit/{old.id}", data={"name": DOING, "state": "open", "position": "1", "active": "y"})
    client.post(f"/admin/statuses/delete/{old.id}")
    db.session.expire_all()
    assert a_status(DOING).active is False


def test_the_edit_page_leads_to_it_and_refuses_a_new_meaning_of_what_tickets_use(app, client):
    tickets_in(DOING)
    as_(client, an_admin())
    doing = a_status(DOING)

    answer = client.post(f"/admin/statuses/edit/{doing.id}", data={"name": DOING, "state": "hold", "position": "1", "active": "y", "manual": "y"})  # fmt: skip
    assert f'href="{page_of(DOING)}"' in answer.text and "changes its meaning together with them" in answer.text


def test_only_an_admin_does_it(app, client):
    for person in (an_agent(), a_supervisor()):
        sign_in(client, person)
        assert client.get(page_of(DOING)).status_code == 403
        assert client.post(page_of(DOING), data={"to": a_status(HOLD).id}).status_code == 403
    assert the_move() is None


def test_the_audit_log_tells_of_it(app, client):
    as_(client, an_admin())
    begin(client, DOING, to=a_status(HOLD).id)

    lines = db.session.scalars(select(Audit).where(Audit.object_kind == "status")).all()
    assert [DOING, HOLD] in [line.changed.get("tickets") for line in lines]


def test_what_was_left_over_is_tried_again(app, client):
    (ticket,) = tickets_in(DOING)
    as_(client, an_admin())
    move_id = int(begin(client, DOING, to=a_status(HOLD).id).location.rsplit("/", 1)[1])
    move = db.session.get_one(StatusMove, move_id)
    move.finished_at = move.created_at
    db.session.commit()

    assert "1 ticket could not be moved." in client.get(f"/admin/statuses/moves/{move_id}").text
    client.post(f"/admin/statuses/moves/{move_id}/again")
    run_jobs()
    db.session.expire_all()
    assert ticket.status.name == HOLD and client.post(f"/admin/statuses/moves/{move_id}/again").status_code == 303
