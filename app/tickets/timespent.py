"""Time spent on a ticket: who, how long, on which day, for what. The ticket keeps the sum. No customer ever learns of it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import func, select, true
from sqlalchemy.orm import joinedload

from app.accounts import rights
from app.accounts.viewer import Actor, Viewer, viewer
from app.core import clock
from app.core.errors import Forbidden, Invalid, NotThere
from app.core.extensions import db
from app.settings import desk
from app.tickets import budgets, timefigures
from app.tickets.durations import said
from app.tickets.models import Ticket
from app.tickets.timeentries import ActivityType, Spent, TimeEntry
from app.tickets.timeline import Did
from app.tickets.turns import demand, take

MOST_MINUTES = 24 * 60
"""Of one entry: a day has no more."""
LONGEST_NOTE = 2_000
BATCH = 500
OLDEST = dt.timedelta(days=3660)


def log(ticket: Ticket, spent: Spent, by: Actor) -> TimeEntry:
    """Raises Forbidden, Merged, or Invalid beside the field that is wrong."""
    demand(by, "time", ticket)
    whose = _whose(ticket, spent, by)
    _check(spent)
    entry = TimeEntry(
        ticket=ticket, ticket_id=ticket.id, staff_id=whose.staff_id, staff_name=whose.name, made_by_id=by.staff_id,
        department_id=ticket.department_id, customer_id=ticket.requester_id, organization_id=ticket.requester.organization_id, minutes=0, billable=False,
    )  # fmt: skip
    _say(entry, spent)
    db.session.add(entry)
    db.session.flush()
    _sum(entry, entry.minutes)
    for_whom = whose.name if whose.staff_id != by.staff_id else None
    ticket.record(Did.TIME_LOGGED, by, entry_id=entry.id, now=entry.told(), whose=for_whom)
    budgets.watch(entry)
    return entry


def change(entry: TimeEntry, spent: Spent, by: Actor) -> None:
    """Whose it is stays. Does nothing when it says the same already."""
    place = _demand(entry, by)
    _check(spent)
    was, before, note = entry.told(), entry.minutes, entry.note
    timefigures.book(entry, -1)
    _say(entry, spent)
    _sum(entry, entry.minutes - before)
    now = entry.told()
    if now != was or note != entry.note:
        place.record(Did.TIME_CHANGED, by, entry_id=entry.id, was=was, now=now, whose=_other(entry, by))
        budgets.watch(entry)


def remove(entry: TimeEntry, by: Actor) -> None:
    place = _demand(entry, by)
    was, whose = entry.told(), _other(entry, by)
    timefigures.book(entry, -1)
    add_to_sums(entry.ticket, -entry.minutes)
    db.session.delete(entry)
    db.session.flush()
    place.record(Did.TIME_REMOVED, by, was=was, whose=whose)


def may_change(entry: TimeEntry, by: Actor) -> bool:
    """The ticket is theirs to see already: only the right is asked."""
    return rights.may(by, "time") and (entry.staff_id == by.staff_id or rights.may(by, "time_others"))


def entries_of(ticket: Ticket) -> list[TimeEntry]:
    """Of this ticket and of those that go on in it, the newest day first. None, without a statement, where no time was spent."""
    if not ticket.time_spent_minutes:
        return []
    wanted = select(TimeEntry).where(TimeEntry.ticket_id.in_(ticket.family())).options(joinedload(TimeEntry.activity))
    return list(db.session.scalars(wanted.order_by(TimeEntry.spent_on.desc(), TimeEntry.id.desc())))


def activities() -> list[ActivityType]:
    """That may be chosen."""
    wanted = select(ActivityType).where(ActivityType.active == true())
    return list(db.session.scalars(wanted.order_by(ActivityType.position, ActivityType.id)))


def usual_activity() -> ActivityType | None:
    return next((one for one in activities() if one.initial), None)


def today() -> dt.date:
    """By the desk's calendar."""
    return clock.now().astimezone(ZoneInfo(desk.current().time_zone)).date()


