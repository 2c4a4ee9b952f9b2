"""Each kind of notice in each way a person may want it; the desk's defaults, reach, following and muting."""

import pytest
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.notifications import inbox, plans, watching, wishes
from app.notifications.handing import hand
from app.notifications.models import APP_ONLY, LABELS, Notice, Notification, Reach, Way
from app.notifications.wishes import DEFAULTS, Wanted, usual_plan
from app.tickets import merging
from app.tickets.thread import Words
from tests.factories import a_department, a_priority, a_supervisor, a_ticket, acting, an_agent, run_jobs, sign_in

WAYS = {
    "nowhere": Wanted(False, False),
    "in the app": Wanted(True, False),
    "at once": Wanted(False, True),
    "in the digest": Wanted(False, False, True),
    "app and digest": Wanted(True, False, True),
    "app and mail": Wanted(True, True),
}


def lines(person) -> list[Notification]:
    return list(db.session.scalars(select(Notification).where(Notification.staff_id == person.id).order_by(Notification.id)))  # fmt: skip


def told(person) -> list[Notice]:
    return [line.kind for line in lines(person) if line.in_app]


def mailed(person) -> list[str]:
    sent = Delivery.staff_id == person.id, Delivery.state != DeliveryState.SUPPRESSED
    return list(db.session.scalars(select(Delivery.kind).where(*sent).order_by(Delivery.id)))


def plan(person, **changes) -> None:
    wanted = usual_plan()
    for name, value in changes.items():
        setattr(wanted, name, value)
    plans.keep(acting(person), wanted)


def writes_again(ticket) -> None:
    ticket.receive(Words("Any news?"), by=CustomerActor.of(ticket.requester))


def test_every_kind_has_its_row_and_its_default():
    assert set(LABELS) == set(DEFAULTS) == set(Notice) - {Notice.MAIL_UNTRUSTED, Notice.MAIL_GAVE_UP}
    assert not any(DEFAULTS[kind].mail or DEFAULTS[kind].digest for kind in APP_ONLY)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LABELS)
def test_each_kind_comes_where_it_is_wanted(app, kind, way):
    agent, wanted = an_agent(), WAYS[way]
    ticket = a_ticket()
    inbox.prefer(agent.id, kind, wanted)
    before = len(mailed(agent))

    for telling in wishes.tellings(kind, [agent.id], ticket=ticket):
        hand(telling, kind, {"who": "Ada"}, ticket_id=ticket.id)
    db.session.flush()

    by_mail = kind not in APP_ONLY
    line = next(iter(lines(agent)), None)
    assert (line is not None and line.in_app) is wanted.app
    assert (line is not None and line.mail_due_at is not None) is (wanted.digest and by_mail)
    assert len(mailed(agent)) - before == (wanted.mail and by_mail)


@pytest.mark.parametrize("kind", LABELS)
def test_whoever_did_it_is_never_told(app, kind):
    agent = an_agent()
    inbox.prefer(agent.id, kind, Wanted(True, True))

    assert wishes.tellings(kind, [agent.id], ticket=a_ticket(), besides=agent.id) == []


def test_what_a_person_chose_goes_before_their_role_and_that_before_the_desk(app):
    agent, supervisor, chooser = an_agent(), a_supervisor(), an_agent()
    wishes.set_defaults(wishes.DESK, {Notice.ASSIGNED: Wanted(False, False, True)}, "admin")
    wishes.set_defaults("Supervisor", {Notice.ASSIGNED: Wanted(True, False)}, "admin")
    inbox.prefer(chooser.id, Notice.ASSIGNED, Wanted(False, True))
    db.session.flush()

    assert inbox.all_wanted(acting(agent))[Notice.ASSIGNED] == Wanted(False, False, True)
    assert inbox.all_wanted(acting(supervisor))[Notice.ASSIGNED] == Wanted(True, False)
    assert inbox.all_wanted(acting(chooser))[Notice.ASSIGNED] == Wanted(False, True)
    inbox.prefer(chooser.id, Notice.ASSIGNED, None)
    assert inbox.all_wanted(acting(chooser))[Notice.ASSIGNED] == Wanted(False, False, True)


def test_who_wants_their_own_tickets_alone_hears_of_no_others(app):
    department = a_department()
    mine, usual = an_agent(department), an_agent(department)
    plan(mine, reach=Reach.MINE)
    ticket = a_ticket(department=department)
    run_jobs()
    assert (told(mine), told(usual)) == ([], [Notice.TICKET_CREATED])

    ticket.assign_to(mine, by=acting(usual))
    assert told(mine) == [Notice.ASSIGNED]


def test_who_wants_all_of_their_departments_hears_of_colleagues_tickets(app):
    here, elsewhere = a_department(), a_department()
    owner, lead, stranger = an_agent(here), a_supervisor(departments=(here,)), a_supervisor(departments=(elsewhere,))
    for person in (lead, stranger):
        plan(person, reach=Reach.DEPARTMENTS)
    ticket = a_ticket(department=here, assignee=owner)
    writes_again(ticket)

    assert Notice.CUSTOMER_REPLIED in told(lead)
    assert told(stranger) == []


