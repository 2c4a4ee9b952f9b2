"""A median read from spans."""

from collections import Counter
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from app.reports import waits


@given(st.lists(st.integers(0, waits.ENDS[-1]), min_size=1))
def test_a_median_is_right_within_its_span(seconds: list[int]) -> None:
    found = waits.median(Counter(waits.span(one) for one in seconds))
    ordered = sorted(seconds)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]

    assert found is not None
    assert waits.span(low) <= waits.span(found) <= waits.span(high)
    if len(seconds) % 2:
        assert waits.span(found) == waits.span(int(median(seconds)))


def test_a_median_of_nothing_is_nothing() -> None:
    assert waits.median({}) is None
    assert waits.median({3: 0}) is None


def test_a_span_ends_with_its_last_second() -> None:
    assert [waits.span(seconds) for seconds in (0, 60, 61, 120, 121)] == [0, 0, 1, 1, 2]
    assert waits.span(waits.ENDS[-1] * 2) == len(waits.ENDS)
    assert waits.median({len(waits.ENDS): 1}) == waits.ENDS[-1]
