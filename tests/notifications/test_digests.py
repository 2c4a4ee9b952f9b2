"""The joint mail: what stands in it, when it comes, exactly once, and how it is ended."""

import datetime as dt
import threading

import pytest
import time_machine
from sqlalchemy import func, select

from app.accounts.models import StaffProfile
from app.accounts.viewer import CustomerActor
from app.core import slots
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import composing, outgoing, transport
from app.mail.models import Delivery, DeliveryState
from app.notifications import digests, inbox, plans, stopping
from app.notifications.models import Notice, Notification, Rhythm
from app.notifications.wishes import Wanted, usual_plan
from app.tickets.thread import Words
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting, sign_in
from tests.links import bent

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
TOMORROW = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def noon(app):
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def a_reader(**changes):
    """Who gets customers' replies in the digest of eight in the morning."""
    reader = an_agent()
    inbox.prefer(reader.id, Notice.CUSTOMER_REPLIED, Wanted(True, False, True))
    inbox.prefer(reader.id, Notice.ASSIGNED, Wanted(True, False))
    plan(reader, **changes)
    return reader


def plan(person, **changes) -> None:
    wanted = usual_plan()
    for name, value in changes.items():
        setattr(wanted, name, value)
    plans.keep(acting(person), wanted)


def writes(ticket, words: str = "Any news?") -> None:
    ticket.receive(Words(words), by=CustomerActor.of(ticket.requester))
    db.session.flush()


def sent(kind: str = digests.KIND) -> list[Delivery]:
    return list(db.session.scalars(select(Delivery).where(Delivery.kind == kind, Delivery.state != DeliveryState.SUPPRESSED).order_by(Delivery.id)))  # fmt: skip


def text_of(delivery: Delivery) -> str:
    composing.compose(delivery)
    from email import message_from_bytes, policy

    mail = message_from_bytes(delivery.raw or b"", policy=policy.default)
    return mail.get_body(("plain",)).get_content() + mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_it_comes_at_its_hour_grouped_by_ticket_the_newest_first(noon):
    reader = a_reader()
    first, second = a_ticket("The printer", assignee=reader), a_ticket("The <b>lamp</b>", assignee=reader)
    writes(first), writes(second), writes(first)
    digests.send_due()
    assert sent() == sent("customer_replied") == []

    noon.move_to(TOMORROW)
    digests.send_due()
    (mail,) = sent()
    text = text_of(mail)

    assert mail.subject == "Deskhand: 3 notices"
    plain = text.split("<!DOCTYPE")[0]
    assert plain.index("The printer") < plain.index("The <b>lamp</b>")
    assert plain.count(f"- {first.requester.name} replied") == 2
    assert "The &lt;b&gt;lamp&lt;/b&gt;" in text
    assert f"/admin/tickets/{first.number}" in plain


def test_what_was_read_in_the_desk_meanwhile_is_not_in_it(noon):
    reader = a_reader()
    read, unread = a_ticket("Read before", assignee=reader), a_ticket("Not read", assignee=reader)
    writes(read), writes(read), writes(unread)
    inbox.mark_ticket_read(acting(reader), read.id)

    noon.move_to(TOMORROW)
    digests.send_due()
    text = text_of(sent()[0])

    assert "Not read" in text
    assert "Read before" not in text


def test_with_nothing_left_to_tell_none_is_sent(noon):
    reader = a_reader()
    writes(a_ticket(assignee=reader))
    inbox.mark_read(acting(reader))

    noon.move_to(TOMORROW)
    digests.send_due()

    assert sent() == []
    assert db.session.scalar(select(func.count()).where(Notification.mail_due_at.is_not(None))) == 0


def test_what_is_read_before_the_mail_leaves_holds_it_back(noon):
    reader = a_reader()
    writes(a_ticket(assignee=reader))
    noon.move_to(TOMORROW)
    digests.send_due()
    inbox.mark_read(acting(reader))
    db.session.commit()

    transport.deliver_due()

    db.session.expire_all()
    assert db.session.scalars(select(Delivery.state).where(Delivery.kind == digests.KIND)).all() == [
        DeliveryState.SUPPRESSED
    ]


