"""Search on both databases: the same tickets for the same words, and only what the reader may see."""

import random
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, text

from app.accounts.viewer import SYSTEM, Actor, CustomerActor
from app.core.extensions import db
from app.search import find, index
from app.search.words import answers, cut, question
from app.tickets.models import Ticket
from app.tickets.thread import Message, Words
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    an_organization,
    run_jobs,
    setting,
)


def found(words: str, by: Actor = SYSTEM) -> list[str]:
    return [db.session.get_one(Ticket, id).subject for id in find.matching(words, by)]


@pytest.mark.parametrize(
    "asked",
    [
        "burn",
        "BURNS",
        "café",
        "ada lovelace",
        "lovel",
        "ada@northwind.example",
        "northwind",
        "10.0.0.7",
        "京都",
        "toner",
        "#1042",
        "TICK-1042",
        "1042",
        "old-77",
    ],
)
def test_a_ticket_is_found_by(app: Flask, asked: str) -> None:
    setting(first_number=1042)
    ticket = a_ticket(
        "Printer at the Cafe",
        text="It burns. 10.0.0.7 東京都",
        requester=a_customer("Ada Lovelace", email="ada@northwind.example"),
    )
    ticket.reference = "OLD-77"
    ticket.rename("Printer at the cafe!", by=SYSTEM)
    ticket.note(Words("Ordered toner"), by=SYSTEM)
    a_ticket("Another", text="Something else")
    db.session.commit()

    assert found(asked) == ["Printer at the cafe!"]


@pytest.mark.parametrize("asked", ["", "  ", "\"", "a\" OR \"b", "'; DROP TABLE ticket; --", "words: *", "NEAR(a b)", "-x", "a & | !b:*", "\\", "\x00", "%", "_", "(" * 10_000, "x" * 10_000, "é" * 9_000 + " ", "y " * 5_000, "#" * 99, "9" * 400, "\ud800", "1e999", "column:words", "^burns"])  # fmt: skip
def test_no_question_is_an_error(app: Flask, asked: str) -> None:
    a_ticket()
    db.session.commit()

    assert found(asked) in ([], ["The printer is on fire"])


def test_signs_of_the_engines_are_words_like_others(app: Flask) -> None:
    a_ticket("Logic", text="this OR that NOT those NEAR here")
    a_ticket("Other", text="this that")
    db.session.commit()

    assert found("this OR that") == ["Logic"]
    assert found("that NOT this") == ["Logic"]


def test_the_words_must_stand_in_one_message(app: Flask) -> None:
    ticket = a_ticket(text="alpha")
    ticket.reply(Words("beta"), by=SYSTEM)
    db.session.commit()

    assert found("alpha beta") == []
    assert found("beta") == [ticket.subject]


def test_customers_do_not_find_by_notes_nor_others_tickets(app: Flask) -> None:
    organization = an_organization()
    ada, bob, eve = a_customer(organization=organization), a_customer(organization=organization), a_customer()
    ticket = a_ticket("Ours", text="canary", requester=ada)
    ticket.note(Words("secretword"), by=SYSTEM)
    a_ticket("Hidden", text="canary", requester=ada).hide(by=SYSTEM)
    db.session.commit()

    assert found("canary", CustomerActor.of(ada)) == found("canary", CustomerActor.of(bob)) == ["Ours"]
    assert found("canary", CustomerActor.of(eve)) == found(str(ticket.number), CustomerActor.of(eve)) == []
    assert found("secretword", CustomerActor.of(ada)) == []
    assert found("secretword") == ["Ours"]


def test_staff_find_what_they_see(app: Flask) -> None:
    ours, theirs = a_department(), a_department()
    agent = acting(an_agent(ours))
    mine, foreign = (
        a_ticket("Mine", text="canary", department=ours),
        a_ticket("Foreign", text="canary", department=theirs),
    )
    db.session.commit()

    assert found("canary", agent) == ["Mine"]
    assert found(str(mine.number), agent) == ["Mine"] and found(str(foreign.number), agent) == []
    assert sorted(found("canary", acting(a_supervisor()))) == ["Foreign", "Mine"]


