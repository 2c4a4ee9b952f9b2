"""Drafts: kept for their writer alone, in every tab, until they are sent."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.extensions import db
from app.tickets import drafts
from app.tickets.drafts import Copy, Draft, Written
from tests.factories import a_ticket, acting, an_agent


@pytest.fixture
def writing(app: Flask) -> tuple[Any, Any]:
    agent = an_agent()
    return a_ticket(assignee=agent), acting(agent)


def texts(ticket: Any, by: Any) -> list[str]:
    db.session.expire_all()
    return [draft.text for draft in drafts.of(ticket.id, by)]


def keep(ticket: Any, by: Any, text: str, mark: str = "tab one", turn: int = 1, origin: str = "") -> bool:
    saved = drafts.save(ticket.id, by, Written(text), Copy(mark, turn, origin))
    db.session.commit()
    return saved


def test_what_is_typed_on_replaces_what_was_kept(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hel")

    keep(ticket, agent, "Hello", turn=2)

    assert texts(ticket, agent) == ["Hello"]


def test_what_comes_late_changes_nothing(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello there", turn=5)

    assert not keep(ticket, agent, "Hel", turn=4)

    assert texts(ticket, agent) == ["Hello there"]


def test_nobody_else_finds_it(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Between us")

    assert texts(ticket, acting(an_agent())) == []
    assert db.session.scalars(drafts.drafted(agent)).all() == [ticket.id]


def test_an_emptied_composer_keeps_no_draft(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello")

    keep(ticket, agent, "  ", turn=2)

    assert texts(ticket, agent) == []


def test_a_second_tab_goes_on_with_the_same_draft(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello", turn=3)

    keep(ticket, agent, "Hello Ada", mark="tab two", origin="tab one:3")

    assert texts(ticket, agent) == ["Hello Ada"]


def test_where_two_tabs_differ_both_texts_stay_and_the_newer_comes_first(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello", turn=3)
    keep(ticket, agent, "Hello Ada", mark="tab two", origin="tab one:3")

    keep(ticket, agent, "Hello Bob", turn=4)

    assert texts(ticket, agent) == ["Hello Bob", "Hello Ada"]


def test_it_is_gone_after_sending_also_when_the_last_key_is_saved_late(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello", turn=3)
    drafts.spend(ticket.id, agent, "tab one", "Hello Ada")
    db.session.commit()

    assert not keep(ticket, agent, "Hello Ad", turn=4)

    assert texts(ticket, agent) == []


def test_another_text_of_another_tab_outlives_the_sending(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Quite another thought", mark="tab two")
    keep(ticket, agent, "Hello Ad")

    drafts.spend(ticket.id, agent, "tab one", "Hello Ada")
    db.session.commit()

    assert texts(ticket, agent) == ["Quite another thought"]


def test_a_person_keeps_ten_drafts_at_one_ticket(writing: Any) -> None:
    ticket, agent = writing
    for n in range(12):
        keep(ticket, agent, f"Thought {n}", mark=f"tab {n}")

    assert texts(ticket, agent) == [f"Thought {n}" for n in range(11, 1, -1)]


def test_it_goes_with_its_ticket(writing: Any) -> None:
    ticket, agent = writing
    keep(ticket, agent, "Hello")

    db.session.delete(ticket)
    db.session.commit()

    assert db.session.query(Draft).count() == 0


def test_marks_of_what_was_sent_are_forgotten_after_some_days(writing: Any) -> None:
    ticket, agent = writing
    drafts.spend(ticket.id, agent, "tab one", "Hello")
    drafts.forget_spent()
    mark = db.session.query(Draft).one()

    mark.spent_at -= 2 * drafts.SPENT_KEPT
    db.session.flush()
    drafts.forget_spent()

    assert db.session.query(Draft).count() == 0


def test_an_erased_customers_address_and_what_was_written_to_them_are_in_no_draft(writing: Any) -> None:
    ticket, agent = writing
    other = a_ticket()
    keep(ticket, agent, "Dear customer")
    drafts.save(other.id, agent, Written("Hello", cc="Gone@Customer.test"), Copy("two", 1))
    drafts.save(other.id, agent, Written("Hello", cc="kim@customer.test"), Copy("three", 1))

    drafts.forget_of([ticket.id], "gone@customer.test")
    db.session.commit()

    assert db.session.scalars(select(Draft.mark)).all() == ["three"]
