"""Times as people read them."""

import datetime as dt

import pytest

from app.core import clock, web
from tests.factories import setting

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (dt.timedelta(seconds=20), "now"),
        (dt.timedelta(minutes=5), "5m"),
        (dt.timedelta(hours=3), "3h"),
        (dt.timedelta(days=2), "2d"),
        (dt.timedelta(days=40), "13 Oct"),
        (dt.timedelta(days=400), "18 Oct 2025"),
    ],
    ids=["just now", "minutes", "hours", "days", "this year", "long ago"],
)
def test_how_long_ago_is_short(app, before, words):
    with clock.at(NOON), app.test_request_context():
        assert web.ago(NOON - before) == words


def test_an_absolute_time_stands_in_the_desks_own_zone(app):
    setting(time_zone="Europe/Berlin")

    with app.test_request_context():
        assert web.absolute(NOON) == "Sun 22 Nov 2026, 13:00 CET"
