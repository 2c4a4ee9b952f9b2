"""The status vocabularies a desk can start with, and the rows every desk needs: priorities, categories."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import delete, select

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.shipped import shown
from app.settings import desk
from app.tickets import steps
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.models import Ticket


class Vocabulary(NamedTuple):
    """One way to name a ticket's steps. `statuses`: (name, state, staff may pick it)."""

    statuses: tuple[tuple[str, State, bool], ...]
    initial: str
    after_customer_reply: dict[str, str]
    settings: dict[str, Any]
    priorities: tuple[str, ...]
    on_staff_reply: str | None = None
    after_assignment: dict[str, str] = {}  # a named tuple's default; nobody changes it
    reopen: str = "Open"

    @property
    def shown(self) -> str:
        """Its steps in the reader's language."""
        return " · ".join(shown(name) for name, _state, _manual in self.statuses)


def _steps(*steps: tuple[str, State] | tuple[str, State, bool]) -> tuple[tuple[str, State, bool], ...]:
    return tuple((step[0], step[1], step[2] if len(step) == 3 else True) for step in steps)


def _days(
    reminder: int, close: int, resolved: int, may_close: bool = False, departments: bool = True
) -> dict[str, Any]:
    return {
        "waiting_reminder_days": reminder, "waiting_close_days": close, "resolved_close_days": resolved,
        "customer_can_close": may_close, "customer_can_reopen": True, "agents_see_departments": departments,
    }  # fmt: skip


NEW, OPEN, WAITING, HOLD, RESOLVED, CLOSED = State
VOCABULARIES: dict[str, Vocabulary] = {
    "default": Vocabulary(
        _steps(("Open", OPEN), ("In Progress", OPEN), ("Waiting for Customer", WAITING), ("On Hold", HOLD), ("Resolved", RESOLVED), ("Closed", CLOSED)),
        "Open", {"Waiting for Customer": "In Progress", "Resolved": "Open", "Closed": "Open"}, _days(7, 14, 7, may_close=True, departments=False), ("Low", "Normal", "High", "Critical"),
    ),
    "a": Vocabulary(
        _steps(("Open", OPEN), ("In Progress", OPEN), ("Awaiting Client", WAITING), ("Closed", CLOSED)),
        "Open", {"Awaiting Client": "Open", "Closed": "Open"}, _days(7, 14, 0, may_close=True), ("Low", "Normal", "High", "Emergency"),
    ),
    "b": Vocabulary(
        _steps(("Open", OPEN), ("Answered", WAITING, False), ("Customer Reply", OPEN, False), ("In Progress", OPEN), ("On Hold", HOLD), ("Closed", CLOSED)),
        "Open", dict.fromkeys(("Answered", "On Hold", "In Progress", "Closed"), "Customer Reply"), _days(0, 7, 0), ("Low", "Medium", "High", "Urgent"),
        on_staff_reply="Answered", reopen="Customer Reply",
    ),
    "c": Vocabulary(
        _steps(("New", NEW), ("Open", OPEN), ("Waiting", WAITING), ("On Hold", HOLD), ("Closed", CLOSED)),
        "New", dict.fromkeys(("Waiting", "On Hold", "Closed"), "Open"), _days(0, 0, 0), ("Low", "Normal", "High", "Critical"), after_assignment={"New": "Open"},
    ),
    "d": Vocabulary(
        _steps(("Open", OPEN), ("Pending", WAITING), ("Resolved", RESOLVED)),
        "Open", {"Pending": "Open", "Resolved": "Open"}, _days(0, 0, 0), ("Normal",),
    ),
    "e": Vocabulary(
        _steps(("Open", OPEN), ("In Progress", OPEN), ("Waiting for Customer", WAITING), ("Resolved", RESOLVED), ("Closed", CLOSED)),
        "Open", {"Waiting for Customer": "In Progress", "Resolved": "Open", "Closed": "Open"}, _days(0, 0, 7, departments=False), ("Low", "Normal", "High", "Critical"),
    ),
}  # fmt: skip

