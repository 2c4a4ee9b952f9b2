"""The pages of tasks: what each person finds in list, board, task and ticket, and what each button does."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.desk.customererase import erase
from app.desk.customerexport import export
from app.tickets import tasks, taskvisibility
from app.tickets.models import Ticket
from app.tickets.tasks import NewTask, Task, TaskState, today
from app.tickets.timeline import Did
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    sign_in,
    sign_in_customer,
    staff,
)


def a_task(title: str, ticket: Ticket | None = None, **given) -> Task:
    task = tasks.create(NewTask(title, **given), SYSTEM, ticket)
    db.session.commit()
    return task


def body(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


def titles(client: FlaskClient, address: str) -> list[str]:
    return re.findall(r'<a class="open"[^>]*><bdi>([^<]*)</bdi>', client.get(address).get_data(as_text=True))


def fresh(task: Task) -> Task:
    db.session.expire_all()
    return db.session.get_one(Task, task.id)


def test_a_task_is_made_on_a_ticket_and_stands_there_and_in_the_list(app: Flask, client: FlaskClient) -> None:
    boss, ticket = a_supervisor(), a_ticket()
    sign_in(client, boss)

    answer = client.post(f"/admin/tickets/{ticket.number}/tasks/new", data={"title": "Call <b>them</b>", "details": "By phone", "assignee": str(boss.id), "due_on": "2026-12-24"})  # fmt: skip

    assert answer.location == f"/admin/tickets/{ticket.number}"
    page = client.get(f"/admin/tickets/{ticket.number}").get_data(as_text=True)
    assert "Call &lt;b&gt;them&lt;/b&gt;" in page and 'value="2026-12-24"' in page and "0 of 1 done" in page
    assert "made the task" in page
    assert titles(client, "/admin/tasks/") == ["Call &lt;b&gt;them&lt;/b&gt;"]


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_made(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    sign_in(client, a_supervisor())

    for place in ("/admin/tasks/new", f"/admin/tickets/{ticket.number}/tasks/new"):
        for wrong, field in (({"title": " "}, "title"), ({"title": "x", "due_on": "tomorrow"}, "due_on"), ({"title": "x", "assignee": "999"}, "assignee"), ({"title": "x", "department": "999"}, "department")):  # fmt: skip
            answer = client.post(place, data=wrong)
            assert (answer.status_code, f'id="{field}-error"' in answer.get_data(as_text=True)) == (422, True), (place, wrong)  # fmt: skip
    assert db.session.scalars(select(Task)).all() == []


def test_a_task_that_is_there_is_found_by_its_words_and_linked(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    ticket, other = a_ticket(department=mine), a_ticket(department=mine)
    wanted, foreign = a_task("Überprüfe the CABLE", other), a_task("Überprüfe nothing", a_ticket(department=theirs))
    sign_in(client, an_agent(mine))
    choose = f"/admin/tickets/{ticket.number}/tasks/link"

    for words in ("überprüfe cable", other.display, ""):
        page = client.get(choose, query_string={"q": words}).get_data(as_text=True)
        assert "CABLE" in page and "nothing" not in page
    assert "No task has all of these words" in body(client.get(choose, query_string={"q": "cable %"}))
    client.post(f"/admin/tickets/{ticket.number}/tasks", data={"task": str(wanted.id)})
    client.post(f"/admin/tickets/{ticket.number}/tasks", data={"task": str(foreign.id)})

    assert [task.title for task in taskvisibility.tasks_of(ticket.id, SYSTEM)] == [wanted.title]
    assert "CABLE" not in client.get(choose).get_data(as_text=True)
    client.post(f"/admin/tickets/{ticket.number}/tasks/remove", data={"task": str(wanted.id)})
    assert taskvisibility.tasks_of(ticket.id, SYSTEM) == []


def test_a_number_finds_no_task_of_a_ticket_one_does_not_see(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    foreign = a_ticket(department=theirs)
    task = a_task("Shared", a_ticket(department=mine))
    task.link_to(foreign, SYSTEM)
    db.session.commit()
    sign_in(client, an_agent(mine))

    assert titles(client, "/admin/tasks/?view=all") == ["Shared"]
    assert titles(client, f"/admin/tasks/?view=all&q={foreign.number}") == []
    assert foreign.display not in client.get(f"/admin/tasks/{task.id}").get_data(as_text=True)
    assert client.post(f"/admin/tasks/{task.id}/tickets", data={"number": str(foreign.number)}).status_code == 422


def test_a_task_is_ticked_off_and_reopened_and_changed_in_place(app: Flask, client: FlaskClient) -> None:
    boss, ticket = a_supervisor(), a_ticket()
    task = a_task("Call", ticket)
    sign_in(client, boss)
    tick, save = f"/admin/tickets/{ticket.number}/tasks/tick", f"/admin/tasks/{task.id}/properties"
    as_script = {"Accept": "application/json"}

    client.post(tick, data={"task": str(task.id), "state": "done"})
    assert fresh(task).done and "1 of 1 done" in body(client.get(f"/admin/tickets/{ticket.number}"))
    client.post(tick, data={"task": str(task.id), "state": "todo"})
    assert client.post(save, data={"assignee": "me"}, headers=as_script).json == {"saved": True}
    assert client.post(save, data={"due_on": "2026-12-24"}, headers=as_script).json == {"saved": True}
    assert (fresh(task).state, task.assignee_id, task.due_on) == (TaskState.TODO, boss.id, dt.date(2026, 12, 24))
    refused = client.post(save, data={"due_on": "never"}, headers=as_script)
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["due_on"])
    assert client.post(save, data={"unknown": "x"}, headers=as_script).status_code == 422
    client.post(save, data={"title": "Call again", "details": "a\r\nb", "department": ""})
    assert (fresh(task).title, task.details) == ("Call again", "a\nb")


def test_list_and_board_show_the_same_tasks_and_move_them_alike(app: Flask, client: FlaskClient) -> None:
    boss, day = a_supervisor(), today()
    late = a_task("late", assignee=boss, due_on=day - dt.timedelta(days=1))
    soon, free, done = a_task("soon", assignee=boss, due_on=day + dt.timedelta(days=3)), a_task("free", department=a_department()), a_task("done", assignee=boss)  # fmt: skip
    done.finish(SYSTEM)
    sign_in(client, boss)

    assert titles(client, "/admin/tasks/") == ["late", "soon"]
    assert titles(client, "/admin/tasks/?view=unassigned") == ["free"]
    assert titles(client, "/admin/tasks/?view=all") == ["late", "soon", "free"]
    assert titles(client, "/admin/tasks/?view=done") == ["done"]
    assert "Overdue" in body(client.get("/admin/tasks/")) and columns(client) == {"todo": {late.id, soon.id}, "doing": set(), "done": {done.id}}  # fmt: skip
    answer = client.post(f"/admin/tasks/{late.id}/properties", data={"state": "doing", "back": "board?view=all"})
    assert answer.location == "/admin/tasks/board?view=all"
    assert columns(client) == {"todo": {soon.id}, "doing": {late.id}, "done": {done.id}}
    assert columns(client, "?view=unassigned")["todo"] == {free.id}
    elsewhere = client.post(f"/admin/tasks/{late.id}/properties", data={"state": "todo", "back": "//evil.example"})
    assert elsewhere.location == f"/admin/tasks/{late.id}"


def columns(client: FlaskClient, query: str = "") -> dict[str, set[int]]:
    page = client.get(f"/admin/tasks/board{query}").get_data(as_text=True)
    parts = re.split(r'data-column="(\w+)"', page)[1:]
    return {name: {int(one) for one in re.findall(r'data-task="(\d+)"', part)} for name, part in zip(parts[::2], parts[1::2], strict=True)}  # fmt: skip


def test_filters_search_and_orders_narrow_the_list(app: Flask, client: FlaskClient) -> None:
    boss, agent, office, day = a_supervisor(name="zora"), an_agent(name="abe"), a_department(), today()
    a_task("b one", assignee=boss, department=office, due_on=day)
    a_task("a two", assignee=agent, department=office, due_on=day - dt.timedelta(days=2))
    a_task("c three", assignee=agent, department=office, details="Straße")
    sign_in(client, boss)

    for query, found in (
        (f"assignee={agent.id}", ["a two", "c three"]), (f"department={office.id}&sort=title", ["a two", "b one", "c three"]), ("due=overdue", ["a two"]), ("due=today", ["b one"]),
        ("due=week", ["b one"]), ("due=none", ["c three"]), ("q=STRASSE", ["c three"]), ("q=o", ["a two", "b one"]), ("q=_", []), ("sort=-created", ["c three", "a two", "b one"]), ("sort=assignee", ["a two", "c three", "b one"]),
        ("sort=password&page=x&due=y&assignee=-1", ["a two", "b one", "c three"]), ("page=2", []),
    ):  # fmt: skip
        assert titles(client, f"/admin/tasks/?view=all&{query}") == found, query


def test_a_page_holds_fifty_and_leads_to_the_next(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    for number in range(53):
        tasks.create(NewTask(f"task {number}", assignee=boss), SYSTEM)
    sign_in(client, boss)

    assert (len(titles(client, "/admin/tasks/")), len(titles(client, "/admin/tasks/?page=2"))) == (50, 3)
    assert 'href="/admin/tasks/?page=2"' in client.get("/admin/tasks/").get_data(as_text=True)


@pytest.mark.parametrize("address", ["/admin/tasks/?view=all", "/admin/tasks/board?view=all"], ids=["list", "board"])
def test_a_list_of_tasks_costs_the_same_however_long_it_is(app: Flask, client: FlaskClient, at_most, address) -> None:
    boss = a_supervisor()
    for number in range(30):
        a_task(f"task {number}", a_ticket(), assignee=an_agent(), department=a_department())
    sign_in(client, boss)
    client.get(address)
    db.session.remove()

    with at_most(10):
        assert client.get(address).status_code == 200


def test_nobody_learns_of_a_task_that_is_not_theirs(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    ticket, task = a_ticket(department=mine), a_task("Secret", a_ticket(department=theirs))
    sign_in(client, an_agent(mine))
    there, own = f"/admin/tasks/{task.id}", f"/admin/tickets/{ticket.number}"

    answers = [client.get(there), client.get("/admin/tasks/999999"), client.get("/admin/tasks/99999999999999999999")]
    answers += [client.post(f"{there}/{verb}", data={"state": "done", "number": str(ticket.number)}) for verb in ("properties", "tickets", "tickets/remove")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 6
    for verb in ("", "/remove", "/tick"):
        client.post(f"{own}/tasks{verb}", data={"task": str(task.id), "state": "done"})
    assert fresh(task).state is TaskState.TODO and taskvisibility.tasks_of(ticket.id, SYSTEM) == []
    for address in ("/admin/tasks/?view=all", "/admin/tasks/board?view=all", f"{own}/tasks/link?q=Secret", own):
        assert "Secret" not in body(client.get(address))


def test_a_role_without_the_right_reads_tasks_and_changes_none(app: Flask, client: FlaskClient, a_role) -> None:
    ticket = a_ticket()
    task = a_task("Read me", ticket)
    reader = staff()
    reader.roles = [a_role("list", "show")]
    sign_in(client, reader)

    for address in (f"/admin/tickets/{ticket.number}", f"/admin/tasks/{task.id}", "/admin/tasks/?view=all"):
        page = client.get(address).get_data(as_text=True)
        assert "Read me" in page and "New task" not in page and f"/admin/tasks/{task.id}/properties" not in page
    for address in (f"/admin/tasks/{task.id}/properties", "/admin/tasks/new", f"/admin/tickets/{ticket.number}/tasks/tick"):  # fmt: skip
        assert client.post(address, data={"title": "x", "state": "done"}).status_code == 403


def test_no_customer_ever_reads_of_a_task(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket(requester=a_customer("Ada"))
    a_task("canarytask", ticket, details="canarydetails")
    sign_in_customer(client, ticket.requester)

    page = client.get(f"/portal/tickets/{ticket.number}").get_data(as_text=True)
    assert ticket.subject in page and "canary" not in page and "made the task" not in page
    assert client.get("/admin/tasks/").status_code in (302, 401, 403)


def test_a_reply_that_ends_a_ticket_with_open_tasks_asks_first_and_then_goes(app: Flask, client: FlaskClient) -> None:
    boss, ticket = a_supervisor(), a_ticket()
    task = a_task("Call", ticket)
    sign_in(client, boss)
    send = {"kind": "reply", "body": "It is solved.", "then": "close", "mark": "m1"}

    asked = client.post(f"/admin/tickets/{ticket.number}/messages", data=send)
    assert asked.status_code == 409 and "1 task of this ticket is still open." in body(asked)
    assert len(ticket.messages) == 1
    looked = re.search(r'name="looked" value="([^"]+)"', asked.get_data(as_text=True)).group(1)
    assert client.post(f"/admin/tickets/{ticket.number}/messages", data={**send, "looked": looked}).status_code == 303
    other = a_ticket()
    a_task("Write", other)
    task.finish(SYSTEM)
    task.link_to(other, SYSTEM)
    db.session.commit()
    kept = client.post(f"/admin/tickets/{other.number}/messages", data={**send, "then": "keep", "mark": "m2"})
    assert kept.status_code == 303


def test_ending_a_ticket_by_its_status_asks_with_script_and_warns_without(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    a_task("Call", ticket)
    sign_in(client, a_supervisor())
    page = client.get(f"/admin/tickets/{ticket.number}").get_data(as_text=True)
    ending = re.search(r'id="tasks-ask"[^>]*data-ending="([^"]+)"', page).group(1).split()

    client.post(f"/admin/tickets/{ticket.number}/properties", data={"status": ending[-1]})
    assert "1 task of this ticket is still open." in body(client.get(f"/admin/tickets/{ticket.number}"))
    db.session.expire_all()
    assert not ticket.live


def test_a_ticket_without_tasks_pays_nothing_for_them(app: Flask, client: FlaskClient, at_most) -> None:
    ticket, busy = a_ticket(), a_ticket()
    for number in range(5):
        a_task(f"Task {number}", busy)
    sign_in(client, a_supervisor())
    numbers = ticket.number, busy.number
    for number in numbers:
        client.get(f"/admin/tickets/{number}")
    db.session.remove()

    with at_most(12):
        client.get(f"/admin/tickets/{numbers[0]}")
    with at_most(12):
        client.get(f"/admin/tickets/{numbers[1]}")


def test_the_task_page_tells_its_history_and_leads_to_its_tickets(app: Flask, client: FlaskClient) -> None:
    boss, ticket, other = a_supervisor(), a_ticket(), a_ticket()
    task = a_task("Call", ticket)
    sign_in(client, boss)

    client.post(f"/admin/tasks/{task.id}/tickets", data={"number": other.display})
    page = client.get(f"/admin/tasks/{task.id}").get_data(as_text=True)
    assert f'href="/admin/tickets/{ticket.number}"' in page and f'href="/admin/tickets/{other.number}"' in page
    assert "linked the task" in page and "made the task" in page
    client.post(f"/admin/tasks/{task.id}/tickets/remove", data={"number": other.display})
    assert taskvisibility.events_of(task, SYSTEM)[0].what is Did.TASK_UNLINKED


def test_who_gives_a_task_out_of_sight_is_led_to_the_list(app: Flask, client: FlaskClient) -> None:
    agent, other = an_agent(), an_agent()
    task = a_task("Mine", assignee=agent)
    sign_in(client, agent)

    answer = client.post(f"/admin/tasks/{task.id}/properties", data={"assignee": str(other.id)})

    assert answer.location == "/admin/tasks/" and fresh(task).assignee_id == other.id
    assert acting(agent) is not None and client.get(f"/admin/tasks/{task.id}").status_code == 404


def test_an_erased_customer_is_in_no_task_event_notice_or_mail(app: Flask) -> None:
    agent, ada, bob = an_agent(), a_customer("Ada Lovelace"), a_customer("Bob")
    ticket, other = a_ticket(requester=ada), a_ticket(requester=bob)
    agent_name = agent.get_full_name()
    own = a_task("Her secret", ticket, assignee=agent, details="hers")
    shared, named, foreign = a_task("Both", ticket), a_task("Call Ada Lovelace", other), a_task("Adamant", other)
    shared.link_to(other, SYSTEM)
    named.rewrite("Ring Ada Lovelace", "", None, SYSTEM)
    db.session.commit()
    ids = [task.id for task in (own, shared, named, foreign)]

    erase(ada.email, with_tickets=False)

    assert [db.session.get_one(Task, one).title for one in ids] == ["(erased)", "Both", "(erased)", "Adamant"]  # fmt: skip
    for table in ("task", "task_event", "ticket_event", "notification", "delivery"):
        rows = str(db.session.execute(text(f"SELECT * FROM {table}")).all())
        assert not [word for word in ("secret", "Lovelace", "hers") if word in rows], table
    history = taskvisibility.events_of(db.session.get_one(Task, ids[0]), SYSTEM)
    assert [event.sentence for event in history] == [f"gave the task “–” to {agent_name}", "made the task “–”"]


def test_a_task_may_be_exported_to_no_customer(app: Flask, tmp_path) -> None:
    ticket = a_ticket()
    a_task("canarytask", ticket, details="canarydetails")

    export(ticket.requester.email, tmp_path / "out")

    assert "canary" not in (tmp_path / "out" / "customer.json").read_text()


def test_a_task_is_deleted_on_its_page_by_whoever_may(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    task = a_task("Order paper", ticket)
    id, number = task.id, ticket.number
    sign_in(client, a_supervisor())
    assert f"/admin/tasks/{id}/delete" not in client.get(f"/admin/tasks/{id}").get_data(as_text=True)
    assert client.post(f"/admin/tasks/{id}/delete").status_code in (302, 403)
    assert client.get(f"/admin/tasks/{id}").status_code == 200

    sign_in(client, an_admin())
    assert "data-confirm" in client.get(f"/admin/tasks/{id}").get_data(as_text=True)
    said = client.post(f"/admin/tasks/{id}/delete", follow_redirects=True)

    assert "The task “Order paper” is deleted." in body(said)
    assert client.get(f"/admin/tasks/{id}").status_code == 404
    assert "deleted the task “Order paper”" in body(client.get(f"/admin/tickets/{number}"))
