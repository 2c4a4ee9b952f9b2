"""The staff's ticket list: what it shows to whom, its tabs, filters, order, pages and its CSV."""

import csv
import datetime as dt
import io
import re

import pytest
from flask import g
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.extensions import db
from app.desk.counts import counts
from app.desk.listing import SORTS, Listing
from app.desk.queues import Queue, in_queue
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.models import Participant, ParticipantRole, Ticket, TicketKind
from app.tickets.thread import Channel, Words
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
    an_organization,
    run_jobs,
    setting,
    sign_in,
    staff,
)  # fmt: skip

LIST = "/admin/tickets/"


def as_(client, user):
    """Sign in as this person in a test that asks for more than one page: what the last request kept is forgotten."""
    for kept in ("_login_user", "user", "desk_settings"):
        g.pop(kept, None)
    sign_in(client, user)


def numbers(page):
    """The tickets of the page, in its order."""
    return [int(number) for number in re.findall(r'class="subject ellipsis" href="/admin/tickets/(\d+)', page.text)]


def test_a_row_shows_who_what_where_and_how_urgent(app, client):
    organization = an_organization("Northwind Labs")
    ticket = a_ticket(
        "Cannot activate",
        requester=a_customer("Elena Marchetti", organization_id=organization.id),
        tags=("vip",),
        category=a_category("Licences"),
        priority=a_priority(4),
    )
    agent = an_agent(name="maya")
    ticket.assign_to(agent, by=acting(a_super_admin()))
    as_(client, agent)

    page = client.get(LIST).text

    for said in (
        ticket.display,
        "Cannot activate",
        "Elena Marchetti",
        "Northwind Labs",
        "vip",
        "Licences",
        "Support",
        "Open",
        "Critical",
        "Maya Test",
    ):
        assert said in page


def test_the_last_active_ticket_stands_first(app, client):
    first, second = a_ticket("one"), a_ticket("two")
    first.receive(Words("Again"), by=CustomerActor.of(first.requester))
    as_(client, a_supervisor())

    assert numbers(client.get(LIST)) == [first.number, second.number]


@pytest.mark.parametrize("column", sorted(SORTS))
def test_every_column_sorts_both_ways(app, client, column):
    low, high = (
        a_ticket("apple", requester=a_customer("Ada", organization_id=an_organization("A").id), priority=a_priority(1)),
        a_ticket("berry", requester=a_customer("Bob", organization_id=an_organization("B").id), priority=a_priority(4)),
    )
    low.channel, high.channel, low.kind, high.kind = (
        Channel.MAIL,
        Channel.PORTAL,
        TicketKind.CONVERSATION,
        TicketKind.TICKET,
    )
    low.next_due_at, high.next_due_at = clock.now(), clock.now() + dt.timedelta(hours=1)
    low.assign_to(staff(name="anna"), by=acting(a_super_admin()))
    high.assign_to(staff(name="zoe"), by=acting(a_super_admin()))
    low.last_activity_at = low.created_at = clock.now() - dt.timedelta(days=1)
    low.category, high.category = a_category("A"), a_category("B")
    low.department, high.department = a_department("A"), a_department("B")
    low._enter(a_status("Open")), high._enter(a_status("In Progress"))
    as_(client, a_supervisor())

    assert numbers(client.get(f"{LIST}?sort={column}")) == [low.number, high.number]
    assert numbers(client.get(f"{LIST}?sort=-{column}")) == [high.number, low.number]


def test_tickets_without_a_due_time_come_last_either_way(app, client):
    due, free = a_ticket("due"), a_ticket("free")
    due.next_due_at, free.next_due_at = clock.now(), None
    as_(client, a_supervisor())

    assert (
        numbers(client.get(f"{LIST}?sort=sla")) == [due.number, free.number] == numbers(client.get(f"{LIST}?sort=-sla"))
    )