def test_a_ticket_lost_from_sight_is_not_in_the_mail(noon):
    reader = a_reader()
    seen, lost = a_ticket("Still mine", assignee=reader), a_ticket("Canary of another", assignee=reader)
    writes(seen), writes(lost)
    noon.move_to(TOMORROW)
    digests.send_due()
    other, own = a_department(), a_department()
    other.members.append(an_agent())
    own.members.append(reader)
    seen.department = own
    lost.department, lost.assignee, lost.assignee_id = other, None, None
    db.session.flush()

    text = text_of(sent()[0])
    assert "Still mine" in text
    assert "Canary" not in text


def test_it_speaks_the_language_and_the_clock_of_its_reader(noon):
    reader = a_reader()
    profile = db.session.get_one(StaffProfile, reader.id)
    profile.language, profile.time_zone = "de", "America/New_York"
    db.session.flush()
    plans.move_waiting(acting(reader))
    writes(a_ticket(assignee=reader))

    noon.move_to(dt.datetime(2026, 11, 23, 13, 0, tzinfo=dt.UTC))  # eight in the morning in New York
    digests.send_due()
    text = text_of(sent()[0])

    assert "hat geantwortet" in text
    assert "07:00" in text


@pytest.mark.parametrize("rhythm", Rhythm)
def test_each_rhythm_sends_once(noon, rhythm):
    reader = a_reader(rhythm=rhythm)
    writes(a_ticket(assignee=reader))
    due = db.session.scalar(select(Notification.mail_due_at).where(Notification.mail_due_at.is_not(None)))

    noon.move_to(due - dt.timedelta(seconds=1))
    digests.send_due()
    assert sent() == []
    noon.move_to(due)
    digests.send_due()
    digests.send_due()
    assert len(sent()) == 1


def test_two_that_run_at_once_send_one_mail(app):
    with time_machine.travel(NOON, tick=False) as moved:
        reader = a_reader()
        writes(a_ticket(assignee=reader))
        staff_id = reader.id
        db.session.commit()
        moved.move_to(TOMORROW)
        begin, problems = threading.Barrier(4), []

        def run() -> None:
            with app.app_context():
                begin.wait()
                try:
                    digests.send(staff_id)
                    db.session.commit()
                except Exception as problem:  # said below, where the test can fail
                    problems.append(problem)
                finally:
                    db.session.remove()

        runs = [threading.Thread(target=run) for _ in range(4)]
        for one in runs:
            one.start()
        for one in runs:
            one.join()

        db.session.rollback()
        assert problems == []
        assert len(sent()) == 1


def test_two_tickers_start_the_job_once_a_minute(app):
    with time_machine.travel(NOON, tick=False):
        claimed = [slots.claim("notifications.send_digests", 60, "bulk") for _ in range(2)]

    assert claimed == [True, False]
    assert db.session.scalar(select(func.count()).where(Outbox.job == "notifications.send_digests")) == 1


NIGHT = dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.UTC)


def test_mails_of_a_quiet_time_come_together_at_its_end(noon):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    run_jobs()
    plan(agent, quiet_days="0123456")
    noon.move_to(NIGHT)
    writes(ticket), writes(a_ticket(assignee=agent))

    assert sent("customer_replied") == []
    assert inbox.unread_count(acting(agent)) == 4
    noon.move_to(TOMORROW)
    digests.send_due()
    assert len(sent()) == 1
    assert len(str(sent()[0].values["lines"]).split()) == 3


@pytest.mark.parametrize("passes", [True, False])
def test_late_promises_and_mentions_pass_if_their_reader_wants_it(noon, passes):
    agent, other = an_agent(), an_agent()
    ticket = a_ticket(assignee=agent)
    plan(agent, quiet_days="0123456", urgent_passes=passes)
    noon.move_to(NIGHT)
    ticket.note(Words(f"@{agent.username} look"), by=acting(a_supervisor()))

    assert len(sent("mention")) == passes
    assert len(sent(digests.KIND)) == 0 and other is not None


