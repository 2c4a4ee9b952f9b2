"""Macros: what each action does and what refuses it, a preview that is what comes, all or nothing, and the way back."""

import dataclasses as dc
import datetime as dt
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk import bulk
from app.desk.customererase import erase
from app.desk.deeds import Asked
from app.tickets import actions, macroruns, macros, tasks
from app.tickets.actions import KINDS, Action
from app.tickets.bulk import BulkStep
from app.tickets.choices import CannedResponse, State
from app.tickets.drafts import Draft
from app.tickets.leaks import Doubtful, Kind
from app.tickets.lifecycle import status_for
from app.tickets.lists import Audience
from app.tickets.macroruns import Changed, TooLate
from app.tickets.macros import Macro, MacroRun
from app.tickets.models import Ticket
from app.tickets.tally import recount
from app.tickets.tasks import NewTask, Task
from app.tickets.thread import Message, Words
from app.tickets.timeline import Did, TicketEvent
from tests.factories import (  # fmt: skip
    a_category,
    a_customer,
    a_department,
    a_field,
    a_macro,
    a_priority,
    a_status,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    setting,
)


@pytest.fixture
def desk(app: Flask) -> Any:
    boss = a_supervisor()
    ticket = a_ticket(requester=a_customer("Ada"))
    db.session.commit()
    return ticket, acting(boss)


def ran(ticket: Ticket, by: Any, *steps: dict[str, Any]) -> MacroRun:
    done = macroruns.run(a_macro(*steps), ticket, by)
    db.session.commit()
    return done


def foreseen(macro: Macro, ticket: Ticket, by: Any) -> macroruns.Outcome:
    outcome = macroruns.rehearse(macro, ticket, by)
    db.session.rollback()
    return outcome


def refusal_of(ticket: Ticket, by: Any, **step: str) -> str:
    macro = a_macro(step)
    db.session.commit()
    outcome = foreseen(macro, ticket, by)
    with pytest.raises(HelpdeskError) as refused:
        macroruns.run(macro, ticket, by)
    db.session.rollback()
    assert outcome.refused == [0] and outcome.steps[0].refused == str(refused.value)
    return outcome.steps[0].refused


def newest(ticket: Ticket) -> Message:
    return db.session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id.desc())).first()


def rows() -> dict[str, int]:
    return {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table))
        for table in (TicketEvent, Message, Draft, Task, Outbox, MacroRun)
    }


def test_each_action_does_its_deed(desk):
    ticket, boss = desk
    department, category, agent = a_department("Second line"), a_category("Bill"), an_agent()
    serial = a_field("Serial")
    ran(
        ticket, boss, {"do": "priority", "choice": a_priority(4).id}, {"do": "category", "choice": category.id}, {"do": "tag", "text": "vip, late"},
        {"do": "untag", "text": "late"}, {"do": "field", "choice": serial.key, "text": "A-7"}, {"do": "note", "text": "For {{customer_name}}"},
        {"do": "snooze", "days": 2}, {"do": "follow_up", "days": 3}, {"do": "task", "text": "Ring {{customer_name}}", "days": 1},
        {"do": "assign", "choice": agent.id}, {"do": "department", "choice": department.id}, {"do": "status", "choice": status_for(State.HOLD).id},
    )  # fmt: skip

    assert (ticket.priority_rank, ticket.category, [tag.name for tag in ticket.tags]) == (4, category, ["vip"])
    assert actions.state_of(ticket)["fields"] == {serial.key: ["A-7"]}
    assert (newest(ticket).text, newest(ticket).public) == ("For Ada", False)
    assert (
        ticket.snoozed_until
        and ticket.follow_up_at
        and ticket.follow_up_at - ticket.snoozed_until > dt.timedelta(hours=22)
    )
    assert db.session.scalars(select(Task.title)).all() == ["Ring Ada"]
    assert (ticket.assignee, ticket.department, ticket.state) == (agent, department, State.HOLD)


