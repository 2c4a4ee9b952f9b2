"""Spam, bans and unverified senders as somebody at the desk meets them."""

from __future__ import annotations

import datetime as dt
import io

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.extensions import db
from app.mail import jobs
from app.mail.banned import BannedSender
from app.mail.filters import MailFilter, Verdict
from app.mail.models import Delivery, RawMail, RawState
from app.sla import clocks
from app.tickets import tally
from app.tickets.choices import State
from app.tickets.models import Participant, Ticket
from app.tickets.tally import Tally
from app.tickets.thread import Channel, Message, Words
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_admin, an_agent, run_jobs, setting, sign_in
from tests.mail.test_incoming import a_mail, delivered, reply_to


def there(ticket: Ticket) -> Ticket:
    db.session.rollback()
    return db.session.get_one(Ticket, ticket.id, populate_existing=True)


def a_form(**given: str) -> dict[str, str]:
    return {"name": "Lottery", "active": "on", "last": "on", "every": "all", "verdict": "quarantine", "field-0": "subject", "how-0": "contains", "value-0": "lottery", **given}  # fmt: skip


def test_spam_leaves_queues_and_counts_and_comes_back_as_it_was(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket("Win a prize")
    ticket.hold(SYSTEM)
    db.session.commit()
    sign_in(client, a_supervisor())

    client.post(f"/admin/tickets/{ticket.number}/spam")
    run_jobs()
    gone, listed, only = (client.get(f"/admin/tickets/{path}").text for path in ("?view=open", "?view=everything", "?view=everything&spam=yes"))  # fmt: skip
    assert "Win a prize" not in gone + listed and "Win a prize" in only
    assert there(ticket).state is State.CLOSED
    assert (db.session.scalar(select(func.sum(Tally.tickets))) or 0, tally.recount()) == (0, 0)
    assert not clocks.rebuild(there(ticket))

    client.post(f"/admin/tickets/{ticket.number}/no-spam")
    assert (there(ticket).state, ticket.needs_response, ticket.closed_at) == (State.HOLD, True, None)
    assert "Win a prize" in client.get("/admin/tickets/?view=open").text
    assert not clocks.rebuild(there(ticket))


def test_nobody_is_told_that_a_ticket_is_spam(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    run_jobs()
    before = db.session.scalar(select(func.count(Delivery.id)))
    sign_in(client, an_agent())

    client.post(f"/admin/tickets/{ticket.number}/spam")
    run_jobs()

    assert db.session.scalar(select(func.count(Delivery.id))) == before


def test_its_status_stays_until_somebody_says_that_it_is_none(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    sign_in(client, a_supervisor())
    client.post(f"/admin/tickets/{ticket.number}/spam")

    ticket = there(ticket)
    answer = client.post(f"/admin/tickets/{ticket.number}/properties", data={"status": ""}, follow_redirects=True)
    client.post("/admin/tickets/action_post", data={"action": "reopen", "rowid": [ticket.id]})

    assert answer.status_code < 500
    assert there(ticket).state is State.CLOSED and there(ticket).spam


def test_the_sender_is_banned_with_one_click_and_a_domain_by_who_keeps_the_list(
    app: Flask, client: FlaskClient
) -> None:
    ticket = a_ticket(requester=a_customer(email="eve@other.test"))
    path = f"/admin/tickets/{ticket.number}"
    sign_in(client, an_agent())
    client.post(f"{path}/spam")
    assert "Ban the address" in client.get(path).text and "Ban the whole domain" not in client.get(path).text
    client.post(f"{path}/ban", data={"what": "address"})
    client.post(f"{path}/ban", data={"what": "domain"})
    client.post("/admin/banned-senders/add", data={"sender": "@other.test", "reason": ""})
    assert db.session.scalars(select(BannedSender.sender)).all() == ["eve@other.test"]

    sign_in(client, a_supervisor())
    client.post(f"{path}/ban", data={"what": "domain"})

    assert sorted(db.session.scalars(select(BannedSender.sender))) == ["@other.test", "eve@other.test"]


def test_an_unverified_sender_is_accepted_with_one_click(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket(state=State.CLOSED)
    row = delivered(a_mail(sender="carl@elsewhere.test", to=reply_to(ticket), text="I am their new colleague"))
    sign_in(client, a_supervisor())
    assert "accept-sender" in client.get(f"/admin/tickets/{ticket.number}").text

    for _ in range(2):
        client.post(f"/admin/tickets/{ticket.number}/accept", data={"message": row.entry_id})

    assert db.session.get_one(Message, row.entry_id, populate_existing=True).trusted
    assert there(ticket).state is State.OPEN
    assert [(part.customer_id is not None, part.approved) for part in db.session.scalars(select(Participant))] == [(True, True)]  # fmt: skip
    again = delivered(a_mail(sender="carl@elsewhere.test", to=reply_to(ticket), text="One more thing"))
    assert db.session.get_one(Message, again.entry_id).trusted


def test_copies_that_a_mail_wanted_wait_for_a_word(app: Flask, client: FlaskClient) -> None:
    row = delivered(a_mail(Cc="carl@elsewhere.test, dora@elsewhere.test"))
    path = f"/admin/tickets/{db.session.get_one(Ticket, row.ticket_id).number}"
    sign_in(client, a_supervisor())
    assert "carl@elsewhere.test" in client.get(path).text
    carl, dora = db.session.scalars(select(Participant.id).order_by(Participant.email)).all()

    client.post(f"{path}/wishes", data={"accept": carl})
    client.post(f"{path}/wishes", data={"refuse": dora})
    client.post(f"{path}/wishes", data={"refuse": carl})  # too late: it was accepted

    assert [(part.email, part.approved) for part in db.session.scalars(select(Participant))] == [
        ("carl@elsewhere.test", True)
    ]
    assert [event.what.value for event in there(db.session.get_one(Ticket, row.ticket_id)).events][-2:] == [
        "copied",
        "copy_refused",
    ]


def test_a_message_of_another_ticket_is_not_accepted_here(app: Flask, client: FlaskClient) -> None:
    ticket, other = a_ticket(), a_ticket()
    row = delivered(a_mail(sender="carl@elsewhere.test", to=reply_to(other)))
    sign_in(client, a_supervisor())

    client.post(f"/admin/tickets/{ticket.number}/accept", data={"message": row.entry_id})

    assert not db.session.get_one(Message, row.entry_id, populate_existing=True).trusted


def test_what_came_for_spam_counts_once_it_is_none(app: Flask) -> None:
    ticket, by = a_ticket(), acting(a_supervisor())
    ticket.mark_spam(by)
    ticket.receive(Words("Please!", via=Channel.MAIL), CustomerActor.of(ticket.requester))

    ticket.unmark_spam(by)

    assert ticket.live and ticket.needs_response and ticket.message_count == 2


def test_a_filter_is_made_tried_ordered_and_deleted(app: Flask, client: FlaskClient) -> None:
    delivered(a_mail(subject="The lottery"))
    sign_in(client, an_admin())

    tried = client.post("/admin/mail-filters/new", data=a_form(deed="try", name=""))
    assert "It fits 1 mail" in tried.text and "The lottery" in tried.text
    assert db.session.scalars(select(MailFilter)).all() == []
    client.post("/admin/mail-filters/new", data=a_form())
    client.post("/admin/mail-filters/new", data=a_form(name="Second", verdict="spam"))
    first, second = db.session.scalars(select(MailFilter).order_by(MailFilter.id)).all()
    assert (first.verdict, first.active, first.last) == (Verdict.QUARANTINE, True, True)
    client.post(f"/admin/mail-filters/{second.id}/move", data={"way": "up"})
    listed = client.get("/admin/mail-filters/").text
    assert listed.index("Second") < listed.index("Lottery")
    client.post(f"/admin/mail-filters/{second.id}/delete")
    assert db.session.scalars(select(MailFilter.name)).all() == ["Lottery"]


def test_a_filter_is_tried_on_one_message(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    for subject, words in (("The lottery", "It fits 1 mail"), ("The printer", "It fits 0 mails")):
        form = {**a_form(deed="try"), "eml": (io.BytesIO(a_mail(subject=subject)), "one.eml")}
        assert words in client.post("/admin/mail-filters/new", data=form, content_type="multipart/form-data").text
    assert db.session.scalars(select(RawMail)).all() == []


def test_a_wrong_filter_is_refused_beside_its_field_and_keeps_what_was_typed(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    wrong = {
        "name-error": a_form(name=""), "conditions-error": a_form(**{"value-0": ""}), "value-0-error": a_form(**{"field-0": "size"}),
        "department-error": a_form(department="999999"), "verdict-error": a_form(verdict="eat"),
    }  # fmt: skip

    for field, form in wrong.items():
        answer = client.post("/admin/mail-filters/new", data=form)
        assert answer.status_code == 422 and f'id="{field}"' in answer.text, field
    assert db.session.scalars(select(MailFilter)).all() == []


def test_mails_as_they_came_are_forgotten_after_their_days_but_not_those_in_quarantine(app: Flask) -> None:
    old = clock.now() - dt.timedelta(days=100)
    kept = [
        delivered(a_mail(subject="Old")),
        delivered(b"Subject: nobody\r\n\r\nhello\r\n"),
        delivered(a_mail(subject="New")),
    ]
    for row in kept[:2]:
        row.received_at = old
    db.session.commit()

    setting(raw_mail_days=0)
    jobs.forget_old()
    assert all(db.session.get_one(RawMail, row.id, populate_existing=True).content for row in kept)
    setting(raw_mail_days=90)
    jobs.forget_old()
    db.session.commit()

    rows = [db.session.get_one(RawMail, row.id, populate_existing=True) for row in kept]
    assert [bool(row.content) for row in rows] == [False, True, True]
    assert rows[0].state is RawState.DELIVERED and rows[0].subject == "Old"
