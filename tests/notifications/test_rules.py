"""Who is told what, by default and by choice; nobody of what they did themselves."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.models import Availability
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.notifications import inbox
from app.notifications.inbox import Wanted
from app.notifications.models import Notice, Notification
from app.sla import jobs as sla
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.models import TicketKind
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
)


def told(person) -> list[Notice]:
    """In the app, oldest first."""
    return list(
        db.session.scalars(
            select(Notification.kind).where(Notification.staff_id == person.id).order_by(Notification.id)
        )
    )


def mailed(person) -> list[str]:
    """Kinds of mails that were not held back."""
    own = Delivery.staff_id == person.id if hasattr(person, "username") else Delivery.customer_id == person.id
    return list(
        db.session.scalars(
            select(Delivery.kind).where(own, Delivery.state != DeliveryState.SUPPRESSED).order_by(Delivery.id)
        )
    )


def by_customer(ticket) -> CustomerActor:
    return CustomerActor.of(ticket.requester)


def test_a_new_ticket_is_confirmed_to_its_customer_and_told_to_the_department(app):
    department, elsewhere = a_department(), a_department()
    there, other = an_agent(department), an_agent(elsewhere)
    away = an_agent(department, availability=Availability.OFFLINE)
    ticket = a_ticket(department=department)
    run_jobs()

    assert mailed(ticket.requester) == ["ticket_created"]
    assert told(there) == [Notice.TICKET_CREATED]
    assert told(other) == told(away) == []
    assert mailed(there) == []


def test_in_a_desk_whose_departments_have_no_members_everybody_who_is_there_is_told(app):
    agent, admin = an_agent(), an_admin()
    a_ticket()
    run_jobs()

    assert told(agent) == told(admin) == [Notice.TICKET_CREATED]


def test_a_ticket_opened_for_somebody_tells_them_once(app):
    agent, other = an_agent(), an_agent()
    a_ticket(assignee=agent)
    run_jobs()

    assert told(agent) == [Notice.ASSIGNED]
    assert mailed(agent) == ["assigned"]
    assert told(other) == []


def test_whoever_takes_a_ticket_is_not_told_that_they_did(app):
    agent = an_agent()
    ticket = a_ticket()
    ticket.assign_to(agent, by=acting(agent))
    run_jobs()

    assert told(agent) == []
    assert mailed(agent) == []


def test_a_customers_reply_is_told_to_the_assignee_alone(app):
    agent, other = an_agent(), an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.receive(Words("Any news?"), by=by_customer(ticket))
    run_jobs()

    assert told(agent)[-1] is Notice.CUSTOMER_REPLIED
    assert mailed(agent) == ["assigned", "customer_replied"]
    assert told(other) == []


def test_a_customers_reply_to_nobodys_ticket_is_told_to_the_department_in_the_app(app):
    agent = an_agent()
    ticket = a_ticket()
    ticket.receive(Words("Any news?"), by=by_customer(ticket))
    run_jobs()

    assert told(agent) == [Notice.TICKET_CREATED, Notice.CUSTOMER_REPLIED]
    assert mailed(agent) == []


def test_a_staff_reply_goes_to_the_customer(app):
    ticket = a_ticket()
    ticket.reply(Words("Yes"), by=acting(an_agent()))

    assert mailed(ticket.requester) == ["ticket_created", "staff_replied"]


def test_a_conversation_that_staff_begin_reaches_the_customer_as_their_words(app):
    agent, customer = an_agent(), a_customer()
    a_ticket(
        "Renewal",
        requester=customer,
        kind=TicketKind.CONVERSATION,
        opened_by_staff=True,
        via=Channel.STAFF,
        by=acting(agent),
    )
    run_jobs()

    assert mailed(customer) == ["staff_replied"]
    assert told(agent) == []


@pytest.mark.parametrize(("verb", "kind"), [("resolve", "ticket_resolved"), ("close", "ticket_closed")])
def test_the_customer_is_told_when_staff_end_a_ticket(app, verb, kind):
    ticket = a_ticket()
    getattr(ticket, verb)(by=acting(an_agent()))

    assert mailed(ticket.requester) == ["ticket_created", kind]


def test_a_customer_who_closes_is_not_told_that_they_did(app):
    ticket = a_ticket()
    ticket.close(by=by_customer(ticket))

    assert mailed(ticket.requester) == ["ticket_created"]


def test_a_reply_that_closes_is_one_mail(app):
    ticket = a_ticket()
    ticket.reply(Words("Done"), by=acting(an_agent()), then=Then.CLOSE)

    assert mailed(ticket.requester) == ["ticket_created", "staff_replied"]


def test_a_customer_who_is_silent_is_reminded_and_told_when_it_closes(app):
    ticket = a_ticket(state=State.WAITING)
    ticket.record(Did.REMINDED, SYSTEM)
    ticket.close(by=SYSTEM)

    assert mailed(ticket.requester) == ["ticket_created", "waiting_reminder", "ticket_closed"]
    assert (
        db.session.scalars(select(Delivery.values).where(Delivery.kind == "ticket_closed")).one()["outcome"]
        == "no_answer"
    )


def test_a_changed_priority_is_told_to_the_assignee_with_what_it_was(app):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.set_priority(a_priority(4), by=acting(a_supervisor()))
    run_jobs()
    notification = db.session.scalars(select(Notification).where(Notification.kind == Notice.PRIORITY_CHANGED)).one()

    assert notification.staff_id == agent.id
    assert "from Normal to Critical" in notification.sentence
    assert mailed(agent) == ["assigned", "priority_changed"]


def test_whoever_is_mentioned_in_a_note_is_told(app):
    agent, mentioned = an_agent(), an_agent(name="mona")
    ticket = a_ticket(assignee=agent)
    ticket.note(Words("@mona can you look? @nobody"), by=acting(agent))
    run_jobs()

    assert told(mentioned) == [Notice.MENTION]
    assert mailed(mentioned) == ["mention"]


def test_a_breach_is_told_to_the_assignee_and_the_supervisors_who_see_the_ticket(app):
    department, elsewhere = a_department(), a_department()
    agent, supervisor, other = an_agent(), a_supervisor(), a_supervisor(departments=(elsewhere,))
    ticket = a_ticket(department=department, assignee=agent)
    ticket.record(Did.BREACHED, SYSTEM)
    run_jobs()

    assert told(agent)[-1] is told(supervisor)[-1] is Notice.SLA_BREACH
    assert told(other) == []
    assert "sla_breach" in mailed(agent) and "sla_breach" in mailed(supervisor)


def test_an_hour_later_the_departments_lead_is_told_if_it_lasts(app):
    lead = an_agent()
    department = a_department(lead_id=lead.id)
    opened = clock.now()
    late, answered = (
        a_ticket(department=department, assignee=an_agent(), priority=a_priority(4)),
        a_ticket(department=department, assignee=an_agent(), priority=a_priority(4)),
    )
    setting(agents_see_departments=True)
    with time_machine.travel(opened + dt.timedelta(minutes=62)):
        sla.enforce()
        answered.reply(Words("Here"), by=acting(an_admin()))
        run_jobs()
    assert told(lead) == []

    with time_machine.travel(opened + dt.timedelta(minutes=122)):
        sla.enforce()
        run_jobs()

    assert [
        row.ticket_id for row in db.session.scalars(select(Notification).where(Notification.staff_id == lead.id))
    ] == [late.id]


def test_before_it_is_late_the_assignee_alone_is_warned_and_by_mail_only_who_wants_that(app):
    agent, supervisor, opened = an_agent(), a_supervisor(), clock.now()
    a_ticket(assignee=agent, priority=a_priority(4))
    with time_machine.travel(opened + dt.timedelta(minutes=49)):
        sla.enforce()
        run_jobs()

    assert told(agent)[-1] is Notice.SLA_NEAR
    assert Notice.SLA_NEAR not in told(supervisor)
    assert "sla_near" not in mailed(agent)


def test_nobody_is_told_of_a_ticket_they_do_not_see(app):
    category = a_category("Secret")
    agent = an_agent(a_department())
    ticket = a_ticket(category=category)
    ticket.assignee_id = agent.id
    ticket.receive(Words("Any news?"), by=by_customer(ticket))
    run_jobs()

    assert told(agent) == []
    assert mailed(agent) == []


@pytest.mark.parametrize(
    ("choice", "in_app", "by_mail"),
    [(Wanted(app=True, mail=False), 1, 0), (Wanted(app=False, mail=True), 0, 1), (Wanted(app=False, mail=False), 0, 0)],
    ids=["app alone", "mail alone", "neither"],
)
def test_each_person_chooses_where_they_are_told(app, choice, in_app, by_mail):
    agent = an_agent()
    inbox.prefer(agent.id, Notice.ASSIGNED, choice)
    a_ticket(assignee=agent)
    run_jobs()

    assert (len(told(agent)), len(mailed(agent))) == (in_app, by_mail)


def test_who_wants_mail_of_new_tickets_gets_it(app):
    agent = an_agent()
    inbox.prefer(agent.id, Notice.TICKET_CREATED, Wanted(app=True, mail=True))
    a_ticket()
    run_jobs()

    assert mailed(agent) == ["new_ticket"]


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("mail_acknowledge", "ticket_created"),
        ("mail_team", "assigned"),
        ("mail_customer_replied", "customer_replied"),
        ("mail_resolved", "ticket_resolved"),
    ],
)
def test_the_desks_switches_end_a_mail_for_everybody(app, switch, kind):
    setting(**{switch: False})
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.receive(Words("Any news?"), by=by_customer(ticket))
    ticket.resolve(by=acting(agent))
    run_jobs()

    assert kind not in db.session.scalars(select(Delivery.kind).where(Delivery.state != DeliveryState.SUPPRESSED)).all()
    assert told(agent) == [Notice.ASSIGNED, Notice.CUSTOMER_REPLIED]


def test_a_guest_of_the_form_gets_the_mail_that_proves_and_no_second_one(app):
    guest = a_customer("Guest", verified_at=None)
    a_ticket(requester=guest, via=Channel.FORM, proven=False)
    run_jobs()

    assert mailed(guest) == []


def test_an_untrusted_entry_is_told_without_its_words(app):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.receive(Words("canary", via=Channel.MAIL, trusted=False), by=CustomerActor.of(a_customer("Stranger")))
    run_jobs()
    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "customer_replied")).one()

    assert b"canary" not in mail.raw and b"not verified" in mail.raw


def test_an_inactive_person_gets_no_mail(app):
    agent = an_agent()
    a_ticket(assignee=agent)
    agent.active = False
    run_jobs()

    assert mailed(agent) == []


def test_a_large_department_is_told_with_few_statements_in_the_request(app, at_most):
    department = a_department()
    for _ in range(12):
        an_agent(department)
    customer = a_customer()
    db.session.commit()

    with at_most(45):
        a_ticket(requester=customer, department=department)
        db.session.commit()
