"""Programs open, find, read and change tickets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.models import Availability, Customer, StaffProfile
from app.core import clock
from app.core.extensions import db
from app.tickets.choices import State
from app.tickets.models import Ticket
from tests.api.desk import Program, a_program, refused
from tests.factories import a_category, a_customer, a_department, a_supervisor, a_ticket, an_admin, an_agent, setting

NEW = {"subject": "Printer", "body": "It burns.", "customer": {"email": "Kim@Customer.test", "name": "Kim"}}
HARD = "Zeile\r\nBcc: <script>alert(1)</script> Привет 你好 שלום สวัสดี 👩‍🚒"


@pytest.fixture
def program(client: FlaskClient) -> Program:
    return a_program(client, a_supervisor(name="sue"))


def test_a_program_opens_a_ticket_for_a_new_customer(program: Program) -> None:
    opened = program.post("/tickets", {**NEW, "priority": "critical", "tags": ["VIP"], "assignee": "me"})

    assert opened.status_code == 201, opened.text
    ticket = opened.json
    assert (ticket["channel"], ticket["kind"], ticket["state"], ticket["assignee"]) == ("api", "ticket", "open", "sue")
    assert ticket["customer"]["email"] == "Kim@Customer.test"
    assert (ticket["tags"], ticket["priority"]) == (["vip"], "Critical")
    assert ticket["created_at"].endswith("Z")
    assert ticket["first_response_due_at"] > ticket["created_at"], "the customer's clocks start as from the portal"
    assert ticket["url"].endswith(f"/admin/tickets/{ticket['number']}")


def test_the_first_message_is_the_customers(program: Program) -> None:
    number = program.post("/tickets", NEW).json["number"]

    thread = program.get(f"/tickets/{number}").json["messages"]

    assert [(one["kind"], one["author"], one["via"], one["text"]) for one in thread] == [
        ("reply", {"type": "customer", "name": "Kim"}, "api", "It burns.")
    ]
    assert program.get(f"/tickets/{number}").json["needs_response"] is True


def test_a_ticket_opened_by_staff_is_staffs(program: Program) -> None:
    ticket = program.post("/tickets", {**NEW, "opened_by": "staff"}).json

    thread = program.get(f"/tickets/{ticket['number']}").json["messages"]

    assert thread[0]["author"]["type"] == "staff"
    assert ticket["first_response_due_at"] is None


def test_a_known_customer_keeps_their_name_and_is_found_in_any_case(program: Program) -> None:
    known = a_customer("Kim Known", email="kim@customer.test")
    db.session.commit()

    ticket = program.post("/tickets", NEW).json

    assert ticket["customer"] == {"id": known.id, "name": "Kim Known", "email": "kim@customer.test"}
    assert (
        program.post("/tickets", {"subject": "s", "body": "b", "customer_id": known.id}).json["customer"]["id"]
        == known.id
    )


def test_text_of_four_scripts_comes_back_as_it_was_and_its_html_is_harmless(program: Program) -> None:
    number = program.post("/tickets", {**NEW, "subject": HARD, "body": HARD}).json["number"]

    ticket = program.get(f"/tickets/{number}").json

    assert ticket["subject"] == HARD.replace("\r\n", " "), "a subject is one line, or it could add headers to a mail"
    assert ticket["messages"][0]["text"] == HARD
    assert "<script" not in ticket["messages"][0]["html"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": 7}, "subject"),
        ({"subject": "x" * 1001}, "subject"),
        ({"body": "  "}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": ["a"]}, "body"),
        ({"customer": None}, "customer"),
        ({"customer": "kim@customer.test"}, "customer"),
        ({"customer": {"email": "nobody"}}, "customer"),
        ({"customer": {"email": "a@b.test", "active": False}}, "customer"),
        ({"customer": {"email": 5}}, "customer"),
        ({"customer_id": 999_999, "customer": None}, "customer_id"),
        ({"customer_id": 2**80}, "customer_id"),
        ({"customer_id": True}, "customer_id"),
        ({"priority": "very"}, "priority"),
        ({"department": "Nowhere"}, "department"),
        ({"category": 3}, "category"),
        ({"status": "done-ish"}, "status"),
        ({"assignee": "nobody-here"}, "assignee"),
        ({"tags": "vip"}, "tags"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"kind": "incident"}, "kind"),
        ({"opened_by": "me"}, "opened_by"),
        ({"attachment_ids": [999_999]}, "attachment_ids"),
        ({"attachment_ids": {"a": 1}}, "attachment_ids"),
        *(
            ({name: 1}, name)
            for name in (
                "author_id",
                "created_at",
                "internal",
                "number",
                "state",
                "html",
                "requester_id",
                "channel",
                "id",
            )
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_or_unknown_field_is_named_and_nothing_is_made(
    program: Program, changed: dict[str, object], field: str
) -> None:
    answer = program.post("/tickets", {**NEW, **changed})

    assert answer.status_code == 422, answer.text
    assert field in answer.json["error"]["fields"]
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"subject": NaN}',
        b'{"subject": 1, "subject": 2}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"deep": ' + b"[" * 200_000,
        b"subject=x",
    ],
    ids=[
        "empty",
        "null",
        "list",
        "number",
        "text",
        "cut",
        "not UTF-8",
        "NaN",
        "twice the same name",
        "huge integer",
        "deep",
        "form",
    ],
)
def test_what_is_no_json_object_is_refused(program: Program, body: bytes) -> None:
    refused(program.call("POST", "/tickets", data=body, content_type="application/json"), 400)


def test_a_lone_surrogate_is_no_character(program: Program) -> None:
    refused(
        program.call(
            "POST", "/tickets", data=b'{"subject": "\\ud800", "body": "b", "customer": {"email": "a@b.test"}}'
        ),
        422,
        "subject",
    )


def test_a_body_beyond_all_bounds_is_too_large(program: Program) -> None:
    refused(program.post("/tickets", {**NEW, "body": "x" * 5_000_000}), 413)


def test_a_long_body_is_kept_whole(program: Program) -> None:
    number = program.post("/tickets", {**NEW, "body": "ä" * 400_000}).json["number"]

    assert len(program.get(f"/tickets/{number}").json["messages"][0]["text"]) == 400_000


def test_tickets_are_changed_field_by_field(program: Program) -> None:
    ticket, other = a_ticket(), a_department("Billing")
    a_category("Invoices")
    db.session.commit()

    changed = program.patch(
        f"/tickets/{ticket.number}",
        {
            "subject": "New words",
            "priority": "urgent",
            "category": "invoices",
            "department": "BILLING",
            "assignee": "me",
            "status": "waiting",
            "tags": ["b", "a"],
        },
    )

    assert changed.status_code == 200, changed.text
    seen = {name: changed.json[name] for name in ("subject", "category", "department", "assignee", "state", "tags")}
    assert seen == {
        "subject": "New words",
        "category": "Invoices",
        "department": other.name,
        "assignee": "sue",
        "state": "waiting",
        "tags": ["a", "b"],
    }
    again = program.patch(f"/tickets/{ticket.number}", {"assignee": None, "category": None, "tags": ["b"]}).json
    assert (again["assignee"], again["category"], again["tags"]) == (None, None, ["b"])


def test_a_wrong_field_changes_none_of_the_others(program: Program) -> None:
    ticket = a_ticket(subject="Before")
    db.session.commit()

    refused(
        program.patch(
            f"/tickets/{ticket.number}",
            {"subject": "After", "priority": "no such", "created_at": "2020-01-01T00:00:00Z"},
        ),
        422,
        "created_at",
        "priority",
    )

    assert program.get(f"/tickets/{ticket.number}").json["subject"] == "Before"


def test_a_ticket_is_answered_noted_closed_and_reopened(program: Program) -> None:
    ticket = a_ticket()
    db.session.commit()
    place = f"/tickets/{ticket.number}"

    reply = program.post(f"{place}/replies", {"body": "Hello", "status": "waiting"})
    note = program.post(f"{place}/notes", {"body": "Careful"})

    assert (reply.status_code, reply.json["kind"], reply.json["author"]) == (
        201,
        "reply",
        {"type": "staff", "name": "Sue Test"},
    )
    assert (note.status_code, note.json["kind"]) == (201, "note")
    assert program.get(place).json["state"] == "waiting"
    assert program.post(f"{place}/close").json["state"] == "closed"
    assert program.post(f"{place}/close").json["state"] == "closed"
    assert program.post(f"{place}/reopen", {}).json["state"] == "open"
    assert [one["kind"] for one in program.get(place).json["messages"]] == [
        "reply",
        "reply",
        "event",
        "note",
        "event",
        "event",
    ]
    refused(program.post(f"{place}/notes", {"body": "x", "internal": False}), 422, "internal")
    refused(program.post(f"{place}/replies", {}), 422, "body")
    refused(program.post(f"{place}/close", {"by": 1}), 422, "by")


@pytest.mark.parametrize(
    "path",
    [
        "/tickets/424242",
        "/tickets/0",
        "/tickets/99999999999999999999999999",
        "/tickets/-1",
        "/tickets/abc",
        "/nothing",
        "/tickets/1/",
        "",
    ],
)
def test_what_is_not_there_is_not_found(program: Program, path: str) -> None:
    refused(program.get(path), 404)


def test_a_method_that_an_address_does_not_take_is_named_so(program: Program) -> None:
    answer = program.call("DELETE", "/tickets")

    refused(answer, 405)
    assert "POST" in answer.headers["Allow"]
    refused(
        program.get("/tickets", headers={"X-HTTP-Method-Override": "DELETE"}, query_string={"_method": "DELETE"}),
        422,
        "_method",
    )


FILTERS = [
    ("state=waiting", {"waiting"}),
    ("status=Resolved", {"done"}),
    ("status=waiting", {"waiting"}),
    ("priority=high", {"urgent"}),
    ("assignee=me", {"mine"}),
    ("assignee=none&state=open", {"plain", "urgent", "tagged", "filed"}),
    ("category=Invoices", {"filed"}),
    ("department=Billing", {"filed"}),
    ("customer=URGENT@customer.test", {"urgent"}),
    ("customer=nobody@customer.test", set()),
    ("tag=VIP", {"tagged"}),
    ("q=zebra", {"tagged"}),
    ("state=open&tag=vip&q=zebra", {"tagged"}),
    ("updated_since=2999-01-01T00:00:00%2B02:00", set()),
]


@pytest.mark.parametrize(("query", "subjects"), FILTERS, ids=[query for query, _ in FILTERS])
def test_tickets_are_filtered(client: FlaskClient, query: str, subjects: set[str]) -> None:
    sue = a_supervisor(name="sue")
    billing, invoices = a_department("Billing"), a_category("Invoices")
    for subject in ("plain", "urgent", "mine", "waiting", "done", "filed", "tagged"):
        a_ticket(
            subject, requester=a_customer(subject, email=f"{subject}@customer.test"), assignee=sue if subject == "mine" else None, tags=("vip",) if subject == "tagged" else (),
            state={"waiting": State.WAITING, "done": State.RESOLVED}.get(subject), category=invoices if subject == "filed" else None, department=billing if subject == "filed" else None,
            text="a zebra" if subject == "tagged" else "words",
        )  # fmt: skip
    program = a_program(client, sue)
    urgent = db.session.scalars(select(Ticket).where(Ticket.subject == "urgent")).one()
    assert program.patch(f"/tickets/{urgent.number}", {"priority": "high"}).status_code == 200

    found = program.get(f"/tickets?{query}")

    assert found.status_code == 200, found.text
    assert {ticket["subject"] for ticket in found.json["items"]} == subjects


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=1e9", "limit"), ("limit=²", "limit"), ("limit=" + "9" * 5000, "limit"), ("state=sleeping", "state"),
        ("status=nothing", "status"), ("priority=x", "priority"), ("assignee=ghost", "assignee"), ("cursor=!!", "cursor"), ("cursor=ä", "cursor"), ("updated_since=yesterday", "updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B14:00", "updated_since"), ("page_size=5", "page_size"), ("order=password", "order"), ("tag=%00", "tag"), ("customer=%00", "customer"),
        ("q=a&q=b", "q"), ("columns=body", "columns"), ("customer__password_hash=x", "customer__password_hash"),
    ],
)  # fmt: skip
def test_a_filter_that_is_wrong_or_unknown_is_named(program: Program, query: str, field: str) -> None:
    refused(program.get(f"/tickets?{query}"), 422, field)


def test_pages_neither_repeat_nor_lose_a_ticket_while_others_come_in(program: Program) -> None:
    made = [a_ticket(f"Ticket {n}").number for n in range(7)]
    db.session.commit()

    first = program.get("/tickets?limit=3").json
    a_ticket("New meanwhile")
    db.session.commit()
    second = program.get("/tickets", query_string={"limit": 3, "cursor": first["next"]}).json
    third = program.get("/tickets", query_string={"limit": 3, "cursor": second["next"]}).json

    assert [ticket["number"] for page in (first, second, third) for ticket in page["items"]] == made[::-1]
    assert third["next"] is None


def test_a_page_has_25_tickets_unless_asked(program: Program) -> None:
    requester = a_customer()
    for _ in range(27):
        a_ticket(requester=requester)
    db.session.commit()

    assert len(program.get("/tickets").json["items"]) == 25
    assert len(program.get("/tickets?limit=100").json["items"]) == 27


def test_a_page_of_tickets_costs_few_statements_however_many_there_are(
    program: Program, at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    for n in range(20):
        a_ticket(f"Ticket {n}", tags=(f"tag{n}",))
    db.session.commit()
    program.get("/tickets")

    with at_most(6):
        program.get("/tickets")
    with at_most(8):
        program.get("/tickets?state=open&priority=normal&assignee=none")


def test_reading_writes_nothing(program: Program, at_most: Callable[[int], AbstractContextManager[list[str]]]) -> None:
    number = a_ticket().number
    db.session.commit()

    with at_most(80) as statements:
        for path in ("/tickets", f"/tickets/{number}", "/customers", "/categories", "/canned-responses"):
            assert program.get(path).status_code == 200
            assert program.call("HEAD", path).status_code == 200

    assert [
        one
        for one in statements
        if not one.lstrip().upper().startswith(("SELECT", "WITH", "BEGIN")) or one.startswith("BEGIN I")
    ] == []


def test_an_agent_of_another_department_does_not_learn_that_a_ticket_exists(client: FlaskClient) -> None:
    ours, theirs = a_department(), a_department()
    program = a_program(client, an_agent(ours))
    ticket = a_ticket(department=theirs)
    db.session.commit()
    place = f"/tickets/{ticket.number}"

    sentences = {
        refused(program.get(place), 404),
        refused(program.patch(place, {"subject": "x"}), 404),
        refused(program.post(f"{place}/replies", {"body": "x"}), 404),
        refused(program.post(f"{place}/notes", {"body": "x"}), 404),
        refused(program.post(f"{place}/close"), 404),
        refused(program.post(f"{place}/reopen"), 404),
        refused(program.upload(b"x", path=f"{place}/attachments"), 404),
        refused(program.get("/tickets/999999"), 404),
    }

    assert len(sentences) == 1, "the answer for a foreign ticket is that for one which does not exist"
    assert program.get("/tickets").json["items"] == []
    assert program.get("/tickets?q=printer").json["items"] == []


def test_a_developer_may_not_move_tickets(client: FlaskClient) -> None:
    from app.accounts.models import RoleScope, Scope
    from tests.factories import staff

    category = a_category()
    developer = staff("Developer", ())
    scope = db.session.get_one(RoleScope, developer.roles[0].id)
    assert scope.scope is Scope.CATEGORIES
    scope.categories = str(category.id)
    a_department("Billing")
    ticket = a_ticket(category=category)
    program = a_program(client, developer)

    refused(program.patch(f"/tickets/{ticket.number}", {"department": "Billing"}), 403)


def test_an_assignee_without_access_is_refused(client: FlaskClient) -> None:
    ours, theirs = a_department(), a_department()
    an_agent(theirs, name="olga")
    ticket = a_ticket(department=ours)
    program = a_program(client, an_admin())

    refused(program.patch(f"/tickets/{ticket.number}", {"assignee": "olga"}), 422, "assignee")


def test_a_desk_that_takes_no_tickets_takes_none_by_a_program_either(program: Program) -> None:
    setting(ticket_system_on=False)
    db.session.commit()

    refused(program.post("/tickets", NEW), 403)


def test_times_are_instants(program: Program) -> None:
    ticket = program.post("/tickets", NEW).json

    assert dt.datetime.fromisoformat(ticket["created_at"]).utcoffset() == dt.timedelta(0)
    assert (
        program.get("/tickets", query_string={"updated_since": ticket["updated_at"]}).json["items"][0]["number"]
        == ticket["number"]
    )


def test_a_line_of_the_list_says_what_the_ticket_itself_says(program: Program) -> None:
    """The list reads plain columns, one ticket a whole row: both have one shape."""
    full = a_ticket("Full", category=a_category("Leases"), assignee=an_agent(), tags=("b", "a"), state="resolved")
    a_ticket("Bare")
    hidden = a_ticket("Without a name", requester=a_customer(name=""))
    hidden.hidden_from_client, full.reference = True, "OLD-7"
    db.session.commit()

    listed = program.get("/tickets").json["items"]

    assert [line["subject"] for line in listed] == ["Without a name", "Bare", "Full"]
    assert listed[2]["tags"] == ["a", "b"]
    for line in listed:
        whole = program.get(f"/tickets/{line['number']}").json
        assert line == {name: value for name, value in whole.items() if name not in ("messages", "documents")}


def test_two_callers_each_get_their_own_list_and_a_new_name_at_once(client: FlaskClient) -> None:
    """What is kept between requests is told apart by the caller, and no name is kept at all."""
    sales, billing = a_department("Sales"), a_department("Accounts")
    a_ticket("Of sales", department=sales)
    a_ticket("Of billing", department=billing)
    setting(agents_see_departments=True)
    programs = [a_program(client, an_agent(department)) for department in (sales, billing)]

    def subjects(program: Program, query: str = "") -> list[str]:
        return [line["subject"] for line in program.get(f"/tickets{query}").json["items"]]

    for _turn in range(2):
        assert [subjects(program) for program in programs] == [["Of sales"], ["Of billing"]]
        assert [subjects(program, "?state=open") for program in programs] == [["Of sales"], ["Of billing"]]

    sales.name = "Orders"
    db.session.commit()
    assert programs[0].get("/tickets").json["items"][0]["department"] == "Orders"
    setting(number_pattern="NR-{n}")
    assert programs[0].get("/tickets").json["items"][0]["display"].startswith("NR-")


DATES = ("follow_up_at", "action_required_at", "snoozed_until")


def test_a_program_sets_reads_and_clears_dates(program: Program) -> None:
    ticket = a_ticket("The printer")
    soon = (clock.now() + dt.timedelta(days=3)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    path = f"/tickets/{ticket.number}"
    db.session.commit()

    changed = program.patch(path, dict.fromkeys(DATES, soon))
    refused(program.patch(path, {"follow_up_at": "2099-01-11T08:00:00Z", "subject": "Another"}), 422, "follow_up_at")
    refused(program.patch(path, dict.fromkeys(DATES, 5)), 422, *DATES)
    kept = program.get(path).json
    cleared = program.patch(path, dict.fromkeys(DATES))

    assert [changed.json[name] for name in DATES] == [soon] * 3
    assert [kept["subject"], *(kept[name] for name in DATES)] == ["The printer", soon, soon, soon]
    assert [cleared.json[name] for name in DATES] == [None] * 3


def test_a_finished_ticket_takes_no_date_from_a_program(program: Program) -> None:
    ticket = a_ticket(state=State.CLOSED)
    db.session.commit()

    refused(
        program.patch(f"/tickets/{ticket.number}", {"snoozed_until": (clock.now() + dt.timedelta(1)).isoformat()}), 409
    )


def test_an_assignee_who_is_away_gets_it_and_the_answer_says_until_when(program: Program) -> None:
    away, ticket = an_agent(name="jonas"), a_ticket()
    profile = db.session.get_one(StaffProfile, away.id)
    profile.availability, profile.away_until = Availability.AWAY, clock.now() + dt.timedelta(days=3)
    db.session.commit()
    answer = program.patch(f"/tickets/{ticket.number}", {"assignee": "jonas"})

    assert answer.json["assignee"] == "jonas" and len(answer.json["warnings"]) == 1
    assert "Jonas Test is away until" in answer.json["warnings"][0]
    assert "warnings" not in program.patch(f"/tickets/{ticket.number}", {"assignee": "me"}).json
