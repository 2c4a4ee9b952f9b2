"""A customer's long ticket opens at its newest messages, and leads back to all of them."""

from __future__ import annotations

import re
from typing import Any

from app.core.extensions import db
from app.tickets.thread import Message
from tests.desk.test_long_threads import a_long_ticket
from tests.factories import a_customer, sign_in_customer


def test_every_message_is_reached_and_none_said_twice(app: Any, client: Any) -> None:
    customer = a_customer()
    ticket = a_long_ticket(205, 100, requester=customer)
    sign_in_customer(client, customer)
    address, found = f"/portal/tickets/{ticket.number}", []
    while address:
        page = client.get(address).text
        found = re.findall(r"entry number(\d+) of", page) + found
        back = re.search(r'href="([^"]+\?before=\d+)"', page)
        address = back[1] if back else ""

    assert found == [str(n) for n in range(205) if n % 10 != 3]
    assert "How it began" in page


def test_the_page_of_thousands_asks_no_more_than_that_of_four(app: Any, client: Any, at_most: Any) -> None:
    customer = a_customer()
    long, short = a_long_ticket(1000, 1000, requester=customer), a_long_ticket(4, 4, requester=customer)
    sign_in_customer(client, customer)
    for each in (long, short):
        client.get(f"/portal/tickets/{each.number}")

    with at_most(9) as few:
        client.get(f"/portal/tickets/{short.number}")
    with at_most(9) as many:
        page = client.get(f"/portal/tickets/{long.number}")

    assert len(many) <= len(few) and len(page.data) < 100_000


def test_a_note_or_a_foreign_message_is_no_way_in(app: Any, client: Any) -> None:
    customer = a_customer()
    ticket, foreign = a_long_ticket(60, 0, requester=customer), a_long_ticket(60, 0)
    sign_in_customer(client, customer)
    note = db.session.query(Message).filter_by(ticket_id=ticket.id, text="entry number13 of the story").one()
    theirs = foreign.messages[5]

    for given in (note.id, theirs.id, "x", "9" * 40, ""):
        assert "entry number59 of" in client.get(f"/portal/tickets/{ticket.number}?before={given}").text
