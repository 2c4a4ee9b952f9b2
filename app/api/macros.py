"""The API on macros: which fit a ticket, what one would do to it, and running it."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.api import reading, shapes
from app.api.doorman import caller
from app.api.fields import Fields, flag
from app.api.repeats import Answer
from app.api.tickets import seen
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets import actions, macroruns, macros
from app.tickets.macroruns import Step
from app.tickets.macros import Macro


def list_macros(number: int) -> Answer:
    """Those that their conditions offer for it, in their order."""
    found = macros.offered(caller(), seen(number))
    return {"items": [_shape(macro) for macro in found], "next": None}, 200


def run_macro(number: int, macro_id: int) -> Answer:
    """All of its actions or none. Replies leave at once. What they may give away, and tasks that are open when the ticket ends, a preview
    tells as `findings`; a run is refused (409) unless `accept` has the key of each."""
    fields = Fields.of_body()
    preview = fields.take("preview", flag, False)
    accept: tuple[str, ...] = fields.take("accept", reading.keys, ())
    fields.done()
    ticket, macro = seen(number), _runnable(macro_id)
    token = actions.AT_ONCE.set(True)
    try:
        trial = db.session.begin_nested()  # what was noted of this call before stays
        outcome = macroruns.rehearse(macro, ticket, caller())
        trial.rollback()
        if not preview:
            macroruns.run(macro, ticket, caller(), looked=accept)
            db.session.flush()
    finally:
        actions.AT_ONCE.reset(token)
    found = [{"key": leak.key, "sentence": leak.sentence} for leak in outcome.findings]
    steps = [_told(step) for step in outcome.steps]
    return {"preview": preview, "steps": steps, "findings": found, "ticket": shapes.ticket(ticket)}, 200


def _runnable(macro_id: int) -> Macro:
    macro = macros.find(reading.path_id(macro_id), caller())
    if macro is None:
        raise NotThere(_("There is no macro with this id, or it is not yours to run."))
    return macro


def _shape(macro: Macro) -> dict[str, Any]:
    return {"id": macro.id, "name": macro.name, "actions": [action.do for action in macro.steps]}


def _told(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.do,
        "was": step.was or None,
        "now": step.now or None,
        "text": step.text or None,
        "refused": step.refused or None,
    }
