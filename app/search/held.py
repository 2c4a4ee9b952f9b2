"""The words of what tickets hold in the desk's own fields: one row a ticket in the index, for staff; customers are answered from the values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, event, inspect, select, text
from sqlalchemy.orm import Session

from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.outbox import Outbox
from app.search import index
from app.search import words as cutting
from app.search.words import Asked
from app.tickets import fields
from app.tickets.fieldkinds import OFFERED, TEXTS, Field
from app.tickets.fieldmodels import CustomField, CustomValue, FieldKind
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent

TABLE = "search_field"
WORDED = TEXTS | OFFERED
"""Numbers, days and ticks are asked for by their field's name."""
Texts = Mapping[int, dict[Field, str]]
"""Ticket -> field -> what stands there, of the fields that its page shows."""


def worded(public: bool = False) -> list[Field]:
    """Fields whose words are found; `public`: those that customers read."""
    return [field for field in fields.active() if field.kind in WORDED and (field.public or not public)]


def index_opening(event: TicketEvent) -> None:
    """A reaction: a new ticket holds what its form was given."""
    if texts := texts_of([event.ticket_id], worded()):
        _put(texts)


def index_change(event: TicketEvent) -> None:
    """A reaction to another value, and to another category, which shows other fields."""
    kind = event.particulars.get("kind")
    if any(field.categories for field in worded()) if kind is None else FieldKind(kind) in WORDED:
        index_tickets([event.ticket_id])


def index_tickets(ids: Sequence[int]) -> int:
    """Write their rows anew, and none for those that hold no words. Returns how many are written."""
    texts = texts_of(ids, worded())
    empty = [{"id": id} for id in ids if id not in texts]
    if empty:
        key = index.KEYS[TABLE] if is_postgresql() else "rowid"
        db.session.execute(text(f"DELETE FROM {TABLE} WHERE {key} = :id"), empty)
    _put(texts)
    return len(texts)


def rebuild() -> int:
    """Every row anew. Commits after each batch, so that nobody waits long for the database."""
    last, total = 0, 0
    key = index.KEYS[TABLE] if is_postgresql() else "rowid"
    both = text(
        f"SELECT id FROM (SELECT DISTINCT ticket_id AS id FROM custom_value WHERE ticket_id > :last "
        f"UNION SELECT {key} AS id FROM {TABLE} WHERE {key} > :last) AS held ORDER BY id LIMIT :most"
    )
    while ids := list(db.session.scalars(both, {"last": last, "most": index.BATCH})):
        total += index_tickets(ids)
        db.session.commit()
        last = ids[-1]
    return total


def texts_of(tickets: Sequence[int] | Select[Any], shown: Collection[Field]) -> Texts:
    """In the admin's order; values of another category's fields are kept and not shown. Without fields nothing is asked."""
    found: defaultdict[int, dict[Field, str]] = defaultdict(dict)
    known = {field.id: field for field in shown}
    if not known or (isinstance(tickets, Sequence) and not tickets):
        return found
    values: defaultdict[int, dict[int, str]] = defaultdict(dict)
    wanted = select(CustomValue.ticket_id, CustomValue.field_id, CustomValue.text, Ticket.category_id)
    wanted = wanted.join(Ticket, Ticket.id == CustomValue.ticket_id)
    here = wanted.where(CustomValue.field_id.in_(known), CustomValue.ticket_id.in_(tickets))
    for ticket, field, written, category in db.session.execute(here.order_by(CustomValue.ticket_id, CustomValue.place)):
        if known[field].belongs(category):
            values[ticket][field] = ", ".join(filter(None, (values[ticket].get(field), written)))
    for ticket, held in values.items():
        found[ticket] = {field: held[field.id] for field in shown if field.id in held}
    return found


def having(tickets: Select[Any], asked: Sequence[Asked], shown: Collection[Field]) -> list[int]:
    """Which of these few tickets have all the words in these fields."""
    return [id for id, held in texts_of(tickets, shown).items() if cutting.answers(words_of(held.values()), asked)]


def words_of(texts: Iterable[str]) -> list[str]:
    return cutting.cut("\n".join(texts))


def _put(texts: Texts) -> None:
    index.write(TABLE, [(id, "\n".join(held.values())) for id, held in texts.items()])


@event.listens_for(Session, "before_flush")
def _follow_fields(session: Session, *_: object) -> None:
    """Whichever door changes which tickets show a field: they are found by its words, or no longer, soon after."""
    changed = any(
        isinstance(row, CustomField)
        and any(inspect(row).attrs[name].history.has_changes() for name in ("active", "kind", "categories"))
        for row in session.dirty
    )
    if changed or any(isinstance(row, CustomField) for row in session.deleted):
        Outbox.put("search.index_fields", queue="index")