@pytest.mark.parametrize(
    "bent",
    ["page=abc", "page=-4", "page=99999999999999999999", "sort=password", "sort=requester_id", "view=nonsense", "status=x", "status=99999999999999999999", "priority=9999999999",
     "category=-1", "assigned=robert'); DROP", "assigned=99999999999", "created_from=yesterday", "created_from=0001-01-01", "updated_to=9999-12-31", "channel=pigeon", "state=gone",
     "tag=%00", "q=%00", "customer=1e9", "department=٣", "_flt_0_password=x", "psize_TicketView=9999", "_oc_TicketView=requester", "q=" + "x" * 5000],
)  # fmt: skip
def test_a_bent_address_shows_a_list(app, client, bent):
    a_ticket()
    as_(client, a_supervisor())

    assert client.get(f"{LIST}?{bent}").status_code == 200


def test_a_page_past_the_end_is_the_first(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    assert numbers(client.get(f"{LIST}?page=7")) == [ticket.number]


def test_pages_hold_twenty_five_each_once(app, client):
    wanted = {a_ticket(requester=a_customer("One", email="one@x.test") if not n else None).number for n in range(30)}
    as_(client, a_supervisor())

    first, second = numbers(client.get(f"{LIST}?sort=number")), numbers(client.get(f"{LIST}?sort=number&page=2"))

    assert (len(first), len(second)) == (25, 5)
    assert set(first) | set(second) == wanted


def _filtered():
    """One ticket for each way to filter, and the query that finds it alone."""
    at = clock.now()
    person = staff(name="zoe")
    rows = {
        "status": (t := a_ticket("status"), f"status={a_status('On Hold').id}"),
        "state": (a_ticket("state", state=State.WAITING), "state=waiting"),
        "priority": (a_ticket("priority", priority=a_priority(4)), "priority=4"),
        "assigned": (a_ticket("assigned", assignee=person), f"assigned={person.id}"),
        "tag": (a_ticket("tag", tags=("Ünï",)), "tag=ünï"),
        "channel": (a_ticket("channel", via=Channel.MAIL), "channel=mail"),
    }
    t._enter(a_status("On Hold"))
    category, department = a_category(), a_department()
    rows["category"] = (a_ticket("category", category=category), f"category={category.id}")
    rows["department"] = (a_ticket("department", department=department), f"department={department.id}")
    customer = a_customer("Mine")
    rows["customer"] = (a_ticket("customer", requester=customer), f"customer={customer.id}")
    old = a_ticket("created")
    old.created_at = at - dt.timedelta(days=400)
    rows["created"] = (old, f"created_to={(at - dt.timedelta(days=300)).date()}")
    quiet = a_ticket("updated")
    quiet.last_activity_at = at - dt.timedelta(days=40)
    rows["updated"] = (
        quiet,
        f"updated_to={(at - dt.timedelta(days=30)).date()}&updated_from={(at - dt.timedelta(days=50)).date()}",
    )
    return rows


def test_each_filter_finds_its_ticket_and_no_other(app, client):
    rows = _filtered()
    as_(client, a_supervisor())

    found = {name: numbers(client.get(f"{LIST}?view=everything&{query}")) for name, (_, query) in rows.items()}

    assert found == {name: [ticket.number] for name, (ticket, _) in rows.items()}


def test_nobody_me_and_no_category_are_filters_too(app, client):
    agent = a_supervisor()
    mine, nobodys = a_ticket("mine", assignee=agent, category=a_category()), a_ticket("nobodys")
    as_(client, agent)

    assert numbers(client.get(f"{LIST}?assigned=me")) == [mine.number]
    assert (
        numbers(client.get(f"{LIST}?assigned=nobody")) == numbers(client.get(f"{LIST}?category=0")) == [nobodys.number]
    )


def test_asking_for_a_closed_status_leaves_the_open_queue(app, client):
    closed = a_ticket(state=State.CLOSED)
    as_(client, a_supervisor())

    assert numbers(client.get(f"{LIST}?view=open&status={a_status('Closed').id}")) == [closed.number]


def test_the_desks_midnight_decides_the_day(app, client):
    setting(time_zone="Pacific/Auckland")
    ticket = a_ticket()
    ticket.created_at = dt.datetime(2026, 3, 9, 12, 0, tzinfo=dt.UTC)  # 1 in the morning of the 10th over there
    as_(client, a_supervisor())

    assert numbers(client.get(f"{LIST}?created_from=2026-03-10&created_to=2026-03-10")) == [ticket.number]
    assert numbers(client.get(f"{LIST}?created_to=2026-03-09")) == []


def _population(agent):
    """Tickets in every corner: states, ranks, assignees, departments, categories, parts."""
    departments, categories = [None, a_department("Other")], [None, a_category("Technical things")]
    other = a_supervisor()
    for n in range(24):
        ticket = a_ticket(
            f"t{n}", department=departments[n % 2], category=categories[n // 2 % 2], priority=a_priority(n % 4 + 1)
        )
        if n % 3:
            ticket.assign_to(
                agent if n % 3 == 1 and ticket.may_be_given_to(agent.id) else other, by=acting(a_super_admin())
            )
        if n % 5 == 0:
            ticket.reply(
                Words("Answer"), by=acting(other), then=[Then.KEEP, Then.WAIT, Then.RESOLVE, Then.CLOSE][n % 4]
            )
        if n % 7 == 0:
            db.session.add(Participant(ticket_id=ticket.id, role=ParticipantRole.MENTIONED, staff_id=agent.id))
        if n % 11 == 0 and ticket.department.name == "Other":
            support = db.session.scalars(select(Ticket.department_id).where(Ticket.id != ticket.id)).first()
            db.session.add(Participant(ticket_id=ticket.id, role=ParticipantRole.DEPARTMENT, department_id=support))


@pytest.mark.parametrize(
    "kind", ["Support Agent", "Support Agent in one department", "Developer", "Supervisor", "nobody's role"]
)
@pytest.mark.parametrize("wide", [False, True], ids=["own and unassigned", "whole departments"])
def test_the_numbers_on_the_tabs_are_what_counting_says(app, kind, wide):
    setting(agents_see_departments=wide)
    support = a_ticket().department
    agent = staff(
        "Support Agent" if kind.startswith("Support") else "Developer" if kind == "Developer" else "Supervisor",
        (support,) if "one department" in kind else (),
    )
    _population(agent)
    if kind == "nobody's role":
        agent.roles = []
    db.session.commit()
    viewer = acting(agent)

    kept = counts(viewer, Queue.OPEN, {}).queues

    assert kept == {queue: _counted(queue, viewer) for queue in Queue if queue is not Queue.EVERYTHING}


def _counted(queue, viewer):
    return db.session.scalar(in_queue(queue, viewer).statement.with_only_columns(func.count()).order_by(None))


def test_each_tab_lists_as_many_tickets_as_it_says(app, client):
    agent = an_agent()
    _population(agent)
    as_(client, agent)
    viewer = acting(agent)
    said = counts(viewer, Queue.OPEN, {}).queues

    assert {queue: len(numbers(client.get(f"{LIST}?view={queue}"))) for queue in said} == said


def test_an_agent_of_another_department_sees_neither_row_nor_number_nor_export(app, client):
    ticket = a_ticket("canary in the coal mine")
    as_(client, an_agent(a_department("Elsewhere")))

    for address in (
        "",
        "?view=everything",
        f"?q={ticket.number}",
        f"?q=canary&customer={ticket.requester_id}",
        "export.csv?view=everything",
    ):
        page = client.get(LIST + address)
        assert page.status_code == 200
        assert "coal mine" not in page.text
        assert '<span class="n">1</span></a>' not in page.text


@pytest.mark.parametrize("typed", ["{n}", "#{n}", "TICK-{n}", " {n} "])
def test_a_typed_number_leads_straight_to_the_ticket(app, client, typed):
    ticket = a_ticket()
    as_(client, a_supervisor())

    answer = client.get(LIST, query_string={"q": typed.format(n=ticket.number)})

    assert answer.location == f"/admin/tickets/{ticket.number}"


def test_words_find_what_somebody_wrote(app, client):
    ticket, _other = a_ticket("Nothing here", text="the zeppelin is late"), a_ticket("Another")
    run_jobs()
    as_(client, a_supervisor())

    assert numbers(client.get(f"{LIST}?q=zeppelin")) == [ticket.number]


def test_a_list_page_stays_within_its_statements(app, client, at_most):
    agent = an_agent(a_department("Own"))
    for n in range(30):
        a_ticket(
            f"t{n}",
            department=agent_department(agent),
            tags=("a", "b"),
            requester=a_customer(f"c{n}", organization_id=an_organization().id),
            assignee=agent if n % 2 else None,
        )
    as_(client, agent)
    client.get(LIST)
    db.session.expire_all()

    for query in ("", "?view=everything&state=open&tag=a&sort=-customer&page=2", "?view=mine&priority=2"):
        for kept in ("_login_user", "user", "desk_settings"):
            g.pop(kept, None)
        with at_most(8):
            assert numbers(client.get(LIST + query))


def agent_department(agent):
    from app.accounts.models import Department

    return db.session.scalars(select(Department).where(Department.members.any(id=agent.id))).first()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '" onmouseover="x',
        "'; --",
        "حساب مقفل",
        "請求書の宛名",
        "Пароль",
        "emoji 🔒👩‍👩‍👧",
        "a\r\nBcc: x@y.z",
    ],
)
def test_a_subject_is_text_whatever_is_in_it(app, client, text):
    ticket = a_ticket(text, requester=a_customer("<b>Bold</b>", email="bold@x.test"), tags=("<i>tag",))
    as_(client, a_supervisor())

    page = client.get(LIST).text

    assert (
        "<script>alert" not in page and "<b>Bold" not in page and "<i>tag" not in page and 'onmouseover="x' not in page
    )
    assert numbers(client.get(LIST)) == [ticket.number]
    assert "\r" not in ticket.subject and "\n" not in ticket.subject


