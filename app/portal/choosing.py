"""What a customer chooses from for a new ticket, and what they must not leave out."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.accounts import environments
from app.accounts.environments import Environment
from app.accounts.models import Department
from app.accounts.viewer import CustomerActor
from app.core.errors import Invalid
from app.core.extensions import db
from app.kb.words import words
from app.settings import desk
from app.tickets import fieldforms
from app.tickets.choices import Category, Priority
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.sorting import LONGEST_SUBJECT
from app.tickets.thread import Channel

Row = TypeVar("Row", Department, Category, Priority, Environment)
LOOKED_AT = 200
"""Open tickets among which a similar one is looked for."""
ALIKE = 2
"""Telling words two subjects share before we ask whether it is the same question."""
LONG_ENOUGH = 4


@dc.dataclass(frozen=True)
class Options:
    departments: Sequence[Department]
    categories: Sequence[Category]
    priorities: Sequence[Priority]
    environments: Sequence[Environment]
    environment_required: bool

    @property
    def usual_priority(self) -> str:
        return str(
            next((row.id for row in self.priorities if row.rank == 2), self.priorities[0].id if self.priorities else "")
        )


def options() -> Options:
    offered = environments.offered_to_customers()
    return Options(departments(), categories(), priorities(), offered, bool(offered) and environments.required())


def departments() -> Sequence[Department]:
    offered = select(Department).where(Department.active.is_(True), Department.public.is_(True))
    return db.session.scalars(offered.order_by(Department.position, Department.name)).all()


def categories() -> Sequence[Category]:
    offered = select(Category).where(Category.active.is_(True), Category.public.is_(True))
    return db.session.scalars(offered.order_by(Category.position, Category.name)).all()


def priorities() -> Sequence[Priority]:
    return db.session.scalars(select(Priority).where(Priority.active.is_(True)).order_by(Priority.rank)).all()


def chosen(rows: Sequence[Row], given: str | None) -> Row | None:
    return next((row for row in rows if str(row.id) == given), None)


def demand(field: str, offered: Callable[[], Sequence[Row]], form: Mapping[str, str]) -> Row | None:
    """The row chosen in the form, None for no choice, Invalid for one that is not offered. What nobody chose from is not read."""
    given = form.get(field) or None
    row = chosen(offered(), given) if given is not None else None
    if given is not None and row is None:
        raise Invalid(_("The ticket is not complete yet."), {field: _("Please choose one of the list.")})
    return row


def missing(form: MultiDict[str, str], via: Channel) -> dict[str, str]:
    """A sentence for each field that is empty or too long, in the order of the page."""
    wrong: dict[str, str] = {}
    if desk.current().require_category and not form.get("category"):
        wrong["category"] = _("Please choose what it is about.")
    if not form.get("environment") and environments.offered_to_customers() and environments.required():
        wrong["environment"] = _("Please choose where it happened.")
    if not form.get("subject", "").strip():
        wrong["subject"] = _("Please say in a few words what it is about.")
    elif len(form["subject"].strip()) > LONGEST_SUBJECT:
        wrong["subject"] = _("At most %(most)s characters here; the rest fits below.", most=LONGEST_SUBJECT)
    if not form.get("message", "").strip():
        wrong["message"] = _("Please write what happens.")
    return {**wrong, **{name: said for name, said in fieldforms.wrong(form, via).items() if name not in wrong}}


def as_form(refusal: Invalid) -> dict[str, str]:
    """A rule's names of fields as the form's."""
    fields = {{"body": "message"}.get(name, name): sentence for name, sentence in refusal.fields.items()}
    return fields or {"message": str(refusal)}


def similar(subject: str, actor: CustomerActor) -> Ticket | None:
    """An open ticket of theirs that asks the same, as far as its subject tells."""
    telling = {word for word in words(subject, most=60) if len(word) >= LONG_ENOUGH}
    if len(telling) < ALIKE:
        return None
    mine = TicketQuery.seen_by(actor).live().by_last_activity().statement.limit(LOOKED_AT)
    shared = [(len(telling & set(words(ticket.subject))), ticket) for ticket in db.session.scalars(mine)]
    best = max(shared, key=lambda pair: pair[0], default=(0, None))
    return best[1] if best[0] >= ALIKE else None
