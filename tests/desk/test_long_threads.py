"""A ticket of thousands of entries: its page is as quick as a short one's, and everything in it can be reached."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from app.accounts.viewer import SYSTEM, CustomerActor, Kind
from app.core import clock
from app.core.extensions import db
from app.desk import entries
from app.desk.reading import FIRST, LAST, Only, Place, Reading
from app.desk.workspace import Workspace
from app.search import index
from app.tickets import merging, suppliers
from app.tickets.models import Ticket
from app.tickets.seen import TicketSeen
from app.tickets.suppliers import Question
from app.tickets.thread import Channel, Message, MessageKind, Words
from app.tickets.timeline import IN_THREAD, Did, TicketEvent
from tests.desk.test_list import as_
from tests.effort import effort
from tests.factories import a_department, a_supervisor, a_supplier, a_ticket, acting, an_agent

MANY = 1_000
"""Messages; as many things happened in between."""


def a_long_ticket(messages: int = MANY, events: int = MANY, **given: Any) -> Ticket:
    """Written past the verbs: thousands of them would take minutes. Some entries share an instant."""
    ticket = a_ticket("A long story", text="How it began", **given)
    db.session.commit()
    start = ticket.created_at + dt.timedelta(seconds=1)
    agent = an_agent()
    rows = [
        {
            "ticket_id": ticket.id, "kind": MessageKind.NOTE if n % 10 == 3 else MessageKind.REPLY, "author_name": "Ada" if n % 2 else "Maya Test",
            "staff_id": None if n % 2 and n % 10 != 3 else agent.id, "customer_id": ticket.requester_id if n % 2 and n % 10 != 3 else None, "via": Channel.PORTAL,
            "text": f"entry number{n} of the story", "created_at": start + dt.timedelta(minutes=n), "trusted": True,
        }
        for n in range(messages)
    ]  # fmt: skip
    happened = [
        {
            "ticket_id": ticket.id, "what": Did.TAGGED if n % 2 else Did.NOTED, "at": start + dt.timedelta(minutes=n * messages // max(events, 1)),
            "actor_kind": Kind.STAFF, "actor_name": "Maya Test", "particulars": {"tag": f"t{n}"},
        }
        for n in range(events)
    ]  # fmt: skip
    db.session.execute(insert(Message), rows)
    if happened:
        db.session.execute(insert(TicketEvent), happened)
    ticket.message_count = db.session.scalar(select(func.count(Message.id)).where(Message.ticket_id == ticket.id)) or 0
    db.session.commit()
    index.index_ticket(ticket.id)
    db.session.commit()
    return ticket


def plainly(ticket: Ticket, only: Only = Only.ALL) -> list[Place]:
    """Every entry of the thread, as one walk over the tables gives them."""
    messages = db.session.execute(
        select(Message.created_at, Message.id, Message.kind).where(Message.ticket_id == ticket.id)
    )
    wanted = {
        Only.TALK: [MessageKind.REPLY],
        Only.NOTES: [MessageKind.NOTE],
        Only.HISTORY: [],
        Only.SUPPLIERS: list(set(MessageKind) - {MessageKind.REPLY, MessageKind.NOTE}),
    }.get(only, list(MessageKind))
    places = [Place(at, 0, id) for at, id, kind in messages if kind in wanted]
    if only in (Only.ALL, Only.HISTORY):
        events = db.session.execute(
            select(TicketEvent.at, TicketEvent.id, TicketEvent.what).where(TicketEvent.ticket_id == ticket.id)
        )
        places += [Place(at, 1, id) for at, id, what in events if only is Only.HISTORY or what in IN_THREAD]
    return sorted(places)


def walked(ticket: Ticket, viewer: Any, reading: Reading, from_start: bool) -> list[Place]:
    """What a person has on the page after opening every gap, in the order in which it stands."""
    ws = Workspace.of(ticket.number, viewer, reading=reading)
    told = list(ws.thread)
    while any(entry.gap for entry in told):
        place = next(n for n, entry in enumerate(told) if entry.gap)
        gap = told[place].gap
        assert gap is not None
        told[place : place + 1] = ws.window.between(gap.after, gap.before, from_start)
    return [entry.place for entry in told]


@pytest.mark.parametrize("from_start", [False, True], ids=["from the end", "from the beginning"])
@pytest.mark.parametrize("only", list(Only))
def test_every_gap_opened_gives_what_a_plain_walk_gives(app: Any, only: Only, from_start: bool) -> None:
    ticket = a_long_ticket(450, 700)
    viewer = acting(a_supervisor())

    assert walked(ticket, viewer, Reading(only=only), from_start) == plainly(ticket, only)


@pytest.mark.parametrize("nth", [0, 1, 5, 30, 200, 380, 405, 410, 430, 449, 450])
def test_around_any_message_nothing_is_lost_or_said_twice(app: Any, nth: int) -> None:
    ticket = a_long_ticket(450, 450)
    viewer = acting(a_supervisor())
    wanted = db.session.scalars(
        select(Message.id).where(Message.ticket_id == ticket.id).order_by(Message.id).offset(nth).limit(1)
    ).one()
    reading = Reading(entry=wanted)

    opened = [entry.said.id for entry in Workspace.of(ticket.number, viewer, reading=reading).thread if entry.said]

    assert wanted in opened
    assert walked(ticket, viewer, reading, False) == plainly(ticket)
    assert walked(ticket, viewer, reading, True) == plainly(ticket)


def test_a_short_thread_has_no_gap(app: Any) -> None:
    ticket = a_long_ticket(20, 10)
    told = Workspace.of(ticket.number, acting(a_supervisor())).thread

    assert not [entry for entry in told if entry.gap]
    assert [entry.place for entry in told] == plainly(ticket)


def test_a_ticket_that_robots_filled_hides_no_message(app: Any) -> None:
    ticket = a_long_ticket(3, 900)
    viewer = acting(a_supervisor())

    assert walked(ticket, viewer, Reading(), False) == plainly(ticket)


def test_merged_tickets_are_walked_as_one(app: Any) -> None:
    viewer = acting(a_supervisor())
    long, other = a_long_ticket(300, 300), a_long_ticket(120, 200)
    merging.merge(other, into=long, by=viewer)
    db.session.commit()
    own = set(plainly(long))
    own |= {Place(at, 1, id) for at, id, what in db.session.execute(select(TicketEvent.at, TicketEvent.id, TicketEvent.what).where(TicketEvent.ticket_id == other.id)) if what in IN_THREAD and what is not Did.MERGED}  # fmt: skip

    assert walked(long, viewer, Reading(), False) == sorted(own)


def test_the_page_of_thousands_asks_no_more_than_that_of_four(app: Any, client: Any, at_most: Any) -> None:
    long, short = a_long_ticket(), a_long_ticket(3, 3)
    as_(client, a_supervisor())
    address = {each: f"/admin/tickets/{each.number}" for each in (long, short)}
    for each in address.values():
        client.get(each)

    with at_most(12) as few:
        assert client.get(address[short]).status_code == 200
    with at_most(12) as many:
        page = client.get(address[long])

    assert len(many) <= len(few)
    assert page.status_code == 200 and len(page.data) < 200_000


def test_a_named_entry_stays_within_the_statements_of_a_page(app: Any, client: Any, at_most: Any) -> None:
    ticket = a_long_ticket()
    as_(client, a_supervisor())
    wanted = db.session.scalars(select(Message.id).where(Message.text == "entry number500 of the story")).one()
    client.get(f"/admin/tickets/{ticket.number}?entry={wanted}")

    with at_most(13):
        assert "entry number500 of" in client.get(f"/admin/tickets/{ticket.number}?entry={wanted}").text


def test_the_page_of_thousands_costs_little_more_than_that_of_four(app: Any, client: Any) -> None:
    """Compared with a ticket that shows as much as a page holds, since what is drawn is what costs."""
    long, short = a_long_ticket(), a_long_ticket(45, 0)
    as_(client, a_supervisor())

    def cost(ticket: Ticket) -> float:
        client.get(f"/admin/tickets/{ticket.number}")
        return min(effort(lambda: client.get(f"/admin/tickets/{ticket.number}"), enough=0) for _turn in range(3))

    assert cost(long) < cost(short) * 2


def test_without_a_script_a_link_leads_back_through_all_of_it(app: Any, client: Any) -> None:
    long = a_long_ticket(400, 0)
    as_(client, a_supervisor())
    page, seen = client.get(f"/admin/tickets/{long.number}").text, set()
    for _step in range(9):
        seen |= set(re.findall(r"entry number(\d+) of", page))
        back = re.search(r'<div class="gap">.*?<a class="btn btn-sm" href="([^"]+)"', page, re.S)
        if back is None:
            break
        page = client.get(back[1].replace("&amp;", "&")).text

    assert seen == {str(n) for n in range(400)}


def test_the_filter_keeps_the_address_and_the_list_it_came_from(app: Any, client: Any) -> None:
    ticket = a_long_ticket(120, 50)
    as_(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}?sort=priority&only=notes").text

    assert set(re.findall(r'<article class="msg (\w+)"', page)) == {"note"}
    assert f'href="/admin/tickets/{ticket.number}?sort=priority&amp;only=talk"' in page
    assert f'hx-get="/admin/tickets/{ticket.number}/thread?only=notes"' in page


@pytest.mark.parametrize(
    "query",
    ["entry=0", "entry=99999999999999999999", "entry=x", "until=1-2-3", "until=9-9-9", "only=nothing", "find=%00", "until=999999999999999999-1-1", "find=" + "a" * 3000],
)  # fmt: skip
def test_an_absurd_address_opens_the_newest_entries(app: Any, client: Any, query: str) -> None:
    ticket = a_long_ticket(80, 0)
    as_(client, a_supervisor())

    answer = client.get(f"/admin/tickets/{ticket.number}?{query}")

    assert answer.status_code == 200
    assert "entry number79 of" in answer.text


def test_another_tickets_entry_cannot_be_asked_for(app: Any, client: Any) -> None:
    ticket, foreign = a_long_ticket(80, 0), a_ticket(text="Only for others", department=a_department())
    as_(client, an_agent(ticket.department))
    theirs = foreign.messages[0].id

    assert "Only for others" not in client.get(f"/admin/tickets/{ticket.number}?entry={theirs}").text
    for part in ("passage?after=0-0-0&before=1-0-0", "timeline", "print", "similar", "first-unread"):
        assert client.get(f"/admin/tickets/{foreign.number}/{part}").status_code == 404
    assert client.post(f"/admin/tickets/{foreign.number}/seen", data={"message": theirs}).status_code == 404
    assert client.post(f"/admin/tickets/{foreign.number}/resend", data={"mail": "1"}).status_code == 404


# ---------- search within ----------


def test_words_are_found_in_the_whole_thread_and_marked(app: Any, client: Any) -> None:
    ticket = a_long_ticket()
    as_(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}?find=number77").text

    assert "<mark>number779</mark>" in page
    assert "11 of 11" in page  # 77 and 770 to 779: the last word may be unfinished
    before = re.search(r'href="([^"]+)"[^>]*data-hit-before', page)
    assert before and "data-hit-after" not in page.split("</form>")[0].split("infind")[-1]
    assert "10 of 11" in client.get(before[1].replace("&amp;", "&").partition("#")[0]).text


def test_what_is_marked_stays_harmless(app: Any, client: Any) -> None:
    text = "<script>alert(1)</script> & <b>needle</b> https://a.test/needle?x=1&y=2 needle"
    ticket = a_ticket(text=text)
    db.session.commit()
    as_(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}?find=needle").text

    assert "<script>alert" not in page and "<b>needle" not in page
    assert page.count("<mark>") == 3
    assert 'href="https://a.test/needle?x=1&amp;y=2"' in page


def test_a_search_without_hits_says_so(app: Any, client: Any) -> None:
    ticket = a_long_ticket(60, 0)
    as_(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}?find=absent").text

    assert "Nothing found" in page
    assert "entry number59 of" in page


# ---------- what is new ----------


def test_a_mark_says_what_is_new_since_the_last_visit(app: Any, client: Any) -> None:
    ticket = a_ticket()
    agent = a_supervisor()
    db.session.commit()
    as_(client, agent)
    page = client.get(f"/admin/tickets/{ticket.number}").text
    last = re.search(r'data-last="(\d+)"', page)
    assert last and "New since" not in page
    client.post(f"/admin/tickets/{ticket.number}/seen", data={"message": last[1]})
    assert "New since" not in client.get(f"/admin/tickets/{ticket.number}").text

    db.session.expire_all()
    ticket.reply(Words("my own"), by=acting(agent))
    ticket.receive(Words("Something new"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    page = client.get(f"/admin/tickets/{ticket.number}").text

    assert (
        page.index("my own")
        < page.index("New since your last visit")
        < page.index("Something new", page.index("my own"))
    )
    assert 'href="#new"' in page


def test_the_first_unread_message_far_back_is_one_link_away(app: Any, client: Any) -> None:
    ticket = a_long_ticket()
    agent = a_supervisor()
    as_(client, agent)
    seen = db.session.scalars(select(Message.id).where(Message.text == "entry number199 of the story")).one()
    client.post(f"/admin/tickets/{ticket.number}/seen", data={"message": seen})

    page = client.get(f"/admin/tickets/{ticket.number}").text
    assert f"/admin/tickets/{ticket.number}/first-unread" in page
    answer = client.get(f"/admin/tickets/{ticket.number}/first-unread")

    assert answer.location.endswith(f"?entry={seen + 1}#m{seen + 1}")
    assert "entry number200 of" in client.get(answer.location.partition("#")[0]).text


def test_a_mark_only_goes_forwards_and_not_beyond_what_is_there(app: Any, client: Any) -> None:
    ticket = a_long_ticket(10, 0)
    agent = a_supervisor()
    as_(client, agent)
    newest = db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == ticket.id))
    for given in (str(newest - 3), str(newest + 5), "1", "9" * 30, "-5", "x", ""):
        client.post(f"/admin/tickets/{ticket.number}/seen", data={"message": given})

    db.session.expire_all()
    mark = db.session.scalars(select(TicketSeen)).one()
    assert (mark.staff_id, mark.ticket_id, mark.message_id) == (agent.id, ticket.id, newest)


def test_marks_stay_with_their_ticket_when_it_is_merged_and_go_with_it(app: Any) -> None:
    from app.tickets.seen import note_seen

    boss = acting(a_supervisor())
    one, two = a_ticket("one"), a_ticket("two")
    for each in (one, two):
        note_seen(each, each.messages[0].id, boss)
    merging.merge(two, into=one, by=boss)
    merging.unmerge(two, by=boss)
    db.session.commit()
    assert {mark.ticket_id for mark in db.session.scalars(select(TicketSeen))} == {one.id, two.id}

    db.session.delete(two)
    db.session.commit()
    assert [mark.ticket_id for mark in db.session.scalars(select(TicketSeen))] == [one.id]


# ---------- timeline and paper ----------


def test_the_whole_timeline_is_walked_back_page_by_page(app: Any, client: Any) -> None:
    ticket = a_long_ticket(5, 450)
    as_(client, a_supervisor())
    page, found = client.get(f"/admin/tickets/{ticket.number}/timeline").text, []
    while True:
        found += re.findall(r"added the tag (t\d+)<", page)
        further = re.search(r'href="([^"]+before=[^"]+)"', page)
        if further is None:
            break
        page = client.get(further[1].replace("&amp;", "&")).text

    assert found == [f"t{n}" for n in range(449, -1, -1) if n % 2]


def test_the_timeline_is_narrowed_by_what_happened(app: Any, client: Any) -> None:
    ticket = a_long_ticket(5, 20)
    ticket.close(by=SYSTEM)
    db.session.commit()
    as_(client, a_supervisor())

    status = client.get(f"/admin/tickets/{ticket.number}/timeline?sort=status").text
    facts = client.get(f"/admin/tickets/{ticket.number}/timeline?sort=facts").text

    assert "closed the ticket" in status and "added the tag" not in status
    assert "added the tag" in facts and "closed the ticket" not in facts


def test_by_which_rule_something_happened_is_said(app: Any, client: Any) -> None:
    ticket = a_ticket()
    ticket.remember(Did.TAGGED, SYSTEM, tag="vip", rule="Big customers")
    db.session.commit()
    as_(client, a_supervisor())

    assert (
        "added the tag vip, by the rule “Big customers”" in client.get(f"/admin/tickets/{ticket.number}/timeline").text
    )


def test_the_print_view_has_everything_and_leaves_notes_out_when_asked(app: Any, client: Any) -> None:
    ticket = a_long_ticket(300, 0)
    as_(client, a_supervisor())

    whole = client.get(f"/admin/tickets/{ticket.number}/print").text
    public = client.get(f"/admin/tickets/{ticket.number}/print?notes=0").text

    assert {f"{n}" for n in range(300)} == set(re.findall(r"entry number(\d+) of", whole))
    assert {f"{n}" for n in range(300) if n % 10 != 3} == set(re.findall(r"entry number(\d+) of", public))


def test_without_notes_the_print_view_has_only_what_customers_may_read(app: Any, client: Any) -> None:
    ticket, supplier = a_ticket(text="It stopped."), a_supplier()
    boss = acting(a_supervisor())
    suppliers.ask(
        ticket, Question(supplier.contacts[0], "A part", Words("Do you have the fuser?", via=Channel.STAFF)), boss
    )
    suppliers.hear(ticket, supplier, Words("It costs 90.", via=Channel.MAIL), "Jo")
    ticket.receive(Words("I am somebody else.", via=Channel.MAIL, trusted=False), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    as_(client, a_supervisor())

    whole = client.get(f"/admin/tickets/{ticket.number}/print").text
    public = client.get(f"/admin/tickets/{ticket.number}/print?notes=0").text

    for words in ("Do you have the fuser?", "It costs 90.", "I am somebody else."):
        assert words in whole and words not in public
    assert "It stopped." in public and " · Supplier" in whole


def test_places_read_back_as_they_were_written(app: Any) -> None:
    for place in (FIRST, LAST, Place(clock.now(), 1, 7)):
        assert Place.read(place.token) == place
    assert Place.read("1-0-0\n") is None and Place.read("999999999999999999-0-1") is None
    assert entries.NEWEST < 100
