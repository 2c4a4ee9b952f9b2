"""Merging, taking apart, splitting, moving and linking from the staff's pages."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.extensions import db
from app.tickets import links, merging
from app.tickets.models import LinkType, Ticket
from app.tickets.thread import Message, Words
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    an_organization,
    setting,
    sign_in,
    sign_in_customer,
    staff,
)


def body(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


def seen(*tickets: Ticket) -> None:
    db.session.commit()
    for ticket in tickets:
        db.session.refresh(ticket)


def test_the_page_says_who_will_read_what_before_anything_is_done(app: Flask, client: FlaskClient) -> None:
    billing = a_department("Billing office")
    first, second = (
        a_ticket("First", requester=a_customer("Ada")),
        a_ticket("Second", requester=a_customer("Bob"), department=billing),
    )
    sign_in(client, a_supervisor())

    page = body(client.get(f"/admin/tickets/{first.number}/merge?with={second.number}"))

    for words in (
        "Different customers: Ada, Bob",
        "each reads of their own ticket alone",
        "Whoever sees Billing office alone does so no longer",
        f"The promises of {second.display} end",
        f"Merge {second.display} into {first.display}",
    ):
        assert words in page
    assert second.merged_into_id is None


def test_the_page_warns_of_what_is_open_going_on_in_what_is_closed(app: Flask, client: FlaskClient) -> None:
    first, second = a_ticket("First"), a_ticket("Second")
    supervisor = a_supervisor()
    first.close(by=acting(supervisor))
    sign_in(client, supervisor)

    assert f"Merge {first.display} into {second.display}" in body(
        client.get(f"/admin/tickets/merge?with={first.number}&with={second.number}")
    )
    page = body(client.get(f"/admin/tickets/merge?with={first.number}&with={second.number}&primary={first.number}"))
    assert f"{first.display} is finished, and stays so" in page


def test_the_page_offers_the_customers_other_tickets_and_similar_ones(app: Flask, client: FlaskClient) -> None:
    customer = a_customer()
    first, same = a_ticket("Printer burns", requester=customer), a_ticket("Something else", requester=customer)
    alike, other = a_ticket("My printer burns too"), a_ticket("Invoice")
    sign_in(client, a_supervisor())

    page = body(client.get(f"/admin/tickets/{first.number}/merge"))

    assert f"{same.display} Something else" in page and "same customer" in page
    assert f"{alike.display} My printer burns too" in page and "similar words" in page
    assert other.display not in page


def test_the_customers_newest_ticket_is_offered_first_however_many_there_are(app: Flask, client: FlaskClient) -> None:
    customer = a_customer(organization=an_organization())
    first = a_ticket("Printer burns", requester=customer)
    others = [a_ticket("Printer burns again", requester=customer) for _count in range(10)]
    sign_in(client, a_supervisor())

    offered = re.findall(
        r'type="checkbox" name="with" value="(\d+)"',
        client.get(f"/admin/tickets/{first.number}/merge").get_data(as_text=True),
    )

    assert [int(number) for number in offered] == [ticket.number for ticket in others[:1:-1]]


def test_confirming_merges_and_taking_apart_undoes_it(app: Flask, client: FlaskClient) -> None:
    first, second, third = a_ticket("First"), a_ticket("Second"), a_ticket("Third")
    sign_in(client, a_supervisor())

    answer = client.post(
        "/admin/tickets/merge", data={"with": [first.number, second.number, third.number], "primary": first.number}
    )
    assert (answer.status_code, answer.location) == (303, f"/admin/tickets/{first.number}")
    seen(first, second, third)
    assert second.merged_into_id == third.merged_into_id == first.id

    page = body(client.get(f"/admin/tickets/{first.number}"))
    assert (
        f"{second.display} was merged into this ticket" in page
        and f"Your answers reach {second.requester.name} too." in page
    )
    there = body(client.get(f"/admin/tickets/{second.number}"))
    assert f"This ticket goes on in {first.display}" in there and "Take apart" in there

    assert client.post(f"/admin/tickets/{second.number}/unmerge").status_code == 303
    seen(second, third)
    assert (second.merged_into_id, third.merged_into_id) == (None, first.id)
    assert "It burns since this morning." in body(client.get(f"/admin/tickets/{second.number}"))


def test_the_primary_marks_whose_an_entry_is_and_tells_what_happened_to_both(app: Flask, client: FlaskClient) -> None:
    first, second = a_ticket("First", text="one"), a_ticket("Second", text="two")
    supervisor = a_supervisor()
    second.tag("wanted", by=acting(supervisor))
    merging.merge(second, into=first, by=acting(supervisor))
    sign_in(client, supervisor)

    page = client.get(f"/admin/tickets/{first.number}").get_data(as_text=True)

    article = page[page.index(f'id="m{second_message(second)}"') :]
    assert second.display in article[: article.index("</header>")]
    assert f"added the tag wanted (in {second.display})" in body(client.get(f"/admin/tickets/{first.number}"))


def second_message(ticket: Ticket) -> int:
    return db.session.scalars(select(Message.id).where(Message.origin_ticket_id == ticket.id)).one()


def test_a_refused_merge_says_why_and_changes_nothing(app: Flask, client: FlaskClient) -> None:
    first, second, third = a_ticket(), a_ticket(), a_ticket()
    supervisor = a_supervisor()
    merging.merge(second, into=first, by=acting(supervisor))
    sign_in(client, supervisor)

    answer = client.post("/admin/tickets/merge", data={"with": [third.number, second.number], "primary": third.number})

    assert answer.status_code == 409 and f"Ticket {second.display} was merged into {first.display} already." in body(
        answer
    )
    assert client.post(f"/admin/tickets/{third.number}/unmerge").status_code == 303
    seen(third)
    assert third.merged_into_id is None


def test_a_ticket_that_is_not_theirs_to_see_is_nobodys(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    own, foreign = a_ticket(department=mine), a_ticket("Foreign words", department=theirs)
    sign_in(client, an_agent(mine))

    assert (
        client.post(
            "/admin/tickets/merge", data={"with": [own.number, foreign.number], "primary": own.number}
        ).status_code
        == 404
    )
    assert client.get(f"/admin/tickets/{foreign.number}/merge").status_code == 404
    assert client.post(f"/admin/tickets/{foreign.number}/unmerge").status_code == 404
    assert "Foreign words" not in body(client.get(f"/admin/tickets/{own.number}/merge?with={foreign.number}"))
    entry = own.messages[0].id
    answer = client.post(
        f"/admin/tickets/{own.number}/messages/{entry}/move", data={"where": "other", "number": foreign.number}
    )
    assert answer.status_code == 422 and "Foreign words" not in body(answer)


def test_whoever_does_not_see_the_primary_learns_only_that_there_is_one(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    second, first = a_ticket("Mine", department=mine), a_ticket("Foreign words", department=theirs)
    merging.merge(second, into=first, by=acting(a_supervisor()))
    sign_in(client, an_agent(mine))

    page = body(client.get(f"/admin/tickets/{second.number}"))

    assert (
        "goes on in another one" in page
        and "Foreign words" not in page
        and first.display not in page
        and "Take apart" not in page
    )
    assert client.post(f"/admin/tickets/{second.number}/unmerge").status_code == 404


def test_a_developer_finds_no_way_to_merge_or_split(app: Flask, client: FlaskClient) -> None:
    from app.tickets.choices import Category

    technical = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    ticket = a_ticket(category=technical)
    sign_in(client, staff("Developer"))

    page = client.get(f"/admin/tickets/{ticket.number}").get_data(as_text=True)

    assert page and "/merge" not in page and "/move" not in page and "/links" in page
    assert client.get(f"/admin/tickets/{ticket.number}/merge").status_code == 403
    assert client.get(f"/admin/tickets/{ticket.number}/messages/{ticket.messages[0].id}/move").status_code == 403


def test_a_message_is_split_off_and_moved_back(app: Flask, client: FlaskClient) -> None:
    ticket, supervisor = a_ticket(), a_supervisor()
    entry = ticket.reply(Words("about something else"), by=acting(supervisor))
    ticket.note(Words("after it"), by=acting(supervisor))
    sign_in(client, supervisor)
    address = f"/admin/tickets/{ticket.number}/messages/{entry.id}/move"
    assert "2 messages" in body(client.get(address))

    assert client.post(address, data={"which": "onwards", "where": "new", "subject": ""}).status_code == 422
    answer = client.post(address, data={"which": "onwards", "where": "new", "subject": "Something else"})

    new = db.session.scalars(select(Ticket).where(Ticket.subject == "Something else")).one()
    assert answer.location == f"/admin/tickets/{new.number}#m{entry.id}"
    assert new.message_count == 2
    back = f"/admin/tickets/{new.number}/messages/{entry.id}/move"
    assert f'value="{ticket.display}"' in client.get(back).get_data(as_text=True)
    client.post(back, data={"which": "one", "where": "other", "number": ticket.display})
    db.session.expire_all()
    assert (entry.ticket_id, entry.moved_from_id) == (ticket.id, None)


def test_a_link_is_made_shown_on_both_sides_and_removed(app: Flask, client: FlaskClient) -> None:
    one, other = a_ticket("One"), a_ticket("Other")
    blocks = db.session.scalars(select(LinkType).where(LinkType.name == "blocks")).one()
    sign_in(client, an_agent())
    setting(agents_see_departments=True)
    assert "is blocked by" in body(client.get(f"/admin/tickets/{one.number}/links"))

    client.post(f"/admin/tickets/{one.number}/links", data={"type": f"-{blocks.id}", "number": other.display})

    assert f"is blocked by {other.display} Other" in body(client.get(f"/admin/tickets/{one.number}"))
    assert f"blocks {one.display} One" in body(client.get(f"/admin/tickets/{other.number}"))
    client.post(f"/admin/tickets/{other.number}/links/remove", data={"number": one.number})
    assert links.links_of(one.id, acting(a_supervisor())) == []


@pytest.mark.parametrize("given", [{"type": "99999", "number": "1"}, {"type": "x", "number": "nothing"}, {}])
def test_an_odd_link_is_refused_in_a_sentence_beside_what_was_typed(
    app: Flask, client: FlaskClient, given: dict[str, str]
) -> None:
    ticket = a_ticket()
    sign_in(client, a_supervisor())

    answer = client.post(f"/admin/tickets/{ticket.number}/links", data=given, follow_redirects=True)

    assert answer.status_code == 422 and "There is no ticket" in body(answer)
    assert 'aria-describedby="number-error' in answer.text and f'value="{given.get("number", "")}"' in answer.text


def test_the_customers_page_of_a_merged_ticket_leads_to_theirs_or_shows_their_own_part(
    app: Flask, client: FlaskClient
) -> None:
    customer, stranger, agent = a_customer("Ada"), a_customer("Bob"), acting(a_supervisor())
    first = a_ticket("Adas first", requester=customer, text="adas first words")
    second = a_ticket("Adas second", requester=customer, text="adas second words")
    third = a_ticket("Bobs own", requester=stranger, text="bobs own words")
    for duplicate in (second, third):
        merging.merge(duplicate, into=first, by=agent)
    first.reply(Words("for everybody"), by=agent)
    sign_in_customer(client, customer)
    assert client.get(f"/portal/tickets/{second.number}").location == f"/portal/tickets/{first.number}"
    page = body(client.get(f"/portal/tickets/{first.number}"))
    assert "adas second words" in page and "for everybody" in page and "bobs own words" not in page
    shelf = body(client.get("/portal/tickets?tab=all"))
    assert first.display in shelf and second.display not in shelf

    sign_in_customer(client, stranger)
    page = body(client.get(f"/portal/tickets/{third.number}"))
    assert "bobs own words" in page and "for everybody" in page
    for words in ("adas", "Adas", first.display):
        assert words not in page
    assert client.get(f"/portal/tickets/{first.number}").status_code == 404
    answer = client.post(f"/portal/tickets/{third.number}/reply", data={"message": "bob again"})
    assert answer.location.startswith(f"/portal/tickets/{third.number}#")
    assert "Sent. You find our answer" in body(client.get(answer.location))
    assert client.post(f"/portal/tickets/{third.number}/close", data={}).status_code == 409


@pytest.mark.parametrize("stranger", [False, True], ids=["both are the customer's own", "one is a stranger's"])
def test_customers_are_told_who_reads_a_merged_ticket(app: Flask, client: FlaskClient, stranger: bool) -> None:
    customer, agent = a_customer(organization=an_organization("Northwind")), acting(a_supervisor())
    first, second = a_ticket(requester=customer), a_ticket(requester=a_customer() if stranger else customer)
    merging.merge(second, into=first, by=agent)
    sign_in_customer(client, customer)

    page = body(client.get(f"/portal/tickets/{first.number}"))

    assert "Your colleagues at Northwind" in page and ("Whoever asked us the same" in page) is stranger


def test_while_the_primary_is_hidden_the_customers_page_says_nothing_of_it(app: Flask, client: FlaskClient) -> None:
    first, second = a_ticket("First"), a_ticket("Second", text="second words")
    agent = acting(a_supervisor())
    merging.merge(second, into=first, by=agent)
    first.hold(by=agent)
    first.hide(by=agent)
    sign_in_customer(client, second.requester)

    page = body(client.get(f"/portal/tickets/{second.number}"))

    assert "second words" in page and "On Hold" not in page


def test_one_wrong_number_takes_nothing_away_that_was_chosen_or_typed(app: Flask, client: FlaskClient) -> None:
    first, second, third = a_ticket("First"), a_ticket("Second"), a_ticket("Third")
    sign_in(client, a_supervisor())

    page = client.get(f"/admin/tickets/{first.number}/merge?with={second.number}&more={third.number}, 999999")

    text = page.get_data(as_text=True)
    assert "There is no ticket “999999”" in body(page)
    assert f"Merge {second.display}, {third.display} into {first.display}" in body(page)
    assert 'value="999999" aria-invalid="true" aria-describedby="refused"' in text


def test_who_names_the_ticket_they_are_on_is_told_so(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket("Alone")
    sign_in(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}/merge?more={ticket.number}")

    assert f"{ticket.display} is this ticket itself." in body(page)
