"""Who takes new work: available, away until a time, or offline. Absent people keep what they have and get nothing new."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import lazyload
from sqlalchemy.sql.base import ExecutableOption

from app.accounts.models import Availability, StaffProfile, available
from app.accounts.viewer import Actor, Kind
from app.core import audit, clock, web
from app.core.audit import What
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.extensions import db

LABELS = {Availability.AVAILABLE: _l("Available"), Availability.AWAY: _l("Away"), Availability.OFFLINE: _l("Offline")}


LONGEST_REASON = 200


class Presence(enum.StrEnum):
    """Announced to higher floors, with the StaffProfile."""

    CAME = "staff_came"
    LEFT = "staff_left"


class Standing(NamedTuple):
    """How somebody stands at this moment: who was away until noon is available at one."""

    state: Availability
    until: dt.datetime | None = None
    reason: str | None = None
    stand_in: str | None = None
    """The name of whom to ask meanwhile."""


def standing(
    availability: Availability,
    until: dt.datetime | None,
    reason: str | None,
    at: dt.datetime,
    stand_in: str | None = None,
) -> Standing:
    if available(availability, until, at):
        return Standing(Availability.AVAILABLE)
    return Standing(availability, until, reason, stand_in)


def said(standing: Standing, name: str) -> str:
    """In a sentence, for whoever would give them work. Nothing of who is there."""
    if standing.state is Availability.AVAILABLE:
        return ""
    if standing.state is Availability.OFFLINE:
        words = _("%(name)s is offline.", name=name)
    elif standing.until is not None:
        words = _("%(name)s is away until %(at)s.", name=name, at=web.absolute(standing.until))
    else:
        words = _("%(name)s is away.", name=name)
    why = _("Reason: %(reason)s", reason=standing.reason) if standing.reason else ""
    instead = _("Stand-in: %(name)s.", name=standing.stand_in) if standing.stand_in else ""
    return " ".join(part for part in (words, why, instead) if part)


def of_person(staff_id: int) -> Standing:
    profile = db.session.get(StaffProfile, staff_id, options=_without_person())
    if profile is None:
        return Standing(Availability.OFFLINE)
    stand_in = db.session.get(User, profile.stand_in_id) if profile.stand_in_id else None
    named = stand_in.get_full_name() if stand_in is not None and stand_in.active else None
    return standing(profile.availability, profile.away_until, profile.away_reason, clock.now(), named)


def name_stand_in(profile: StaffProfile, colleague: User | None, by: Actor) -> None:
    """Whom to ask while they are away; one's own, or with the right to do so anybody's."""
    if by.kind is Kind.STAFF and by.staff_id != profile.user_id and not by.can("edit", "Availability"):
        raise Forbidden(_("You may not change the availability of others."))
    profile.stand_in, profile.stand_in_id = colleague, colleague.id if colleague is not None else None
    check_stand_in(profile)


def check_stand_in(profile: StaffProfile) -> None:
    """Raises Invalid."""
    if profile.stand_in is None:
        return
    if profile.stand_in.id == profile.user_id:
        raise Invalid(_("Nobody stands in for themselves."), {"stand_in": _("Please choose somebody else.")})
    if not profile.stand_in.active:
        raise Invalid(_("There is no such person on the desk."), {"stand_in": _("Please choose somebody else.")})


def absence_of(staff_id: int | None, name: str, by: Actor) -> str:
    """What whoever gave them a ticket is told, where they are not there; the choice stands. Nothing of nobody and of oneself."""
    if staff_id is None or staff_id == by.staff_id:
        return ""
    return said(of_person(staff_id), name)


@functools.cache
def _without_person() -> tuple[ExecutableOption, ...]:
    """Not when this module is imported: naming a relation wants every model to be there."""
    return (lazyload(StaffProfile.user),)


def set_availability(
    profile: StaffProfile, availability: Availability, until: dt.datetime | None, by: Actor, reason: str | None = None
) -> None:
    """One's own, or with the right to do so anybody's. `until` and `reason` are of an absence; they mean nothing to who is there."""
    others = by.kind is Kind.STAFF and by.staff_id != profile.user_id
    if others and not by.can("edit", "Availability"):
        raise Forbidden(_("You may not change the availability of others."))
    if availability is Availability.AWAY and until is not None and until <= clock.now():
        raise Invalid(_("Please choose a time to come."), {"away_until": _("This time has passed.")})
    was = _before(profile)
    profile.availability = availability
    profile.away_until = until if availability is Availability.AWAY else None
    profile.away_reason = clean_reason(reason) if availability is not Availability.AVAILABLE else None
    db.session.flush()
    if others and was != availability:
        audit.note(What.CHANGED, profile, availability=[was.value, availability.value])
    _announce(profile, was)


def clean_reason(reason: str | None) -> str | None:
    """One line, or none."""
    return " ".join((reason or "").split())[:LONGEST_REASON] or None


def come_back() -> None:
    """Whose absence is over is available again: each once, however many look at the same moment."""
    now = clock.now()
    over = (
        update(StaffProfile)
        .where(StaffProfile.availability == Availability.AWAY, StaffProfile.away_until <= now)
        .values(availability=Availability.AVAILABLE, away_until=None, away_reason=None)
        .returning(StaffProfile.user_id)
        .execution_options(synchronize_session=False)
    )
    for staff_id in sorted(db.session.scalars(over)):
        publish(Presence.CAME, db.session.get_one(StaffProfile, staff_id, populate_existing=True))


def _before(profile: StaffProfile) -> Availability:
    """What the row says before this change, also where a form has written into it already; an absence that is over is none."""
    row = select(StaffProfile.availability, StaffProfile.away_until).where(StaffProfile.user_id == profile.user_id)
    with db.session.no_autoflush:
        kept = db.session.execute(row).first()
    if kept is None:
        return Availability.OFFLINE
    return standing(kept.availability, kept.away_until, None, clock.now()).state


def _announce(profile: StaffProfile, was: Availability) -> None:
    here = profile.availability is Availability.AVAILABLE
    if here and was is not Availability.AVAILABLE:
        publish(Presence.CAME, profile)
    elif not here and was is Availability.AVAILABLE:
        publish(Presence.LEFT, profile)
