"""Statements that are known again by where they lie, and whether each still gives its own rows."""

from sqlalchemy import bindparam, literal, select

from app.core import rows
from app.core.rows import plain_rows


def test_a_statement_gives_its_own_rows_however_many_others_are_asked(app):
    kept = [
        select((literal(n) + bindparam("more", type_=literal(n).type)).label("n")) for n in range(rows.MOST_KNOWN + 20)
    ]

    for turn in range(3):
        assert [plain_rows(one, {"more": turn})[0].n for one in kept] == [n + turn for n in range(len(kept))]


def test_statements_that_live_for_a_moment_are_not_taken_for_each_other(app):
    for n in range(rows.MOST_KNOWN * 2):
        assert plain_rows(select(literal(n), *(literal(one) for one in range(n % 3))))[0][0] == n


def test_a_text_that_was_written_with_other_names_of_values_is_not_used(app):
    kept = select(bindparam("one", 1), bindparam("two", 2))

    assert [tuple(plain_rows(kept, given)[0]) for given in ({"one": 5}, {"two": 6}, {})] == [(5, 2), (1, 6), (1, 2)]