# ---------- the address is the state ----------


def test_reading_an_address_and_writing_it_is_the_same_list():
    address = "?view=mine&status=3&priority=4&assigned=me&tag=a+b&created_from=2026-01-02&sort=customer&page=3"

    listing = Listing.read(MultiDict([part.split("=") for part in address.replace("+", " ").lstrip("?").split("&")]))

    assert listing.address() == address


def test_a_changed_filter_begins_at_the_first_page():
    assert Listing(page=4, tag="x").address(tag="") == ""


def test_a_second_click_on_a_header_turns_the_order():
    assert Listing(sort="subject").resorted("subject") == "/admin/tickets/?sort=-subject"
    assert Listing(sort="-subject").resorted("subject") == "/admin/tickets/?sort=subject"
    assert Listing().resorted("number") == "/admin/tickets/?sort=-number"


# ---------- CSV ----------


def exported(client, query=""):
    answer = client.get(LIST + "export.csv" + query)
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_the_export_is_exactly_the_list(app, client):
    for n in range(30):
        a_ticket(f"subject {n}", priority=a_priority(n % 4 + 1))
    as_(client, a_supervisor())

    rows = exported(client, "?priority=4&sort=number")

    assert [int(row["Number"]) for row in rows] == numbers(client.get(f"{LIST}?priority=4&sort=number"))
    assert {row["Priority"] for row in rows} == {"Critical"}


