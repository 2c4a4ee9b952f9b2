"""Rows of plain columns, read past the ORM: its loading of a row takes as long again as the statement itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.util import LRUCache

from app.core.extensions import db

MOST_KNOWN = 256


class Texts(LRUCache[Any, Any]):
    """What statements were compiled to. SQLAlchemy finds one by everything it is made of, which takes as long as to run a small one;
    the key that a kept statement brings is the same object each time, and so is found by that first."""

    def __init__(self) -> None:
        super().__init__(500)
        self.known: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        """What a key is beside its statement, and where that lies in memory -> the statement's part, which so stays there, and the text."""

    def get(self, key: Any, default: Any = None) -> Any:
        dialect, statement, *rest = key
        place = (id(statement), id(dialect), *rest)
        found = self.known.get(place)
        if found is not None:
            return found[1]
        compiled = super().get(key)
        if compiled is None:
            return default
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known[place] = key, compiled
        return compiled


_texts = Texts()


def plain_rows(statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
    """What a SELECT of columns gives, on the connection on which the session would ask it. Nothing is flushed before."""
    connection = db.session.connection(bind_arguments={"clause": statement})
    return connection.execute(statement, values, execution_options={"compiled_cache": _texts}).all()
