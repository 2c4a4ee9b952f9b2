"""A ticket that ends before its tasks: asked, named, left open or finished with it, at every door alike."""

import pytest

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import endings, tasks
from app.tickets.choices import State
from app.tickets.endings import OpenTasks, Rest
from app.tickets.tasks import NewTask, TaskState
from tests.api.desk import a_program, refused
from tests.desk.test_actions import do, said
from tests.desk.test_bulk import the_change
from tests.desk.test_list import as_
from tests.factories import a_macro, a_status, a_supervisor, a_ticket, acting, setting, staff


def a_task(ticket, title="Order a printer"):
    task = tasks.create(NewTask(title), SYSTEM, ticket)
    db.session.commit()
    return task


@pytest.mark.parametrize(
    ("rest", "state", "task_state"), [(Rest.KEEP, State.CLOSED, TaskState.TODO), (Rest.FINISH, State.CLOSED, TaskState.DONE)]
)  # fmt: skip
def test_whoever_ends_a_ticket_says_what_becomes_of_its_tasks(app, rest, state, task_state):
    ticket, by = a_ticket(), acting(a_supervisor())
    task = a_task(ticket)

    with pytest.raises(OpenTasks, match=r"1 task of this ticket is still open\. “Order a printer”"), endings.minding_tasks(ticket, Rest.ASK, by):  # fmt: skip
        ticket.close(by)
    db.session.rollback()
    with endings.minding_tasks(ticket, rest, by):
        ticket.close(by)

    assert (ticket.state, task.state) == (state, task_state)


def test_finished_tasks_and_finished_tickets_ask_nothing(app):
    ticket, by = a_ticket(), acting(a_supervisor())
    a_task(ticket).finish(SYSTEM)
    with endings.minding_tasks(ticket, Rest.ASK, by):
        ticket.resolve(by)
    a_task(ticket, "Of afterwards")
    with endings.minding_tasks(ticket, Rest.ASK, by):
        ticket.close(by)

    assert ticket.state is State.CLOSED


def test_many_tasks_are_counted_and_the_first_named(app):
    ticket = a_ticket()
    found = [a_task(ticket, f"Task {n}") for n in range(7)]

    assert endings.named(found) == "“Task 0”, “Task 1”, “Task 2”, “Task 3”, “Task 4” …"


WAYS = {
    "a change": lambda program, at, more: program.patch(at, {"status": "resolved", **more}),
    "closing": lambda program, at, more: program.post(f"{at}/close", more),
    "a reply": lambda program, at, more: program.post(f"{at}/replies", {"body": "Done.", "status": "closed", **more}),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_program_is_refused_with_their_names_until_it_says_what_becomes_of_them(app, client, way):
    program, ticket = a_program(client, a_supervisor()), a_ticket()
    task, at = a_task(ticket), f"/tickets/{ticket.number}"
    count = ticket.message_count

    first = WAYS[way](program, at, {})
    wrong = WAYS[way](program, at, {"open_tasks": "burn"})
    db.session.expire_all()
    assert first.status_code == 409 and "“Order a printer”" in first.json["error"]["message"]
    refused(wrong, 422, "open_tasks")
    assert ticket.live and ticket.message_count == count
    second = WAYS[way](program, at, {"open_tasks": "finish"})
    db.session.expire_all()
    assert second.status_code in (200, 201) and not ticket.live and task.done


def test_closing_without_a_word_still_needs_no_body(app, client):
    program, ticket = a_program(client, a_supervisor()), a_ticket()
    db.session.commit()

    assert program.post(f"/tickets/{ticket.number}/close").status_code == 200
    assert program.patch(f"/tickets/{ticket.number}", {"status": "open"}).status_code == 200


DEEDS = {
    "set_status": lambda: f"set_status:{a_status('Closed').id}",
    "resolve": lambda: "resolve",
    "close": lambda: "close",
    "reply_all": lambda: "reply_all",
    "macro": lambda: (
        f"macro:{a_macro({'do': 'status', 'choice': a_status('Closed').id}, {'do': 'task', 'text': 'For later'}).id}"
    ),
}
MENU = {"set_status": "status", "reply_all": "reply", "macro": "macro"}


@pytest.mark.parametrize("deed", list(DEEDS))
def test_in_bulk_those_with_open_tasks_are_named_and_left_out_unless_their_tasks_go_along(app, client, deed):
    setting(undo_send_seconds=0)
    as_(client, a_supervisor())
    free, busy, action = a_ticket(), a_ticket(), DEEDS[deed]()
    task = a_task(busy)

    do(client, action, free, busy, body="Dear all", then="close")
    told = said(client)
    assert (free.live, busy.live, task.done) == (False, True, False)
    assert busy.display in told and "“Order a printer”" in told and free.display not in told
    do(client, action, busy, body="Dear all", then="close", **{f"tasks_too_{MENU.get(deed, 'end')}": "1"})
    assert (busy.live, task.done) == (False, True)


def test_undoing_it_opens_ticket_and_tasks_again_as_they_were(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    task = a_task(ticket)
    task.start(SYSTEM)
    db.session.commit()
    do(client, "close", ticket, tasks_too_end="1")
    assert task.done

    client.post(f"/admin/bulk/{the_change().id}/undo")
    db.session.expire_all()
    assert ticket.live and task.state is TaskState.DOING


def test_who_may_not_work_on_tasks_finishes_none(app, client, a_role):
    as_(client, staff(a_role("list", "show", "status", "close", "bulk").name))
    ticket = a_ticket()
    task = a_task(ticket)
    do(client, "resolve", ticket, tasks_too_end="1")

    assert ticket.live and not task.done and "may not do this to this task" in said(client)