def test_the_export_has_no_row_limit(app, client, monkeypatch):
    monkeypatch.setattr("app.desk.export.BATCH", 7)
    wanted = [a_ticket(f"{n}").number for n in range(31)]
    as_(client, a_supervisor())

    assert [int(row["Number"]) for row in exported(client, "?sort=number")] == wanted


@pytest.mark.parametrize("subject", ["=HYPERLINK(1)", "+1", "-1", "@x", "＝1", "＠x", ";=1", "|calc", "  =1"])
def test_no_cell_of_the_export_is_a_formula(app, client, subject):
    a_ticket(subject)
    as_(client, a_supervisor())

    assert exported(client)[0]["Subject"] == "'" + subject.strip()


def test_times_of_the_export_are_absolute_with_their_zone(app, client):
    setting(time_zone="Europe/Berlin")
    ticket = a_ticket()
    ticket.created_at = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)
    as_(client, a_supervisor())

    assert exported(client)[0]["Created"] == "2026-07-02 00:30:00 CEST"


@pytest.mark.parametrize("address", ["", "export.csv", "1001", "new", "customers?q=a"])
def test_a_stranger_is_asked_to_sign_in(app, client, address):
    assert "/login/" in client.get(LIST + address).location


def test_export_needs_its_right(app, client):
    a_ticket()
    as_(client, staff("Developer"))

    assert client.get(LIST + "export.csv").status_code == 403


