"""The numbers on the tabs of the list, from the sums kept with every change: one statement, whatever the desk's size."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import and_, func, literal, or_, select, union_all

from app.accounts.models import Scope
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.lookups import Lookups
from app.desk.queues import Queue
from app.settings import desk
from app.tickets.choices import State
from app.tickets.models import Participant, Ticket
from app.tickets.queues import URGENT_RANK
from app.tickets.tally import NOBODY, Cell, Tally
from app.tickets.visibility import sees_all, visible_to

SUMS = select(*(getattr(Tally, name) for name in Cell._fields), Tally.tickets).where(Tally.tickets > 0)


def counts(viewer: Viewer, names: Lookups) -> dict[Queue, int]:
    """How many tickets stand in each live queue for this viewer; `everything` is not among them, as nobody keeps that sum."""
    ranks = {row.id: row.place for row in names.all("priority")}
    ours = {row.id for row in names.all("status") if row.detail in (State.NEW, State.OPEN)}
    sums: Counter[Queue] = Counter()
    for cell, tickets in cells(viewer):
        sums[Queue.OPEN] += tickets
        if cell.assignee_id == viewer.id:
            sums[Queue.MINE] += tickets
        if cell.assignee_id == NOBODY:
            sums[Queue.UNASSIGNED] += tickets
        if ranks.get(cell.priority_id, 0) >= URGENT_RANK:
            sums[Queue.URGENT] += tickets
        if cell.needs_response and cell.status_id in ours:
            sums[Queue.NEEDS] += tickets
    return {queue: sums[queue] for queue in Queue if queue is not Queue.EVERYTHING}


def cells(viewer: Viewer) -> list[tuple[Cell, int]]:
    """The cells within the viewer's scope, and one cell of one ticket for each they see by taking part alone."""
    if not viewer.can("show"):
        return []
    if sees_all(viewer):
        return [(Cell(*row[:6]), row[6]) for row in db.session.execute(SUMS)]
    rows = db.session.execute(union_all(SUMS.add_columns(literal(0)), _taking_part(viewer)))
    return [(cell, row[6]) for row in rows if (cell := Cell(*row[:6])) and within(viewer, cell) != bool(row[7])]


def _taking_part(viewer: Viewer):  # type: ignore[no-untyped-def]  # a Select of eight columns, which has no shorter name
    """Live tickets that the viewer or a department of theirs was added to."""
    mine = Participant.staff_id == viewer.id
    added = or_(mine, Participant.department_id.in_(sorted(viewer.departments))) if viewer.departments else mine
    columns = [
        func.coalesce(getattr(Ticket, name), NOBODY)
        if name in ("assignee_id", "category_id")
        else getattr(Ticket, name)
        for name in Cell._fields
    ]
    return select(*columns, literal(1), literal(1)).where(
        and_(Ticket.live.is_(True), Ticket.id.in_(select(Participant.ticket_id).where(added)), visible_to(viewer))
    )


def within(viewer: Viewer, cell: Cell) -> bool:
    """The row rule (visibility.visible_to) on a cell's columns, without what taking part adds."""
    wide = (
        Scope.ALL in viewer.scopes
        or Scope.OWN_DEPARTMENTS in viewer.scopes
        or (Scope.MINE_AND_UNASSIGNED in viewer.scopes and desk.current().agents_see_departments)
    )
    in_scope = (
        wide
        or (Scope.MINE_AND_UNASSIGNED in viewer.scopes and cell.assignee_id in (viewer.id, NOBODY))
        or (Scope.CATEGORIES in viewer.scopes and cell.category_id in viewer.categories)
    )
    return in_scope and (not viewer.departments or cell.department_id in viewer.departments)
