"""The bell, its page and the preferences: everybody's own and nobody else's."""

import pytest
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.notifications import inbox
from app.notifications.inbox import Wanted
from app.notifications.models import Notice, Notification
from app.tickets.thread import Words
from tests.factories import a_department, a_ticket, acting, an_agent, run_jobs, sign_in


@pytest.fixture
def agent(app, client):
    agent = an_agent(name="anna")
    sign_in(client, agent)
    return agent


def a_notice(agent, **ticket) -> Notification:
    made = a_ticket(**ticket, assignee=agent)
    run_jobs()
    return db.session.scalars(
        select(Notification).where(Notification.staff_id == agent.id, Notification.ticket_id == made.id)
    ).one()


def test_the_bell_counts_what_is_unread(client, agent):
    first, _second = a_notice(agent), a_notice(agent, subject="The other one")

    answer = client.get("/admin/notifications/unread").json

    assert answer["count"] == 2
    assert answer["newest"][0]["subject"] == "The other one"
    assert answer["newest"][1]["number"] == first.ticket.display
    assert "data-bell-count>2<" in client.get("/admin/notifications/bell").text


def test_opening_a_notice_reads_it_and_leads_to_its_ticket(client, agent):
    notice = a_notice(agent)

    response = client.post(f"/admin/notifications/{notice.id}/open")

    assert response.location == f"/admin/tickets/{notice.ticket.number}"
    db.session.expire_all()
    assert notice.read_at is not None
    assert client.get("/admin/notifications/unread").json["count"] == 0


def test_the_list_shows_what_happened_and_reads_all_at_once(client, agent):
    a_notice(agent, subject="The <b>fire</b>")

    page = client.get("/admin/notifications/").text
    client.post("/admin/notifications/read")

    assert "Deskhand assigned you a ticket" in page
    assert "The &lt;b&gt;fire&lt;/b&gt;" in page
    assert inbox.unread_count(acting(agent)) == 0


def test_nobody_reads_anothers_notices(client, agent):
    other = an_agent()
    theirs = a_notice(other, subject="Not for Anna")

    assert client.post(f"/admin/notifications/{theirs.id}/open").status_code == 404
    client.post("/admin/notifications/read", data={"id": theirs.id})
    assert "Not for Anna" not in client.get("/admin/notifications/").text
    db.session.expire_all()
    assert theirs.read_at is None


def test_a_ticket_lost_from_sight_takes_its_notices_along(client, agent):
    notice = a_notice(agent, subject="Gone from sight")
    notice.ticket.department.members.append(an_agent())
    elsewhere = a_department()
    elsewhere.members.append(agent)
    db.session.commit()

    told = client.get("/admin/notifications/unread").json
    assert (told["count"], told["newest"]) == (0, [])
    assert "Gone from sight" not in client.get("/admin/notifications/").text


def test_preferences_are_kept_as_they_were_ticked(client, agent):
    assert "checked" in client.get("/admin/notifications/preferences").text

    client.post("/admin/notifications/preferences", data={"assigned.app": "on", "mention.mail": "on"})

    chosen = inbox.all_wanted(acting(agent))
    assert chosen[Notice.ASSIGNED] == Wanted(app=True, mail=False)
    assert chosen[Notice.MENTION] == Wanted(app=False, mail=True)
    assert chosen[Notice.SLA_BREACH] == Wanted(app=False, mail=False)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/notifications/",
        "/admin/notifications/unread",
        "/admin/notifications/bell",
        "/admin/notifications/preferences",
    ],
)
def test_a_visitor_is_told_nothing(app, path):
    assert app.test_client().get(path).status_code in (302, 401, 403)


def test_the_page_loads_with_few_statements(client, agent, at_most):
    for n in range(10):
        a_notice(agent, subject=f"Ticket {n}")
    client.get("/admin/notifications/")

    with at_most(8):
        client.get("/admin/notifications/")


def test_older_notices_are_on_the_next_page(client, agent):
    ticket = a_ticket(assignee=agent)
    for _ in range(inbox.PAGE + 5):
        db.session.add(
            Notification(staff_id=agent.id, kind=Notice.CUSTOMER_REPLIED, ticket_id=ticket.id, parts={"who": "Ada"})
        )
    db.session.commit()

    first = client.get("/admin/notifications/").text
    older = first.split("?before=")[1].split('"')[0]

    assert client.get(f"/admin/notifications/?before={older}").text.count("/open") == 6


def test_whoever_writes_in_a_ticket_has_read_its_notices(app, client):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    ticket.receive(Words("Any news?"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    sign_in(client, agent)
    before = client.get("/admin/notifications/unread").json["count"]

    client.post(f"/admin/tickets/{ticket.number}/messages", data={"kind": "note", "body": "I am on it"})

    assert before > 0
    assert client.get("/admin/notifications/unread").json["count"] == 0
