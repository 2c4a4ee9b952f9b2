"""How somebody reads a thread: which entries, around which place, looking for which words. It is part of the page's address."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from app.desk.listing import is_id

LONGEST_QUESTION = 200
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TOKEN = re.compile(r"(-?\d{1,18})-([01])-(\d{1,19})", re.ASCII)


class Only(enum.StrEnum):
    """What of the thread is shown."""

    ALL = "all"
    TALK = "talk"
    NOTES = "notes"
    SUPPLIERS = "suppliers"
    HISTORY = "history"

    @property
    def messages(self) -> bool:
        return self is not Only.HISTORY

    @property
    def events(self) -> bool:
        return self in (Only.ALL, Only.HISTORY)


class Place(NamedTuple):
    """Where an entry stands: what happened at the instant of a message came of it."""

    at: dt.datetime
    event: int
    id: int

    @property
    def token(self) -> str:
        return f"{(self.at - EPOCH) // dt.timedelta(microseconds=1)}-{self.event}-{self.id}"

    @classmethod
    def read(cls, token: str) -> Place | None:
        found = TOKEN.fullmatch(token)
        if found is None:
            return None
        try:
            return cls(EPOCH + dt.timedelta(microseconds=int(found[1])), int(found[2]), int(found[3]))
        except OverflowError:
            return None


FIRST = Place(dt.datetime(1000, 1, 1, tzinfo=dt.UTC), 0, 0)
LAST = Place(dt.datetime(9000, 1, 1, tzinfo=dt.UTC), 1, 2**62)


@dc.dataclass(frozen=True)
class Reading:
    only: Only = Only.ALL
    entry: int | None = None
    """The message to stand in the middle."""
    until: Place | None = None
    """What comes before this place, for whoever walks back without a script."""
    find: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Reading:
        """What is not understood is as if it were not there."""
        only, entry = given.get("only", ""), given.get("entry", "")
        return cls(
            Only(only) if only in {each.value for each in Only} else Only.ALL,
            int(entry) if is_id(entry) else None,
            Place.read(given.get("until", "")),
            given.get("find", "").replace("\x00", "").strip()[:LONGEST_QUESTION],
        )

    def in_address(self, **changes: object) -> str:
        """Without `?`; what is as usual is left out."""
        wanted = dc.replace(self, **changes)  # type: ignore[arg-type]
        given = {
            "only": "" if wanted.only == Only.ALL else str(wanted.only),
            "entry": wanted.entry or "",
            "until": wanted.until.token if wanted.until else "",
            "find": wanted.find,
        }
        return urlencode({name: value for name, value in given.items() if value})
