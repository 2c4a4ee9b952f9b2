"""A ticket's page: what it shows, what is sent from it, what is changed beside it, and its files."""

import io
import re

import pytest
from flask import g
from sqlalchemy import func, select

from app.accounts.models import Availability, Customer
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.extensions import db
from app.desk import lookups, pickers
from app.desk.files import disposition
from app.desk.workspace import Workspace
from app.settings import desk
from app.tickets import files
from app.tickets.choices import CannedResponse, Category, State
from app.tickets.models import Participant, ParticipantRole, Ticket, TicketKind
from app.tickets.thread import Attachment, Channel, Message, MessageKind, Words
from app.tickets.timeline import Did, TicketEvent
from tests.desk.test_list import as_
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_status,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    setting,
    staff,
)  # fmt: skip

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"


def at(ticket, more=""):
    return f"/admin/tickets/{ticket.number}{more}"


def send(client, ticket, body="Hello", **more):
    seen = db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == ticket.id))
    answer = client.post(
        at(ticket, "/messages"),
        data={"kind": "reply", "body": body, "then": "keep", "last_message_id": str(seen), **more},
    )
    answer.request.environ["wsgi.input"].close()  # the test client keeps a large upload in a file and leaves it open
    db.session.expire_all()
    return answer


def change(client, ticket, as_json=True, query="", **properties):
    answer = client.post(
        at(ticket, "/properties" + query), data=properties, headers={"Accept": "application/json"} if as_json else {}
    )
    db.session.expire_all()
    return answer


def messages(ticket):
    return list(db.session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)))


# ---------- what it shows ----------


def test_the_page_shows_the_conversation_and_what_happened_in_the_order_of_time(app, client):
    ticket = a_ticket("Cannot activate", text="It does not work", priority=a_priority(3))
    agent = acting(a_supervisor(name="maya"))
    ticket.note(Words("Look at the log first"), by=agent)
    ticket.set_priority(a_priority(4), by=agent)
    ticket.reply(Words("Please restart"), by=agent)
    as_(client, a_supervisor())

    page = client.get(at(ticket)).text

    thread = page[page.index('id="thread"') :]
    places = [
        thread.index(said)
        for said in (
            "It does not work",
            "Look at the log first",
            "changed the priority from High to Critical",
            "Please restart",
        )
    ]
    assert places == sorted(places)
    for said in (
        ticket.display,
        "Cannot activate",
        "Internal note",
        "Maya Test",
        ticket.requester.email,
        "opened the ticket",
    ):
        assert said in page


def test_only_a_note_says_that_the_team_alone_sees_it(app, client):
    ticket = a_ticket()
    ticket.note(Words("secret"), by=acting(a_supervisor()))
    as_(client, a_supervisor())

    kinds = re.findall(r'<article class="msg (\w+)"', client.get(at(ticket)).text)

    assert kinds == ["customer", "note"]


def test_a_reply_to_a_hidden_ticket_does_not_claim_to_be_on_its_way(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    ticket.hide(by=SYSTEM)
    db.session.commit()
    send(client, ticket, "Only for the file")
    told = client.get(at(ticket)).text
    assert "It is hidden: no mail leaves." in told
    assert "on its way" not in told


def test_quoted_history_is_folded_and_an_unproven_sender_marked(app, client):
    ticket = a_ticket()
    stranger = CustomerActor.of(a_customer("Mallory"))
    ticket.receive(
        Words("New words", full_text="New words\n\n> old words", via=Channel.MAIL, trusted=False), by=stranger
    )
    as_(client, a_supervisor())

    page = client.get(at(ticket)).text

    assert re.search(r'<details class="quoted">.*old words', page, re.S)
    assert "Unverified sender" in page


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{ 7*7 }}", "javascript:alert(1)"]
)
def test_words_are_words(app, client, text):
    ticket = a_ticket(text, text=text, requester=a_customer(text, email="x@y.test"), tags=(text,))
    ticket.receive(Words(text, full_text=text + "\n> " + text), by=CustomerActor.of(ticket.requester))
    as_(client, a_supervisor())

    page = client.get(at(ticket)).text

    assert (
        "<script>alert" not in page
        and "<img src=x" not in page
        and 'href="javascript' not in page
        and ">49<" not in page
    )


