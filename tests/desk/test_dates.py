"""Dates as doors: beside the ticket, in the list, in bulk, by the API, on the dashboard and on one's day."""

import datetime as dt
import re
from urllib.parse import parse_qsl

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.extensions import db
from app.desk import asked, moments
from app.desk.bulk import begin, undo
from app.desk.counts import counts
from app.desk.deeds import DEEDS
from app.desk.listing import Listing
from app.desk.queues import QUEUES, Queue, in_queue
from app.notifications.models import Notice, Notification
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.desk.test_list import LIST, as_, numbers
from tests.desk.test_tasks import a_task
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    run_jobs,
    setting,
    sign_in,
)  # fmt: skip

START = dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC)  # a Tuesday
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
DAY_PAGE = "/admin/my-day/"


@pytest.fixture
def now():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def change(client, ticket, **fields):
    answer = client.post(f"/admin/tickets/{ticket.number}/properties", data=fields)
    db.session.expire_all()
    return answer


@pytest.mark.parametrize(
    ("choice", "on", "wanted"),
    [
        ("1h", "", START + HOUR),
        ("36h", "", START + 36 * HOUR),
        ("tomorrow", "", dt.datetime(2026, 3, 4, 7, tzinfo=dt.UTC)),
        ("3d", "", dt.datetime(2026, 3, 6, 7, tzinfo=dt.UTC)),
        ("next_week", "", dt.datetime(2026, 3, 9, 7, tzinfo=dt.UTC)),
        ("30d", "", dt.datetime(2026, 4, 2, 6, tzinfo=dt.UTC)),
        ("on", "2026-03-05T14:30", dt.datetime(2026, 3, 5, 13, 30, tzinfo=dt.UTC)),
        ("", "", None),
    ],
    ids=["an hour", "36 hours", "tomorrow", "three days", "next week", "after the clocks changed", "chosen", "nothing"],
)
def test_a_choice_is_a_moment_in_the_desks_time_zone(app, now, choice, on, wanted):
    setting(time_zone="Europe/Berlin")

    assert moments.read(choice, on, "snooze") == wanted


@pytest.mark.parametrize("choice", ["soon", "0h", "9999d", "on", "on:"])
@pytest.mark.parametrize("on", ["", "tomorrow", "9999-12-31T23:59", "0001-01-01T00:00", "²"])
def test_what_is_no_moment_is_refused_with_a_sentence(app, client, now, choice, on):
    ticket = a_ticket()
    sign_in(client, a_supervisor())

    change(client, ticket, snooze=choice, snooze_on=on)

    assert ticket.snoozed_until is None
    assert re.search("This is no time|choose a time in the future", client.get(f"/admin/tickets/{ticket.number}").text)


def test_each_date_is_set_and_taken_away_beside_the_ticket(app, client, now):
    setting(time_zone="Europe/Berlin")
    ticket = a_ticket()
    sign_in(client, a_supervisor(name="sue"))

    change(client, ticket, follow_up="tomorrow")
    change(client, ticket, action_required="on", action_required_on="2026-03-03T20:00")
    change(client, ticket, snooze="next_week")
    page = client.get(f"/admin/tickets/{ticket.number}").text

    assert ticket.follow_up_at == dt.datetime(2026, 3, 4, 7, tzinfo=dt.UTC)
    assert ticket.action_required_at == dt.datetime(2026, 3, 3, 19, tzinfo=dt.UTC)
    for said in (
        "Snoozed until Mon 9 Mar 2026, 08:00 CET by Sue Test",
        "Its status and its promise go on",
        "set the follow-up date to Wed 4 Mar 2026, 08:00 CET",
        "set that action is required by Tue 3 Mar 2026, 20:00 CET",
        "Action due soon",
        "Wake now",
    ):
        assert said in page, said

    for name in ("follow_up", "action_required", "snooze"):
        change(client, ticket, **{name: ""})

    assert (ticket.follow_up_at, ticket.action_required_at, ticket.snoozed_until) == (None, None, None)
    assert "brought the ticket back from snooze" in client.get(f"/admin/tickets/{ticket.number}").text