RANKS = {"Low": 1, "Normal": 2, "Medium": 2, "High": 3, "Critical": 4, "Urgent": 4, "Emergency": 4}
ALIASES = {1: "Low", 2: "Normal, Medium", 3: "High", 4: "Critical, Urgent, Emergency"}
MEANINGS = {
    1: "A question or a wish; nothing is broken.",
    2: "Something does not work as it should, and there is a way around it.",
    3: "Important work is held up.",
    4: "Nobody can work.",
}
FOR_CUSTOMERS = {
    "Waiting for Customer": "Waiting for you",
    "Awaiting Client": "Waiting for you",
    "Waiting": "Waiting for you",
    "Pending": "Waiting for you",
    "Customer Reply": "Open",
}
"""Names that a customer would read as somebody else's."""
CATEGORIES = {
    "Technical Support": "Something does not work.",
    "Billing": "Invoices, payments and plans.",
    "License Issues": "Activating, moving and renewing licences.",
    "Feature Request": "What the product should do as well.",
    "General Inquiry": "Everything else.",
}


class DeskNotEmpty(HelpdeskError):
    """A vocabulary is chosen before the first ticket; afterwards statuses are edited one by one."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The desk has tickets already, so the vocabulary stays. Statuses can be renamed, added and switched off one by one."
            )
        )


def choose(name: str) -> None:
    """Replace all statuses, event settings, timers and priorities by those of a vocabulary. Only on a desk without tickets. Does not commit."""
    if db.session.scalar(select(Ticket.id).limit(1)) is not None:
        raise DeskNotEmpty
    vocabulary = VOCABULARIES[name]
    steps.forget_all()
    db.session.execute(delete(Status))
    statuses = _make_statuses(vocabulary)
    _rename_priorities(vocabulary.priorities)
    desk.change(
        {
            **vocabulary.settings,
            "vocabulary": name,
            "status_on_staff_reply": statuses[vocabulary.on_staff_reply].id if vocabulary.on_staff_reply else None,
            "status_on_reopen": statuses[vocabulary.reopen].id,
        }
    )


def _make_statuses(vocabulary: Vocabulary) -> dict[str, Status]:
    statuses = {
        name: Status(
            name=name,
            customer_label=FOR_CUSTOMERS.get(name),
            state=state,
            manual=manual,
            initial=name == vocabulary.initial,
            position=place,
        )
        for place, (name, state, manual) in enumerate(vocabulary.statuses)
    }
    db.session.add_all(statuses.values())
    db.session.flush()
    for name, after in vocabulary.after_customer_reply.items():
        statuses[name].after_customer_reply = statuses[after]
    for name, after in vocabulary.after_assignment.items():
        statuses[name].after_assignment = statuses[after]
    db.session.flush()
    return statuses


def _rename_priorities(names: tuple[str, ...]) -> None:
    """The four ranks stay as rows, so that SLA targets and filters do; those the vocabulary does not name are switched off."""
    by_rank = {priority.rank: priority for priority in db.session.scalars(select(Priority))}
    wanted = {RANKS[name]: name for name in names}
    for rank, priority in by_rank.items():
        priority.name, priority.active = wanted.get(rank, priority.name), rank in wanted
    for rank, aliases in ALIASES.items():
        if rank not in by_rank:
            name = wanted.get(rank, aliases.split(",")[0])
            db.session.add(
                Priority(name=name, rank=rank, aliases=aliases, meaning=MEANINGS[rank], active=rank in wanted)
            )
    db.session.flush()


def seed() -> None:
    """On a fresh desk: the default vocabulary, four priorities and the usual categories. Does nothing on one that has them."""
    if db.session.scalar(select(Status.id).limit(1)) is None:
        choose("default")
    if db.session.scalar(select(Category.id).limit(1)) is None:
        db.session.add_all(
            Category(name=name, description=text, position=place)
            for place, (name, text) in enumerate(CATEGORIES.items())
        )
        db.session.flush()
