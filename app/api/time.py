"""The API on time spent: the entries of a ticket, a new one, and one by its id. For the team's programs; customers have no key."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.api import reading
from app.api.doorman import caller
from app.api.fields import Fields, text
from app.api.repeats import Answer
from app.api.shapes import instant
from app.api.tickets import seen
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets import timespent
from app.tickets.models import Ticket
from app.tickets.timeentries import ActivityType, Spent, TimeEntry
from app.tickets.timespent import LONGEST_NOTE, MOST_MINUTES
from app.tickets.visibility import visible_to


def list_time(number: int) -> Answer:
    """Those of tickets that go on in it among them, the newest day first."""
    return {"items": _shapes(timespent.entries_of(seen(number))), "next": None}, 200


def log_time(number: int) -> Answer:
    """Yours, or with a right of its own a colleague's (`staff`). Without a day it is today, by the desk's calendar."""
    ticket, fields = seen(number), Fields.of_body()
    minutes = fields.take("minutes", _minutes)
    if minutes is None:
        fields.refuse("minutes", _("This field is required."))
    spent_on: dt.date = fields.take("spent_on", reading.day) or timespent.today()
    activity = fields.take("activity", _activity) if "activity" in fields else timespent.usual_activity()
    note = fields.text("note", LONGEST_NOTE)
    staff: User | None = fields.take("staff", reading.assignee(caller()))
    fields.done()
    entry = timespent.log(ticket, Spent(minutes or 0, spent_on, activity, note, staff), by=caller())
    return _shapes([entry])[0], 201


def read_time(entry_id: int) -> Answer:
    return _shapes([_seen(entry_id)])[0], 200


def change_time(entry_id: int) -> Answer:
    """Only the fields that are sent change. Null takes the activity away."""
    entry, fields = _seen(entry_id), Fields.of_body()
    minutes = fields.take("minutes", _minutes) or entry.minutes
    spent_on = fields.take("spent_on", reading.day) or entry.spent_on
    activity = fields.take("activity", _activity) if "activity" in fields else entry.activity
    note = fields.text("note", LONGEST_NOTE) if "note" in fields else entry.note
    fields.done()
    timespent.change(entry, Spent(minutes, spent_on, activity, note), by=caller())
    db.session.flush()
    return _shapes([entry])[0], 200


def remove_time(entry_id: int) -> Answer:
    """It is answered as it was."""
    entry = _seen(entry_id)
    told = _shapes([entry])[0]
    timespent.remove(entry, by=caller())
    return told, 200


def _shapes(entries: list[TimeEntry]) -> list[dict[str, Any]]:
    people = {each for entry in entries for each in (entry.staff_id, entry.made_by_id) if each is not None}
    rows = db.session.execute(select(User.id, User.username).where(User.id.in_(people))).all() if people else []
    names: dict[int | None, str] = {row.id: row.username for row in rows}
    return [_shape(entry, names) for entry in entries]


def _shape(entry: TimeEntry, names: dict[int | None, str]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "ticket": entry.ticket.number,
        "staff": names.get(entry.staff_id),
        "staff_name": entry.staff_name,
        "made_by": names.get(entry.made_by_id),
        "minutes": entry.minutes,
        "spent_on": entry.spent_on.isoformat(),
        "activity": entry.activity.name if entry.activity else None,
        "billable": entry.billable,
        "note": entry.note,
        "created_at": instant(entry.created_at),
        "updated_at": instant(entry.updated_at),
    }


def _seen(entry_id: int) -> TimeEntry:
    """Or NotThere: whoever may not see its ticket, or the one that goes on in, does not learn that it exists."""
    wanted = select(TimeEntry).where(TimeEntry.id == reading.path_id(entry_id)).options(joinedload(TimeEntry.ticket))
    entry = db.session.scalar(wanted)
    place = entry.ticket.place().id if entry is not None else 0
    theirs = select(Ticket.id).where(Ticket.id == place, visible_to(caller()))
    if entry is None or db.session.scalar(theirs) is None:
        raise NotThere(_("There is no time entry with this id, or you may not see it."))
    return entry


def _minutes(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_MINUTES:
        raise ValueError(_("This is a number from %(least)s to %(most)s.", least=1, most=MOST_MINUTES))
    return given


def _activity(given: Any) -> ActivityType:
    wanted = text(given, reading.LONGEST_NAME).strip().casefold()
    for kind in timespent.activities():
        if kind.name.casefold() == wanted:
            return kind
    raise ValueError(_("There is no active activity type of this name."))
