"""What rules do: the actions of macros, written by the desk itself, and telling people."""

from __future__ import annotations

import dataclasses as dc
import enum
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.viewer import SYSTEM
from app.core.errors import HelpdeskError, Invalid
from app.core.events import publish
from app.core.extensions import db
from app.tickets import actions
from app.tickets.actions import KINDS, Action, Kind
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words

ASSIGNEE, LEAD, SUPERVISORS = "assignee", "lead", "supervisors"
LONGEST_NOTICE = 300


class Automated(enum.StrEnum):
    """What rules want of others on their floor; published."""

    TELL = "tell"
    STOPPED = "stopped"


class Telling(NamedTuple):
    """With Automated.TELL."""

    ticket: Ticket
    whom: str
    """assignee, lead, supervisors, or the id of a person."""
    text: str


@dc.dataclass(frozen=True)
class Done:
    do: str
    was: str = ""
    now: str = ""
    text: str = ""
    refused: str = ""
    """Why it did not happen."""

    @property
    def changed(self) -> bool:
        return not self.refused and (bool(self.text) or self.was != self.now)

    @property
    def written(self) -> dict[str, str]:
        return {name: value for name, value in dc.asdict(self).items() if value}


def _reply(ticket: Ticket, action: Action, by: object) -> None:
    ticket.reply(Words(actions.text_of(action, ticket, SYSTEM), via=Channel.STAFF), by=SYSTEM)


def _tell(ticket: Ticket, action: Action, by: object) -> None:
    publish(Automated.TELL, Telling(ticket, action.choice, actions.text_of(action._replace(choice=""), ticket, SYSTEM)[:LONGEST_NOTICE]))  # fmt: skip


ALL: dict[str, Kind] = {
    **KINDS,
    "reply": Kind(_l("Reply to the customer, as the desk"), ("choice", "text"), _reply),
    "tell": Kind(_l("Tell somebody on the team"), ("choice", "text"), _tell),
}
"""Kinds of action a rule may have."""
SAYS = ("reply", "note", "task", "tell")


def do(action: Action, ticket: Ticket, by_machine: bool = False) -> Done:
    """One action, whole or not at all: what cannot happen is said and does not keep the next from happening."""
    savepoint = db.session.begin_nested()
    try:
        done = _do(action, ticket, by_machine)
        db.session.flush()
        savepoint.commit()
    except HelpdeskError as refusal:
        savepoint.rollback()
        done = Done(action.do, refused=str(refusal))
    return done


def _do(action: Action, ticket: Ticket, by_machine: bool) -> Done:
    kind = ALL.get(action.do)
    if kind is None or action.choice == actions.ME:
        raise Invalid(_("The desk does not know this action."))
    if action.do == "reply" and by_machine:
        raise Invalid(_("No automatic reply to what a machine did or wrote."))
    text = actions.text_of(action._replace(choice="") if action.do == "tell" else action, ticket, SYSTEM) if action.do in SAYS else ""  # fmt: skip
    was = kind.shown(ticket, action) if kind.shown else ""
    kind.do(ticket, action, SYSTEM)
    return Done(action.do, was, kind.shown(ticket, action) if kind.shown else "", text)