def test_customers_read_nothing_of_dates_in_their_thread(app, client, now):
    from tests.factories import sign_in_customer

    ticket = a_ticket()
    for verb in (ticket.follow_up, ticket.require_action, ticket.snooze):
        verb(START + HOUR, by=SYSTEM)
    now.shift(2 * HOUR)
    run_jobs()
    sign_in_customer(client, ticket.requester)

    page = client.get(f"/portal/tickets/{ticket.number}").text.lower()

    assert "printer" in page
    for word in ("snooz", "follow-up", "follow up", "action is required", "reminded"):
        assert word not in page


def in_(queue, user):
    return set(db.session.scalars(in_queue(queue, acting(user)).statement.with_only_columns(Ticket.number)))


@pytest.mark.parametrize("person", [an_agent, a_supervisor], ids=["an agent", "a supervisor"])
def test_what_sleeps_leaves_the_queues_of_work_and_every_tab_says_the_right_number(app, now, person):
    user, other = person(), an_agent()
    mine, nobodys = a_ticket(assignee=user), a_ticket()
    a_ticket(assignee=user), a_ticket(), a_ticket(assignee=other), a_ticket(state=State.CLOSED)
    before = {queue: len(in_(queue, user)) for queue in Queue}
    for ticket in (mine, nobodys):
        ticket.snooze(START + DAY, by=acting(user))
    db.session.commit()

    asleep = {mine.number, nobodys.number}
    assert in_(Queue.SNOOZED, user) == asleep
    for queue in (Queue.MINE, Queue.UNASSIGNED, Queue.NEEDS):
        assert not in_(queue, user) & asleep
    for queue in (Queue.OPEN, Queue.URGENT, Queue.EVERYTHING):
        assert len(in_(queue, user)) == before[queue]
    for queue in QUEUES:
        told = counts(acting(user), queue, {})
        assert all(told.queues[each] == len(in_(each, user)) for each in told.queues)
        if queue is not Queue.EVERYTHING:
            assert told.filtered == len(in_(queue, user))

    now.shift(DAY)

    assert {queue: len(in_(queue, user)) for queue in Queue} == before
    assert counts(acting(user), Queue.MINE, {}).queues[Queue.MINE] == before[Queue.MINE], "before any worker ran"


def test_a_filter_on_a_queue_counts_without_what_sleeps(app, client, now):
    department = a_department()
    agent = a_supervisor()
    for n in range(3):
        ticket = a_ticket(assignee=agent, department=department)
        if n == 0:
            ticket.snooze(START + DAY, by=SYSTEM)
    db.session.commit()

    assert counts(acting(agent), Queue.MINE, {"department": department.id}).filtered == 2
    assert counts(acting(agent), Queue.SNOOZED, {"department": department.id}).filtered == 1


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("followup:over", {"late"}),
        ("followup:today", {"late", "today"}),
        ("followup:week", {"today", "week"}),
        ("followup:any", {"late", "today", "week", "far"}),
        ("followup:none", {"without"}),
        ("action:overdue", {"late"}),
        ("action:any", {"late", "far"}),
        ("snoozed:yes", {"far"}),
        ("snoozed:no", {"late", "today", "week", "without"}),
        ("is:snoozed", {"far"}),
    ],
)
def test_the_search_box_finds_by_dates(app, client, now, typed, wanted):
    late, today, week, far, _without = (a_ticket(name) for name in ("late", "today", "week", "far", "without"))
    late.follow_up(START + HOUR, by=SYSTEM)
    late.require_action(START + HOUR, by=SYSTEM)
    now.shift(2 * HOUR)
    today.follow_up(START + 5 * HOUR, by=SYSTEM)
    week.follow_up(START + 3 * DAY, by=SYSTEM)
    far.follow_up(START + 30 * DAY, by=SYSTEM)
    far.require_action(START + 30 * DAY, by=SYSTEM)
    far.snooze(START + DAY, by=SYSTEM)
    as_(client, a_supervisor())

    page = client.get(LIST, query_string={"q": typed, "view": "open"})

    shown = set(db.session.scalars(select(Ticket.subject).where(Ticket.number.in_(numbers(page)))))
    assert shown == wanted
    with app.test_request_context():
        heard = asked.read(MultiDict({"q": typed}))
        assert heard.filters, "and the box says it again as it understood it"


