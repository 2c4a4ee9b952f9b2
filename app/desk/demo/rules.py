"""Rules of the demo: one that acts, and one to look at, try and switch on."""

from __future__ import annotations

from flask_babel import gettext as _

from app.accounts.viewer import SYSTEM
from app.automation import rules
from app.automation.models import Basis, Hours, Kind, On, Rule


def make() -> None:
    outage = {"field": "subject", "op": "contains", "value": _("outage")}
    rules.save(
        Rule(
            name=_("Outages"), kind=Kind.TRIGGER, active=True, listens=[On.CREATED.value], minutes=0, hours=Hours.CALENDAR, condition={"any": [outage]},
            actions=[{"do": "tag", "text": _("outage")}, {"do": "tell", "choice": "supervisors", "text": _("A customer writes of an outage.")}],
            stop=False, most_runs=1, pause_minutes=0,
        ),
        SYSTEM,
    )  # fmt: skip
    waits = {"field": "waits_for_us", "op": "yes", "value": []}
    rules.save(
        Rule(
            name=_("Waits for us since yesterday"), kind=Kind.TIMER, active=False, listens=[], basis=Basis.CUSTOMER, minutes=24 * 60, hours=Hours.CALENDAR,
            condition={"all": [waits]}, actions=[{"do": "tell", "choice": "assignee", "text": _("Waits for your answer since yesterday: {{subject}}")}],
            stop=False, most_runs=0, pause_minutes=0,
        ),
        SYSTEM,
    )  # fmt: skip