def test_a_person_without_a_role_reads_a_sentence(app, client):
    person = staff()
    person.roles = []
    as_(client, person)

    answer = client.get(LIST)

    assert answer.status_code == 403
    assert "not for your role" in answer.text


# ---------- XLSX and threads ----------


def workbook(client, query=""):
    from openpyxl import load_workbook

    answer = client.get(LIST + "export.xlsx" + query)
    assert answer.status_code == 200 and "tickets-" in answer.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(answer.data))
    return [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]


def test_the_workbook_says_what_the_csv_says(app, client):
    for n in range(30):
        a_ticket(f"subject {n}", priority=a_priority(n % 4 + 1), tags=("vip",) if n % 2 else ())
    as_(client, a_supervisor())

    [sheet] = workbook(client, "?q=tag:vip&sort=number")
    said = exported(client, "?q=tag:vip&sort=number")

    assert sheet[0] == list(said[0]) and len(sheet) == 16
    assert [[str(cell) if cell is not None else "" for cell in row] for row in sheet[1:]] == [
        list(row.values()) for row in said
    ]


def test_a_full_sheet_goes_on_in_the_next(app, client, monkeypatch):
    monkeypatch.setattr("app.desk.export.SHEET_ROWS", 10)
    wanted = [a_ticket(f"{n}").number for n in range(25)]
    as_(client, a_supervisor())

    sheets = workbook(client, "?sort=number")

    assert [len(sheet) for sheet in sheets] == [11, 11, 6]
    assert [row[0] for sheet in sheets for row in sheet[1:]] == wanted


@pytest.mark.parametrize("subject", ["=HYPERLINK(1)", "+1", "@x", "a\x07bell", "x" * 200])
def test_no_cell_of_the_workbook_is_a_formula_or_breaks_it(app, client, subject):
    ticket = a_ticket("plain")
    ticket.subject = subject
    as_(client, a_supervisor())

    answer = client.get(LIST + "export.xlsx")
    from openpyxl import load_workbook

    cell = load_workbook(io.BytesIO(answer.data)).worksheets[0]["B2"]
    assert cell.data_type == "s"
    assert cell.value == ("'" + subject if subject[0] in "=+@" else subject.replace("\x07", ""))


def test_threads_are_pages_of_a_zip_that_say_everything_and_run_nothing(app, client):
    import zipfile

    ticket = a_ticket("<b>Smoke", text="It <script>alert(1)</script> burns")
    foreign = a_ticket("Elsewhere", department=a_department("Elsewhere"))
    agent = an_agent(ticket.department)
    ticket.note(Words("Only for us"), by=acting(agent))
    number, elsewhere = ticket.number, str(foreign.number)
    as_(client, agent)

    answer = client.get(LIST + "export.zip?view=everything")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))

    assert archive.testzip() is None
    assert sorted(archive.namelist()) == [f"{number}.html", "index.html", "style.css"]
    page = archive.read(f"{number}.html").decode()
    assert "&lt;b&gt;Smoke" in page and "&lt;script&gt;" in page and "<script" not in page
    assert "Only for us" in page and "Internal note" in page
    assert elsewhere not in archive.read("index.html").decode()


@pytest.mark.parametrize("ending", ["csv", "xlsx", "zip"])
def test_every_export_needs_its_right_and_is_noted(app, client, ending):
    from app.core.audit import Audit

    a_ticket()
    as_(client, staff("Developer"))
    assert client.get(f"{LIST}export.{ending}").status_code == 403
    as_(client, a_supervisor())
    assert client.get(f"{LIST}export.{ending}").status_code == 200
    assert db.session.scalar(select(func.count()).select_from(Audit).where(Audit.what == "exported")) == 1