def test_a_department_is_heard_of_only_by_who_sees_the_ticket(app):
    """An agent of the department whose role shows them no ticket of others."""
    here = a_department()
    owner, blind = an_agent(here), an_agent(here)
    plan(blind, reach=Reach.DEPARTMENTS)
    watched = a_ticket(department=here, assignee=owner)
    db.session.merge(watching.TicketWatch(ticket_id=watched.id, staff_id=blind.id, way=Way.FOLLOW))
    writes_again(watched)

    assert told(blind) == []


def test_whoever_follows_a_ticket_hears_of_it_until_they_do_no_more(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    writes_again(ticket)
    ticket.set_priority(a_priority(4), by=acting(owner))
    assert told(follower) == [Notice.CUSTOMER_REPLIED, Notice.PRIORITY_CHANGED]

    watching.watch(ticket, acting(follower), None)
    writes_again(ticket)
    assert len(lines(follower)) == 2


def test_who_wants_to_hear_of_no_followed_tickets_does_not(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    plan(follower, follows=False)
    writes_again(ticket)

    assert told(follower) == []


def test_a_follower_who_changes_something_is_not_told_of_it(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    ticket.set_priority(a_priority(4), by=acting(follower))

    assert told(follower) == []
    assert Notice.PRIORITY_CHANGED in told(owner)


def test_a_mute_ticket_says_nothing_but_mentions_and_assignments(app):
    agent, other = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=agent)
    watching.watch(ticket, acting(agent), Way.MUTE)
    before = len(lines(agent))
    writes_again(ticket)
    ticket.set_priority(a_priority(4), by=acting(other))
    assert len(lines(agent)) == before

    ticket.note(Words(f"@{agent.username} look"), by=acting(other))
    ticket.assign_to(other, by=acting(a_supervisor()))
    ticket.assign_to(agent, by=acting(other))
    assert [line.kind for line in lines(agent)][before:] == [Notice.MENTION, Notice.ASSIGNED]


def test_whoever_follows_a_merged_ticket_hears_of_where_it_goes_on(app):
    from app.tickets.merging import merge

    owner, follower = an_agent(), a_supervisor()
    ticket, duplicate = a_ticket(assignee=owner), a_ticket()
    watching.watch(duplicate, acting(follower), Way.FOLLOW)
    merge(duplicate, into=ticket, by=acting(follower))
    writes_again(ticket)

    assert told(follower) == [Notice.CUSTOMER_REPLIED]


def test_nobody_follows_what_they_do_not_see(app, client):
    agent = an_agent(a_department())
    department = a_department()
    department.members.append(an_agent())
    hidden = a_ticket(department=department)
    sign_in(client, agent)

    assert client.post(f"/admin/tickets/{hidden.number}/watch", data={"way": "follow"}).status_code == 404


def test_a_ticket_is_followed_and_muted_from_its_page(app, client):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    sign_in(client, agent)
    page = f"/admin/tickets/{ticket.number}"

    assert client.post(f"{page}/watch", data={"way": "mute"}).status_code == 303
    assert "Notices of this ticket: mute" in client.get(page).text
    client.post(f"{page}/watch", data={"way": ""})
    assert "Notices of this ticket: mute" not in client.get(page).text
    assert client.post(f"{page}/watch", data={"way": "shout"}).status_code in (302, 303, 400, 409, 422)


def test_several_replies_within_the_hour_are_one_line(app):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    for _ in range(3):
        writes_again(ticket)

    shown = inbox.newest(acting(agent))
    assert [row.sentence for row in shown] == ["3 new replies", "Deskhand assigned you a ticket"]
    assert inbox.unread_count(acting(agent)) == 2


def test_after_an_hour_a_new_line_begins(app):
    import datetime as dt

    import time_machine

    from app.core import clock

    agent, start = an_agent(), clock.now()
    ticket = a_ticket(assignee=agent)
    writes_again(ticket)
    with time_machine.travel(start + dt.timedelta(minutes=50), tick=False):
        writes_again(ticket)
    with time_machine.travel(start + dt.timedelta(minutes=70), tick=False):
        writes_again(ticket)

    assert [row.count for row in inbox.newest(acting(agent)) if row.kind is Notice.CUSTOMER_REPLIED] == [1, 2]


def test_what_was_read_is_not_counted_in_a_new_line(app):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    writes_again(ticket)
    inbox.mark_ticket_read(acting(agent), ticket.id)
    writes_again(ticket)

    assert [row.count for row in inbox.newest(acting(agent)) if row.kind is Notice.CUSTOMER_REPLIED] == [1, 1]


def test_reading_a_joined_line_reads_all_it_counts(app):
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    writes_again(ticket)
    writes_again(ticket)
    newest = inbox.newest(acting(agent))[0]

    inbox.mark_read(acting(agent), newest.id)
    db.session.expire_all()

    assert all(row.read_at for row in lines(agent) if row.kind is Notice.CUSTOMER_REPLIED)
    assert inbox.unread_count(acting(agent)) == 1


DEEDS = {
    "a public reply": (lambda ticket, by: ticket.reply(Words("We are on it."), by=by), Notice.COLLEAGUE_REPLIED),
    "a note": (lambda ticket, by: ticket.note(Words("Look at the fuse."), by=by), Notice.NOTED),
    "another status": (lambda ticket, by: ticket.hold(by), Notice.STATUS_CHANGED),
    "resolving": (lambda ticket, by: ticket.resolve(by), Notice.STATUS_CHANGED),
    "closing": (lambda ticket, by: ticket.close(by), Notice.STATUS_CHANGED),
}


@pytest.mark.parametrize("deed", list(DEEDS))
def test_a_follower_hears_of_what_a_colleague_does_and_whoever_did_it_of_nothing(app, deed):
    owner, follower, stranger = an_agent(), a_supervisor(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    for person in (owner, follower):
        watching.watch(ticket, acting(person), Way.FOLLOW)
    do, kind = DEEDS[deed]
    do(ticket, acting(owner))
    db.session.flush()

    assert told(follower) == [kind]
    assert told(owner) == [Notice.ASSIGNED], "the ticket, by somebody else"
    assert told(stranger) == mailed(follower) == []


def test_reopening_is_heard_of_and_what_the_customer_causes_is_told_as_their_answer_alone(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner, state="resolved")
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    ticket.receive(Words("It is back."), by=CustomerActor.of(ticket.requester))
    ticket.resolve(acting(owner))
    ticket.reopen(acting(owner))

    assert told(follower) == [Notice.CUSTOMER_REPLIED, Notice.STATUS_CHANGED]
    assert lines(follower)[-1].count == 2


def test_followers_are_mailed_when_they_want_it_and_a_notes_words_stay_in_the_desk(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    for kind in (Notice.NOTED, Notice.COLLEAGUE_REPLIED, Notice.STATUS_CHANGED):
        inbox.prefer(follower.id, kind, Wanted(app=False, mail=True))
    ticket.note(Words("The fuse is a secret."), by=acting(owner))
    ticket.reply(Words("We are on it."), by=acting(owner))
    ticket.hold(acting(owner))
    run_jobs()

    assert told(follower) == [] and mailed(follower) == ["noted", "colleague_replied", "status_changed"]
    sent = db.session.scalars(select(Delivery).where(Delivery.staff_id == follower.id).order_by(Delivery.id)).all()
    texts = [mailbox_text(mail) for mail in sent]
    assert "secret" not in texts[0] and owner.email in texts[0]
    assert "We are on it." in texts[1] and "On Hold" in texts[2]


def mailbox_text(mail):
    import email
    from email import policy

    message = email.message_from_bytes(mail.raw, policy=policy.default)
    return f"{message['Reply-To']}\n{message.get_body(('plain',)).get_content()}"


def test_a_whole_departments_listener_is_spared_what_only_followers_hear(app):
    place = a_department()
    owner, listener = an_agent(place), a_supervisor(departments=(place,))
    plan(listener, reach=Reach.DEPARTMENTS)
    ticket = a_ticket(assignee=owner, department=place)
    watching.watch(ticket, acting(a_supervisor()), Way.FOLLOW)
    ticket.note(Words("Look at the fuse."), by=acting(owner))

    assert told(listener) == []


def test_who_is_named_in_a_note_hears_of_that_once(app):
    owner, follower = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    ticket.note(Words(f"@{follower.username} look at the fuse."), by=acting(owner))

    assert told(follower) == [Notice.MENTION]


def test_a_follower_who_lost_the_ticket_or_mutes_it_hears_nothing(app):
    here, there = a_department(), a_department()
    owner, follower, mute = a_supervisor(), a_supervisor(departments=(here,)), a_supervisor()
    ticket = a_ticket(assignee=owner, department=here)
    for person in (follower, mute):
        watching.watch(ticket, acting(person), Way.FOLLOW)
    watching.watch(ticket, acting(mute), Way.MUTE)
    ticket.note(Words("Look at the fuse."), by=acting(owner))
    ticket.move_to(there, acting(owner))
    ticket.hold(acting(owner))

    assert told(follower) == [Notice.NOTED] and told(mute) == []


def test_a_follower_of_a_merged_ticket_hears_of_the_answer_where_it_goes_on(app):
    owner, follower = a_supervisor(), a_supervisor()
    ticket, into = a_ticket(), a_ticket(assignee=owner)
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    db.session.commit()
    merging.merge(ticket, into=into, by=acting(owner))
    into.reply(Words("We are on it."), by=acting(owner))

    assert told(follower) == [Notice.COLLEAGUE_REPLIED]


def test_following_is_no_change_of_the_ticket(app):
    ticket, follower = a_ticket(), a_supervisor()
    db.session.commit()
    before = ticket.updated_at
    watching.watch(ticket, acting(follower), Way.FOLLOW)
    db.session.commit()

    assert (ticket.updated_at, ticket.watched) == (before, True)
