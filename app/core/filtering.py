"""A column that sifts rows and never leads to them. SQLite, which knows nothing of the numbers, would take its index for the best way."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.functions import FunctionElement


class sifting(FunctionElement[Any]):
    """`sifting(Ticket.department_id)` in place of the column. PostgreSQL reads the column itself: it counts before it chooses."""

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
