"""Time zones: which ones there are, and which instant a clock on the wall means."""

import datetime as dt
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.core.errors import Invalid

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class UnknownZone(Invalid):
    def __init__(self, name: str) -> None:
        super().__init__(_("There is no time zone “%(name)s”. A zone is named like Europe/Berlin.", name=name))


@cache
def zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def zone_named(name: str) -> ZoneInfo:
    """Read from the pinned tzdata package and not from the machine, so that all hosts agree about the latest change of law."""
    if name not in zone_names():
        raise UnknownZone(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def resolve_local(local: dt.datetime, zone: str) -> dt.datetime:
    """The instant a wall clock means. A time that the clocks skip moves later by what they skip; one that they show twice is the first."""
    there = local.replace(tzinfo=zone_named(zone), fold=0)
    return (local - (there.utcoffset() or dt.timedelta())).replace(tzinfo=dt.UTC)


def microseconds(at: dt.datetime) -> int:
    """Microseconds since 1970: whole numbers do not drift when they are added."""
    return (at - EPOCH) // MICROSECOND


def instant(microseconds: int) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=microseconds)
