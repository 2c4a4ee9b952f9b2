"""Pages by a cursor: the id of the last row seen, so that new rows move nothing between two pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from flask_babel import gettext as _
from sqlalchemy import Select

from app.accounts.models import Customer, Organization
from app.api.fields import LONGEST_ID, MOST, USUAL, Fields
from app.core.extensions import db
from app.tickets.choices import CannedResponse

Row = TypeVar("Row", Customer, Organization, CannedResponse)


class Cut(NamedTuple):
    """Which part of a list is asked for."""

    limit: int
    before: int | None
    """Of the ids; none: from the newest on."""

    @classmethod
    def of(cls, fields: Fields) -> Cut:
        """Ends the reading of the fields."""
        cut = cls(fields.take("limit", _limit, USUAL), fields.take("cursor", _read))
        fields.done()
        return cut

    def following(self, ids: Sequence[int]) -> str | None:
        """The cursor of the next page, when one row more than wanted was found."""
        return _written(ids[self.limit - 1]) if len(ids) > self.limit else None


def page(
    statement: Select[Any], model: type[Row], fields: Fields, shape: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    """The newest first; `next` is the cursor of the following page, null on the last. Ends the reading of the fields."""
    cut = Cut.of(fields)
    if cut.before is not None:
        statement = statement.where(model.id < cut.before)
    rows = db.session.scalars(statement.order_by(model.id.desc()).limit(cut.limit + 1)).unique().all()
    return {"items": [shape(row) for row in rows[: cut.limit]], "next": cut.following([row.id for row in rows])}


def _limit(given: str) -> int:
    if not given.isdecimal() or len(given) > 6 or not 1 <= int(given) <= MOST:
        raise ValueError(_("This is a number from 1 to %(most)s.", most=MOST))
    return int(given)


def _written(row_id: int) -> str:
    return base64.urlsafe_b64encode(str(row_id).encode()).decode().rstrip("=")


def _read(given: str) -> int:
    try:
        text = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("ascii")
    except ValueError:
        text = ""
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(_("This cursor is not one of ours."))
    return min(int(text), LONGEST_ID)