def test_me_nobody_and_the_rules_are_people_too(desk):
    ticket, boss = desk
    agent = an_agent()
    ran(ticket, boss, {"do": "assign", "choice": "me"})
    mine = ticket.assignee_id
    ran(ticket, boss, {"do": "assign", "choice": "nobody"})
    nobodys = ticket.assignee_id
    ran(ticket, boss, {"do": "assign", "choice": "auto"})

    assert (mine, nobodys) == (boss.id, None)
    assert ticket.assignee_id in {agent.id, boss.id, *db.session.scalars(select(Macro.owner_id))}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"do": "status", "choice": "999999"}, "does not exist"),
        ({"do": "priority", "choice": "999999"}, "does not exist"),
        ({"do": "department", "choice": "999999"}, "does not exist"),
        ({"do": "category", "choice": "999999"}, "does not exist"),
        ({"do": "assign", "choice": "999999"}, "does not work on the desk"),
        ({"do": "reply", "choice": "999999"}, "canned response"),
        ({"do": "reply", "text": " "}, "empty"),
        ({"do": "note", "text": ""}, "empty"),
        ({"do": "field", "choice": "gone", "text": "x"}, "no such field"),
        ({"do": "snooze", "days": "9999"}, "within five years"),
        ({"do": "follow_up", "days": "9999"}, "within five years"),
        ({"do": "tag", "text": "x" * 41}, "At most 40"),
        ({"do": "task", "text": "", "days": ""}, ""),
        ({"do": "fly"}, "does not know this action"),
    ],
    ids=lambda value: value["do"] + value.get("text", "")[:1] if isinstance(value, dict) else "",
)
def test_what_is_not_there_is_refused_in_a_sentence_by_preview_and_run_alike(desk, step, said):
    ticket, boss = desk

    assert said in refusal_of(ticket, boss, **step)


@pytest.mark.parametrize("do", list(KINDS))
def test_an_action_without_the_right_is_refused(desk, do):
    ticket, boss = desk
    looks = dc.replace(boss, permissions=frozenset({("can_show", "Ticket"), ("can_list", "Macro")}))
    choice = {
        "status": status_for(State.HOLD).id, "priority": a_priority(4).id, "assign": "nobody", "department": a_department().id, "category": "none",
    }  # fmt: skip

    assert "may not" in refusal_of(ticket, looks, do=do, choice=str(choice.get(do, "")), text="word", days="1")


def test_a_status_that_staff_may_not_choose_is_refused_and_the_rest_is_offered(desk):
    ticket, boss = desk
    status_for(State.CLOSED).manual = False
    macro = a_macro({"do": "status", "choice": status_for(State.CLOSED).id}, {"do": "tag", "text": "done"})
    db.session.commit()
    outcome = foreseen(macro, ticket, boss)
    macroruns.run(macro, ticket, boss, outcome.refused, outcome.seen)
    db.session.commit()

    assert "cannot be chosen by hand" in outcome.steps[0].refused
    assert (ticket.state, [tag.name for tag in ticket.tags]) == (State.OPEN, ["done"])


def test_somebody_who_cannot_see_the_ticket_is_not_given_it(desk):
    ticket, boss = desk
    stranger = an_agent(a_department("Elsewhere"))

    assert "has no access" in refusal_of(ticket, boss, do="assign", choice=str(stranger.id))


def test_one_refusal_that_nobody_foresaw_undoes_all_of_it(desk):
    ticket, boss = desk
    macro = a_macro(
        {"do": "note", "text": "first"},
        {"do": "priority", "choice": a_priority(4).id},
        {"do": "category", "choice": 10**9},
    )
    db.session.commit()
    before = rows(), actions.state_of(ticket), macro.uses
    with pytest.raises(HelpdeskError):
        macroruns.run(macro, ticket, boss)
    db.session.rollback()

    assert (rows(), actions.state_of(ticket), macro.uses) == before


def test_a_rehearsal_leaves_nothing_behind(desk):
    ticket, boss = desk
    macro = a_macro(
        {"do": "reply", "text": "Hello"}, {"do": "note", "text": "n"}, {"do": "task", "text": "t"}, {"do": "assign", "choice": "auto"},
        {"do": "status", "choice": status_for(State.RESOLVED).id}, {"do": "tag", "text": "new-tag"}, {"do": "snooze", "days": 0},
    )  # fmt: skip
    db.session.commit()
    before = rows(), actions.state_of(ticket)
    outcome = foreseen(macro, ticket, boss)

    assert len(outcome.steps) == 7 and outcome.steps[0].text == "Hello"
    assert (rows(), actions.state_of(ticket)) == before
    assert recount() == 0


