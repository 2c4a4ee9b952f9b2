"""What every test of this folder begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

SWEEP_SECONDS = 1200
"""A test that tries every door as everybody may take minutes; ended half-way, its thread would go on in the tests behind it."""
WITH_LIMITS = ("test_guessing_and_flooding", "test_who_has_an_account")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(SWEEP_SECONDS))


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
