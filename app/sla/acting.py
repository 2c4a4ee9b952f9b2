"""What a level does to a ticket besides telling people."""

from __future__ import annotations

import datetime as dt

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts.models import StaffProfile
from app.accounts.viewer import SYSTEM, Kind
from app.core import clock
from app.core.extensions import db
from app.sla import policies
from app.sla.models import SlaClock
from app.tickets.because import because
from app.tickets.choices import Priority
from app.tickets.models import Ticket
from app.tickets.timeline import Did, TicketEvent

CHOICES = {"raise": Did.PRIORITY_CHANGED, "lead": Did.ASSIGNED}
"""What a person does who chooses otherwise."""


def act(clock_id: int, act: str, rank: int, since: dt.datetime | None = None) -> None:
    """Nothing for a promise that was kept or fell away meanwhile, nor for a ticket that is there already, nor against what
    somebody chose `since` the level was reached."""
    late = db.session.get(SlaClock, clock_id)
    ticket = db.session.get(Ticket, late.ticket_id, with_for_update=True) if late is not None else None
    if late is None or ticket is None or late.ended or ticket.merged or not ticket.live:
        return
    if since is not None and _chosen_since(ticket, act, since):
        return
    names = {offer.policy_id: offer.name for offer in policies.in_force().offers}
    with because(promise=names.get(late.policy_id, "–")):
        if act == "raise":
            _raise(ticket, rank)
        elif act == "lead":
            _give_to_lead(ticket)


def _chosen_since(ticket: Ticket, act: str, since: dt.datetime) -> bool:
    """By a person: what the desk does by itself is no choice."""
    chosen = select(TicketEvent.id).where(TicketEvent.ticket_id == ticket.id, TicketEvent.what == CHOICES.get(act))
    mine = chosen.where(TicketEvent.actor_kind == Kind.STAFF, TicketEvent.at > since)
    return db.session.scalar(mine.limit(1)) is not None


def _raise(ticket: Ticket, rank: int) -> None:
    wanted = select(Priority).where(Priority.active.is_(True), Priority.rank >= rank)
    found = db.session.scalar(wanted.order_by(Priority.rank, Priority.id).limit(1))
    if found is not None and ticket.priority_rank < found.rank:
        ticket.set_priority(found, by=SYSTEM)


def _give_to_lead(ticket: Ticket) -> None:
    """Whoever is away gets nothing new: then it goes to their stand-in, and without one it stays where it is."""
    lead = _there(ticket.department.lead_id)
    if lead is not None and ticket.assignee_id != lead.id and ticket.may_be_given_to(lead.id):
        ticket.assign_to(lead, by=SYSTEM)


def _there(staff_id: int | None) -> User | None:
    profile = db.session.get(StaffProfile, staff_id) if staff_id is not None else None
    if profile is not None and not (profile.user.active and profile.available(clock.now())):
        profile = db.session.get(StaffProfile, profile.stand_in_id) if profile.stand_in_id is not None else None
    there = profile is not None and profile.user.active and profile.available(clock.now())
    return profile.user if profile is not None and there else None