def test_a_reply_reads_as_foreseen_and_leaves_after_its_moment(desk):
    setting(undo_send_seconds=10)
    ticket, boss = desk
    response = CannedResponse(title="Hi", body="Dear {{customer_name}}, ticket {{ticket_number}}.")
    db.session.add(response)
    db.session.flush()
    macro = a_macro({"do": "reply", "choice": response.id})
    db.session.commit()
    text = foreseen(macro, ticket, boss).steps[0].text
    done = macroruns.run(macro, ticket, boss)
    db.session.commit()

    assert text == f"Dear Ada, ticket {ticket.display}."
    assert [draft.text for draft in db.session.scalars(select(Draft).where(Draft.leaves_at.is_not(None)))] == [text]
    macroruns.undo(done, ticket, boss)
    db.session.commit()
    assert db.session.scalars(select(Draft).where(Draft.leaves_at.is_not(None))).all() == []


def test_where_replies_leave_at_once_so_does_a_macros(desk):
    setting(undo_send_seconds=0)
    ticket, boss = desk
    ran(ticket, boss, {"do": "reply", "text": "At once, {{customer_name}}"})

    assert (newest(ticket).text, newest(ticket).public) == ("At once, Ada", True)


def test_a_reply_for_the_composer_is_a_draft_of_its_runner(desk):
    ticket, boss = desk
    ran(ticket, boss, {"do": "reply", "text": "Think about it", "how": "draft"})

    draft = db.session.scalars(select(Draft)).one()
    assert (draft.text, draft.staff_id, draft.leaves_at) == ("Think about it", boss.id, None)


def test_the_history_says_it_once_and_names_the_macro_at_each_change(desk):
    ticket, boss = desk
    macro = a_macro({"do": "tag", "text": "vip"}, {"do": "priority", "choice": a_priority(4).id}, name="Escalate")
    macroruns.run(macro, ticket, boss)
    db.session.commit()
    told = [(event.what, event.particulars.get("macro")) for event in ticket.events[-3:]]

    assert told == [(Did.MACRO_RAN, None), (Did.TAGGED, "Escalate"), (Did.PRIORITY_CHANGED, "Escalate")]
    assert (macro.uses, ticket.events[-3].sentence) == (1, "ran the macro “Escalate”")


def test_undo_gives_everything_back_when_nothing_came_since(desk):
    ticket, boss = desk
    before = actions.state_of(ticket)
    done = ran(
        ticket, boss, {"do": "status", "choice": status_for(State.RESOLVED).id}, {"do": "priority", "choice": a_priority(4).id}, {"do": "assign", "choice": "me"},
        {"do": "tag", "text": "a, b"}, {"do": "category", "choice": a_category().id}, {"do": "department", "choice": a_department().id},
    )  # fmt: skip
    macroruns.undo(done, ticket, boss)
    db.session.commit()

    assert actions.state_of(ticket) == before
    assert ticket.events[-1].what is Did.MACRO_UNDONE
    with pytest.raises(TooLate):
        macroruns.undo(done, ticket, boss)


@pytest.mark.parametrize("since", ["message", "change"])
def test_undo_is_refused_when_something_came_since(desk, since):
    ticket, boss = desk
    done = ran(ticket, boss, {"do": "tag", "text": "vip"})
    if since == "message":
        ticket.receive(Words("Wait!"), by=CustomerActor.of(ticket.requester))
    else:
        ticket.set_priority(a_priority(1), by=SYSTEM)
    db.session.commit()

    with pytest.raises(TooLate):
        macroruns.undo(done, ticket, boss)
    assert [tag.name for tag in ticket.tags] == ["vip"]


def test_nobody_else_and_nobody_later_takes_a_macro_back(desk):
    ticket, boss = desk
    done = ran(ticket, boss, {"do": "tag", "text": "vip"})
    with pytest.raises(TooLate):
        macroruns.undo(done, ticket, acting(a_supervisor()))
    done.at -= dt.timedelta(minutes=5)
    with pytest.raises(TooLate):
        macroruns.undo(done, ticket, boss)


@pytest.mark.parametrize("since", ["message", "change"])
def test_a_ticket_that_changed_after_the_preview_is_left_alone(desk, since):
    ticket, boss = desk
    macro = a_macro({"do": "priority", "choice": a_priority(4).id})
    db.session.commit()
    outcome = foreseen(macro, ticket, boss)
    if since == "message":
        ticket.receive(Words("News"), by=CustomerActor.of(ticket.requester))
    else:
        ticket.set_priority(a_priority(3), by=SYSTEM)
    db.session.commit()

    with pytest.raises(Changed):
        macroruns.run(macro, ticket, boss, outcome.refused, outcome.seen)
    db.session.rollback()
    assert ticket.priority_rank in (2, 3)


