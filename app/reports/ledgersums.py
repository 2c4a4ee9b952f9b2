"""Sums over the ledgers of the tickets that ended in a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Date, Executable, bindparam, func, select

from app.core.rows import plain_rows
from app.reports.ledgers import ROWS

KEYS = {
    "": None, "day": ROWS.c.ended_on, "agent": ROWS.c.staff_id, "department": ROWS.c.department_id,
    "category": ROWS.c.category_id, "customer": ROWS.c.customer_id,
}  # fmt: skip


class Wanted(NamedTuple):
    departments: tuple[int, ...] = ()
    """Empty: all."""
    category: int | None = None
    agent: int | None = None


def sums(wanted: Wanted, first: dt.date, last: dt.date, by: str = "") -> Sequence[tuple[Any, ...]]:
    """(key, if it is asked for, tickets, us, us inside business hours, customer, supplier, nobody); the times are seconds."""
    values = {name: value for name, value in wanted._asdict().items() if value not in (None, ())}
    rows = plain_rows(_statement(by, frozenset(values)), {"first": first, "last": last, **values})
    keys = 1 if by else 0
    return [(*row[:keys], *(int(amount or 0) for amount in row[keys:])) for row in rows]


@cache
def _statement(by: str, asked: frozenset[str]) -> Executable:
    both = {party: ROWS.c[f"{party}_inside"] + ROWS.c[f"{party}_outside"] for party in ("us", "customer", "supplier", "nobody")}  # fmt: skip
    amounts = (both["us"], ROWS.c.us_inside, both["customer"], both["supplier"], both["nobody"])
    key = KEYS[by]
    added = (func.count(), *(func.sum(amount) for amount in amounts))
    found = select(*added) if key is None else select(key, *added).group_by(key).order_by(key)
    first, last = (bindparam(name, type_=Date) for name in ("first", "last"))
    found = found.where(ROWS.c.ended_on.between(first, last))
    if "departments" in asked:
        found = found.where(ROWS.c.department_id.in_(bindparam("departments", expanding=True)))
    for name, column in (("category", ROWS.c.category_id), ("agent", ROWS.c.staff_id)):
        if name in asked:
            found = found.where(column == bindparam(name))
    return found