def test_a_row_shows_what_is_set_and_every_column_sorts(app, client, now):
    ticket = a_ticket("Signs")
    ticket.follow_up(START + 2 * DAY, by=SYSTEM)
    ticket.require_action(START + HOUR, by=SYSTEM)
    ticket.snooze(START + DAY, by=SYSTEM)
    as_(client, a_supervisor())
    soon = client.get(LIST, query_string={"view": "snoozed"}).text
    now.shift(2 * HOUR)
    over = client.get(LIST, query_string={"view": "snoozed"}).text

    assert "Snoozed until Wed 4 Mar 2026" in soon
    assert "Follow-up on Thu 5 Mar 2026" in soon
    assert "Action due soon" in soon
    assert "Action overdue" in over
    for column in ("follow_up", "action", "snoozed"):
        assert client.get(LIST, query_string={"sort": f"-{column}"}).status_code == 200


def test_many_are_snoozed_at_once_and_given_back(app, now):
    agent = a_supervisor()
    free, asleep, done = a_ticket(), a_ticket(), a_ticket(state=State.CLOSED)
    asleep.snooze(START + 3 * DAY, by=SYSTEM)
    db.session.commit()
    wanted = DEEDS["snooze"].read({}, "tomorrow", acting(agent))
    change = begin("snooze", wanted, [free.id, asleep.id, done.id], acting(agent))
    slept = [ticket.snoozed_until for ticket in (free, asleep, done)]
    undo(change, acting(agent))

    assert slept[0] == slept[1] is not None
    assert slept[2] is None
    assert (free.snoozed_until, asleep.snoozed_until) == (None, START + 3 * DAY)


def test_a_follow_up_in_bulk_is_given_back(app, now):
    agent, ticket = a_supervisor(), a_ticket()
    db.session.commit()
    change = begin("follow_up", DEEDS["follow_up"].read({}, "next_week", acting(agent)), [ticket.id], acting(agent))
    was = ticket.follow_up_at
    undo(change, acting(agent))

    assert was is not None
    assert ticket.follow_up_at is None


def test_an_empty_day_says_so(app, client, now):
    sign_in(client, an_agent())

    assert "Nothing waits for you" in client.get(DAY_PAGE).text


def sections(page):
    """Name → numbers of its tickets, in the page's order."""
    return {
        name: [int(number) for number in re.findall(r'class="ellipsis" href="/admin/tickets/(\d+)"', rest)]
        for name, rest in re.findall(r'<h2 id="day-(\w+)">(.*?)</section>', page, re.S)
    }


def a_whole_day(agent, now):
    """One ticket for each section, and one of somebody else's in each."""
    other, found = an_agent(), {}
    for owner in (other, agent):
        overdue, acts, waits, mentions, looks, back = (a_ticket(assignee=owner) for _ in range(6))
        for ticket in (acts, mentions, looks, back):
            ticket.reply(Words("Hello"), by=acting(owner))
        acts.require_action(START + 20 * HOUR, by=SYSTEM)
        looks.follow_up(START + 5 * HOUR, by=SYSTEM)
        back.snooze(START + HOUR, by=acting(owner))
        mentions.note(Words(f"Please look @{owner.username}"), by=acting(a_supervisor()))
        found = {
            "due": [overdue, acts],
            "waiting": [waits],
            "mentions": [mentions],
            "reminders": [looks],
            "back": [back],
        }
        db.session.flush()
        for ticket in found["due"] + found["waiting"] + [mentions, looks, back]:
            ticket.next_due_at = START - HOUR if ticket is overdue else None
    run_jobs()
    now.shift(HOUR)
    run_jobs()
    return {name: [ticket.number for ticket in tickets] for name, tickets in found.items()}


def test_my_day_has_what_is_mine_and_each_ticket_once(app, client, now, at_most):
    agent = an_agent()
    wanted = a_whole_day(agent, now)
    sign_in(client, agent)
    client.get(DAY_PAGE)
    db.session.expire_all()

    with at_most(12):
        page = client.get(DAY_PAGE).text

    assert sections(page) == wanted
    assert "2h 00m over" in page


def test_my_day_has_my_tasks_that_are_begun_or_due_and_ticks_them_off(app, client, now):
    agent, today = an_agent(), START.date()
    ticket = a_ticket(subject="Shift notes are cut", assignee=agent)
    late = a_task("Call Ada", ticket, assignee=agent, due_on=today - dt.timedelta(days=1))
    begun = a_task("Try the night shift", assignee=agent)
    begun.start(SYSTEM)
    a_task("Write the article", assignee=agent, due_on=today + dt.timedelta(days=3))
    a_task("Somebody else's", assignee=a_supervisor(), due_on=today)
    db.session.commit()
    sign_in(client, agent)

    assert tasks_of(client) == ["Call Ada", "Try the night shift"]
    assert "Shift notes are cut" in client.get(DAY_PAGE).text
    answer = client.post(f"/admin/tasks/{late.id}/properties", data={"state": "done", "back": "day"})
    assert answer.headers["Location"].endswith(DAY_PAGE)
    assert tasks_of(client) == ["Try the night shift"]