def test_the_preview_says_who_loses_the_ticket_by_a_move(desk):
    ticket, boss = desk
    agent = an_agent(ticket.department)
    ticket.assign_to(agent, by=boss)
    macro = a_macro({"do": "department", "choice": a_department("Elsewhere").id})
    db.session.commit()

    (step,) = foreseen(macro, ticket, boss).steps

    assert step.text == f"{agent.get_full_name()} loses the ticket, as it goes to another department."


def test_a_macro_is_offered_where_its_conditions_hold_and_to_whom_it_is_shared(desk):
    ticket, boss = desk
    here, elsewhere, agent = ticket.department, a_department("Elsewhere"), an_agent()
    for name, more in {
        "all": {}, "here": {"conditions": {"department": str(here.id), "state": "open"}}, "there": {"conditions": {"department": str(elsewhere.id)}},
        "kind": {"conditions": {"kind": "conversation"}}, "own": {"owner": agent}, "off": {"active": False},
        "role": {"audience": Audience.ROLE, "role_id": agent.roles[0].id}, "team": {"audience": Audience.DEPARTMENT, "department_id": elsewhere.id},
    }.items():  # fmt: skip
        a_macro({"do": "tag", "text": "x"}, name=name, **more)
    db.session.commit()

    assert {one.name for one in macros.offered(boss, ticket)} == {"all", "here"}
    assert {one.name for one in macros.offered(acting(agent), ticket)} == {"all", "here", "own", "role"}
    assert [one.name for one in macros.offered(boss, None, "HE er")] == ["here", "there"]
    assert macros.find(10**30, boss) is None


