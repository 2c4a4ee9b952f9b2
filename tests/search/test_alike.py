"""Tickets about the same are found by their rarest words, within what the viewer may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.core.extensions import db
from app.search.alike import alike
from app.tickets import merging
from app.tickets.choices import State
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, sign_in


def fill(many: int = 320) -> None:
    """A desk in which some words stand everywhere."""
    for n in range(many):
        a_ticket(f"Printer question {'abcdefghij'[n % 10]}", text="The printer prints nothing today, please help")
    db.session.commit()


def test_the_rarest_words_find_what_is_about_the_same(app: Any) -> None:
    a_ticket("Bill is wrong", text="The bill shows another amount")
    same = a_ticket("Licence activation fails", text="The activation shows error quokka")
    ticket = a_ticket("Cannot activate: activation broken", text="quokka on each activation of the licence")
    db.session.commit()

    found = alike(ticket.subject, "quokka on each activation of the licence", acting(a_supervisor()), besides=ticket)

    assert [one.ticket for one in found] == [same]
    assert "activation" in found[0].shared and "quokka" in found[0].shared


def test_a_word_that_stands_everywhere_finds_nothing(app: Any) -> None:
    fill()

    assert alike("Printer", "The printer prints nothing", acting(a_supervisor())) == []


def test_nobody_is_shown_what_they_may_not_see_nor_what_goes_on_elsewhere(app: Any) -> None:
    own, foreign = a_department(), a_department()
    ticket = a_ticket("Zebra crossing blinks", department=own)
    hidden = a_ticket("Zebra crossing blinks too", department=foreign)
    merged, into = a_ticket("Zebra crossing again", department=own), a_ticket("Nothing alike", department=own)
    boss = acting(a_supervisor())
    merging.merge(merged, into=into, by=boss)
    db.session.commit()

    assert alike(ticket.subject, "", acting(an_agent(own)), besides=ticket) == []
    assert [one.ticket for one in alike(ticket.subject, "", boss, besides=ticket)] == [hidden]


def test_the_section_says_what_came_at_once_and_how_others_ended(app: Any, client: Any) -> None:
    ended = a_ticket("Mailserver unreachable tonight", state=State.CLOSED)
    ended.excerpt = "We restarted the gateway"
    ended.created_at -= dt.timedelta(days=3)
    ticket, other = a_ticket("Mailserver unreachable"), a_ticket("Mailserver unreachable since ten")
    db.session.commit()
    sign_in(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}/similar").text

    assert "1 similar ticket came within 10 minutes of this one." in page
    assert other.display in page and "We restarted the gateway" in page
    assert f"/admin/tickets/{ticket.number}/merge?with={other.number}" in page
    assert "duplicates" in page and "relates to" in page


def test_similar_tickets_cost_the_page_of_a_ticket_nothing(app: Any, client: Any, at_most: Any) -> None:
    ticket = a_ticket("Mailserver unreachable")
    db.session.commit()
    sign_in(client, a_supervisor())
    client.get(f"/admin/tickets/{ticket.number}")

    with at_most(12) as seen:
        client.get(f"/admin/tickets/{ticket.number}")
    assert not [statement for statement in seen if "search_entry" in statement]
    with at_most(12):
        client.get(f"/admin/tickets/{ticket.number}/similar")


def test_while_a_ticket_is_written_similar_ones_are_offered(app: Any, client: Any) -> None:
    known = a_ticket("Invoice portal shows quokka")
    db.session.commit()
    sign_in(client, an_agent())

    assert known.display in client.get("/admin/tickets/new/similar?subject=quokka+again").text
    assert "quokka" not in client.get("/admin/tickets/new/similar?subject=").text
    assert 'hx-get="/admin/tickets/new/similar"' in client.get("/admin/tickets/new").text


def test_absurd_questions_are_no_error(app: Any, client: Any) -> None:
    sign_in(client, an_agent())
    for question in ("%00", "'" * 500, "%22 OR 1", "ab", "123 456", "a" * 5000, "日本語の文章です", "* ( ) : ^"):
        assert client.get("/admin/tickets/new/similar", query_string={"subject": question}).status_code == 200