@pytest.mark.parametrize(
    "text", ["حساب مقفل", "請求書の宛名を変更", "Не приходит письмо", "καλημέρα", "🔒👩‍👩‍👧 emoji"]
)
def test_every_script_is_sent_and_shown(app, client, text):
    ticket = a_ticket()
    as_(client, a_supervisor())

    send(client, ticket, text)

    assert messages(ticket)[-1].text == text
    assert text in client.get(at(ticket)).text


def test_the_page_stays_within_its_statements_and_writes_nothing(app, client, at_most):
    agent = an_agent(a_department("Own"))
    customer = a_customer()
    ticket = a_ticket(
        requester=customer,
        department=db.session.scalars(select(Ticket.department_id)).first() and None,
        tags=("a", "b"),
    )
    for n in range(12):
        a_ticket(f"other {n}", requester=customer)
        ticket.receive(
            Words(f"again {n}", attachments=(files.store(f"{n}.txt", b"x", SYSTEM),)), by=CustomerActor.of(customer)
        )
        staff()
    boss = a_supervisor()
    as_(client, boss)
    client.get(at(ticket))
    db.session.expire_all()

    with at_most(12) as seen:
        assert client.get(at(ticket)).status_code == 200

    assert not [
        statement for statement in seen if not statement.lstrip().upper().startswith(("SELECT", "WITH", "PRAGMA"))
    ]
    assert agent.id


