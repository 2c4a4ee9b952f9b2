"""Ticket numbers: one integer sequence, never given twice, not after a deletion and not to two at once."""

import re

from sqlalchemy import bindparam, case, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.extensions import db
from app.core.model import Base, BigId
from app.settings import desk


class TicketNumber(Base):
    """One row: the last number given. Its lock lasts to the end of the creator's transaction."""

    __tablename__ = "ticket_number"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigId)


_first = bindparam("first", type_=BigId)
_STEP = (
    update(TicketNumber)
    .where(TicketNumber.id == 1)
    .values(last=case((TicketNumber.last + 1 < _first, _first), else_=TicketNumber.last + 1))
    .returning(TicketNumber.last)
    .execution_options(synchronize_session=False)
)
"""Built once."""


def seed() -> None:
    """The one row, before anybody needs it: two first tickets at once would each make it. Does not commit."""
    if db.session.get(TicketNumber, 1) is None:
        db.session.add(TicketNumber(id=1, last=desk.current().first_number - 1))


def next_number() -> int:
    """The next number, at least the setting `first_number`."""
    return db.session.execute(_STEP, {"first": desk.current().first_number}).scalar_one()


def read(text: str) -> int | None:
    """The number a person means by `1001`, `#1001`, `TICK-1001` or the desk's own pattern; None when it is none."""
    pattern = re.escape(desk.current().number_pattern).replace(r"\{n\}", "([0-9]{1,15})")
    found = re.fullmatch(rf"(?i)(?:{pattern}|#?([0-9]{{1,15}})|TICK-([0-9]{{1,15}}))", text.strip())
    return int(next(group for group in found.groups() if group)) if found else None
