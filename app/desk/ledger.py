"""Whose turn a ticket was: its ledger beside the conversation, loaded when somebody opens it, and on a page of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import g
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext as _l

from app.desk.promise import lasting
from app.desk.workspace import find
from app.tickets import booking
from app.tickets.ledger import NO_TIME, Ledger, Party, Span, Times

PARTY_LABELS = {
    Party.US: _l("With us"),
    Party.CUSTOMER: _l("With the customer"),
    Party.SUPPLIER: _l("With suppliers"),
    Party.NOBODY: _l("With nobody"),
}
WIDTH = 1000
"""Of the bar, in its own units."""


class Piece(NamedTuple):
    """A turn as a part of the bar."""

    party: Party
    x: int
    width: int


class Line(NamedTuple):
    """What a party had, or one turn of it."""

    party: Party
    label: str
    all: str
    inside: str
    outside: str
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    """Empty: it goes on."""


class Shown(NamedTuple):
    bar: Sequence[Piece]
    sums: Sequence[Line]
    turns: Sequence[Line]
    """The latest first."""
    whole: str
    said: str
    """The bar in words."""


class LedgerView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "ledger"

    @expose("/<int:number>/ledger")
    @has_access
    @permission_name("show")
    def ledger(self, number: int) -> Any:
        ticket = find(number, g.user)
        goes_on = ticket.state.value != "closed" and not ticket.merged
        return self.render_template("desk/ledger.html", ticket=ticket, ledger=shown(booking.ledger(ticket), goes_on))


def shown(ledger: Ledger, goes_on: bool) -> Shown | None:
    """None for a ticket that another helpdesk left, and for one that just came."""
    if not ledger.spans:
        return None
    sums = [_line(party, times) for party, times in ledger.sums().items() if times.all]
    last = ledger.spans[-1]
    turns = [
        _line(span.party, ledger.times(span), span.begins, None if span is last and goes_on else span.ends)
        for span in reversed(ledger.spans)
    ]
    whole = lasting(last.ends - ledger.spans[0].begins)
    return Shown(bar(ledger.spans), sums, turns, whole, ", ".join(f"{line.label} {line.all}" for line in sums))


def bar(spans: Sequence[Span]) -> list[Piece]:
    """In the order of time. Turns too short to be seen leave the bar to their neighbours."""
    first, last = spans[0].begins, spans[-1].ends
    places = [round((span.begins - first) / (last - first) * WIDTH) for span in spans] + [WIDTH]
    pieces = zip(spans, places, places[1:], strict=False)
    return [Piece(span.party, x, end - x) for span, x, end in pieces if end > x]


def _line(party: Party, times: Times, since: dt.datetime | None = None, until: dt.datetime | None = None) -> Line:
    return Line(party, str(PARTY_LABELS[party]), lasting(times.all), _or_none(times.inside), _or_none(times.outside), since, until)  # fmt: skip


def _or_none(time: dt.timedelta) -> str:
    return lasting(time) if time > NO_TIME else "–"
