"""Words that tickets say more often: counted by department, told to nobody who does not see enough of their tickets."""

import datetime as dt

import pytest
import time_machine
from flask import Flask

from app.core.extensions import db
from app.reports import trends
from app.reports.stopwords import STOP_WORDS
from tests.factories import a_department, a_ticket

LAST = dt.date(2026, 5, 20)


def on(days_ago: int) -> time_machine.travel:
    return time_machine.travel(dt.datetime.combine(LAST, dt.time(12), dt.UTC) - dt.timedelta(days=days_ago), tick=False)


def said(subject: str, count: int, days_ago: int, **given: object) -> None:
    with on(days_ago):
        for _ in range(count):
            a_ticket(subject, text="Please help me with it today.", **given)
    db.session.commit()


def words(departments: set[int], days: int = 7) -> dict[str, tuple[int, int]]:
    return {one.word: (one.tickets, one.before) for one in trends.of_departments(departments, days)[0]}


def test_words_that_grew_are_found_folded_and_compared_with_as_many_days_before(app: Flask) -> None:
    said("Café gateway is down", 4, 1)
    said("Gateway", 1, 9)
    said("Router", 4, 9)
    said("Router", 3, 2)
    trends.find(LAST)

    assert words(set()) == {"cafe": (4, 0), "gateway": (4, 1)}
    assert words(set(), 30) == {"cafe": (4, 0), "gateway": (5, 0), "router": (7, 0)}


def test_each_reader_gets_the_words_of_their_departments_alone(app: Flask) -> None:
    ours, theirs = a_department(), a_department()
    said("Gateway", 3, 1, department=ours)
    said("Payroll", 5, 1, department=theirs)
    said("Gateway payroll", 2, 1, department=theirs)
    trends.find(LAST)

    assert words({ours.id}) == {"gateway": (3, 0)}
    assert words({theirs.id}) == {"payroll": (7, 0)}
    assert words(set()) == {"payroll": (7, 0), "gateway": (5, 0)}


def test_two_tickets_are_no_trend_and_numbers_and_addresses_no_words(app: Flask) -> None:
    said("Divorce", 2, 1)
    said("4711 x9y eve@other.example 12.5", 5, 1)
    trends.find(LAST)

    assert words(set()) == {}


def test_counting_again_replaces_what_was_counted(app: Flask) -> None:
    said("Gateway", 3, 1)
    trends.find(LAST)
    trends.find(LAST)
    assert words(set()) == {"gateway": (3, 0)}
    trends.find(LAST + dt.timedelta(days=30))
    assert words(set()) == {}


@pytest.mark.parametrize("word", ["with", "fur", "nicht", "bonjour", "deja", "etre", "bitte"])
def test_common_words_of_the_three_languages_say_nothing(word: str) -> None:
    assert word in STOP_WORDS
