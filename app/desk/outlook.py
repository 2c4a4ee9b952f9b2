"""What a merge will do, said before it is done: who reads what from then on, which promises end, what leaves whose list."""

from __future__ import annotations

import dataclasses as dc
import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, func, select

from app.accounts.models import Customer, Department
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.search.find import matching
from app.tickets.merging import COPIES
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Attachment
from app.tickets.visibility import visible_to

MOST_OFFERED = 8
SIMILAR_WORDS = 3
"""The longest ones of a subject say what it is about."""


class Reason(NamedTuple):
    """One line. `fits`: True for what is as it should be, None for what to think of."""

    what: str
    why: str
    fits: bool | None


class Offer(NamedTuple):
    """A ticket that may be about the same."""

    ticket: Ticket
    why: str


def offered(ticket: Ticket, viewer: Viewer) -> list[Offer]:
    """Of the same customer, of their colleagues, and with the same words in it; none that is merged already."""
    requester = ticket.requester
    same = _others(ticket, viewer, Ticket.requester_id == requester.id, _("same customer"))
    if requester.organization_id is not None:
        colleagues = select(Customer.id).where(Customer.organization_id == requester.organization_id)
        same += _others(ticket, viewer, Ticket.requester_id.in_(colleagues), _("same organization"))
    words = sorted(re.findall(r"\w{4,}", ticket.subject), key=len, reverse=True)[:SIMILAR_WORDS]
    alike = matching(" ".join(words), viewer, limit=MOST_OFFERED) if words else []
    same += _others(ticket, viewer, Ticket.id.in_(alike), _("similar words"))
    first: dict[int, Offer] = {}
    for offer in same:
        first.setdefault(offer.ticket.id, offer)
    return list(first.values())[:MOST_OFFERED]


def _others(ticket: Ticket, viewer: Viewer, criterion: ColumnElement[bool], why: str) -> list[Offer]:
    wanted = select(Ticket).where(
        criterion, Ticket.id != ticket.id, Ticket.merged_into_id.is_(None), visible_to(viewer)
    )
    rows = db.session.scalars(wanted.order_by(Ticket.live.desc(), Ticket.id.desc()).limit(MOST_OFFERED))
    return [Offer(each, why) for each in rows]


@dc.dataclass(frozen=True)
class Outlook:
    """Of merging `others` into `primary`."""

    primary: Ticket
    others: Sequence[Ticket]

    @cached_property
    def reasons(self) -> list[Reason]:
        found = [self._entries(), *self._finished(), self._customers(), *self._hidden()]
        return [*found, *self._departments(), *self._people(), *self._promises(), *self._assignees()]

    def _entries(self) -> Reason:
        many = sum(ticket.message_count for ticket in self.others)
        files = select(func.count(Attachment.id)).where(Attachment.ticket_id.in_([ticket.id for ticket in self.others]))
        with_files = db.session.scalar(files) or 0
        what = ngettext("%(num)d message comes to %(number)s", "%(num)d messages come to %(number)s", many, number=self.primary.display)  # fmt: skip
        if with_files:
            what += " " + ngettext("with %(num)d file", "with %(num)d files", with_files)
        return Reason(what, _("in the order of time; they can be taken apart again at any time"), True)

    def _finished(self) -> list[Reason]:
        if self.primary.live or not any(ticket.live for ticket in self.others):
            return []
        what = _("%(number)s is finished, and stays so", number=self.primary.display)
        return [
            Reason(
                what, _("What is open in the others waits there unseen: reopen it, or keep another as primary."), None
            )
        ]

    def _customers(self) -> Reason:
        people = {ticket.requester_id: ticket.requester for ticket in (self.primary, *self.others)}
        if len(people) == 1:
            return Reason(_("Same customer"), _("They read the whole thread."), True)
        names = ", ".join(sorted(person.name or person.email for person in people.values()))
        organizations = {person.organization_id for person in people.values()}
        if len(organizations) == 1 and None not in organizations:
            return Reason(_("Same organization"), _("%(names)s read the whole thread.", names=names), True)
        return Reason(
            _("Different customers: %(names)s", names=names),
            _("All of them get your answers and read what is written from now on. What was written before, each reads of their own ticket alone."),
            None,
        )  # fmt: skip

    def _hidden(self) -> list[Reason]:
        if self.primary.hidden_from_client:
            return [
                Reason(_("%(number)s is hidden from the client", number=self.primary.display), _("No customer gets an answer or reads what is new."), None)
            ]  # fmt: skip
        return [
            Reason(_("%(number)s is hidden from the client", number=ticket.display), _("What stands in it stays hidden."), True)
            for ticket in self.others
            if ticket.hidden_from_client
        ]  # fmt: skip

    def _departments(self) -> list[Reason]:
        return [
            Reason(
                _("%(department)s reads what stands in %(number)s", department=self.primary.department, number=ticket.display),
                _("Whoever sees %(department)s alone does so no longer.", department=ticket.department),
                None,
            )
            for ticket in self.others
            if ticket.department_id != self.primary.department_id
        ]  # fmt: skip

    def _people(self) -> list[Reason]:
        """Staff and departments that have part in the others, and not yet in the primary."""
        parts = select(Participant).where(
            Participant.ticket_id.in_([ticket.id for ticket in self.others]), Participant.role.not_in(COPIES)
        )
        present = select(Participant).where(Participant.ticket_id == self.primary.id)
        known = {(part.staff_id, part.department_id) for part in db.session.scalars(present)}
        new = {(part.staff_id, part.department_id) for part in db.session.scalars(parts)} - known
        if not new:
            return []
        departments = db.session.scalars(
            select(Department).where(Department.id.in_([department for _staff, department in new if department]))
        )
        names = ", ".join(sorted(map(str, departments)))
        staff = sum(staff is not None for staff, _department in new)
        who = "; ".join(
            filter(None, (names, ngettext("%(num)d colleague", "%(num)d colleagues", staff) if staff else ""))
        )
        return [Reason(_("%(who)s see %(number)s from now on", who=who, number=self.primary.display), "", None)]

    def _promises(self) -> list[Reason]:
        ended = [ticket.display for ticket in self.others if ticket.next_due_at is not None]
        if not ended:
            return []
        what = _("The promises of %(numbers)s end", numbers=", ".join(ended))
        return [Reason(what, _("%(number)s keeps its own.", number=self.primary.display), None)]

    def _assignees(self) -> list[Reason]:
        return [
            Reason(_("%(number)s leaves the list of %(name)s", number=ticket.display, name=ticket.assignee.get_full_name()), "", None)
            for ticket in self.others
            if ticket.live and ticket.assignee is not None and ticket.assignee_id != self.primary.assignee_id
        ]  # fmt: skip