def test_the_number_of_statements_does_not_grow_with_the_conversation(app, client, at_most):
    ticket = a_ticket()
    as_(client, a_supervisor())
    ticket.receive(Words("m"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    with at_most(99) as few:
        client.get(at(ticket))
    for n in range(15):
        ticket.receive(Words(f"m{n}"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    with at_most(99) as many:
        client.get(at(ticket))

    assert len(many) == len(few)


def test_other_tickets_of_the_customer_stand_with_the_open_ones_first(app, client):
    customer = a_customer()
    done, open_one = (
        a_ticket("finished matter", requester=customer, state=State.CLOSED),
        a_ticket("open matter", requester=customer),
    )
    newest_done = a_ticket("finished lately", requester=customer, state=State.CLOSED)
    ticket = a_ticket(requester=customer)
    foreign = a_ticket("of another department", requester=customer, department=a_department())
    agent = an_agent(ticket.department)
    as_(client, agent)

    found = Workspace.of(ticket.number, acting(agent)).previous

    assert [other.id for other in found] == [open_one.id, newest_done.id, done.id]
    assert foreign.subject not in client.get(at(ticket)).text


def test_why_it_is_mine_is_said(app, client):
    ticket = a_ticket()
    agent = a_supervisor(name="maya")
    ticket.assign_to(agent, by=SYSTEM, reason="the least loaded")
    as_(client, agent)

    assert "Why Maya Test: the least loaded" in client.get(at(ticket)).text


def test_previous_and_next_follow_the_list_it_was_opened_from(app, client):
    tickets = [a_ticket(f"t{n}", priority=a_priority(n + 1)) for n in range(3)]
    as_(client, a_supervisor())

    page = client.get(at(tickets[1], "?sort=priority")).text

    assert re.search(rf'href="/admin/tickets/{tickets[0].number}\?sort=priority" data-prev', page)
    assert re.search(rf'href="/admin/tickets/{tickets[2].number}\?sort=priority" data-next', page)


# ---------- who may ----------

DOORS = [
    ("GET", ""),
    ("GET", "/thread"),
    ("GET", "/canned"),
    ("POST", "/messages"),
    ("POST", "/properties"),
    ("POST", "/take"),
    ("POST", "/tags"),
]


@pytest.mark.parametrize(("method", "door"), DOORS, ids=[f"{method} {door or 'the page'}" for method, door in DOORS])
def test_a_ticket_of_another_department_is_not_there(app, client, method, door):
    ticket = a_ticket()
    as_(client, an_agent(a_department("Elsewhere")))
    given = {"kind": "reply", "body": "x", "status": str(a_status("Closed").id), "add": "tag"}

    assert client.open(at(ticket, door), method=method, data=given).status_code == 404
    assert client.open(f"/admin/tickets/999999{door}", method=method, data=given).status_code == 404
    assert len(messages(ticket)) == 1
    assert (ticket.state, ticket.assignee_id, ticket.tags) == (State.OPEN, None, [])


def test_a_message_of_another_ticket_is_not_given_under_this_number(app, client):
    mine, foreign = a_ticket(), a_ticket(department=a_department())
    message = foreign.receive(Words("x", html="<p>canary</p>"), by=CustomerActor.of(foreign.requester))
    as_(client, an_agent(mine.department))

    assert client.get(at(mine, f"/messages/{message.id}/html")).status_code == 404
    assert client.get(at(foreign, f"/messages/{message.id}/html")).status_code == 404


def test_who_may_only_read_gets_neither_composer_nor_a_way_around_it(app, client, a_role):
    reader = staff()
    reader.roles = [a_role("list", "show")]
    ticket = a_ticket()
    as_(client, reader)

    page = client.get(at(ticket)).text

    assert 'name="body"' not in page and "<select" not in page[page.index("d-props") :]
    assert send(client, ticket).status_code == 403
    assert change(client, ticket, status=a_status("Closed").id).status_code == 403
    assert len(messages(ticket)) == 1


# ---------- sending ----------


@pytest.mark.parametrize(
    ("then", "state"),
    [
        ("keep", State.OPEN),
        ("wait", State.WAITING),
        ("resolve", State.RESOLVED),
        ("close", State.CLOSED),
        ("status:On Hold", State.HOLD),
    ],
    ids=["keep open", "wait for the customer", "resolve", "close", "a chosen status"],
)
def test_a_reply_goes_with_its_outcome(app, client, then, state):
    ticket = a_ticket()
    boss = a_supervisor()
    as_(client, boss)
    kind, _, name = then.partition(":")

    answer = send(client, ticket, "Here is the answer", then=f"{kind}:{a_status(name).id}" if name else then)

    assert (answer.status_code, answer.location) == (303, at(ticket))
    assert ticket.state is state
    assert (messages(ticket)[-1].text, messages(ticket)[-1].staff_id, messages(ticket)[-1].kind) == (
        "Here is the answer",
        boss.id,
        MessageKind.REPLY,
    )


def test_ways_to_send_that_lead_to_the_same_status_are_one(app):
    boss = acting(a_supervisor())
    waiting, closed = a_ticket(state=State.WAITING), a_ticket(state=State.CLOSED)
    db.session.flush()

    def ways(ticket):
        return [way.then for way in Workspace(ticket, boss, None).ways if not way.then.startswith("status")]

    assert ways(a_ticket()) == ["keep", "wait", "resolve", "close"]
    assert ways(waiting) == ["keep", "resolve", "close"]
    assert ways(closed) == ["keep", "wait", "resolve"]


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.OPEN, "Send & keep open"), (State.WAITING, "Send & keep waiting"), (State.HOLD, "Send & keep on hold")],
    ids=["open", "waiting", "on hold"],
)
def test_keeping_the_status_says_which_it_is(app, state, words):
    boss = acting(a_supervisor())
    ticket = a_ticket(state=state)
    db.session.flush()

    assert Workspace(ticket, boss, None).ways[0].words == words


def test_a_reply_that_sets_a_status_by_the_desks_rule_says_so(app):
    setting(status_on_staff_reply=a_status("In Progress").id)

    assert Workspace(a_ticket(), acting(a_supervisor()), None).ways[0].words == "Send & set to In Progress"


def test_the_priority_changes_with_the_reply(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    send(client, ticket, priority=str(a_priority(4).id))

    assert ticket.priority_rank == 4


def test_a_note_is_internal_and_moves_no_status(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    send(client, ticket, "Between us", kind="note", then="resolve", last_message_id="0")

    assert messages(ticket)[-1].kind is MessageKind.NOTE
    assert (ticket.state, ticket.needs_response) == (State.OPEN, True)


def test_an_entry_of_an_unknown_kind_is_never_sent_to_the_customer(app, client):
    ticket = a_ticket()
    as_(client, an_agent())
    answer = send(client, ticket, "For the team alone", kind="internal")
    assert (answer.status_code, "For the team alone" in answer.text) == (422, True)
    assert "For the team alone" not in [message.text for message in messages(ticket)]


def test_files_go_with_the_reply(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    send(client, ticket, files=[(io.BytesIO(PNG), "größe 1.png"), (io.BytesIO(b"log"), "../../etc/passwd")])

    assert [(file.name, file.type) for file in messages(ticket)[-1].attachments] == [
        ("größe 1.png", "image/png"),
        ("passwd", "text/plain"),
    ]


REFUSED = {
    "an empty message": ({"body": "  \n "}, 422, "Please write something"),
    "a message that is too long": ({"body": "x" * 500_001}, 422, "At most 500000 characters"),
    "an unknown outcome": ({"then": "explode"}, 422, "choose how to send"),
    "an unknown status": ({"then": "status:99999"}, 422, "Please choose again"),
    "an unknown priority": ({"priority": "99999"}, 422, "Please choose again"),
    "a file of 11 MB": ({"files": (io.BytesIO(b"x" * (11 * 1024 * 1024)), "big.bin")}, 422, "larger than 10 MB"),
    "an empty file": ({"files": (io.BytesIO(b""), "void.txt")}, 422, "is empty"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_refused_comes_back_with_its_sentence_and_everything_typed(app, client, case):
    given, code, sentence = REFUSED[case]
    given = {
        name: (io.BytesIO(value[0].getvalue()), value[1]) if isinstance(value, tuple) else value
        for name, value in given.items()
    }
    ticket = a_ticket()
    as_(client, a_supervisor())

    answer = send(client, ticket, **{"body": "My long answer", **given})

    assert answer.status_code == code
    assert sentence in answer.text
    assert given.get("body", "My long answer")[:100].strip() in answer.text
    assert len(messages(ticket)) == 1
    assert (ticket.state, ticket.priority_rank) == (State.OPEN, 2)


def test_a_file_that_came_with_a_refused_reply_waits_for_the_next_try(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    page = send(client, ticket, then="explode", files=(io.BytesIO(b"log"), "log.txt")).text
    waiting = re.search(r'name="attachment_ids" value="(\d+)" checked', page)[1]
    send(client, ticket, "Now with words", attachment_ids=waiting)

    assert [file.name for file in messages(ticket)[-1].attachments] == ["log.txt"]


def test_nobody_sends_a_file_that_somebody_else_uploaded(app, client):
    ticket, other = a_ticket(), acting(a_supervisor())
    theirs = files.keep("theirs.txt", b"x", other)
    db.session.commit()
    as_(client, a_supervisor())

    send(client, ticket, attachment_ids=str(theirs.id))

    assert theirs.message_id is None


def test_too_many_files_are_refused_in_a_sentence(app, client):
    setting(max_attachments=2)
    ticket = a_ticket()
    as_(client, a_supervisor())

    answer = send(client, ticket, files=[(io.BytesIO(b"x"), f"{n}.txt") for n in range(3)])

    assert answer.status_code == 422
    assert "At most 2 files" in answer.text


def test_a_reply_over_a_message_nobody_saw_is_held_and_shows_it(app, client):
    ticket = a_ticket()
    seen = str(messages(ticket)[-1].id)
    as_(client, a_supervisor())
    ticket.receive(Words("Forget it, it works <b>now</b>"), by=CustomerActor.of(ticket.requester))
    db.session.commit()

    held = send(client, ticket, "Please try this", last_message_id=seen)

    assert held.status_code == 409
    assert (
        "Please try this</textarea>" in held.text
        and "Forget it, it works &lt;b&gt;" in held.text
        and "Send anyway" in held.text
    )
    assert len(messages(ticket)) == 2
    again = re.search(r'name="last_message_id" value="(\d+)"', held.text)[1]
    assert send(client, ticket, "Please try this", last_message_id=again).status_code == 303
    assert messages(ticket)[-1].text == "Please try this"


def test_a_colleagues_note_in_between_holds_nothing(app, client):
    ticket = a_ticket()
    seen = str(messages(ticket)[-1].id)
    ticket.note(Words("fyi"), by=acting(a_supervisor()))
    as_(client, a_supervisor())

    assert send(client, ticket, last_message_id=seen).status_code == 303


# ---------- canned responses ----------


def canned(**given):
    row = CannedResponse(
        title=given.pop("title", "Host ID"),
        shortcut=given.pop("shortcut", "host-id"),
        body=given.pop(
            "body", "Hello {{customer_name}}, about {{ ticket_number }}: {{agent_name}}, {{department}}. {{unknown}}"
        ),
        uses=0,
        **given,
    )
    db.session.add(row)
    db.session.flush()
    return row


def test_a_canned_response_comes_with_its_variables_filled(app, client):
    canned()
    ticket = a_ticket(requester=a_customer("Ada"))
    as_(client, a_supervisor(name="maya"))

    found = client.get(at(ticket, "/canned?q=host")).json["items"]

    assert found == [
        {
            "name": "host-id",
            "title": "Host ID",
            "text": f"Hello Ada, about {ticket.display}: Maya Test, Support. {{{{unknown}}}}",
        }
    ]


def test_only_ones_own_and_fitting_responses_are_offered(app, client):
    ticket = a_ticket(category=a_category("Licences"))
    me, other = a_supervisor(), a_supervisor()
    canned(title="everybody's")
    canned(title="mine", owner_id=me.id)
    canned(title="theirs", owner_id=other.id)
    canned(title="of the category", category_id=ticket.category_id)
    canned(title="of another category", category_id=a_category().id)
    canned(title="of another department", department_id=a_department().id)
    canned(title="switched off", active=False)
    as_(client, me)

    titles = {one["title"] for one in client.get(at(ticket, "/canned")).json["items"]}

    assert titles == {"everybody's", "mine", "of the category"}


def test_a_sent_response_counts_its_use(app, client):
    used, unused = (
        canned(body="Please send us the host ID, {{customer_name}}."),
        canned(shortcut="other", body="Please restart the machine."),
    )
    ticket = a_ticket(requester=a_customer("Ada"))
    as_(client, a_supervisor())

    send(client, ticket, "Good morning,\n\nPlease send us the host  ID, Ada.\n\nBye")

    assert (used.uses, unused.uses) == (1, 0)


# ---------- properties ----------


def test_each_property_saves_by_its_verb(app, client):
    ticket = a_ticket()
    boss, agent = a_supervisor(), an_agent()
    department, category = a_department("Away"), a_category("Licences")
    as_(client, boss)

    for name, value in (
        ("status", a_status("On Hold").id),
        ("priority", a_priority(4).id),
        ("assignee", agent.id),
        ("category", category.id),
        ("department", department.id),
        ("hidden", "1"),
        ("subject", "Better"),
    ):
        assert change(client, ticket, **{name: value}).json == {"saved": True}, name

    assert (ticket.status.name, ticket.priority_rank, ticket.assignee_id, ticket.category, ticket.department, ticket.hidden_from_client, ticket.subject) == (
        "On Hold", 4, agent.id, category, department, True, "Better",
    )  # fmt: skip
    deeds = {event.what for event in db.session.scalars(select(TicketEvent).where(TicketEvent.staff_id == boss.id))}
    assert deeds >= {
        Did.STATUS_CHANGED,
        Did.PRIORITY_CHANGED,
        Did.ASSIGNED,
        Did.CATEGORY_CHANGED,
        Did.DEPARTMENT_CHANGED,
        Did.HIDDEN,
        Did.SUBJECT_CHANGED,
    }


def test_without_script_the_whole_form_saves_at_once_or_not_at_all(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    whole = {
        "status": a_status("On Hold").id,
        "priority": ticket.priority_id,
        "assignee": "nobody",
        "department": ticket.department_id,
        "category": "",
        "was": "",
    }

    assert change(client, ticket, as_json=False, **whole).location == at(ticket)
    assert ticket.status.name == "On Hold"
    change(client, ticket, as_json=False, **{**whole, "status": a_status("Open").id, "category": "99999"})
    assert ticket.status.name == "On Hold"


@pytest.mark.parametrize("name", ["status", "priority", "assignee", "department", "category"])
@pytest.mark.parametrize("value", ["99999", "x", "-1", "9" * 30, "٣", "1 OR 1=1"])
def test_an_unknown_choice_is_refused_beside_its_field(app, client, name, value):
    ticket = a_ticket()
    as_(client, a_supervisor())

    answer = change(client, ticket, **{name: value})

    assert answer.status_code == 422
    assert answer.json["error"] and name in answer.json["fields"]


def test_a_status_not_meant_for_hands_is_neither_offered_nor_taken(app, client):
    automatic = a_status("On Hold")
    automatic.manual = False
    ticket = a_ticket()
    boss = a_supervisor()
    as_(client, boss)

    assert change(client, ticket, status=automatic.id).status_code == 422
    assert "On Hold" not in [row.name for row in lookups.of_ticket(ticket.id).choosable_statuses(ticket.status_id)]


def test_a_subject_keeps_to_one_line(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    change(client, ticket, subject="Hello\r\nBcc: all@example.com <script>")

    assert ticket.subject == "Hello Bcc: all@example.com <script>"


def test_a_subject_or_a_tag_that_is_too_long_is_refused_and_not_cut(app, client):
    ticket = a_ticket(subject="Before")
    as_(client, an_agent())
    for door, given, most in (("/properties", {"subject": "x" * 201}, "200"), ("/tags", {"add": "y" * 41}, "40")):
        answer = client.post(at(ticket, door), data=given, headers={"Accept": "application/json"})
        assert (answer.status_code, most in answer.json["error"]) == (422, True)
    db.session.refresh(ticket)
    assert (ticket.subject, ticket.tags) == ("Before", [])


def test_two_who_assign_at_once_get_one_assignee_and_a_sentence(app, client):
    ticket = a_ticket()
    first, second = a_supervisor(name="first"), a_supervisor(name="second")
    as_(client, first)
    change(client, ticket, query="?was=", assignee=first.id)
    as_(client, second)

    answer = change(client, ticket, query="?was=", assignee=second.id)

    assert answer.status_code == 409
    assert "was given to First Test" in answer.json["error"]
    assert ticket.assignee_id == first.id


def test_undoing_ones_own_assignment_is_no_conflict(app, client):
    ticket = a_ticket()
    me, other = a_supervisor(), a_supervisor()
    as_(client, me)

    change(client, ticket, query="?was=", assignee=other.id)

    assert change(client, ticket, query="?was=", assignee="nobody").status_code == 200
    assert ticket.assignee_id is None


def test_a_ticket_taken_meanwhile_is_not_taken_again(app, client):
    ticket = a_ticket()
    other, me = a_supervisor(name="jonas"), a_supervisor()
    ticket.assign_to(other, by=acting(other))
    as_(client, me)

    client.post(at(ticket, "/take"))

    assert ticket.assignee_id == other.id
    assert "was given to Jonas Test" in client.get(at(ticket)).text


def test_those_offered_as_assignees_are_those_who_may_work_on_it(app, client):
    technical = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    own, away = a_department("Own"), a_department("Away")
    people = [
        an_agent(own),
        an_agent(away),
        an_agent(own, away),
        an_agent(),
        staff("Developer"),
        staff("Developer", (away,)),
        a_supervisor(),
        a_super_admin(),
        staff("Supervisor", (away,)),
    ]
    idle = staff()
    idle.roles = []
    gone = an_agent()
    gone.active = False
    db.session.commit()
    further = a_ticket(department=own, category=technical)
    db.session.add(Participant(ticket_id=further.id, role=ParticipantRole.DEPARTMENT, department_id=away.id))
    db.session.flush()

    for ticket in (a_ticket(department=own), a_ticket(department=own, category=technical), further):
        offered = {one.id for one in pickers.candidates(ticket, lookups.of_ticket(ticket.id))}
        assert offered == {person.id for person in [*people, idle, gone] if ticket.may_be_given_to(person.id)}


def test_candidates_come_with_their_load_and_the_present_ones_first(app):
    ticket = a_ticket()
    busy, away = an_agent(name="busy"), an_agent(name="away", availability=Availability.OFFLINE)
    a_ticket(assignee=busy)
    a_ticket(assignee=busy)
    db.session.commit()

    found = pickers.candidates(ticket, lookups.of_ticket(ticket.id))

    assert [(one.id, one.load, one.available) for one in found] == [(busy.id, 2, True), (away.id, 0, False)]


def test_tags_are_added_and_removed(app, client):
    ticket = a_ticket(tags=("old",))
    as_(client, a_supervisor())

    client.post(at(ticket, "/tags"), data={"add": "New One, second"})
    client.post(at(ticket, "/tags"), data={"remove": "old"})
    client.post(at(ticket, "/tags"), data={"add": "  "})
    db.session.expire_all()

    assert [tag.name for tag in ticket.tags] == ["new one", "second"]


def test_a_ticket_moved_out_of_ones_sight_leads_back_to_the_list(app, client):
    own = a_department("Own")
    ticket = a_ticket(department=own)
    as_(client, an_agent(own))

    answer = change(client, ticket, as_json=False, department=a_department("Away").id)

    assert answer.location == "/admin/tickets/"
    gone = client.get(at(ticket, "/thread"), headers={"HX-Request": "true"})
    assert gone.headers["HX-Redirect"] == "/admin/tickets/"


# ---------- new ticket ----------


def new(client, **given):
    answer = client.post(
        "/admin/tickets/new",
        data={
            "email": "ada@x.test",
            "name": "Ada",
            "subject": "Call",
            "body": "She called",
            "begun_by": "customer",
            **given,
        },
    )
    return answer, db.session.scalar(select(Ticket).order_by(Ticket.id.desc()))


def test_a_ticket_opened_on_behalf_is_the_customers(app, client):
    as_(client, an_agent())

    answer, ticket = new(client)

    assert answer.location == at(ticket)
    assert (ticket.requester.email, ticket.channel, ticket.kind, ticket.needs_response, ticket.opened_by_staff) == (
        "ada@x.test",
        Channel.STAFF,
        TicketKind.TICKET,
        True,
        False,
    )
    assert messages(ticket)[0].customer_id == ticket.requester_id


def test_a_conversation_is_begun_by_staff(app, client):
    boss = a_supervisor()
    as_(client, boss)

    _, ticket = new(
        client,
        begun_by="staff",
        priority=str(a_priority(4).id),
        category=str(a_category().id),
        department=str(a_department("Away").id),
    )

    assert (
        ticket.kind,
        ticket.opened_by_staff,
        ticket.needs_response,
        ticket.priority_rank,
        ticket.department.name,
    ) == (TicketKind.CONVERSATION, True, False, 4, "Away")
    assert messages(ticket)[0].staff_id == boss.id


def test_a_known_address_is_the_same_customer_with_the_name_they_have(app, client):
    known = a_customer("Ada Lovelace", email="Ada@X.test")
    as_(client, a_supervisor())

    _, ticket = new(client, name="Somebody")

    assert (ticket.requester_id, known.name) == (known.id, "Ada Lovelace")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({"email": ""}, "email address"), ({"email": "not an address"}, "email address"), ({"email": "a@b.c\r\nBcc: d@e.f"}, "email address"), ({"subject": " "}, "in a few words"), ({"subject": "x" * 201}, "At most 200"),
     ({"body": ""}, "Please write"), ({"body": "x" * 500_001}, "500000"), ({"department": "99999"}, "choose again"), ({"category": "x"}, "choose again"), ({"priority": "-1"}, "choose again")],
    ids=["no address", "no address at all", "a second header line", "no subject", "a long subject", "no message", "a long message", "no such department", "no such category", "no such priority"],
)  # fmt: skip
def test_an_incomplete_ticket_is_refused_with_what_was_typed(app, client, given, sentence):
    as_(client, a_supervisor())

    answer, ticket = new(client, **{"name": "Typed by hand", **given})

    assert answer.status_code == 422
    assert sentence in answer.text and "Typed by hand" in answer.text
    assert ticket is None and db.session.scalar(select(func.count(Customer.id))) == 0


def test_the_picker_finds_customers_by_the_beginning_of_name_or_address(app, client):
    a_customer("Ada Lovelace", email="countess@x.test")
    a_customer("Bob", email="ada@y.test")
    a_customer("Percent", email="100%@x.test")
    as_(client, a_supervisor())

    def found(words):
        return [one["email"] for one in client.get("/admin/tickets/customers", query_string={"q": words}).json["items"]]

    assert (found("ADA"), found("%"), found(""), found("_")) == (["countess@x.test", "ada@y.test"], [], [], [])


def test_opening_needs_its_right(app, client, a_role):
    reader = staff()
    reader.roles = [a_role("list", "show", "reply")]
    as_(client, reader)

    assert (
        client.get("/admin/tickets/new").status_code
        == client.post("/admin/tickets/new").status_code
        == client.get("/admin/tickets/customers").status_code
        == 403
    )


# ---------- files and originals ----------


def a_file(ticket, name="log.txt", content=b"hello", **given):
    file = files.store(name, content, CustomerActor.of(ticket.requester), **given)
    message = messages(ticket)[0]
    file.message, file.ticket_id = message, ticket.id
    db.session.commit()
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html><script>alert(1)</script>"),
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.pdf", b"%PDF-1.4 x"),
        ("fake.png", b"<html>not a picture</html>"),
    ],
)
@pytest.mark.parametrize("query", ["", "?inline=1"])
def test_a_file_is_saved_and_never_run(app, client, name, content, query):
    ticket = a_ticket()
    file = a_file(ticket, name, content)
    as_(client, a_supervisor())

    answer = client.get(f"/admin/files/{file.id}{query}")

    assert answer.data == content
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        "sandbox" in answer.headers["Content-Security-Policy"]
        and "default-src 'none'" in answer.headers["Content-Security-Policy"]
    )


def test_a_picture_is_shown_when_asked_for(app, client):
    file = a_file(a_ticket(), "shot.png", PNG)
    as_(client, a_supervisor())

    shown, saved = client.get(f"/admin/files/{file.id}?inline=1"), client.get(f"/admin/files/{file.id}")

    assert (shown.mimetype, shown.headers["Content-Disposition"].split(";")[0]) == ("image/png", "inline")
    assert saved.headers["Content-Disposition"].split(";")[0] == "attachment"


def test_a_name_in_any_script_reaches_the_browser(app):
    assert (
        disposition("attachment", 'größe "1"; 請求\r\n.pdf')
        == "attachment; filename=\"gr__e _1__ ____.pdf\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22%3B%20%E8%AB%8B%E6%B1%82%0D%0A.pdf"
    )


def test_a_file_of_a_foreign_ticket_is_not_there(app, client):
    file = a_file(a_ticket(), "shot.png", PNG)
    as_(client, an_agent(a_department("Elsewhere")))

    assert client.get(f"/admin/files/{file.id}").status_code == client.get(f"/admin/files/{2**70}").status_code == 404
    assert client.get(f"/admin/files/{file.id}/sealed/guessed").status_code == 404


def test_an_original_stands_in_a_frame_without_any_right(app, client):
    ticket = a_ticket()
    message = ticket.receive(
        Words("x", html='<p>Hi</p><img src="cid:pic@1">', via=Channel.MAIL), by=CustomerActor.of(ticket.requester)
    )
    picture = files.store("pic.png", PNG, CustomerActor.of(ticket.requester), inline=True, content_id="pic@1")
    picture.message, picture.ticket_id = message, ticket.id
    as_(client, a_supervisor())

    answer = client.get(at(ticket, f"/messages/{message.id}/html"))

    policy = answer.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "img-src 'self' data:", "style-src 'none'", "sandbox", "frame-ancestors 'self'"):
        assert part in policy
    assert "allow-scripts" not in policy and "allow-same-origin" not in policy
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in client.get(at(ticket)).text
    sealed = re.search(r'src="(/admin/files/[^"]+)"', answer.text)[1]
    stranger = app.test_client().get(sealed)
    assert (stranger.status_code, stranger.mimetype) == (200, "image/png")


def test_a_seal_fits_one_picture_only(app, client):
    from app.desk.files import address

    ticket = a_ticket()
    one, other = a_file(ticket, "a.png", PNG), a_file(ticket, "b.png", PNG)
    text = a_file(ticket, "log.txt")
    g.user = a_supervisor()
    sealed, of_text, others = address(one), address(text), f"/{other.id}/"

    assert client.get(sealed).status_code == 200
    assert client.get(sealed.replace(f"/{one.id}/", others)).status_code == 404
    assert client.get(of_text).status_code == 404
    assert desk.current().max_attachment_mb and db.session.scalar(select(func.count(Attachment.id))) == 3


def test_the_composer_of_a_hidden_ticket_says_that_no_mail_leaves(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    db.session.commit()
    assert "Hidden: no mail leaves" not in client.get(at(ticket)).text
    client.post(at(ticket) + "/properties", data={"hidden": "1"})
    page = client.get(at(ticket)).text
    assert "Hidden: no mail leaves" in page
    assert f"To {ticket.requester.email}" not in page
