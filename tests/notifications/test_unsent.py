"""The mail log answers why somebody got no mail, also when nobody wanted one written."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.notifications import inbox
from app.notifications.inbox import Wanted
from app.notifications.models import Notice
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_ticket, acting, an_admin, an_agent, run_jobs, setting, sign_in


def held(kind: str) -> list[Delivery]:
    return list(db.session.scalars(select(Delivery).where(Delivery.kind == kind, Delivery.state == DeliveryState.SUPPRESSED)))  # fmt: skip


def test_a_person_who_wants_no_mail_is_in_the_log_with_that_reason(app, client):
    agent = an_agent(name="kim")
    inbox.prefer(agent.id, Notice.ASSIGNED, Wanted(app=True, mail=False))
    ticket = a_ticket(assignee=agent)
    sign_in(client, an_admin())

    page = client.get("/admin/mail-log/?address=kim@desk.test").text

    assert [(row.staff_id, row.ticket_id) for row in held("assigned")] == [(agent.id, ticket.id)]
    assert "They chose not to get this by mail." in page
    assert f"/admin/tickets/{ticket.number}" in page


def test_a_mail_that_the_settings_switch_off_is_in_the_log_by_the_name_of_the_setting(app):
    setting(mail_acknowledge=False, mail_resolved=False)
    a_ticket()

    assert "mail_acknowledge" in (held("ticket_created")[0].reason or "")


@pytest.mark.parametrize("hidden", [True], ids=["a hidden ticket"])
def test_what_a_rule_holds_back_says_so(app, hidden):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.hidden_from_client = hidden
    ticket.reply(Words("Not for you.", via=Channel.STAFF), by=acting(agent))
    db.session.commit()

    assert [row.reason for row in held("staff_replied")] == ["The ticket is hidden from the customer."]


def test_an_address_that_bounced_and_a_machine_say_so(app):
    agent = an_agent()
    gone = a_ticket(assignee=agent, requester=a_customer("Gone", address_works=False))
    robot = a_ticket(requester=a_customer("Robot", email="mailer-daemon@robots.test"))
    gone.reply(Words("Are you there?", via=Channel.STAFF), by=acting(agent))
    db.session.commit()
    run_jobs()

    reasons = {row.ticket_id: row.reason or "" for row in (*held("staff_replied"), *held("ticket_created"))}
    assert "the mailbox is gone" in reasons[gone.id]
    assert "mail server" in reasons[robot.id]


def test_nobody_is_listed_for_a_mail_that_nobody_gets_by_default(app):
    for _ in range(3):
        an_agent()
    a_ticket()
    db.session.commit()
    run_jobs()

    assert held("new_ticket") == []
