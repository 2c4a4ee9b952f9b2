"""What one row of the list says: plain words only, so that its part of the page is drawn once as long as they stay the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.core import web
from app.core.shipped import shown
from app.core.words import catalogue
from app.core.words import said as _
from app.desk.lines import FURTHER, SUPPLIERS, Line
from app.desk.lookups import Lookups
from app.desk.passages import Passage
from app.desk.promise import promise_of
from app.settings import desk
from app.tickets.dates import nearness
from app.tickets.durations import said
from app.tickets.fieldkinds import Values
from app.tickets.scores import Scale, called
from app.tickets.thread import CHANNEL_LABELS, Channel


class Row(NamedTuple):
    """Words are in the reader's language already."""

    id: int
    number: int
    display: str
    subject: str
    kind: str
    """What it is when it is no usual ticket."""
    unread: bool
    hidden: bool
    customer: str
    organization: str
    department: str
    category: str
    status_id: int
    status: str
    state: str
    colour: str | None
    priority: str
    rank: int
    sla: str
    sla_text: str
    assignee: str | None
    created: tuple[str, str, str]
    """Machine's, whole and short form of an instant."""
    updated: tuple[str, str, str]
    follow_up: tuple[str, str, str] | None
    action: tuple[str, str, str] | None
    action_near: str
    """over, soon or later."""
    snoozed: tuple[str, str, str] | None
    tags: tuple[str, ...]
    channel: str
    documents: str
    """How many of those we asked for are here."""
    time: str
    """How much was spent on it."""
    time_over: bool
    """More than its budget."""
    passage: Passage
    """Of a search: where its words stand."""
    environment: str
    supplier_turn: str
    """Whose turn it is with its suppliers, if it has any."""
    suppliers: str
    further: str
    rating: str
    own: tuple[tuple[str, str], ...]
    """What the columns of the desk's own fields say."""
    titled: Passage = ()
    """The subject, where it has words of a search."""


def rows(
    lines: Sequence[Line],
    tags: Mapping[int, Sequence[str]],
    names: Lookups,
    at: dt.datetime,
    pattern: str,
    passages: Mapping[int, Passage],
    own: Mapping[int, tuple[tuple[str, str], ...]],
    named: Mapping[int, Mapping[int, Values]],
) -> list[Row]:
    """`named`: what lines_of gave. `pattern`: of ticket numbers, as DeskSettings.number_pattern."""
    channels, instant, scale = _channels(catalogue()), web.instants(), Scale(desk.current().satisfaction_scale)
    kinds = {"ticket": "", "conversation": _("Conversation")}
    return [
        Row(
            id=line.id, number=line.number, display=pattern.replace("{n}", str(line.number)), subject=line.subject,
            kind=kinds.get(line.kind.value, _("Document request")), unread=line.needs_response and line.live, hidden=line.hidden_from_client,
            customer=line.customer, organization=line.organization or "",
            department=names.name("department", line.department_id) or "", category=names.name("category", line.category_id) or "–",
            status_id=line.status_id, status=shown(line.status), state=line.state.value, colour=line.colour, priority=priority.name if priority else "", rank=priority.place if priority else 0, sla=promise.kind, sla_text=promise.text,
            assignee=names.name("person", line.assignee_id) or (_("Somebody") if line.assignee_id else None),
            created=instant(line.created_at), updated=instant(line.last_activity_at), follow_up=_date(line.follow_up_at), action=_date(line.action_required_at),
            action_near=nearness(line.action_required_at, at).value if line.action_required_at and line.live else "",
            snoozed=_date(line.snoozed_until) if line.live and line.snoozed_until and line.snoozed_until > at else None,
            tags=tuple(tags.get(line.id, ())), channel=channels[line.channel], documents=_documents(line), time=said(line.time_spent_minutes) if line.time_spent_minutes else "–", time_over=bool(line.budget_minutes) and line.time_spent_minutes >= (line.budget_minutes or 0), passage=passages.get(line.id, ()), own=own.get(line.id, ()),
            environment=names.name("environment", line.environment_id) or "–", supplier_turn=line.supplier_turn.value if line.supplier_turn and line.live else "",
            suppliers=_joined(named, line.id, SUPPLIERS), further=_joined(named, line.id, FURTHER), rating=called(line.rating, scale) if line.rating is not None else "–",
        )
        for line in lines
        for priority, promise in ((names.row("priority", line.priority_id), promise_of(line, at)),)
    ]  # fmt: skip


def _joined(named: Mapping[int, Mapping[int, Values]], ticket_id: int, field: int) -> str:
    return ", ".join(shown(str(name)) for name in named.get(ticket_id, {}).get(field, ())) or "–"


@lru_cache(64)
def _channels(_catalogue: object) -> dict[Channel, str]:
    """Said once a language; the catalogue tells the languages apart."""
    return {channel: str(label) for channel, label in CHANNEL_LABELS.items()}


def _date(at: dt.datetime | None) -> tuple[str, str, str] | None:
    """One that lies ahead, mostly: its short form is the day."""
    return (at.isoformat(), web.absolute(at), web.day(web.local(at).date())) if at is not None else None


def _documents(line: Line) -> str:
    if not line.documents_wanted:
        return ""
    return _("%(here)s of %(wanted)s documents", here=line.documents_here, wanted=line.documents_wanted)