def tasks_of(client):
    return re.findall(r'href="/admin/tasks/\d+"><bdi>([^<]*)', client.get(DAY_PAGE).text)


@pytest.mark.parametrize(("section", "what"), [("due", "action"), ("mentions", "mention"), ("reminders", "follow_up"), ("back", "back")])  # fmt: skip
def test_each_line_can_be_ticked_off(app, client, now, section, what):
    agent = an_agent()
    number = a_whole_day(agent, now)[section][-1]
    sign_in(client, agent)

    answer = client.post(f"{DAY_PAGE}{number}/done", data={"what": what})

    assert answer.headers["Location"].endswith(DAY_PAGE)
    assert number not in sections(client.get(DAY_PAGE).text).get(section, [])


def test_what_is_put_off_is_gone_until_its_time(app, client, now):
    agent = an_agent()
    day = a_whole_day(agent, now)
    sign_in(client, agent)
    for number in day["due"] + day["waiting"] + day["reminders"] + day["back"]:
        client.post(f"{DAY_PAGE}{number}/snooze", data={"snooze": "4h"})
    asleep = sections(client.get(DAY_PAGE).text)
    now.shift(4 * HOUR)
    run_jobs()

    assert set(asleep) == {"mentions"}
    assert set(day["due"]) <= set(sections(client.get(DAY_PAGE).text)["due"])


def test_nobody_puts_off_or_ticks_off_what_they_do_not_see(app, client, now):
    own = a_department()
    agent = an_agent(own)
    ticket = a_ticket(department=a_department())
    ticket.follow_up(START + HOUR, by=SYSTEM)
    sign_in(client, agent)

    assert client.post(f"{DAY_PAGE}{ticket.number}/snooze", data={"snooze": "4h"}).status_code == 404
    assert client.post(f"{DAY_PAGE}{ticket.number}/done", data={"what": "follow_up"}).status_code == 404
    db.session.expire_all()
    assert ticket.follow_up_at is not None
    assert ticket.snoozed_until is None


def test_a_mention_of_a_ticket_out_of_sight_is_told_no_more(app, client, now):
    agent = an_agent(a_department())
    ticket = a_ticket("A secret", department=a_department())
    db.session.add(Notification(staff_id=agent.id, kind=Notice.MENTION, ticket_id=ticket.id, parts={"who": "x"}))
    sign_in(client, agent)

    assert "A secret" not in client.get(DAY_PAGE).text


def test_the_dashboard_says_who_has_to_move(app, client, now):
    for state in (State.NEW, State.OPEN, State.OPEN, State.WAITING, State.HOLD, State.CLOSED):
        a_ticket(state=state)
    sign_in(client, a_supervisor())

    page = client.get("/admin/dashboard/").text

    found = re.findall(r'href="/admin/tickets/\?state=(\w+)">[^<]+</a><b class="num">(\d+)</b>', page)
    assert {state: int(count) for state, count in found} == {
        state: len(numbers(client.get(LIST, query_string={"state": state}))) for state, _count in found
    }
    assert sum(int(count) for _state, count in found) == 5


def test_the_customer_who_writes_puts_it_back_into_the_day(app, client, now):
    agent = an_agent()
    ticket = a_ticket(assignee=agent, requester=a_customer())
    ticket.snooze(START + DAY, by=acting(agent))
    now.shift(HOUR)
    ticket.receive(Words("Hello?"), by=CustomerActor.of(ticket.requester))
    sign_in(client, agent)

    found = sections(client.get(DAY_PAGE).text)

    assert ticket.number in found["back"]
    assert ticket.asleep(clock.now()) is False


def test_a_saved_address_with_dates_is_read_again(app):
    listing = Listing.read(MultiDict({"followup": "over", "action": "week", "snoozed": "no", "view": "mine"}))

    assert Listing.read(MultiDict(parse_qsl(listing.address()[1:]))) == listing
