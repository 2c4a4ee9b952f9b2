"""The calendars in force: read once for each version of them, then kept in the process."""

from __future__ import annotations

import enum
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from flask import g
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, selectinload

from app.accounts.models import Department
from app.core.events import publish
from app.core.extensions import db
from app.hours.business import BusinessHours
from app.hours.models import Calendar, CalendarDate
from app.hours.opening import WHOLE_DAY
from app.hours.spans import Spans
from app.hours.weeks import NINE_TO_FIVE, working_week
from app.hours.zones import zone_names
from app.settings import desk
from app.settings.models import Setting

log = logging.getLogger(__name__)

WATCHED = (Calendar, CalendarDate, Department, Setting)

SHIPPED: dict[str, tuple[Spans, ...]] = {
    "Business hours": (*(NINE_TO_FIVE,) * 5, (), ()),
    "Always": (WHOLE_DAY,) * 7,
}
"""The first is the standard one of a new desk. Both are in the desk's time zone."""


class Changed(enum.StrEnum):
    """Announced to higher floors."""

    CALENDARS = "calendars_changed"


class Kept(NamedTuple):
    """A calendar without its row. Id and version say which one counted a time, for whoever stores that."""

    id: int
    version: int
    hours: BusinessHours


@dataclass(frozen=True)
class Calendars:
    """All of the desk's, and which department has one of its own."""

    standard: Kept
    by_id: Mapping[int, Kept] = field(default_factory=dict)
    by_department: Mapping[int, Kept] = field(default_factory=dict)

    def of_department(self, department_id: int | None) -> Kept:
        return self.by_department.get(department_id or 0, self.standard)

    def of(self, calendar_id: int | None) -> Kept:
        return self.by_id.get(calendar_id or 0, self.standard)

    def apart(self) -> dict[Kept, list[int]]:
        """The calendars that departments have of their own, each with their ids."""
        found: dict[Kept, list[int]] = {}
        for department_id, kept in sorted(self.by_department.items()):
            found.setdefault(kept, []).append(department_id)
        return found


def hours_for(department_id: int | None) -> BusinessHours:
    """When this department works; without one of its own, and for nobody's tickets, when the desk does."""
    return in_force().of_department(department_id).hours


def hours_of(calendar_id: int | None) -> BusinessHours:
    """Of one calendar; of the standard one for none, and for one that is gone."""
    return in_force().of(calendar_id).hours


def in_force() -> Calendars:
    settings = desk.current()
    return _kept(str(db.engine.url), settings.calendar_version, settings.time_zone)


def seed() -> None:
    """What a desk starts with, if it has none: an admin may rename and change them as they like."""
    if db.session.scalar(select(Calendar.id).limit(1)) is None:
        for name, week in SHIPPED.items():
            written = [[list(span) for span in day] for day in week]
            db.session.add(Calendar(name=name, week=written, standard=name == next(iter(SHIPPED))))
        db.session.flush()


@lru_cache(64)
def _kept(database: str, version: str, zone: str) -> Calendars:
    """Every change makes a new version, see below; the database is in the key because tests open several."""
    rows = db.session.scalars(select(Calendar).options(selectinload(Calendar.dates)).order_by(Calendar.id)).all()
    kept = {row.id: Kept(row.id, row.version, row.hours(zone_in_use(row.zone, zone))) for row in rows}
    own = db.session.execute(select(Department.id, Department.calendar_id).where(Department.calendar_id.is_not(None)))
    standard = next((kept[row.id] for row in rows if row.standard), Kept(0, 0, working_week(zone_in_use(None, zone))))
    return Calendars(standard, kept, {department: kept[calendar] for department, calendar in own if calendar in kept})


def zone_in_use(own: str | None, desks: str) -> str:
    """A zone may vanish from the world's list with an update; work goes on by the desk's, or by UTC, and the page says so."""
    for zone in (own, desks):
        if zone and zone in zone_names():
            return zone
        if zone:
            log.warning("there is no time zone %r (any more): choose another one", zone)
    return "UTC"


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a calendar, and however: what was kept of it is forgotten by every process, and what was counted by it is counted anew."""
    rows = [row for row in (*session.new, *session.dirty, *session.deleted) if isinstance(row, WATCHED)]
    if any(_matters(row) for row in rows):
        desk.change({"calendar_version": secrets.token_hex(8)})
        g.pop("desk_settings", None)
        publish(Changed.CALENDARS, None)


def _matters(row: object) -> bool:
    """Of a department, which calendar it follows; of the settings, the zone that calendars without one are in."""
    if isinstance(row, Department):
        told = inspect(row).attrs
        return bool(told.calendar_id.history.has_changes() or told.calendar.history.has_changes())
    return not isinstance(row, Setting) or (row.name == "time_zone")
