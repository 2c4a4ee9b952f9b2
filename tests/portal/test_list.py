"""My tickets: who sees which, in which order, found by which words, in how many statements."""

import datetime as dt
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import a_customer, a_department, a_ticket, an_organization, setting, sign_in_customer

Budget = Callable[[int], AbstractContextManager[list[str]]]


def shown(client: FlaskClient, query: str = "") -> list[str]:
    """The subjects in the table, as they stand."""
    answer = client.get(f"/portal/tickets{query}")
    assert answer.status_code == 200
    return re.findall(r'class="subject" href="/portal/tickets/\d+" dir="auto">([^<]*)</a>', answer.text)


def counts(client: FlaskClient, query: str = "") -> list[int]:
    return [
        int(number)
        for number in re.findall(r'<span class="n">(\d+)</span>', client.get(f"/portal/tickets{query}").text)
    ]


def at_hour(ticket: Ticket, hour: int) -> Ticket:
    ticket.last_activity_at = clock.now() - dt.timedelta(hours=hour)
    return ticket


def colleagues() -> tuple[Customer, Customer]:
    organization = an_organization()
    return a_customer(name="Ada", organization=organization), a_customer(name="Bob", organization=organization)


def test_one_sees_own_and_colleagues_tickets_and_no_others(client: FlaskClient) -> None:
    ada, bob = colleagues()
    a_ticket("Mine", requester=ada)
    a_ticket("Colleague's", requester=bob)
    a_ticket("A stranger's", requester=a_customer(organization=an_organization()))
    a_ticket("Nobody's colleague", requester=a_customer())
    a_ticket("Hidden", requester=ada).hidden_from_client = True
    a_ticket("Unproven", requester=ada, proven=False)
    sign_in_customer(client, ada)

    assert shown(client) == ["Colleague&#39;s", "Mine"]
    assert "from Bob" in client.get("/portal/tickets").text
    assert shown(client, "?who=mine") == ["Mine"]
    assert counts(client) == [2, 0, 2]
    assert counts(client, "?who=mine") == [1, 0, 1]


def test_the_tabs_part_open_from_finished(client: FlaskClient) -> None:
    ada = a_customer()
    for state in ("open", "waiting", "hold", "resolved", "closed"):
        a_ticket(state, requester=ada, state=state)
    sign_in_customer(client, ada)

    assert sorted(shown(client)) == ["hold", "open", "waiting"]
    assert sorted(shown(client, "?tab=closed")) == ["closed", "resolved"]
    assert len(shown(client, "?tab=all")) == 5
    assert counts(client) == [3, 2, 5]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("number", "abc"), ("-number", "cba"), ("subject", "abc"), ("-subject", "cba"), ("department", "cab"), ("updated", "bac"), ("-updated", "cab"), ("status", "bca"), ("nonsense", "cab"), ("-", "cab"), ("name_key", "cab")],
)  # fmt: skip
def test_every_column_sorts(client: FlaskClient, sort: str, order: str) -> None:
    ada = a_customer()
    at_hour(a_ticket("a", requester=ada, state="waiting", department=a_department("Billing")), 2)
    at_hour(a_ticket("b", requester=ada, department=a_department("Sales")), 3)
    at_hour(a_ticket("c", requester=ada, department=a_department("Accounts")), 1)
    next(ticket for ticket in db.session.query(Ticket) if ticket.subject == "c").status = next(
        ticket for ticket in db.session.query(Ticket) if ticket.subject == "b"
    ).status
    sign_in_customer(client, ada)

    found = "".join(shown(client, f"?sort={sort}"))

    assert found == order if sort != "status" else found[-1] == "a"


def test_a_number_and_words_of_the_thread_find(client: FlaskClient) -> None:
    ada, bob = colleagues()
    ticket = a_ticket("The printer burns", requester=ada, text="Flames from the Café tray, номер 四十二")
    a_ticket("Something else", requester=bob)
    a_ticket("The printer of a stranger burns", requester=a_customer())
    sign_in_customer(client, ada)

    for query in (
        f"{ticket.number}",
        f"%23{ticket.number}",
        f"TICK-{ticket.number}",
        "printer",
        "CAFE tray",
        "номер",
        "四十二",
        "print",
    ):
        assert shown(client, f"?q={query}&tab=all") == ["The printer burns"], query
    for query in ("stranger", "%25", "_", "'", '"', "*", "NEAR(", "a" * 5000):
        assert shown(client, f"?q={query}&tab=all") == [], query