def test_a_common_word_finds_the_newest_and_old_tickets_of_who_sees_few(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "NEWEST_HITS", 5)
    for module in ("index", "engines"):
        monkeypatch.setattr(f"app.search.{module}.SMALL", 2)
        monkeypatch.setattr(f"app.search.{module}.LARGE", 5)
    ours = a_department()
    agent, old = acting(an_agent(ours)), a_ticket("Old", text="common", department=ours)
    others = a_department()
    for n in range(30):
        a_ticket(f"New {n}", text="common" + " uncommon" * (n % 7 == 0), department=others, requester=old.requester)
    db.session.commit()

    assert found("common", agent) == ["Old"]
    assert found("common", CustomerActor.of(old.requester))[:2] == ["New 29", "New 28"]
    assert found("common")[:2] == ["New 29", "New 28"]
    assert found("uncommon") == found("uncom") == ["New 28", "New 21", "New 14", "New 7", "New 0"]


def test_a_renamed_customer_and_subject_are_found_by_the_new_name_alone(app: Flask) -> None:
    ticket = a_ticket("Before", requester=a_customer("Ada Byron", email="ada@old.example"))
    db.session.commit()
    ticket.rename("After", by=SYSTEM)
    ticket.requester.name, ticket.requester.email = "Ada Lovelace", "ada@new.example"
    run_jobs()

    assert [bool(found(asked)) for asked in ("before", "byron", "old.example")] == [False] * 3
    assert [bool(found(asked)) for asked in ("after", "lovelace", "new.example")] == [True] * 3


def test_a_deleted_ticket_leaves_nothing_in_the_index(app: Flask) -> None:
    ticket = a_ticket()
    db.session.commit()
    db.session.execute(delete(Ticket).where(Ticket.id == ticket.id))
    db.session.commit()

    assert [db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in index.TABLES] == [0, 0, 0]


def test_a_text_changed_in_place_is_indexed_anew_on_demand(app: Flask) -> None:
    ticket = a_ticket(text="secretword")
    ticket.messages[0].text = "erased"
    db.session.flush()
    index.index_ticket(ticket.id)
    db.session.commit()

    assert found("secretword") == []
    assert found("erased") == [ticket.subject]


def test_a_rolled_back_message_is_not_found(app: Flask) -> None:
    a_ticket(text="canary")
    db.session.rollback()

    assert found("canary") == []


def test_writing_a_message_costs_one_statement(app: Flask, at_most: Callable) -> None:
    ticket = a_ticket()
    db.session.commit()
    with at_most(60) as statements:
        ticket.reply(Words("An answer"), by=SYSTEM)

    assert sum("search_" in statement for statement in statements) == 1


def test_rebuilding_writes_the_same_index(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 2)
    for n in range(5):
        a_ticket(f"Subject{n}", text=f"text{n}")
    db.session.commit()
    for table in index.TABLES:
        db.session.execute(text(f"DELETE FROM {table}"))
    db.session.commit()
    assert found("text3") == []

    assert index.rebuild() == 10
    index.rebuild()

    assert found("text3") == found("subject3") == ["Subject3"]


PIECES = [
    "printer",
    "print",
    "Café",
    "cafe",
    "10.0.0.7",
    "10",
    "東京都",
    "京都",
    "ada@x.example",
    "x.example",
    "ada",
    "3,50",
    "ñandú",
    "re_start",
    "ภาษา",
    "OR",
    "nØrd",
    "I'm",
    "e-mail",
]


@pytest.mark.parametrize("seed", range(3))
def test_both_engines_say_what_python_says(app: Flask, seed: int) -> None:
    """One rule for both: the words of a message, or of a header, answer the question. The same corpus and questions on each."""
    chance = random.Random(seed)
    for n in range(25):
        a_ticket(
            f"S{n}", text=" ".join(chance.choices(PIECES, k=4)), requester=a_customer(f"Q{n}", email=f"q{n}@q.test")
        )
    db.session.commit()
    corpus = [(message.ticket_id, cut(message.text)) for message in db.session.query(Message)]
    corpus += [(id, cut(index.header(*columns))) for id, *columns in db.session.execute(index.HEADERS)]

    for _round in range(40):
        asked = " ".join(chance.choices(PIECES, k=chance.randint(1, 2)))
        asked = asked[: chance.randint(2, len(asked))]
        expected = {ticket for ticket, words in corpus if answers(words, question(asked))} if question(asked) else set()
        assert set(find.matching(asked, SYSTEM)) == expected, asked
        customer = CustomerActor.of(db.session.get_one(Ticket, corpus[0][0]).requester)
        assert set(find.matching(asked, customer)) == expected & {corpus[0][0]}, asked
