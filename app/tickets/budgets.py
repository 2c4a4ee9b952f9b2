"""Budgets of time: of a ticket, and of an organization in a month. Near their end people are told, once each; nothing is ever refused."""

from __future__ import annotations

from flask_babel import gettext as _

from app.accounts.models import Organization
from app.accounts.viewer import SYSTEM, Actor
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets import timefigures
from app.tickets.durations import said
from app.tickets.models import Ticket
from app.tickets.timeentries import TimeEntry
from app.tickets.timeline import Did
from app.tickets.turns import demand

NEAR, FULL = 80, 100
"""Percent of a budget at which people are told."""
MOST_MINUTES = 100_000 * 60


def set_budget(ticket: Ticket, minutes: int | None, by: Actor) -> None:
    """None: it has none. Does nothing when it is so already. Another budget is told of anew."""
    demand(by, "budget", ticket)
    if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
        sentence = _("Between 1 minute and %(most)s.", most=said(MOST_MINUTES))
        raise Invalid(sentence, {"budget": sentence})
    if minutes == ticket.budget_minutes:
        return
    was, ticket.budget_minutes, ticket.budget_told = ticket.budget_minutes, minutes, 0
    ticket.record(Did.BUDGET_CHANGED, by, was_minutes=was, now_minutes=minutes)
    _watch_ticket(ticket)


def watch(entry: TimeEntry) -> None:
    """After time was spent: whoever has to know learns of a budget that is nearly used up, or is."""
    place = entry.ticket.place()
    _watch_ticket(place)
    if entry.organization_id is not None:
        organization = db.session.get(Organization, entry.organization_id)
        if organization is not None and organization.budget_minutes:
            _watch_organization(organization, place, entry.spent_on.isoformat()[:7])


def level(spent: int, budget: int) -> int:
    """What there is to tell of."""
    if spent >= budget:
        return FULL
    return NEAR if spent * 100 >= budget * NEAR else 0


def _watch_ticket(ticket: Ticket) -> None:
    reached = level(ticket.time_spent_minutes, ticket.budget_minutes) if ticket.budget_minutes else 0
    if reached > ticket.budget_told:
        ticket.budget_told = reached
        ticket.record(Did.BUDGET_REACHED, SYSTEM, now=str(reached))


def _watch_organization(organization: Organization, ticket: Ticket, month: str) -> None:
    """Told in the ticket whose time did it. `told` is the month and what was told of it."""
    spent = timefigures.spent_by_organization(organization.id, month)
    reached = level(spent, organization.budget_minutes or 0)
    told_month, _colon, told = organization.budget_told.partition(":")
    if told_month > month or reached <= (int(told or 0) if told_month == month else 0):
        return
    organization.budget_told = f"{month}:{reached}"
    ticket.record(Did.BUDGET_REACHED, SYSTEM, now=str(reached), was=organization.name, month=month)