def test_a_digest_that_falls_into_a_quiet_time_waits_for_its_end(noon):
    reader = a_reader(quiet_days="0", quiet_to=10 * 60)
    writes(a_ticket(assignee=reader))

    due = db.session.scalar(select(Notification.mail_due_at).where(Notification.mail_due_at.is_not(None)))
    assert due == dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)


def test_who_wants_quiet_no_more_gets_at_once_what_waited(noon):
    agent = an_agent()
    plan(agent, undisturbed_until=NOON + dt.timedelta(hours=5))
    writes(a_ticket(assignee=agent))
    digests.send_due()
    assert sent() == []

    plan(agent)
    digests.send_due()
    assert len(sent()) == 1


def test_what_is_wanted_by_mail_no_more_waits_no_longer(noon):
    reader = a_reader()
    writes(a_ticket(assignee=reader))
    inbox.prefer(reader.id, Notice.CUSTOMER_REPLIED, Wanted(True, False))
    db.session.flush()
    plans.move_waiting(acting(reader))

    noon.move_to(TOMORROW)
    digests.send_due()
    assert sent() == []


def test_mails_the_desk_switched_off_are_in_no_digest(noon):
    reader = a_reader()
    setting(mail_customer_replied=False)
    writes(a_ticket(assignee=reader))

    noon.move_to(TOMORROW)
    digests.send_due()
    assert sent() == []


def test_its_link_stops_it_after_a_look(noon, client):
    reader = a_reader()
    writes(a_ticket(assignee=reader))
    db.session.commit()
    path = "/notices/stop/" + stopping.link(reader.id).rpartition("/")[2]

    assert "Stop them" in client.get(path).text
    assert inbox.all_wanted(acting(reader))[Notice.CUSTOMER_REPLIED].digest
    assert client.post(path).status_code == 200

    db.session.expire_all()
    assert inbox.all_wanted(acting(reader))[Notice.CUSTOMER_REPLIED] == Wanted(True, False)
    noon.move_to(TOMORROW)
    digests.send_due()
    assert sent() == []


def test_a_forged_link_leads_nowhere(app, client):
    agent = an_agent()
    db.session.commit()
    good = stopping.link(agent.id).rpartition("/")[2]

    for token in ("1", f"{agent.id}.x", bent(good), "x" * 5000):
        assert client.get(f"/notices/stop/{token}").status_code == 404
        assert client.post(f"/notices/stop/{token}").status_code == 404


def test_the_link_of_who_left_the_desk_leads_nowhere(app, client):
    agent = an_agent()
    agent.active = False
    db.session.commit()

    assert client.get("/notices/stop/" + stopping.link(agent.id).rpartition("/")[2]).status_code == 404


def test_a_plan_is_kept_and_quiet_without_end_is_refused(app, client):
    agent = an_agent()
    sign_in(client, agent)
    form = {
        "reach": "departments", "follows": "on", "rhythm": "weekly", "digest_at": "07:30", "digest_weekday": "4", "quiet_days": ["0", "6"],
        "quiet_from": "19:00", "quiet_to": "07:00",
    }  # fmt: skip
    assert client.post("/admin/notifications/plan", data=form).status_code == 303
    kept = plans.plan_of(agent.id)
    assert (kept.digest_minute, kept.digest_weekday, kept.quiet_days, kept.urgent_passes) == (450, 4, "06", False)

    refused = client.post("/admin/notifications/plan", data={**form, "quiet_whole_days": list("0123456")})
    assert refused.status_code == 422
    assert "never end" in refused.text
    for wrong in ({"rhythm": "never"}, {"digest_at": "25:00"}, {"undisturbed_until": "tomorrow"}, {"reach": ""}):
        assert client.post("/admin/notifications/plan", data=form | wrong).status_code == 422


def test_nothing_of_it_is_ever_mailed_to_a_customer(app):
    held = outgoing.put_notice(digests.KIND, customer_id=a_ticket().requester_id, values={"lines": "1"})
    assert held.state is DeliveryState.SUPPRESSED
