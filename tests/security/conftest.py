"""What every test of this folder begins with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

WITH_LIMITS = ("test_guessing_and_flooding", "test_who_has_an_account")


@pytest.fixture(autouse=True)
def without_limits(request: pytest.FixtureRequest, clean: None) -> Iterator[None]:
    """A sweep asks as often as a flood does: the bounds have tests of their own, and are in the way of all others."""
    if "app" not in request.fixturenames or request.module.__name__.rpartition(".")[2] in WITH_LIMITS:
        yield
        return
    desk: Flask = request.getfixturevalue("app")
    before, desk.config["LIMITS_ON"] = desk.config["LIMITS_ON"], False
    yield
    desk.config["LIMITS_ON"] = before
