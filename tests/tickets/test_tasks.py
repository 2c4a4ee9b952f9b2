"""Tasks: who sees them, what each verb writes, whom it tells, and where they are after a merge."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, Actor, CustomerActor
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk.customererase import erase
from app.mail.models import Delivery, DeliveryState
from app.notifications import inbox
from app.notifications import tasks as telling
from app.notifications.inbox import Wanted
from app.notifications.models import Notice, Notification
from app.tickets import merging, tasks, taskvisibility
from app.tickets.mergeable import Merged
from app.tickets.models import Ticket
from app.tickets.tasks import Nearness, NewTask, Task, TaskEvent, TaskLink, TaskState
from app.tickets.timeline import Did, TicketEvent
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
    staff,
)

_n = count(1)


def a_task(ticket: Ticket | None = None, by: Actor = SYSTEM, **given) -> Task:
    task = tasks.create(NewTask(given.pop("title", f"Task {next(_n)}"), **given), by, ticket)
    db.session.flush()
    return task


def told(ticket: Ticket) -> list[Did]:
    return [event.what for event in ticket.events if event.what.value.startswith("task_")]


def seen(actor: Actor) -> set[str]:
    return set(db.session.scalars(select(Task.title).where(taskvisibility.visible_to(actor))))


def test_every_role_sees_the_tasks_of_its_tickets_its_own_and_those_of_its_departments(app: Flask) -> None:
    setting(agents_see_departments=False)
    mine, theirs = a_department(), a_department()
    people = {
        "agent": an_agent(mine), "free": an_agent(), "colleague": an_agent(mine), "outsider": an_agent(theirs), "supervisor": a_supervisor(), "admin": an_admin(), "developer": staff("Developer"),
    }  # fmt: skip
    agent, colleague = people["agent"], people["colleague"]
    a_task(a_ticket(department=mine, assignee=agent), title="on the agent's ticket")
    a_task(a_ticket(department=theirs), title="on their ticket")
    a_task(a_ticket(department=theirs, assignee=people["outsider"]), title="given", assignee=agent)
    a_task(title="made", by=acting(agent))
    a_task(title="of the department", department=mine, assignee=colleague)
    a_task(title="of nobody in the department", department=mine)
    a_task(title="of nobody at all")
    both = a_task(a_ticket(department=theirs), title="linked, so not the department's", department=mine)
    both.link_to(a_ticket(department=theirs), SYSTEM)
    db.session.commit()

    of = {name: seen(acting(person)) for name, person in people.items()}
    department = {"of the department", "of nobody in the department"}
    theirs_ = {"on their ticket", "linked, so not the department's"}
    assert of["agent"] == {"on the agent's ticket", "given", "made"} | department
    assert of["colleague"] == department
    assert of["outsider"] == {"given"} | theirs_
    assert of["free"] == {"of nobody in the department"} | theirs_
    assert of["supervisor"] == of["admin"] == {"on the agent's ticket", "given"} | theirs_ | department
    assert of["developer"] == set()
    assert seen(CustomerActor.of(a_customer())) == set()
    assert "of nobody at all" in seen(SYSTEM)


def test_the_rule_on_one_task_is_the_rule_on_lists(app: Flask) -> None:
    departments = [a_department(), a_department()]
    people = [an_agent(departments[0]), an_agent(), an_agent(*departments), a_supervisor(), staff("Developer"), staff("Supervisor", (departments[1],))]  # fmt: skip
    tickets = [a_ticket(department=each, assignee=who) for each in departments for who in (None, people[2])]
    made = [
        a_task(ticket, assignee=who, department=department)
        for ticket in (None, *tickets)
        for who in (None, people[0], people[4])
        for department in (None, *departments)
    ]
    made[1].link_to(tickets[1], SYSTEM)
    made[5].link_to(tickets[3], SYSTEM)
    db.session.commit()

    for person in [*(acting(one) for one in people), SYSTEM, CustomerActor.of(tickets[0].requester)]:
        titles = seen(person)
        assert {task.title for task in made if taskvisibility.sees(person, task)} == titles


def test_each_deed_is_told_once_in_the_task_and_in_each_of_its_tickets(app: Flask) -> None:
    one, other, agent = a_ticket(), a_ticket(), acting(a_supervisor())
    task = a_task(one, by=agent, title="Call them")
    task.link_to(other, agent)
    task.link_to(other, agent)
    task.assign_to(db.session.get(User, agent.id), agent)
    task.set_due(dt.date(2026, 12, 1), agent)
    task.start(agent)
    task.start(agent)
    task.finish(agent)
    task.finish(agent)
    task.reopen(agent)
    task.rewrite("Call them soon", "By phone", None, agent)
    task.unlink_from(other, agent)
    task.unlink_from(other, agent)

    deeds = [Did.TASK_ASSIGNED, Did.TASK_DUE_CHANGED, Did.TASK_STARTED, Did.TASK_DONE, Did.TASK_REOPENED, Did.TASK_CHANGED]  # fmt: skip
    assert told(one) == [Did.TASK_CREATED, *deeds]
    assert told(other) == [Did.TASK_LINKED, *deeds, Did.TASK_UNLINKED]
    history = [event.what for event in reversed(taskvisibility.events_of(task, agent))]
    assert history == [Did.TASK_CREATED, Did.TASK_LINKED, *deeds, Did.TASK_UNLINKED]
    assert all("Call them" in event.sentence for event in taskvisibility.events_of(task, agent))
    assert one.events[-1].sentence == "renamed the task “Call them” to “Call them soon”"


def test_a_board_moves_a_task_into_every_column_and_back(app: Flask) -> None:
    task, agent = a_task(department=a_department()), acting(a_supervisor())

    for state in (TaskState.DOING, TaskState.TODO, TaskState.DONE, TaskState.DOING, TaskState.DONE, TaskState.TODO):
        task.move_to(state, agent)
        assert (task.state, task.done_at is not None) == (state, state is TaskState.DONE)
    assert [event.what for event in reversed(taskvisibility.events_of(task, agent))][1:] == [
        Did.TASK_STARTED, Did.TASK_PUT_BACK, Did.TASK_DONE, Did.TASK_STARTED, Did.TASK_DONE, Did.TASK_REOPENED,
    ]  # fmt: skip


def test_nobody_touches_a_task_or_ticket_they_do_not_see(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    agent, task = acting(an_agent(mine)), a_task(a_ticket(department=theirs))
    own, foreign = a_ticket(department=mine), a_ticket(department=theirs)
    of_mine = a_task(own)

    for deed in (
        lambda: task.start(agent), lambda: task.link_to(own, agent), lambda: of_mine.link_to(foreign, agent), lambda: task.set_due(None, agent), lambda: tasks.create(NewTask("x"), agent, foreign),
        lambda: task.start(CustomerActor.of(own.requester)), lambda: tasks.create(NewTask("x"), CustomerActor.of(own.requester), own),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            deed()


def test_the_history_says_nothing_of_a_ticket_one_does_not_see(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    agent, task = acting(an_agent(mine)), a_task(a_ticket(department=mine))
    task.link_to(a_ticket(department=theirs), SYSTEM)
    db.session.flush()

    assert [event.what for event in taskvisibility.events_of(task, agent)] == [Did.TASK_CREATED]
    assert len(taskvisibility.tickets_visible_to(agent, task)) == 1


def test_a_task_needs_a_title_and_somebody_who_works_with_tasks(app: Flask) -> None:
    reader = an_agent()
    reader.roles = []
    db.session.commit()

    for new, field in ((NewTask("  \n"), "title"), (NewTask("x" * 201), "title"), (NewTask("x", "y" * 20_001), "details"), (NewTask("x", assignee=reader), "assignee")):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            tasks.create(new, SYSTEM)
        assert list(refused.value.fields) == [field]


def test_whoever_is_given_a_task_is_told_in_the_app_and_by_mail(app: Flask) -> None:
    boss, agent = a_supervisor(), an_agent()
    task = a_task(a_ticket(), by=acting(boss), assignee=agent)
    run_jobs()

    notices = db.session.scalars(select(Notification).where(Notification.task_id.is_not(None))).all()
    assert [(one.staff_id, one.kind, one.place) for one in notices] == [(agent.id, Notice.TASK_ASSIGNED, f"/admin/tasks/{task.id}")]  # fmt: skip
    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "task_assigned")).one()
    assert (mail.staff_id, mail.ticket_id, mail.task_id) == (agent.id, None, task.id)


def test_the_mail_says_title_day_and_where_and_nothing_is_markup(app: Flask) -> None:
    agent = an_agent()
    a_task(a_ticket(), by=acting(a_supervisor(name="boss")), title="Order <b>paper</b>", assignee=agent, due_on=dt.date(2026, 12, 1), details="Two boxes")  # fmt: skip
    run_jobs()

    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "task_assigned")).one()
    raw = mail.raw.decode()
    assert mail.subject == "Task: Order <b>paper</b>"
    assert "Boss Test gave you this task" in raw and "Tuesday 1 December 2026" in raw and "Two boxes" in raw
    assert "&lt;b&gt;paper" in raw and f"/admin/tasks/{mail.task_id}" in raw


def test_a_mail_that_waited_is_not_sent_to_whoever_lost_the_task(app: Flask) -> None:
    agent, boss = an_agent(), acting(a_supervisor())
    task = a_task(by=boss, assignee=agent)
    db.session.commit()
    task.assign_to(None, boss)
    run_jobs()

    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "task_assigned")).one()
    assert (mail.state, mail.raw) == (DeliveryState.SUPPRESSED, None)
    assert inbox.unread_count(acting(agent)) == 0 and inbox.newest(acting(agent)) == []


def test_nobody_is_told_what_they_did_themselves_or_do_not_want(app: Flask) -> None:
    boss, agent = a_supervisor(), an_agent()
    inbox.prefer(agent.id, Notice.TASK_ASSIGNED, Wanted(app=False, mail=False))
    a_task(by=acting(boss), assignee=boss)
    a_task(by=acting(boss), assignee=agent)
    db.session.flush()

    assert db.session.scalars(select(Notification)).all() == []
    assert [mail.state for mail in db.session.scalars(select(Delivery))] == [DeliveryState.SUPPRESSED]


def test_a_day_that_comes_is_told_once_each_time_it_is_nearer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, due = an_agent(), dt.date(2026, 12, 10)
    task = a_task(assignee=agent, due_on=due, department=a_department())
    a_task(assignee=agent, department=a_department())
    finished = a_task(assignee=agent, due_on=due)
    finished.finish(SYSTEM)
    a_task(due_on=due)
    db.session.commit()
    days = []
    for day in (8, 9, 9, 10, 10, 11, 20):
        monkeypatch.setattr(telling, "today", lambda day=day: dt.date(2026, 12, day))
        telling.tell_due()
        db.session.commit()
        days.append([one.parts["near"] for one in db.session.scalars(select(Notification).where(Notification.kind == Notice.TASK_DUE).order_by(Notification.id))])  # fmt: skip
    all_ = ["tomorrow", "today", "overdue"]
    assert days == [[], all_[:1], all_[:1], all_[:2], all_[:2], all_, all_]

    task.set_due(dt.date(2026, 12, 21), SYSTEM)
    telling.tell_due()
    db.session.commit()
    assert task.told is Nearness.TOMORROW
    assert db.session.scalars(select(Delivery.kind).where(Delivery.kind == "task_due")).all() == ["task_due"] * 4


def test_today_is_the_desks_own_day(app: Flask) -> None:
    setting(time_zone="Pacific/Kiritimati")  # 25 hours before the other: a day, or for one of them two
    east = tasks.today()
    setting(time_zone="Pacific/Pago_Pago")

    assert dt.timedelta(days=1) <= east - tasks.today() <= dt.timedelta(days=2)


def where(task: Task) -> set[int]:
    db.session.expire_all()
    return set(db.session.scalars(select(TaskLink.ticket_id).where(TaskLink.task_id == task.id)))


def test_tasks_go_with_a_ticket_that_is_merged_and_come_back_exactly(app: Flask) -> None:
    boss = acting(a_supervisor())
    inner, duplicate, primary = a_ticket(), a_ticket(), a_ticket()
    ids = [inner.id, duplicate.id, primary.id]
    of_inner, of_duplicate, of_primary, of_all = a_task(inner), a_task(duplicate), a_task(primary), a_task(inner)
    of_all.link_to(duplicate, boss)
    of_all.link_to(primary, boss)
    merging.merge(inner, into=duplicate, by=boss)
    merging.merge(duplicate, into=primary, by=boss)
    db.session.commit()

    assert [where(each) for each in (of_inner, of_duplicate, of_primary, of_all)] == [{ids[2]}] * 4
    assert len(taskvisibility.tasks_of(ids[2], boss)) == 4
    with pytest.raises(Merged):
        a_task(db.session.get(Ticket, ids[0]), by=boss)
    meanwhile = a_task(db.session.get(Ticket, ids[2]), by=boss)

    merging.unmerge(db.session.get(Ticket, ids[1]), by=boss)
    assert [where(each) for each in (of_inner, of_duplicate, of_primary, of_all)] == [{ids[1]}, {ids[1]}, {ids[2]}, {ids[1], ids[2]}]  # fmt: skip
    merging.unmerge(db.session.get(Ticket, ids[0]), by=boss)
    assert [where(each) for each in (of_inner, of_duplicate, of_all, meanwhile)] == [{ids[0]}, {ids[1]}, set(ids), {ids[2]}]  # fmt: skip


def test_what_was_unlinked_from_the_primary_stays_so_after_taking_apart(app: Flask) -> None:
    boss, one, other = acting(a_supervisor()), a_ticket(), a_ticket()
    task = a_task(one)
    task.link_to(other, boss)
    merging.merge(one, into=other, by=boss)
    task.unlink_from(other, boss)
    merging.unmerge(one, by=boss)

    assert where(task) == set()


def test_a_deleted_ticket_leaves_the_task_to_its_people(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    task = a_task(ticket, by=acting(agent))
    db.session.delete(ticket)
    db.session.commit()

    assert where(task) == set() and seen(acting(agent)) == {task.title}


def test_a_deleted_task_is_gone_with_its_reminders_and_its_tickets_keep_that_it_was_there(app: Flask) -> None:
    boss, agent, ticket, other = a_supervisor(), an_agent(), a_ticket(), a_ticket()
    task = a_task(ticket, by=acting(boss), title="Order paper", assignee=agent)
    task.link_to(other, acting(boss))
    kept = a_task(ticket, by=acting(boss), assignee=agent)
    db.session.commit()

    task.delete(acting(an_admin()))
    db.session.commit()
    run_jobs()

    assert db.session.scalars(select(Task.id)).all() == [kept.id]
    assert {row.task_id for row in db.session.scalars(select(TaskEvent))} == {kept.id}
    assert {row.task_id for row in db.session.scalars(select(Notification))} - {None} == {kept.id}
    mails = {
        mail.task_id: mail.state
        for mail in db.session.scalars(select(Delivery).where(Delivery.kind == "task_assigned"))
    }
    assert mails[kept.id] is DeliveryState.CAPTURED and [state for one, state in mails.items() if one != kept.id] == [
        DeliveryState.SUPPRESSED
    ]
    for each in (ticket, other):
        assert (each.events[-1].what, each.events[-1].sentence) == (Did.TASK_DELETED, "deleted the task “Order paper”")


def test_only_who_has_the_right_and_sees_it_deletes_a_task(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    task = a_task(a_ticket(department=theirs))

    for actor in (
        acting(an_agent(theirs)),
        acting(a_supervisor()),
        acting(an_admin(departments=(mine,))),
        CustomerActor.of(a_customer()),
    ):
        with pytest.raises(Forbidden):
            task.delete(actor)
    task.delete(acting(staff("Super Admin")))


def test_what_a_deleted_task_said_of_a_customer_goes_when_they_are_erased(app: Flask) -> None:
    customer = a_customer(name="Zora Quell")
    theirs, foreign = a_ticket(requester=customer), a_ticket()
    for ticket, title in ((theirs, "Call back"), (foreign, "As for Zora Quell"), (foreign, "Order paper")):
        a_task(ticket, title=title).delete(SYSTEM)
    db.session.commit()

    erase(customer.email, with_tickets=False)

    gone = select(TicketEvent).where(TicketEvent.what == Did.TASK_DELETED).order_by(TicketEvent.id)
    assert [event.particulars.get("task") for event in db.session.scalars(gone)] == [None, None, "Order paper"]
