"""Who is deleted, erased or exported while tickets are one takes or shows only what is theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.desk import customererase, customerexport, erasing
from app.search.find import matching
from app.tickets import merging
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Message, Words
from tests.factories import a_super_admin, a_supervisor, a_ticket, acting


def two() -> tuple[Ticket, Ticket, Any]:
    first, second = a_ticket("First", text="firstword"), a_ticket("Second", text="secondword")
    agent = acting(a_supervisor())
    merging.merge(second, into=first, by=agent)
    second.receive(Words("laterword", via=Channel.PORTAL), CustomerActor.of(second.requester))
    first.reply(Words("bothword"), by=agent)
    db.session.commit()
    return first, second, agent


def texts() -> list[str]:
    return sorted(db.session.scalars(select(Message.text)))


def test_deleting_the_primary_leaves_the_other_with_all_that_is_its_own(app: Flask) -> None:
    first, second, _agent = two()
    second_id = second.id

    erasing.delete_ticket(first, by=acting(a_super_admin()))

    assert texts() == ["laterword", "secondword"]
    left = db.session.scalars(select(Ticket)).one()
    assert (left.id, left.merged_into_id, left.live) == (second_id, None, True)


def test_deleting_the_merged_one_takes_its_words_out_of_the_primary(app: Flask) -> None:
    first, second, _agent = two()

    erasing.delete_ticket(second, by=acting(a_super_admin()))

    assert texts() == ["bothword", "firstword"]
    db.session.refresh(first)
    assert (first.merged_in, first.message_count) == (0, 2)


def test_erasing_a_customer_empties_their_own_words_and_leaves_the_others(app: Flask) -> None:
    _first, second, _agent = two()

    customererase.erase(second.requester.email, with_tickets=False)

    assert texts() == ["(erased)", "(erased)", "bothword", "firstword"]


def test_an_export_holds_what_that_customer_reads(app: Flask, tmp_path: Path) -> None:
    _first, second, _agent = two()

    customerexport.export(second.requester.email, tmp_path / "out")

    told = (tmp_path / "out" / "customer.json").read_text()
    assert [ticket["number"] for ticket in json.loads(told)["tickets"]] == [second.number]
    assert "secondword" in told and "laterword" in told and "bothword" in told
    assert "firstword" not in told


def test_a_customer_finds_their_merged_ticket_by_its_words_and_by_none_of_the_others(app: Flask) -> None:
    first, second, _agent = two()
    customer = CustomerActor.of(second.requester)

    assert matching("secondword", customer) == matching("laterword", customer) == [second.id]
    assert matching("firstword", customer) == []
    assert matching("secondword", CustomerActor.of(first.requester)) == []
