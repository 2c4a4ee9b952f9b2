"""Databases of their own for desks that are torn at."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests import postgres

_n = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of an empty database; empty for a file in the desk's own data folder."""
    if request.param == "sqlite":
        yield ""
    else:
        yield from new_database(request.getfixturevalue("postgresql"))


def new_database(server: str) -> Iterator[str]:
    name = f"faults_{next(_n)}"
    yield postgres.a_database(server, name)
    postgres.drop(server, name)
