"""What accounts announce to higher floors, which mail it: links that work once, and what somebody should know of their account."""

from __future__ import annotations

import dataclasses as dc
import enum


class Announced(enum.StrEnum):
    INVITED = "invited"
    RESET_ASKED = "reset_asked"
    FACTOR_RESET = "factor_reset"


@dc.dataclass(frozen=True)
class StaffLink:
    """A link for a staff user; `link` is absolute."""

    staff_id: int
    link: str


@dc.dataclass(frozen=True)
class FactorReset:
    """Somebody's second factor was switched off by somebody else."""

    staff_id: int
    by: str
