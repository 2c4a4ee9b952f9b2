"""What is done to one ticket or many from the list: each through its verb, for those who may, all or by name."""

import pytest
from sqlalchemy import func, select

from app.core import storage
from app.core.extensions import db
from app.desk.counts import counts
from app.desk.queues import Queue
from app.tickets import files
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.tally import recount
from app.tickets.thread import Attachment, Words
from app.tickets.timeline import Did, TicketEvent
from tests.desk.test_list import as_
from tests.factories import (
    a_department,
    a_priority,
    a_status,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    staff,
)

POST = "/admin/tickets/action_post"


def do(client, action, *tickets, **more):
    answer = client.post(POST, data={"action": action, "rowid": [ticket.id for ticket in tickets], **more})
    db.session.expire_all()
    return answer


def said(client):
    with client.session_transaction() as session:
        return " ".join(text for _, text in session.pop("_flashes", []))


CASES = {
    "set_status": (lambda: a_status("On Hold").id, lambda t: t.status.name == "On Hold"),
    "set_priority": (lambda: a_priority(4).id, lambda t: t.priority_rank == 4),
    "assign": (lambda: "me", lambda t: t.assignee is not None),
    "take": (lambda: "", lambda t: t.assignee is not None),
    "set_department": (lambda: a_department("Away").id, lambda t: t.department.name == "Away"),
    "add_tag": (lambda: "Wichtig", lambda t: [tag.name for tag in t.tags] == ["wichtig"]),
    "resolve": (lambda: "", lambda t: t.state is State.RESOLVED),
    "close": (lambda: "", lambda t: t.state is State.CLOSED),
    "delete": (lambda: "", lambda t: False),
}


@pytest.mark.parametrize("action", [name for name in CASES if name != "delete"])
@pytest.mark.parametrize("way", ["value", "colon"], ids=["in a field", "in the button"])
def test_each_action_changes_every_chosen_ticket(app, client, action, way):
    first, second, other = a_ticket(), a_ticket(), a_ticket()
    value, changed = CASES[action]
    value = value()
    as_(client, a_supervisor())

    answer = do(
        client,
        f"{action}:{value}" if way == "colon" else action,
        first,
        second,
        **({"value": value} if way == "value" else {}),
    )

    assert answer.status_code == 302
    assert (changed(first), changed(second), changed(other)) == (True, True, False)
    assert "2 tickets changed" in said(client)


@pytest.mark.parametrize("action", list(CASES))
def test_a_foreign_ticket_among_the_chosen_is_404_and_nothing_changes(app, client, action):
    own = a_department("Own")
    mine, foreign = a_ticket(department=own), a_ticket()
    value = CASES[action][0]()
    agent = an_agent(own)
    agent.roles = a_super_admin().roles if action == "delete" else agent.roles
    as_(client, agent)
    before = db.session.scalar(select(func.count(TicketEvent.id)))

    assert do(client, action, mine, foreign, value=value).status_code == 404
    assert do(client, action, foreign, value=value).status_code == 404
    assert client.post(f"/admin/tickets/action/{action}/{foreign.id}", data={"value": value}).status_code == 404
    assert db.session.scalar(select(func.count(TicketEvent.id))) == before
    assert db.session.scalar(select(func.count(Ticket.id))) == 2


RIGHTS = {
    "set_status": "status",
    "set_priority": "priority",
    "assign": "assign",
    "take": "assign",
    "set_department": "department",
    "add_tag": "tag",
    "resolve": "status",
    "close": "status",
    "delete": "delete",
}


@pytest.mark.parametrize("action", list(RIGHTS))
@pytest.mark.parametrize("role", ["Super Admin", "Admin", "Supervisor", "Support Agent", "Developer"])
def test_a_role_does_what_its_rights_say(app, client, role, action):
    from app.tickets.choices import Category

    technical = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    ticket = a_ticket(category=technical)
    value = CASES[action][0]()
    person = staff(role)
    allowed = acting(person).can(RIGHTS[action])
    as_(client, person)

    answer = do(client, action, ticket, value=value)

    assert answer.status_code == (302 if allowed else 403)
    assert (db.session.get(Ticket, ticket.id) is None or CASES[action][1](ticket)) is allowed


def test_only_a_super_admin_deletes(app):
    allowed = {
        role: acting(staff(role)).can("delete")
        for role in ("Super Admin", "Admin", "Supervisor", "Support Agent", "Developer")
    }

    assert allowed == {
        "Super Admin": True,
        "Admin": False,
        "Supervisor": False,
        "Support Agent": False,
        "Developer": False,
    }


def test_without_the_right_to_bulk_one_ticket_at_a_time(app, client, a_role):
    first, second = a_ticket(), a_ticket()
    agent = an_agent()
    agent.roles = [a_role("list", "show", "status")]
    as_(client, agent)

    assert do(client, "resolve", first, second).status_code == 403
    assert do(client, "resolve", first).status_code == 302
    assert (first.state, second.state) == (State.RESOLVED, State.OPEN)


