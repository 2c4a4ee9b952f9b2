"""Rules act after the commit, once for each cause, in their order, never on and on."""

import pytest
from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.automation import rules
from app.automation.models import On, Rule, RuleRun, RuleVersion
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk.customererase import erase
from app.mail.models import Delivery
from app.notifications.models import Notice, Notification
from app.tickets.choices import Category, Priority, State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did, TicketEvent
from tests.automation.making import TAG, a_rule
from tests.factories import (
    a_customer,
    a_department,
    a_field,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
)


def names(ticket):
    db.session.expire_all()
    return {tag.name for tag in ticket.tags}


def runs(ticket):
    return db.session.scalars(select(RuleRun).where(RuleRun.ticket_id == ticket.id).order_by(RuleRun.id)).all()


def urgent():
    return db.session.scalars(select(Priority).order_by(Priority.rank.desc())).first()


def test_a_rule_acts_on_what_it_listens_to_and_says_so_in_the_history(app):
    a_rule(TAG, {"do": "priority", "choice": str(urgent().id)}, name="Fires first", condition={"field": "subject", "op": "contains", "value": "fire"})  # fmt: skip
    burns, calm = a_ticket(subject="FIRE!"), a_ticket(subject="Hello")
    run_jobs()

    assert names(burns) == {"seen"} and burns.priority == urgent()
    assert names(calm) == set() and runs(calm) == []
    [run] = runs(burns)
    assert run.changed and run.held == [{"field": "subject", "op": "contains", "value": ["fire"], "held": True}]
    tagged = db.session.scalars(select(TicketEvent).where(TicketEvent.what == Did.TAGGED)).one()
    assert tagged.particulars["rule"] == "Fires first" and tagged.actor_name == "Deskhand"


def test_without_a_rule_that_listens_there_is_no_job(app):
    a_rule(TAG, on=On.NOTE)
    a_ticket()
    assert db.session.scalars(select(Outbox.job).where(Outbox.job == "automation.run")).all() == []


def test_each_kind_of_event_starts_the_rules_that_listen_to_it_and_no_others(app):
    for on in On:
        a_rule({"do": "tag", "text": on.value}, on=on, name=on.value, condition={"field": "tag", "op": "has_not", "value": on.value})  # fmt: skip
    agent, user = an_agent(), an_agent()
    ticket = a_ticket()
    run_jobs()
    heard = names(ticket)
    assert heard == {"created", "updated"}  # its own tag is an update
    for deed, name in (
        (lambda: ticket.receive(Words("More"), by=CustomerActor.of(ticket.requester)), "customer_message"),
        (lambda: ticket.note(Words("Hm"), by=acting(agent)), "note"),
        (lambda: ticket.reply(Words("Yes"), by=acting(agent)), "staff_reply"),
        (lambda: ticket.assign_to(user, acting(a_supervisor())), "assigned"),
        (lambda: ticket.set_status(status_for(State.WAITING), acting(user)), "status"),
        (lambda: ticket.record(Did.BREACHED, SYSTEM), "sla_breached"),
    ):
        deed()
        db.session.commit()
        run_jobs()
        assert name in names(ticket), name


def test_a_job_that_runs_twice_acts_once(app):
    a_rule({"do": "note", "text": "Hello"})
    ticket = a_ticket()
    run_jobs()
    again = db.session.scalars(select(Outbox).where(Outbox.job == "automation.run")).one()
    again.done_at = None
    again.retry()
    db.session.commit()
    run_jobs()

    assert ticket.message_count == 2 and len(runs(ticket)) == 1


def test_rules_go_in_their_order_and_one_may_be_the_last(app):
    a_rule({"do": "tag", "text": "one"}, name="one")
    a_rule({"do": "tag", "text": "two"}, name="two", stop=True, condition={"field": "tag", "op": "has", "value": "ONE"})
    a_rule({"do": "tag", "text": "three"}, name="three")
    ticket = a_ticket()
    run_jobs()

    assert names(ticket) == {"one", "two"}


