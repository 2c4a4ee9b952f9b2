"""What a level does to a ticket besides telling people."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.sla import policies
from app.sla.models import SlaClock
from app.tickets.because import because
from app.tickets.choices import Priority
from app.tickets.models import Ticket


def act(clock_id: int, act: str, rank: int) -> None:
    """Nothing for a promise that was kept or fell away meanwhile, nor for a ticket that is there already."""
    late = db.session.get(SlaClock, clock_id)
    ticket = db.session.get(Ticket, late.ticket_id, with_for_update=True) if late is not None else None
    if late is None or ticket is None or late.ended or ticket.merged or not ticket.live:
        return
    names = {offer.policy_id: offer.name for offer in policies.in_force().offers}
    with because(promise=names.get(late.policy_id, "–")):
        if act == "raise":
            _raise(ticket, rank)
        elif act == "lead":
            _give_to_lead(ticket)


def _raise(ticket: Ticket, rank: int) -> None:
    wanted = select(Priority).where(Priority.active.is_(True), Priority.rank >= rank)
    found = db.session.scalar(wanted.order_by(Priority.rank, Priority.id).limit(1))
    if found is not None and ticket.priority_rank < found.rank:
        ticket.set_priority(found, by=SYSTEM)


def _give_to_lead(ticket: Ticket) -> None:
    lead_id = ticket.department.lead_id
    lead = db.session.get(User, lead_id) if lead_id is not None else None
    if lead is not None and lead.active and ticket.assignee_id != lead.id:
        ticket.assign_to(lead, by=SYSTEM)
