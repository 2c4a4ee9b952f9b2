"""Ways to narrow what a statement reads that a plain `==` and `in_` do less well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.functions import FunctionElement


def among(column: ColumnElement[Any] | QueryableAttribute[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """The column is one of these few. `in_` with a list writes the statement's text anew each time it is run; this one is as fixed as
    an `==`, and right for what is kept for a person: a list of a length of its own makes a statement of its own."""
    return column.in_([literal(one) for one in sorted(ids)])


class sifting(FunctionElement[Any]):
    """`sifting(Ticket.department_id)` in place of a column that sifts rows and never leads to them. SQLite, which knows nothing of
    the numbers, would take its index for the best way. PostgreSQL reads the column itself: it counts before it chooses."""

    name = "sifting"
    inherit_cache = True

    def __init__(self, column: QueryableAttribute[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(sifting)
def _as_it_is(element: sifting, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.clauses.clauses[0], **more))


@compiles(sifting, "sqlite")
def _with_a_plus(element: sifting, compiler: Any, **more: Any) -> str:
    """A plus before a column means nothing but "use no index"; sqlite.org/optoverview.html."""
    return "+" + _as_it_is(element, compiler, **more)
