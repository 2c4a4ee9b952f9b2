"""Databases of their own for desks that are torn at."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests import postgres, setups

_n = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a database that is set up; empty for a file in the desk's own data folder."""
    if request.param == "sqlite":
        yield ""
    else:
        yield from new_database(request.getfixturevalue("postgresql"))


def new_database(server: str) -> Iterator[str]:
    name = f"faults_{next(_n)}"
    yield setups.ready(server, Path(), name)
    postgres.drop(server, name)
