"""How many tickets saved views hold: all of them in one statement, none counted further than anybody reads."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from sqlalchemy import func, literal, select, union_all
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.listing import Listing
from app.tickets.models import Ticket

MOST = 500
"""Beyond it a number is "500+"."""
COUNTED = 20
"""Views at a time."""


def of(views: Iterable[tuple[int, str]], viewer: Viewer) -> dict[int, str]:
    """View's id → its number as it is shown. Views that search for words are not counted: that would be a search each."""
    arms = []
    for view_id, query in list(views)[:COUNTED]:
        listing = Listing.read(MultiDict(parse_qsl(query, max_num_fields=40)))
        if not listing.q:
            ids = listing.query(viewer).statement.with_only_columns(Ticket.id).order_by(None).limit(MOST + 1).subquery()
            arms.append(select(literal(view_id), select(func.count()).select_from(ids).scalar_subquery()))
    if not arms:
        return {}
    return {row[0]: shown(row[1]) for row in db.session.execute(union_all(*arms))}


def shown(number: int) -> str:
    return f"{MOST}+" if number > MOST else str(number)
