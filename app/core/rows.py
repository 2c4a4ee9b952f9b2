"""Rows of plain columns, read past the ORM: its loading of a row takes as long again as the statement itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row

from app.core.extensions import db


def plain_rows(statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
    """What a SELECT of columns gives, on the connection on which the session would ask it. Nothing is flushed before."""
    return db.session.connection(bind_arguments={"clause": statement}).execute(statement, values).all()