def test_a_note_is_not_found_by_a_customer(client: FlaskClient) -> None:
    ada = a_customer()
    a_ticket(requester=ada).note(Words("canary zeppelin"), by=SYSTEM)
    sign_in_customer(client, ada)

    assert shown(client, "?q=zeppelin&tab=all") == []
    assert b"canary" not in client.get("/portal/tickets").data


def test_pages_hold_25_and_absurd_ones_do_no_harm(client: FlaskClient) -> None:
    ada = a_customer()
    for number in range(27):
        a_ticket(f"t{number}", requester=ada)
    sign_in_customer(client, ada)

    assert len(shown(client)) == 25
    assert len(shown(client, "?page=2")) == 2
    assert "Page 1 of 2" in client.get("/portal/tickets").text
    for page in ("0", "-1", "abc", "9" * 30, "3"):
        assert client.get(f"/portal/tickets?page={page}").status_code == 200


def test_an_address_says_what_is_shown_and_empty_lists_say_what_they_are(client: FlaskClient) -> None:
    sign_in_customer(client, a_customer())

    assert "Nothing here yet" in client.get("/portal/tickets").text
    assert "No ticket with “&lt;b&gt;”" in client.get("/portal/tickets?q=<b>").text


@pytest.mark.parametrize(
    ("query", "most"),
    [("", 5), ("?tab=all&sort=department", 5), ("?who=mine&tab=closed", 5), ("?q=printer&tab=all", 7), ("?q=1001", 7)],
)
def test_the_list_costs_few_statements_however_long_it_is(
    client: FlaskClient, at_most: Budget, query: str, most: int
) -> None:
    """A search has three of its own."""
    ada, bob = colleagues()
    for number in range(12):
        a_ticket(
            f"printer {number}",
            requester=(ada, bob)[number % 2],
            department=a_department(),
            state="closed" if number % 3 else "waiting",
        )
    setting(desk_name="Acme")
    sign_in_customer(client, ada)

    db.session.expire_all()

    with at_most(most):
        client.get(f"/portal/tickets{query}")


def test_what_is_kept_of_a_line_is_never_shown_to_another_reader(client: FlaskClient) -> None:
    """The same ticket for its owner, for a colleague and in another language, each asked twice: kept pieces are told apart by all they say."""
    ada, bob = colleagues()
    ticket = a_ticket("The <b>printer</b>", requester=ada, state="waiting")
    ticket.status.customer_label = "Your turn"
    pages: dict[tuple[str, str], str] = {}

    for _turn in range(2):
        for customer in (ada, bob):
            sign_in_customer(client, customer)
            for language in ("en", "de"):
                said = client.get("/portal/tickets", headers={"Accept-Language": language}).text
                assert pages.setdefault((customer.name, language), _without_tokens(said)) == _without_tokens(said)

    assert "from Ada" not in pages["Ada", "en"] and "from Ada" in pages["Bob", "en"] and "von Ada" in pages["Bob", "de"]
    assert "My tickets" in pages["Ada", "en"] and "My tickets" not in pages["Ada", "de"]
    assert all(f'class="name">{name}</span>' in said for (name, _language), said in pages.items())
    assert all("The &lt;b&gt;printer&lt;/b&gt;" in said and "Your turn" in said for said in pages.values())


def test_a_new_name_stands_in_the_list_at_once(client: FlaskClient) -> None:
    """Of a step, a department, the desk and its pattern of numbers, after the list was drawn with the old ones."""
    ada = a_customer(name="Ada")
    ticket = a_ticket("Mine", requester=ada, department=a_department("Sales"))
    sign_in_customer(client, ada)
    assert "Sales" in client.get("/portal/tickets").text

    ticket.department.name, ticket.status.customer_label, ada.name = "Orders", "With us", "Ada Lovelace"
    setting(desk_name="Acme", number_pattern="NR-{n}")
    db.session.commit()
    said = client.get("/portal/tickets").text

    for name in ("Orders", "With us", "Ada Lovelace", "Acme", f"NR-{ticket.number}"):
        assert name in said
    assert "Sales" not in said and f"#{ticket.number}" not in said


def test_a_time_is_written_in_the_zone_of_the_desk_of_now(client: FlaskClient) -> None:
    ada = a_customer()
    a_ticket("Mine", requester=ada)
    sign_in_customer(client, ada)
    assert " UTC" in client.get("/portal/tickets").text

    setting(time_zone="Asia/Tokyo")

    assert " JST" in client.get("/portal/tickets").text
    assert " UTC" not in client.get("/portal/tickets").text


def _without_tokens(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)