STEPS = st.lists(
    st.one_of(
        st.builds(lambda rank: {"do": "priority", "choice": ("rank", rank)}, st.integers(1, 4)),
        st.builds(lambda state: {"do": "status", "choice": ("state", state)}, st.sampled_from(list(State))),
        st.builds(lambda who: {"do": "assign", "choice": who}, st.sampled_from(["me", "nobody", "auto", ("agent", 0), ("agent", 1)])),
        st.builds(lambda which: {"do": "department", "choice": ("department", which)}, st.integers(0, 2)),
        st.builds(lambda which: {"do": "category", "choice": which}, st.sampled_from(["none", ("category", 0), "77777"])),
        st.builds(lambda do, text: {"do": do, "text": text}, st.sampled_from(["tag", "untag", "note", "reply"]), st.sampled_from(["vip", "a, b", "", "{{customer_name}}"])),
        st.builds(lambda do, days: {"do": do, "days": str(days)}, st.sampled_from(["snooze", "follow_up"]), st.integers(0, 4000)),
        st.just({"do": "task", "text": "Ring", "days": "2"}),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


ALSO_TOUCHES = {
    "department": {"assign", "category"},
    "assign": {"status"},
    "reply": {"status"},
    "status": {"snooze", "follow_up"},
}
"""What an action may change besides what it names; the preview tells of it in words."""


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=STEPS,
    state=st.sampled_from([State.OPEN, State.WAITING, State.CLOSED]),
    scoped=st.booleans(),
    seconds=st.sampled_from([0, 10]),
)
def test_what_the_preview_shows_is_what_comes(app, steps, state, scoped, seconds):
    """Of random macros on random tickets, run by people with and without a wide view."""
    setting(undo_send_seconds=seconds)
    places, people = [a_department() for _ in range(3)], [an_agent(), an_agent()]
    category, ticket = a_category(), a_ticket(department=places[0], state=state)
    by = acting(an_agent(places[0])) if scoped else acting(a_supervisor())
    if scoped:
        ticket.assign_to(db.session.get(type(people[0]), by.id), by=SYSTEM)
    ids = {
        "rank": lambda n: a_priority(n).id,
        "state": lambda s: status_for(s).id,
        "agent": lambda n: people[n].id,
        "department": lambda n: places[n].id,
        "category": lambda n: category.id,
    }
    named = [
        {
            **step,
            "choice": ids[step["choice"][0]](step["choice"][1])
            if isinstance(step.get("choice"), tuple)
            else step.get("choice", ""),
        }
        for step in steps
    ]
    macro = a_macro(*named)
    db.session.commit()

    macro_id, ticket_id = macro.id, ticket.id
    outcome = foreseen(macro, ticket, by)
    ticket, macro = db.session.get(Ticket, ticket_id), db.session.get(Macro, macro_id)
    if len(outcome.refused) == len(steps):
        return
    done = macroruns.run(macro, ticket, by, outcome.refused, outcome.seen)
    db.session.commit()
    happened = [step for step in outcome.steps if not step.refused]
    last = {step.action.do: (place, step.now) for place, step in enumerate(happened)}
    for do, (place, now) in last.items():
        touched = set().union(*(ALSO_TOUCHES.get(step.action.do, set()) for step in happened[place + 1 :]))
        shown = KINDS[do].shown
        if shown and do not in {"tag", "untag", *touched}:
            assert shown(ticket, Action(do)) == now
    assert done.now == actions.state_of(ticket)
    assert recount() == 0


def test_an_erased_customers_words_are_in_no_way_back(desk):
    ticket, boss = desk
    ticket.set_field(a_field("Serial").key, "Ada's own words", by=boss)
    ran(ticket, boss, {"do": "tag", "text": "vip"})
    bulk.begin("macro", Asked({"id": a_macro({"do": "tag", "text": "late"}).id}), [ticket.id], boss)
    told = [
        str(db.session.scalars(select(MacroRun.was).order_by(MacroRun.id)).first()),
        str(db.session.scalars(select(BulkStep.before)).one()),
    ]
    erase(ticket.requester.email, with_tickets=False)

    assert all("own words" in one for one in told)
    assert db.session.scalars(select(MacroRun)).all() == []
    assert db.session.scalars(select(BulkStep.before)).all() == [None]


SECRET = "Their contract ends in March and they have not paid since summer, be careful"


def a_ticket_with_a_secret(by):
    ticket = a_ticket()
    ticket.note(Words(SECRET), by=by)
    db.session.commit()
    return ticket


def test_a_macro_that_quotes_a_note_runs_only_for_whoever_says_yes_to_that(app):
    by = acting(a_supervisor())
    ticket, macro = a_ticket_with_a_secret(by), a_macro({"do": "reply", "text": f"We heard: {SECRET}"})
    db.session.commit()
    outcome = macroruns.rehearse(macro, ticket, by)
    db.session.rollback()

    assert [leak.kind for leak in outcome.findings] == [Kind.NOTE]
    for looked in ([], ["file:", "note:0"]):
        with pytest.raises(Doubtful):
            macroruns.run(macro, ticket, by, seen=outcome.seen, looked=looked)
        db.session.rollback()
    macroruns.run(macro, ticket, by, seen=outcome.seen, looked=[leak.key for leak in outcome.findings])
    assert len(actions.leaving(ticket, by)) == 1 or ticket.messages[-1].text.startswith("We heard")


def test_a_yes_to_one_finding_is_none_to_another_that_came_since(app):
    by = acting(a_supervisor())
    ticket, macro = a_ticket_with_a_secret(by), a_macro({"do": "reply", "text": f"{SECRET}. The log is attached."})
    looked = [leak.key for leak in macroruns.rehearse(macro, ticket, by).findings][:1]
    db.session.rollback()

    with pytest.raises(Doubtful) as refusal:
        macroruns.run(macro, ticket, by, looked=looked)
    assert [leak.kind for leak in refusal.value.doubts] == [Kind.FILE]


def test_words_for_the_composer_and_notes_are_not_looked_at_as_they_do_not_leave(app):
    by = acting(a_supervisor())
    ticket = a_ticket_with_a_secret(by)
    macro = a_macro({"do": "reply", "text": SECRET, "how": "draft"}, {"do": "note", "text": SECRET})

    assert macroruns.rehearse(macro, ticket, by).findings == ()


def test_a_macro_that_ends_a_ticket_tells_its_open_tasks_and_not_those_it_makes(app):
    by = acting(a_supervisor())
    ticket = a_ticket()
    macro = a_macro({"do": "task", "text": "Look again"}, {"do": "status", "choice": a_status("Closed").id})
    db.session.commit()
    alone = macroruns.rehearse(macro, ticket, by).findings
    db.session.rollback()
    tasks.create(NewTask("Order a printer"), by, ticket)
    db.session.commit()
    found = macroruns.rehearse(macro, ticket, by).findings
    db.session.rollback()

    assert alone == () and [leak.kind for leak in found] == [Kind.TASKS]
    assert "“Order a printer”" in found[0].sentence
