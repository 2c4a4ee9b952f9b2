"""The page of background jobs says in words what each is for, about which ticket, why it failed and when it is tried again."""

from __future__ import annotations

from app.core import clock, outbox
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk.jobwords import WORDS
from app.schedule import JOBS
from tests.factories import a_ticket, an_admin, sign_in


def test_every_job_has_its_words():
    assert set(JOBS) <= set(WORDS)


def test_a_failed_job_says_what_it_was_about_and_why(app, client):
    ticket = a_ticket("The <b>printer</b>")
    row = Outbox.put("assignment.assign", queue="bulk", ticket_id=ticket.id)
    row.failed_at, row.error, row.tries = clock.now(), "OperationalError: the disk is full", 6
    sign_in(client, an_admin())

    page = client.get("/admin/jobs/?state=failed").text

    assert "Give a ticket to somebody" in page
    assert f'<a href="/admin/tickets/{ticket.number}">The &lt;b&gt;printer&lt;/b&gt;</a>' in page
    assert "the disk is full" in page and "Try again" in page


def test_a_job_between_two_tries_says_when_the_next_one_is(app, client):
    ticket = a_ticket()
    row = Outbox.put("notifications.tell_department", queue="bulk", event_id=ticket.events[0].id)
    db.session.commit()
    leased = outbox.lease(row.id)
    assert leased is not None
    outbox.give_back(leased, "TimeoutError: the server was silent")
    sign_in(client, an_admin())

    page = client.get("/admin/jobs/?state=waiting").text

    assert "the server was silent" in page and "tried again" in page
    assert ticket.subject in page


def test_what_the_clock_starts_is_folded_away_until_it_is_asked_for(app, client):
    Outbox.put("sla.enforce", queue="bulk")
    Outbox.put("search.rebuild", queue="index")
    sign_in(client, an_admin())

    page = client.get("/admin/jobs/?state=waiting").text
    whole = client.get("/admin/jobs/?state=waiting&periodic=1").text

    assert "Write the search index anew" in page and "Note promises that were broken" not in page
    assert "1 run by the clock is folded away" in page
    assert "Note promises that were broken" in whole


def test_the_page_costs_no_more_with_many_jobs(app, client, at_most):
    for n in range(30):
        Outbox.put("assignment.assign", queue="bulk", ticket_id=a_ticket(f"Ticket {n}").id)
    sign_in(client, an_admin())
    client.get("/admin/jobs/")

    with at_most(14):
        client.get("/admin/jobs/?state=waiting")
