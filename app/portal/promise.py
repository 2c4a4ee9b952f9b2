"""What the customer may count on next: when we answer, or when a ticket closes unless they do."""

from __future__ import annotations

import dataclasses as dc

from flask_babel import gettext as _

from app.core import clock
from app.portal.frame import day, day_time
from app.tickets.choices import State
from app.tickets.inactivity import closes_at
from app.tickets.models import Ticket


@dc.dataclass(frozen=True)
class Promise:
    """One sentence above the thread, and one below it in smaller letters."""

    text: str
    sub: str | None


def meaning(state: State) -> str:
    """What a status means for the customer, and whether they have to do something."""
    return {
        State.NEW: _("We have your message and will look at it next."),
        State.OPEN: _("Someone on our team works on this. You need not do anything."),
        State.WAITING: _("We asked you something. Please answer so that we can go on."),
        State.HOLD: _("We wait for somebody else. We write as soon as it goes on."),
        State.RESOLVED: _("We think this is solved. Tell us if it is not."),
        State.CLOSED: _("This is finished. Reply at any time if it comes back."),
    }[state]


def promise(ticket: Ticket) -> Promise | None:
    """The line that stands first. None when there is nothing to say beyond the status."""
    closing = closes_at(ticket)
    if ticket.state is State.RESOLVED:
        return Promise(
            _("Is it solved?"),
            _("We think so. Without an answer we close it on %(day)s.", day=day(closing))
            if closing
            else _("We think so. Tell us if it is not."),
        )
    if ticket.state is State.WAITING:
        kept = (
            _(
                "Closes on %(day)s unless you reply. Nothing is lost: a reply brings it back at any time.",
                day=day(closing),
            )
            if closing
            else meaning(ticket.state)
        )
        return Promise(_("We wait for your answer"), kept)
    if ticket.state is State.CLOSED:
        return Promise(
            _("This ticket is closed"), _("Is it back? Write below what happens; everything said so far stays with it.")
        )
    if ticket.state is State.HOLD:
        return Promise(_("This ticket is paused"), meaning(ticket.state))
    return _answer_by(ticket)


def _answer_by(ticket: Ticket) -> Promise | None:
    due = ticket.first_response_due_at
    if due is None or ticket.first_response_at is not None:
        return None
    if due < clock.now():
        return Promise(
            _("Our answer is late, we are sorry"),
            _("You should have had it by %(when)s. Somebody is on it.", when=day_time(due)),
        )
    return Promise(_("Our answer by %(when)s", when=day_time(due)), meaning(ticket.state))
