"""The API on ratings: what customers said of a ticket."""

from __future__ import annotations

from app.api import shapes
from app.api.fields import Fields
from app.api.repeats import Answer
from app.api.tickets import seen
from app.satisfaction import reading


def list_ratings(number: int) -> Answer:
    """One for each time it was solved and rated, the newest first."""
    ticket = seen(number)
    Fields.of_query().done()
    return {"items": [shapes.rating(row) for row in reading.of_ticket(ticket)], "next": None}, 200
