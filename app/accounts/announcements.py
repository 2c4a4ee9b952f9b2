"""What accounts announce to higher floors, which mail it: links that work once."""

from __future__ import annotations

import dataclasses as dc
import enum


class Announced(enum.StrEnum):
    INVITED = "invited"
    RESET_ASKED = "reset_asked"


@dc.dataclass(frozen=True)
class StaffLink:
    """A link for a staff user; `link` is absolute."""

    staff_id: int
    link: str
