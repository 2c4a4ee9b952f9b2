"""What forms about time say, as values; and the people whose time one may write down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from flask_babel import gettext as _

from app.accounts import rights
from app.accounts.viewer import Viewer
from app.core.errors import Invalid
from app.core.extensions import db
from app.desk import pickers, taskforms
from app.desk.listing import is_id
from app.tickets import durations, timespent
from app.tickets.timeentries import ActivityType, Spent, TimeEntry


def spent(form: Mapping[str, str], viewer: Viewer, kept: TimeEntry | None = None) -> Spent:
    """Raises Invalid beside the field that is wrong. `kept`: the entry that is changed; its activity may stay when nobody chooses it any more."""
    written = form.get("spent_on", "").strip()
    return Spent(
        minutes=minutes(form.get("time", "")),
        spent_on=_day(written) if written else timespent.today(),
        activity=activity(form.get("activity", ""), kept),
        note=form.get("note", ""),
        staff=pickers.person(form["staff"], viewer) if form.get("staff") else None,
    )


def minutes(text: str, field: str = "time") -> int:
    found = durations.read(text)
    if found is None:
        sentence = _("Write it as 1h 20m, 80, 1:20 or 1.5h.")
        raise Invalid(sentence, {field: sentence})
    return found


def activity(chosen: str, kept: TimeEntry | None = None) -> ActivityType | None:
    if not chosen:
        return None
    found = db.session.get(ActivityType, int(chosen)) if is_id(chosen) else None
    stays = kept is not None and found is not None and found.id == kept.activity_id
    if found is None or not (found.active or stays):
        raise Invalid(_("This choice does not exist (any more)."), {"activity": _("Please choose again.")})
    return found


def colleagues(viewer: Viewer) -> list[tuple[str, str]]:
    """Oneself first; nobody else without the right."""
    if not rights.may(viewer, "time_others"):
        return []
    return taskforms.workers(viewer, "can_time")


def values(entry: TimeEntry) -> dict[str, str]:
    """As the form has them."""
    return {
        "time": durations.said(entry.minutes),
        "spent_on": entry.spent_on.isoformat(),
        "activity": str(entry.activity_id or ""),
        "note": entry.note,
    }


def _day(text: str) -> dt.date:
    try:
        if len(text) != len("2026-12-31"):
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError:
        sentence = _("This is a day such as 2026-12-31.")
        raise Invalid(sentence, {"spent_on": sentence}) from None
