"""Who had the ball when: the fold alone, with no database."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hours.weeks import working_week
from app.tickets.choices import State
from app.tickets.ledger import Ledger, Move, Moved, Party, Span, spans

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia")


def at(hours: float) -> dt.datetime:
    return MONDAY + dt.timedelta(hours=hours)


def entered(hours: float, state: State) -> Move:
    return Move(at(hours), Moved.ENTERED, state)


ASKED, HEARD = Move(at(2), Moved.ASKED, supplier=1), Move(at(5), Moved.HEARD, supplier=1)
US, CUSTOMER, SUPPLIER, NOBODY = Party
CASES: dict[str, tuple[list[Move], list[tuple[Party, float, float]]]] = {
    "nothing happened": ([], [(US, 0, 10)]),
    "waiting is the customer's": ([entered(2, State.WAITING), entered(5, State.OPEN)], [(US, 0, 2), (CUSTOMER, 2, 5), (US, 5, 10)]),
    "a customer who wrote into waiting waits for us": (
        [entered(2, State.WAITING), Move(at(4), Moved.CUSTOMER_WROTE), Move(at(6), Moved.WE_WROTE)],
        [(US, 0, 2), (CUSTOMER, 2, 4), (US, 4, 6), (CUSTOMER, 6, 10)],
    ),
    "on hold with a supplier asked": (
        [ASKED, entered(2, State.HOLD), HEARD, entered(5, State.OPEN)],
        [(US, 0, 2), (SUPPLIER, 2, 5), (US, 5, 10)],
    ),
    "on hold with nobody asked": ([entered(2, State.HOLD)], [(US, 0, 2), (NOBODY, 2, 10)]),
    "on hold after the supplier answered": ([ASKED, entered(2, State.HOLD), HEARD], [(US, 0, 2), (SUPPLIER, 2, 5), (NOBODY, 5, 10)]),
    "a supplier asked without hold": ([ASKED, HEARD], [(US, 0, 2), (SUPPLIER, 2, 5), (US, 5, 10)]),
    "opened by hand while a supplier is asked": (
        [ASKED, entered(2, State.HOLD), entered(3, State.OPEN)],
        [(US, 0, 2), (SUPPLIER, 2, 3), (US, 3, 10)],
    ),
    "a customer who writes while a supplier is asked": ([ASKED, Move(at(4), Moved.CUSTOMER_WROTE)], [(US, 0, 2), (SUPPLIER, 2, 4), (US, 4, 10)]),
    "two suppliers, one answers": ([ASKED, Move(at(3), Moved.ASKED, supplier=2), HEARD], [(US, 0, 2), (SUPPLIER, 2, 10)]),
    "resolved is nobody's": ([entered(4, State.RESOLVED)], [(US, 0, 4), (NOBODY, 4, 10)]),
    "closing ends it": ([entered(4, State.RESOLVED), entered(6, State.CLOSED)], [(US, 0, 4), (NOBODY, 4, 6)]),
    "closed and opened again": ([entered(4, State.CLOSED), entered(6, State.OPEN)], [(US, 0, 4), (NOBODY, 4, 6), (US, 6, 10)]),
    "merged": ([Move(at(4), Moved.SET_ASIDE)], [(US, 0, 4)]),
    "merged and taken out": (
        [Move(at(4), Moved.SET_ASIDE), Move(at(6), Moved.BROUGHT_BACK, State.WAITING)],
        [(US, 0, 4), (NOBODY, 4, 6), (CUSTOMER, 6, 10)],
    ),
    "merged after it was closed": ([entered(3, State.CLOSED), Move(at(4), Moved.SET_ASIDE)], [(US, 0, 3)]),
    "what comes later than the end is not there": ([entered(11, State.WAITING)], [(US, 0, 10)]),
    "a clock that was set back": ([entered(5, State.WAITING), entered(4, State.OPEN)], [(US, 0, 10)]),
}  # fmt: skip


@pytest.mark.parametrize(("moves", "expected"), CASES.values(), ids=CASES)
def test_the_ball_goes(moves: list[Move], expected: list[tuple[Party, float, float]]) -> None:
    found = spans(MONDAY, State.OPEN, moves, at(10))

    assert found == [Span(party, at(begins), at(ends)) for party, begins, ends in expected]


MOVES = st.lists(
    st.builds(
        Move,
        st.integers(-5, 24 * 40).map(at),
        st.sampled_from(Moved),
        st.sampled_from(State),
        st.integers(1, 3),
    ),
    max_size=25,
)


@given(MOVES, st.sampled_from(State), st.integers(0, 24 * 50), st.sampled_from(ZONES))
def test_every_moment_is_booked_once_inside_or_outside(moves: list[Move], state: State, hours: int, zone: str) -> None:
    ledger = Ledger(spans(MONDAY, state, moves, at(hours)), working_week(zone))
    booked = list(ledger.spans)

    assert all(span.begins < span.ends <= at(hours) for span in booked)
    assert all(one.ends == other.begins and one.party is not other.party for one, other in pairwise(booked))
    if booked:
        assert booked[0].begins == MONDAY
        whole = booked[-1].ends - MONDAY
        assert sum((times.all for times in ledger.sums().values()), dt.timedelta()) == whole
        assert sum((times.inside for times in ledger.sums().values()), dt.timedelta()) == ledger.hours.within(MONDAY, booked[-1].ends)  # fmt: skip


@given(MOVES, st.integers(0, 24 * 50), st.integers(0, 24 * 50))
def test_what_was_booked_stays_when_the_story_goes_on(moves: list[Move], one: int, other: int) -> None:
    """Until later: the same spans, cut where the earlier look ended. Only a closing that is over books the time until then."""
    moves = sorted(moves, key=lambda move: move.at)
    earlier, later = (spans(MONDAY, State.OPEN, moves, at(hours)) for hours in sorted((one, other)))

    for span in earlier:
        covering = [each for each in later if each.party is span.party and each.begins <= span.begins < each.ends]
        assert covering
        assert covering[0].ends >= span.ends
