"""Further staff and further departments of a ticket: whoever is added sees it, and hears of it."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.environments import Environment
from app.accounts.models import Department
from app.accounts.viewer import Actor, viewer
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.timeline import Did
from app.tickets.turns import demand

MOST = 50
"""Of one ticket."""


class CannotTakePart(HelpdeskError):
    """Adding them would let nobody see anything."""


def add_person(ticket: Ticket, person: User, by: Actor) -> None:
    """They see the ticket from now on. Adding somebody twice does nothing."""
    demand(by, "people", ticket)
    reader = viewer(person.id)
    if reader is None or not reader.can("show"):
        raise CannotTakePart(_("%(name)s may not see any tickets.", name=person.get_full_name()))
    if _part(ticket, staff_id=person.id) is None:
        _add(ticket, Participant(ticket_id=ticket.id, role=ParticipantRole.ADDED, staff_id=person.id))
        ticket.record(Did.PERSON_ADDED, by, now=person.get_full_name(), now_id=person.id)


def remove_person(ticket: Ticket, person: User, by: Actor) -> None:
    demand(by, "people", ticket)
    found = _part(ticket, staff_id=person.id)
    if found is not None:
        _remove(ticket, found)
        ticket.record(Did.PERSON_REMOVED, by, was=person.get_full_name(), was_id=person.id)


def add_department(ticket: Ticket, department: Department, by: Actor) -> None:
    """Its people see the ticket as they see their own. The one that answers for it stays the ticket's department."""
    demand(by, "people", ticket)
    if department.id == ticket.department_id:
        raise CannotTakePart(_("%(name)s answers for this ticket already.", name=str(department)))
    if _part(ticket, department_id=department.id) is None:
        _add(ticket, Participant(ticket_id=ticket.id, role=ParticipantRole.DEPARTMENT, department_id=department.id))
        ticket.record(Did.DEPARTMENT_ADDED, by, now=department.name, now_id=department.id)


def remove_department(ticket: Ticket, department: Department, by: Actor) -> None:
    """An assignee who saw it by this department alone loses it."""
    demand(by, "people", ticket)
    found = _part(ticket, department_id=department.id)
    if found is not None:
        _remove(ticket, found)
        ticket.record(Did.DEPARTMENT_REMOVED, by, was=department.name, was_id=department.id)
        ticket.release_if_lost()


def set_environment(ticket: Ticket, environment: Environment | None, by: Actor) -> None:
    demand(by, "environment", ticket)
    now_id = environment.id if environment is not None else None
    if now_id != ticket.environment_id:
        was = ticket.environment
        ticket.environment, ticket.environment_id = environment, now_id
        ticket.record(
            Did.ENVIRONMENT_CHANGED, by, was=was.name if was else None, now=environment.name if environment else None,
            was_id=was.id if was else None, now_id=now_id,
        )  # fmt: skip


def _part(ticket: Ticket, staff_id: int | None = None, department_id: int | None = None) -> Participant | None:
    role = ParticipantRole.ADDED if staff_id else ParticipantRole.DEPARTMENT
    wanted = select(Participant).where(Participant.ticket_id == ticket.id, Participant.role == role)
    wanted = wanted.where(Participant.staff_id == staff_id if staff_id else Participant.department_id == department_id)
    return db.session.scalar(wanted.limit(1))


def _add(ticket: Ticket, part: Participant) -> None:
    if ticket.further >= MOST:
        raise CannotTakePart(_("A ticket has at most %(most)s further people and departments.", most=MOST))
    db.session.add(part)
    ticket.further += 1
    db.session.flush()


def _remove(ticket: Ticket, part: Participant) -> None:
    db.session.delete(part)
    ticket.further = max(0, ticket.further - 1)
    db.session.flush()
