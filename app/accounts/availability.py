"""Who takes new work: available, away until a time, or offline. Absent people keep what they have and get nothing new."""

from __future__ import annotations

import datetime as dt
import enum

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import lazyload

from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import Actor, Kind
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.extensions import db

LABELS = {Availability.AVAILABLE: _l("Available"), Availability.AWAY: _l("Away"), Availability.OFFLINE: _l("Offline")}


class Presence(enum.StrEnum):
    """Announced to higher floors, with the StaffProfile."""

    CAME = "staff_came"


def of(staff_id: int) -> Availability:
    """As it stands now: who was away until noon is available at one."""
    profile = db.session.get(StaffProfile, staff_id, options=WITHOUT_PERSON)
    if profile is None:
        return Availability.OFFLINE
    return Availability.AVAILABLE if profile.available(clock.now()) else profile.availability


WITHOUT_PERSON = (lazyload(StaffProfile.user),)
"""Each page of the staff asks; it knows who they are."""


def set_availability(profile: StaffProfile, availability: Availability, until: dt.datetime | None, by: Actor) -> None:
    """One's own, or with the right to do so anybody's. `until` ends an absence by itself; it means nothing to the others."""
    if by.kind is Kind.STAFF and by.staff_id != profile.user_id and not by.can("edit", "Availability"):
        raise Forbidden(_("You may not change the availability of others."))
    if availability is Availability.AWAY and until is not None and until <= clock.now():
        raise Invalid(_("Please choose a time to come."), {"away_until": _("This time has passed.")})
    came = availability is Availability.AVAILABLE and not profile.available(clock.now())
    profile.availability = availability
    profile.away_until = until if availability is Availability.AWAY else None
    db.session.flush()
    if came:
        publish(Presence.CAME, profile)