def test_rules_that_start_each_other_end(app):
    """Each answers the other's change, and each comes once in a chain."""
    high, low = urgent(), db.session.scalars(select(Priority).order_by(Priority.rank)).first()
    a_rule({"do": "priority", "choice": str(high.id)}, on=On.UPDATED, name="up", condition={"field": "priority", "op": "is", "value": [str(low.id)]})  # fmt: skip
    a_rule({"do": "priority", "choice": str(low.id)}, on=On.UPDATED, name="down", condition={"field": "priority", "op": "is", "value": [str(high.id)]})  # fmt: skip
    ticket = a_ticket()
    ticket.set_priority(high, acting(a_supervisor()))
    db.session.commit()
    run_jobs()

    assert [run.name for run in runs(ticket)] == ["down", "up"]
    assert [run.chain for run in runs(ticket)][1] != ""


def test_a_rule_that_runs_away_is_switched_off_and_admins_hear_of_it(app):
    admin = an_admin()
    rule = a_rule({"do": "note", "text": "Again"}, on=On.CUSTOMER_MESSAGE, name="Echo")
    ticket = a_ticket()
    for n in range(22):
        ticket.receive(Words(f"More {n}"), by=CustomerActor.of(ticket.requester))
        db.session.commit()
        run_jobs()

    db.session.refresh(rule)
    assert not rule.active and ticket.display in rule.stopped_why
    assert len(runs(ticket)) == 21
    told = select(Notification).where(Notification.kind == Notice.RULE_STOPPED, Notification.staff_id == admin.id)
    assert db.session.scalars(told).one().place == "/admin/rules/"


def test_limits_of_runs_and_pauses_are_kept(app):
    a_rule({"do": "note", "text": "Once"}, on=On.CUSTOMER_MESSAGE, name="once", most_runs=1)
    a_rule({"do": "note", "text": "Rarely"}, on=On.CUSTOMER_MESSAGE, name="rarely", pause_minutes=60)
    ticket = a_ticket()
    for n in range(3):
        ticket.receive(Words(f"More {n}"), by=CustomerActor.of(ticket.requester))
        db.session.commit()
        run_jobs()

    assert sorted(run.name for run in runs(ticket)) == ["once", "rarely"]


def test_what_cannot_happen_is_kept_as_refused_and_the_rest_happens(app):
    a_rule({"do": "priority", "choice": "987654"}, TAG, {"do": "status", "choice": "987654"})
    ticket = a_ticket()
    run_jobs()

    [run] = runs(ticket)
    assert [bool(one.get("refused")) for one in run.did] == [True, False, True]
    assert names(ticket) == {"seen"}


def test_an_action_that_changes_nothing_says_nothing(app):
    ticket = a_ticket()
    a_rule({"do": "priority", "choice": str(ticket.priority_id)}, on=On.NOTE)
    ticket.note(Words("Hm"), by=acting(an_agent()))
    before = db.session.scalar(select(func.count(TicketEvent.id)))
    db.session.commit()
    run_jobs()

    assert db.session.scalar(select(func.count(TicketEvent.id))) == before
    assert [run.changed for run in runs(ticket)] == [False]


