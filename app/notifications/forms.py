"""What the pages on notices post, read into choices and plans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.errors import Invalid
from app.core.words import said as _
from app.notifications.models import LABELS, Notice, NoticePlan, Reach, Rhythm
from app.notifications.wishes import Wanted, fitting

Form = MultiDict[str, str]
Choice = TypeVar("Choice", bound=StrEnum)
LONGEST_UNDISTURBED = dt.timedelta(days=60)
WEEK = "0123456"


def choices(
    form: Form, shown: Mapping[Notice, Wanted], default: Mapping[Notice, Wanted]
) -> dict[Notice, Wanted | None]:
    """Of each row: what its boxes say, or None where its default holds. Without a script the box "default" and the others can disagree:
    then whichever of them was touched counts."""
    found: dict[Notice, Wanted | None] = {}
    for kind in LABELS:
        boxes = fitting(kind, Wanted(*(f"{kind.value}.{name}" in form for name in ("app", "mail", "digest"))))
        untouched = boxes in (shown[kind], default[kind])
        found[kind] = None if f"{kind.value}.default" in form and untouched else boxes
    return found


def plan(form: Form, zone: str) -> NoticePlan:
    """Raises Invalid naming each wrong field."""
    return NoticePlan(
        reach=_one(Reach, form, "reach"),
        follows="follows" in form,
        rhythm=_one(Rhythm, form, "rhythm"),
        digest_minute=_minute(form, "digest_at"),
        digest_weekday=int(_days(form, "digest_weekday")[:1] or "0"),
        quiet_days=_days(form, "quiet_days"),
        quiet_from=_minute(form, "quiet_from"),
        quiet_to=_minute(form, "quiet_to"),
        quiet_whole_days=_days(form, "quiet_whole_days"),
        urgent_passes="urgent_passes" in form,
        undisturbed_until=_until(form.get("undisturbed_until", ""), zone),
    )


def written(minute: int) -> str:
    """As a browser's field for a time wants it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _one(kind: type[Choice], form: Form, field: str) -> Choice:
    try:
        return kind(form.get(field, ""))
    except ValueError:
        raise Invalid(_("There is no such choice."), {field: _("Choose one of the list.")}) from None


def _minute(form: Form, field: str) -> int:
    try:
        at = dt.time.fromisoformat(form.get(field, "")[:8])
    except ValueError:
        raise Invalid(_("This is no time."), {field: _("Please choose a time.")}) from None
    return at.hour * 60 + at.minute


def _days(form: Form, field: str) -> str:
    return "".join(day for day in WEEK if day in form.getlist(field))


def _until(text: str, zone: str) -> dt.datetime | None:
    """A time that has passed is none: the form is saved again after it is over."""
    if not text:
        return None
    try:
        at = dt.datetime.fromisoformat(text[:40])
        at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Invalid(_("This is no time."), {"undisturbed_until": _("Please choose a day and a time.")}) from None
    if at > clock.now() + LONGEST_UNDISTURBED:
        sentence = _("Please choose a time within %(days)s days.", days=LONGEST_UNDISTURBED.days)
        raise Invalid(sentence, {"undisturbed_until": sentence})
    return at if at > clock.now() else None
