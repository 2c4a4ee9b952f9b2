"""A merge that is undone leaves every table as it was, whatever happened before; what comes meanwhile goes where it belongs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import func, select

from app.core.extensions import db
from app.core.model import Base
from app.tickets import merging, requests, suppliers, timefigures, timespent
from app.tickets.mergeable import SharedMessage
from app.tickets.models import Participant, Ticket
from app.tickets.recounting import recount
from app.tickets.requests import DocumentRequest
from app.tickets.supplied import TicketSupplier
from app.tickets.tasks import TaskLink
from app.tickets.thread import Attachment, Message
from app.tickets.timeentries import TimeEntry
from tests.tickets.histories import DEEDS, HISTORY, WRITING, Desk
from tests.tickets.sums import TOLD, rows, sums_are_right
from tests.tickets.test_merging import ORDERS

History = list[tuple[str, int]]
EVERYTHING: History = [(deed, which) for which in (0, 1) for deed in DEEDS if deed not in ("close", "resolve", "hide", "reopen")]  # fmt: skip
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def all_sums_are_right() -> None:
    sums_are_right()
    assert timespent.recount_tickets() == 0
    assert timefigures.recount() == 0
    db.session.commit()


def go(desk: Desk, steps: Any) -> None:
    for step in steps:
        if step[0] == "merge":
            merging.merge(desk.tickets[step[1]], into=desk.tickets[step[2]], by=desk.agent)
            all_sums_are_right()
        else:
            merging.unmerge(desk.tickets[step[1]], by=desk.agent)


@pytest.mark.parametrize("steps", ORDERS.values(), ids=ORDERS)
@settings(max_examples=3, deadline=None, suppress_health_check=SLOW)
@given(history=HISTORY)
def test_merging_and_taking_apart_is_the_identity_on_every_table(app: Flask, steps: Any, history: History) -> None:
    desk = after(history)
    before = rows()

    go(desk, steps)

    same(before)


@pytest.mark.parametrize("order", ["another merge in between", "the primary is merged itself"])
def test_so_it_is_when_everything_happened_to_them(app: Flask, order: str) -> None:
    desk = after(EVERYTHING)
    before = rows()

    go(desk, ORDERS[order])

    same(before)


def after(history: History) -> Desk:
    desk = Desk.new()
    for counted, (deed, which) in enumerate(history):
        desk.carry_out(deed, which, counted)
    return desk


def same(before: Any) -> None:
    now = rows()
    assert {name: both for name in before if (both := _differing(before[name], now[name]))} == {}
    all_sums_are_right()


def _differing(before: list[Any], after: list[Any]) -> Any:
    return None if before == after else ([one for one in before if one not in after], [one for one in after if one not in before])  # fmt: skip


def test_the_histories_reach_every_table_that_knows_of_a_ticket(app: Flask) -> None:
    """A new table that points at a ticket has to have its deed in histories.py, or nobody knows what a merge does to it."""
    desk = after(EVERYTHING)
    merging.merge(desk.tickets[0], into=desk.tickets[1], by=desk.agent)
    desk.carry_out("reply", 1, 99)

    pointing = {table.name for table in Base.metadata.sorted_tables if any(key.column.table.name == "ticket" for key in table.foreign_keys)}  # fmt: skip
    known = {"raw_mail"}
    """Made by mails that come in, and kept where they went; tests/mail."""
    empty = {name for name in pointing - TOLD - known if not db.session.scalar(select(func.count()).select_from(Base.metadata.tables[name]))}  # fmt: skip
    assert empty == set()


@settings(max_examples=8, deadline=None, suppress_health_check=SLOW)
@example(history=EVERYTHING[::2], meanwhile=[(deed, which) for deed in DEEDS for which in (1, 0)])
@given(history=HISTORY, meanwhile=HISTORY)
def test_what_comes_while_they_are_one_is_in_the_end_where_it_was_written_to(
    app: Flask, history: History, meanwhile: History
) -> None:
    desk = after(history)
    homes = _homes()
    merging.merge(desk.tickets[0], into=desk.tickets[1], by=desk.agent)
    for counted, (deed, which) in enumerate(meanwhile, 100):
        if counted == 100 + len(meanwhile) // 2 and not desk.tickets[2].merged:
            homes |= _homes()
            merging.merge(desk.tickets[2], into=desk.tickets[1], by=desk.agent)
        if desk.carry_out(deed, which, counted):
            all_sums_are_right() if deed in WRITING else None
        homes = _homes() | homes

    for which in (2, 0):
        if desk.tickets[which].merged:
            merging.unmerge(desk.tickets[which], by=desk.agent)

    assert {key: home for key, home in _homes().items() if homes.get(key) != home} == {}
    assert set(homes) - set(_homes()) <= {key for key in homes if key[0] == "ticket_supplier"}
    assert db.session.scalar(select(func.count()).select_from(SharedMessage)) == 0
    assert db.session.scalars(select(Participant.id).where(Participant.merged_from_id.is_not(None))).all() == []
    for ticket in desk.tickets:
        _counts_are_right(ticket)
    all_sums_are_right()


def _homes() -> dict[tuple[str, Any], int]:
    """Row -> the ticket it belongs to, whether or not that goes on in another now."""
    db.session.commit()
    homes: dict[tuple[str, Any], int] = {
        ("message", one.id): one.home_id for one in db.session.scalars(select(Message))
    }
    homes |= {("time_entry", one.id): one.ticket_id for one in db.session.scalars(select(TimeEntry))}
    homes |= {("ticket_task", (one.task_id, one.home_id)): one.home_id for one in db.session.scalars(select(TaskLink))}
    homes |= {("document_request", one.id): one.ticket_id for one in db.session.scalars(select(DocumentRequest))}
    homes |= {("ticket_supplier", one.id): one.ticket_id for one in db.session.scalars(select(TicketSupplier))}
    return homes


def _counts_are_right(ticket: Ticket) -> None:
    """What stands on the ticket is what counting its own rows anew says, and its rows are nobody else's."""
    kept = ("message_count", "needs_response", "awaiting_since", "excerpt", "supplier_turn", "further", "documents_wanted", "documents_here", "documents_due_on", "time_spent_minutes")  # fmt: skip
    before = {name: getattr(ticket, name) for name in kept}
    recount(ticket)
    suppliers.count(ticket)
    requests.count(ticket)
    assert {name: getattr(ticket, name) for name in kept} == before
    foreign = (
        select(Attachment.id).join(Message).where(Message.ticket_id == ticket.id, Attachment.ticket_id != ticket.id)
    )
    assert db.session.scalars(foreign).all() == []
    assert all(link.home_id == ticket.id for link in db.session.scalars(select(TaskLink).where(TaskLink.ticket_id == ticket.id)))  # fmt: skip
