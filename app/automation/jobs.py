"""Jobs of rules."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete

from app.automation import running, timers
from app.automation.models import RuleRun
from app.core import clock
from app.core.extensions import db

KEPT = dt.timedelta(days=400)


def run(ticket_id: int, event_id: int, chain: str) -> None:
    """Ask the rules about one thing that happened. `chain`: ids of the rules that led to it, between blanks."""
    running.run(ticket_id, event_id, [int(one) for one in chain.split()])


def tick() -> None:
    """Rules whose time has come."""
    timers.tick()


def forget_old() -> None:
    """Runs of more than a year ago. A timer's may be forgotten too: what it counted from is as old."""
    db.session.execute(delete(RuleRun).where(RuleRun.at < clock.now() - KEPT))