def test_what_one_ticket_refuses_leaves_the_others_done_and_is_named(app, client):
    own, away = a_department("Own"), a_department("Away")
    agent = an_agent(own)
    fits, refuses = a_ticket(department=own), a_ticket(department=away)
    as_(client, a_supervisor())

    do(client, "assign", refuses, fits, value=agent.id)

    assert (fits.assignee_id, refuses.assignee_id) == (agent.id, None)
    sentence = said(client)
    assert "1 ticket changed" in sentence
    assert f"{refuses.display}: " in sentence and "no access" in sentence


def test_the_sums_are_right_after_a_refusal_in_the_middle(app, client):
    own = a_department("Own")
    agent = an_agent(own)
    tickets = [a_ticket(department=own), a_ticket(), a_ticket(department=own)]
    boss = a_supervisor()
    as_(client, boss)

    do(client, "assign", *tickets, value=agent.id)

    assert recount() == 0
    assert counts(acting(agent), Queue.MINE, {}).filtered == 2


def test_taking_is_for_tickets_of_nobody(app, client):
    other = a_supervisor(name="jonas")
    theirs, nobodys = a_ticket(assignee=other), a_ticket()
    me = an_admin()
    as_(client, me)

    do(client, "take", theirs, nobodys)

    assert (theirs.assignee_id, nobodys.assignee_id) == (other.id, me.id)
    assert "was given to Jonas Test" in said(client)


@pytest.mark.parametrize("value", ["", "0", "999999", "x", "-1", "1e3", "٣", "9" * 30, "1;DROP"])
@pytest.mark.parametrize("action", ["set_status", "set_priority", "set_department"])
def test_an_unknown_value_is_refused_with_a_sentence(app, client, action, value):
    ticket = a_ticket()
    as_(client, a_supervisor())
    before = (ticket.status_id, ticket.priority_id, ticket.department_id)

    assert do(client, action, ticket, value=value).status_code == 422
    assert (ticket.status_id, ticket.priority_id, ticket.department_id) == before


def test_a_status_that_staff_may_not_choose_is_refused(app, client):
    ticket = a_ticket()
    status = a_status("On Hold")
    status.manual = False
    as_(client, a_supervisor())

    do(client, "set_status", ticket, value=status.id)

    assert ticket.status.name == "Open"
    assert "cannot be chosen by hand" in said(client)


@pytest.mark.parametrize("rowid", ["x", "-1", "0", "9" * 25, "1.5", ""])
def test_a_malformed_row_is_nobodys(app, client, rowid):
    a_ticket()
    as_(client, a_supervisor())

    assert client.post(POST, data={"action": "resolve", "rowid": [rowid]}).status_code == 404


def test_no_rows_and_too_many_rows_are_refused(app, client):
    as_(client, a_supervisor())

    assert client.post(POST, data={"action": "resolve"}).status_code == 422
    assert client.post(POST, data={"action": "resolve", "rowid": [str(n) for n in range(1, 202)]}).status_code == 422


@pytest.mark.parametrize("action", ["", "nonsense", "list", "__class__", "delete_tickets"])
def test_an_unknown_action_is_404(app, client, action):
    as_(client, a_super_admin())

    assert client.post(POST, data={"action": action, "rowid": [1]}).status_code == 404


@pytest.mark.parametrize(
    "address", ["action_post", "action/resolve/1", "1001/properties", "1001/messages", "1001/take", "1001/tags"]
)
def test_nothing_changes_by_a_get(app, client, address):
    ticket = a_ticket()
    as_(client, a_super_admin())

    assert client.get(f"/admin/tickets/{address}").status_code in (404, 405)
    assert ticket.state is State.OPEN


def test_a_stranger_changes_nothing(app, client):
    ticket = a_ticket()
    db.session.commit()

    answer = do(client, "resolve", ticket)

    assert "/login/" in answer.location
    assert ticket.state is State.OPEN


def test_a_deed_leads_back_to_the_list_it_came_from_and_nowhere_else(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    assert do(client, "close", ticket, back="?view=mine&page=3").location == "/admin/tickets/?view=mine&page=3"
    assert do(client, "close", ticket, back="https://evil.example/?view=urgent").location == "/admin/tickets/"


def test_deleting_takes_the_rows_and_the_files_and_leaves_the_sums_right(app, client):
    ticket, other = a_ticket(), a_ticket()
    boss = a_super_admin()
    file = files.keep("log.txt", b"secret", acting(boss))
    db.session.flush()
    ticket.reply(Words("See the file", attachments=(file,)), by=acting(boss))
    key = file.storage_key
    as_(client, boss)

    do(client, "delete", ticket)

    assert list(db.session.scalars(select(Ticket.id))) == [other.id]
    assert db.session.scalar(select(func.count(Attachment.id))) == 0
    assert db.session.scalar(select(func.count(TicketEvent.id)).where(TicketEvent.ticket_id != other.id)) == 0
    with pytest.raises(FileNotFoundError):
        storage.load(key)
    assert recount() == 0


def test_a_bulk_deed_is_one_event_a_ticket_by_the_person_who_did_it(app, client):
    first, second = a_ticket(), a_ticket()
    boss = a_supervisor()
    as_(client, boss)

    do(client, "close", first, second)
    do(client, "close", first, second)

    closed = list(
        db.session.execute(select(TicketEvent.ticket_id, TicketEvent.staff_id).where(TicketEvent.what == Did.CLOSED))
    )
    assert sorted(closed) == [(first.id, boss.id), (second.id, boss.id)]