def add_to_sums(ticket: Ticket, minutes: int) -> None:
    """To the ticket's own, and to those of the tickets it goes on in."""
    each = ticket
    while minutes:
        take(each)
        each.time_spent_minutes += minutes
        if each.merged_into_id is None:
            break
        each = db.session.get_one(Ticket, each.merged_into_id)


def recount_tickets() -> int:
    """Mend the sums of tickets that are wrong, and say how many those were. Does not commit."""
    own = {
        ticket_id: int(minutes)
        for ticket_id, minutes in db.session.execute(
            select(TimeEntry.ticket_id, func.sum(TimeEntry.minutes)).group_by(TimeEntry.ticket_id)
        )
    }
    merged = dict(db.session.execute(select(Ticket.id, Ticket.merged_into_id).where(Ticket.merged_into_id.is_not(None))).all())  # fmt: skip
    wanted: dict[int, int] = {}
    for ticket_id, minutes in own.items():
        place: int | None = ticket_id
        while place is not None:
            wanted[place] = wanted.get(place, 0) + minutes
            place = merged.get(place)
    kept = dict(db.session.execute(select(Ticket.id, Ticket.time_spent_minutes).where(Ticket.time_spent_minutes != 0)).all())  # fmt: skip
    wrong = [one for one in sorted(kept.keys() | wanted.keys()) if kept.get(one, 0) != wanted.get(one, 0)]
    for start in range(0, len(wrong), BATCH):
        some = select(Ticket).where(Ticket.id.in_(wrong[start : start + BATCH])).order_by(Ticket.id)
        for ticket in db.session.scalars(some).all():
            take(ticket)
            ticket.time_spent_minutes = wanted.get(ticket.id, 0)
    return len(wrong)


def _whose(ticket: Ticket, spent: Spent, by: Actor) -> Actor:
    """Somebody else's time is written down with a right of its own, and only for who logs time on this ticket."""
    if spent.staff is None or spent.staff.id == by.staff_id:
        return by
    rights.demand(by, "time_others", ticket)
    person = viewer(spent.staff.id)
    if person is None or not rights.may(person, "time", ticket):
        sentence = _("%(name)s does not log time on this ticket.", name=spent.staff.get_full_name())
        raise Invalid(sentence, {"staff": sentence})
    return person


def _check(spent: Spent) -> None:
    wrong = {}
    if not 1 <= spent.minutes <= MOST_MINUTES:
        wrong["time"] = _("Between 1 minute and %(most)s.", most=said(MOST_MINUTES))
    if not today() - OLDEST <= spent.spent_on <= today():
        wrong["spent_on"] = _("This is a day of the last ten years, and not one to come.")
    if len(spent.note) > LONGEST_NOTE:
        wrong["note"] = _("At most %(most)s characters.", most=LONGEST_NOTE)
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _say(entry: TimeEntry, spent: Spent) -> None:
    if spent.activity is not entry.activity or entry.minutes == 0:
        entry.billable = spent.activity is not None and spent.activity.billable
    entry.activity, entry.activity_id = spent.activity, spent.activity.id if spent.activity else None
    entry.minutes, entry.spent_on = spent.minutes, spent.spent_on
    entry.note = spent.note.replace("\r\n", "\n").replace("\x00", "").strip()


def _sum(entry: TimeEntry, more: int) -> None:
    """The figures take the entry as it is now; the ticket's sum what it grew by."""
    timefigures.book(entry)
    add_to_sums(entry.ticket, more)


def _demand(entry: TimeEntry, by: Actor) -> Ticket:
    """Where its ticket goes on, which is nobody else's to change before we commit."""
    place = entry.ticket.place_in_turn()
    rights.demand(by, "time", place)
    if db.session.get(TimeEntry, entry.id, populate_existing=True) is None:
        raise NotThere(_("Somebody removed this time entry meanwhile."))
    if not may_change(entry, by):
        raise Forbidden(_("You change your own time entries only."))
    return place


def _other(entry: TimeEntry, by: Actor) -> str | None:
    """Whose it is when it is not theirs who changes it."""
    own = isinstance(by, Viewer) and entry.staff_id == by.id
    return None if own else entry.staff_name
