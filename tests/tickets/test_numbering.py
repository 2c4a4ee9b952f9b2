"""Ticket numbers: never twice, however many are made at once, and however people write them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.extensions import db
from app.tickets import numbering
from app.tickets.models import Ticket
from tests.factories import a_ticket, setting


def test_eight_at_once_get_eight_numbers(app):
    db.session.commit()

    def take(_: int) -> int:
        with app.app_context():
            number = numbering.next_number()
            db.session.commit()
            db.session.remove()
            return number

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(take, range(40)))

    assert len(set(numbers)) == 40


def test_a_deleted_tickets_number_is_not_given_again(app):
    first = a_ticket()
    number = first.number
    db.session.delete(first)
    db.session.commit()

    assert a_ticket().number > number
    assert db.session.query(Ticket).filter_by(number=number).count() == 0


def test_a_higher_first_number_counts_from_then_on(app):
    a_ticket()
    setting(first_number=5000)

    assert [a_ticket().number, a_ticket().number] == [5000, 5001]


@pytest.mark.parametrize("written", ["1042", "#1042", "TICK-1042", "tick-1042", " #1042 ", "CASE/1042"])
def test_a_number_is_read_however_it_is_written(app, written):
    setting(number_pattern="CASE/{n}")

    assert numbering.read(written) == 1042


@pytest.mark.parametrize("written", ["", "invoice 1042", "1042a", "#", "9" * 40])
def test_other_words_are_no_number(app, written):
    assert numbering.read(written) is None