def test_a_rules_reply_reaches_the_customer_marked_as_a_machines_and_is_no_answer(app):
    a_rule({"do": "reply", "text": "We got {{ticket_number}}."}, on=On.CUSTOMER_MESSAGE)
    ticket = a_ticket()
    ticket.receive(Words("Anybody there?"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    run_jobs()
    db.session.refresh(ticket)

    reply = ticket.messages[-1]
    assert (reply.text, reply.by_customer, reply.author_name) == (f"We got {ticket.display}.", False, "Deskhand")
    assert ticket.needs_response and ticket.first_response_at is None and ticket.last_staff_at is None
    mail = db.session.scalars(select(Delivery).where(Delivery.message_id == reply.id)).one()
    assert mail.automatic and mail.customer_id == ticket.requester_id


def test_no_rule_replies_to_a_machine(app):
    from app.tickets.opening import NewTicket, open_ticket

    a_rule({"do": "reply", "text": "Hello"})
    ticket = open_ticket(
        NewTicket(requester=a_customer(), subject="Away", words=Words("I am away", via=Channel.MAIL)), SYSTEM
    )
    db.session.commit()
    run_jobs()

    assert ticket.message_count == 1
    assert "machine" in runs(ticket)[0].did[0]["refused"]


@pytest.mark.parametrize("whom", ["assignee", "lead", "supervisors", "person"])
def test_a_rule_tells_people(app, whom):
    agent, lead, boss = an_agent(), an_admin(), a_supervisor()
    ticket = a_ticket()
    ticket.department.lead_id = lead.id
    ticket.assign_to(agent, SYSTEM)
    people = {"assignee": agent, "lead": lead, "supervisors": boss, "person": agent}
    a_rule({"do": "tell", "choice": str(agent.id) if whom == "person" else whom, "text": "Look at {{subject}}"}, on=On.NOTE, name="Teller")  # fmt: skip
    ticket.note(Words("Hm"), by=SYSTEM)
    db.session.commit()
    run_jobs()

    told = db.session.scalars(select(Notification).where(Notification.kind == Notice.RULE)).one()
    assert told.staff_id == people[whom].id
    assert told.sentence == f"Look at {ticket.subject} (rule “Teller”)"


def test_nobody_who_may_not_see_the_ticket_is_told(app):
    stranger = an_agent(a_department())
    ticket = a_ticket()
    a_rule({"do": "tell", "choice": str(stranger.id), "text": "Secret"}, on=On.NOTE)
    ticket.note(Words("Hm"), by=SYSTEM)
    db.session.commit()
    run_jobs()

    assert db.session.scalars(select(Notification).where(Notification.kind == Notice.RULE)).all() == []


def test_a_changed_rule_is_a_new_version_at_once_and_the_old_one_is_kept(app):
    rule = a_rule(TAG)
    rule.actions = [{"do": "tag", "text": "other"}]
    rules.save(rule, acting(an_admin()))
    db.session.commit()
    ticket = a_ticket()
    run_jobs()

    assert names(ticket) == {"other"} and runs(ticket)[0].version == 2
    kept = db.session.scalars(select(RuleVersion).order_by(RuleVersion.version)).all()
    assert [one.written["actions"] for one in kept] == [[TAG], [{"do": "tag", "text": "other"}]]


def test_a_deleted_rule_acts_no_more_and_what_it_did_stays_told(app):
    rule = a_rule(TAG)
    first = a_ticket()
    run_jobs()
    db.session.delete(rule)
    db.session.commit()
    second = a_ticket()
    run_jobs()

    assert names(second) == set()
    assert [(run.rule_id, run.name) for run in runs(first)] == [(None, "Rule")]


def test_what_was_written_is_taken_over_again_as_it_was(app):
    rule = a_rule(TAG, condition={"any": [{"field": "late", "op": "yes", "value": []}]}, stop=True, most_runs=3)
    twin = Rule(name="")
    rules.take_over(twin, rules.written(rule))
    assert rules.written(twin) == rules.written(rule)


@pytest.mark.parametrize("wrong", [{}, {"name": 1, "kind": "x", "actions": []}, {"name": "x", "kind": "timer", "actions": [1]}, {"name": "x", "kind": "trigger", "actions": [], "minutes": "5"}, {"name": "x", "kind": "trigger", "actions": [], "listens": ["nonsense"]}])  # fmt: skip
def test_what_is_no_rule_is_refused(app, wrong):
    with pytest.raises(Invalid):
        rules.take_over(Rule(name=""), wrong)


def test_a_merged_tickets_events_start_nothing(app):
    from app.tickets.merging import merge

    a_rule(TAG, on=On.NOTE)
    first, second = a_ticket(), a_ticket()
    second.note(Words("Hm"), by=acting(an_agent()))
    merge(second, into=first, by=acting(a_supervisor()))
    db.session.commit()
    run_jobs()

    assert names(second) == set() and runs(second) == []


def test_what_rules_kept_of_an_erased_customer_goes(app):
    field = a_field("Serial")
    a_rule({"do": "field", "choice": field.key, "text": "secret words"})
    ticket = a_ticket()
    ticket_id = ticket.id
    run_jobs()
    assert "secret words" in str(runs(ticket)[0].did)

    ticket = db.session.get_one(Ticket, ticket_id)
    erase(ticket.requester.email, with_tickets=False)
    assert db.session.scalars(select(RuleRun)).all() == []


def test_a_category_that_is_gone_from_a_rule_holds_nobody_up(app):
    category = Category(name="Short-lived")
    db.session.add(category)
    db.session.flush()
    a_rule(TAG, condition={"field": "category", "op": "is", "value": [str(category.id)]})
    db.session.delete(category)
    db.session.commit()
    ticket = a_ticket()
    run_jobs()
    assert db.session.get_one(Ticket, ticket.id) and runs(ticket) == []
