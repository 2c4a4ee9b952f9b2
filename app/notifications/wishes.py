"""Who wants to hear of something, and how: each person's choice, else that of their roles, else the desk's, else ours. One statement for all of them."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, null, or_, select

from app.accounts.models import StaffProfile, department_member
from app.accounts.viewer import Viewer, viewers
from app.core import clock
from app.core.extensions import db
from app.notifications import moments
from app.notifications.models import (
    APP_ONLY,
    LABELS,
    Notice,
    NoticePlan,
    NoticePreference,
    Notification,
    Reach,
    Rhythm,
    TicketWatch,
    Way,
)
from app.settings import desk
from app.tickets.models import Ticket

JOINED_WITHIN = dt.timedelta(hours=1)
"""What happens again on a ticket so soon is counted in the line that stands there unread."""


class Wanted(NamedTuple):
    """Where somebody is told. `mail` is at once; `digest` with others."""

    app: bool
    mail: bool
    digest: bool = False


DEFAULTS = {
    Notice.TICKET_CREATED: Wanted(app=True, mail=False),
    Notice.ASSIGNED: Wanted(app=True, mail=True),
    Notice.CUSTOMER_REPLIED: Wanted(app=True, mail=True),
    Notice.PRIORITY_CHANGED: Wanted(app=True, mail=True),
    Notice.MENTION: Wanted(app=True, mail=True),
    Notice.SLA_NEAR: Wanted(app=True, mail=False),
    Notice.SLA_BREACH: Wanted(app=True, mail=True),
    Notice.MAIL_FAILED: Wanted(app=True, mail=False),
    Notice.REPLY_HELD: Wanted(app=True, mail=False),
    Notice.DOCUMENTS_DONE: Wanted(app=True, mail=False),
    Notice.SUPPLIER_ANSWERED: Wanted(app=True, mail=False),
    Notice.ADDED: Wanted(app=True, mail=False),
    Notice.RULE: Wanted(app=True, mail=False),
    Notice.RULE_STOPPED: Wanted(app=True, mail=False),
    Notice.TIME_BUDGET: Wanted(app=True, mail=False),
    Notice.TIMER_STOPPED: Wanted(app=True, mail=False),
    Notice.RATED: Wanted(app=True, mail=False),
    Notice.BAD_RATING: Wanted(app=True, mail=False),
    Notice.SURGE: Wanted(app=True, mail=True),
    Notice.TASK_ASSIGNED: Wanted(app=True, mail=True),
    Notice.TASK_DUE: Wanted(app=True, mail=True),
    Notice.FOLLOW_UP: Wanted(app=True, mail=True),
    Notice.ACTION_REQUIRED: Wanted(app=True, mail=True),
    Notice.SNOOZE_OVER: Wanted(app=True, mail=False),
    Notice.COLLEAGUE_REPLIED: Wanted(app=True, mail=False),
    Notice.NOTED: Wanted(app=True, mail=False),
    Notice.STATUS_CHANGED: Wanted(app=True, mail=False),
}
FOLLOWED = (Notice.CUSTOMER_REPLIED, Notice.PRIORITY_CHANGED, Notice.SLA_BREACH)
"""What people hear of tickets that are not theirs but which they follow, or which belong to their departments if they want those."""
OF_FOLLOWED = (Notice.COLLEAGUE_REPLIED, Notice.NOTED, Notice.STATUS_CHANGED)
"""What only those hear of who follow the very ticket: of a whole department's it would be everything everybody does."""
PASSES_MUTE = (Notice.MENTION, Notice.ASSIGNED, Notice.REPLY_HELD)
"""A person spoke to them, gave them the ticket, or waits for words of theirs that did not leave."""
URGENT = (Notice.SLA_BREACH, Notice.MENTION, Notice.SURGE)
DESK = ""
"""In the desk's defaults: everybody, not one role."""


class Wish(NamedTuple):
    """What one person chose, as far as it says how they are told of one kind of thing on one ticket."""

    staff_id: int
    zone: str
    chosen: Wanted | None
    follows: bool
    muted: bool
    reach: Reach
    plan: NoticePlan
    line: int | None
    """An unread line of that kind and ticket behind their bell, from within the hour."""

    def postponed(self, kind: Notice, digest: bool, at: dt.datetime) -> dt.datetime | None:
        """When a mail of now goes together with others; None: at once."""
        if not digest and kind in URGENT and self.plan.urgent_passes:
            return None
        first = moments.next_digest(self.plan, self.zone, at) if digest else at
        return moments.quiet_until(self.plan, self.zone, first) or (first if digest else None)


@dc.dataclass(frozen=True)
class Telling:
    """Somebody who is told, and where."""

    person: Viewer
    wish: Wish
    wanted: Wanted


def tellings(
    kind: Notice,
    own: Collection[int],
    others: Collection[int] = (),
    ticket: Ticket | None = None,
    besides: int | None = None,
) -> list[Telling]:
    """`own`: whom it concerns themselves; `others`: who hears of it unless they want their own alone. Those who follow the ticket join them.

    `besides`: whoever did it. Whether they see the ticket is the caller's question.
    """
    found = {wish.staff_id: wish for wish in _read(kind, {*own, *others}, ticket) if wish.staff_id != besides}
    heard = [wish.staff_id for wish in found.values() if _hears(wish, kind, wish.staff_id in own)]
    order = {staff_id: place for place, staff_id in enumerate((*own, *others))}
    people = viewers(sorted(heard, key=lambda one: (order.get(one, len(order)), one)))
    return [
        Telling(person, found[person.id], found[person.id].chosen or default_of(kind, person.role_names))
        for person in people
    ]


def _hears(wish: Wish, kind: Notice, own: bool) -> bool:
    if wish.muted:
        return kind in PASSES_MUTE
    return own or wish.follows or wish.reach is not Reach.MINE


def _read(kind: Notice, staff_ids: set[int], ticket: Ticket | None) -> list[Wish]:
    family = ticket.family() if ticket is not None else []
    follows = _watching(Way.FOLLOW, family)
    columns = (
        StaffProfile.user_id, StaffProfile.time_zone, NoticePreference.app, NoticePreference.mail, NoticePreference.digest,
        follows.label("follows"), _watching(Way.MUTE, family[:1]).label("muted"), _line(kind, ticket).label("line"), *PLAN,
    )  # fmt: skip
    wanted = (
        select(*columns)
        .outerjoin(
            NoticePreference, and_(NoticePreference.staff_id == StaffProfile.user_id, NoticePreference.kind == kind)
        )
        .outerjoin(NoticePlan, NoticePlan.staff_id == StaffProfile.user_id)
        .where(or_(StaffProfile.user_id.in_(staff_ids), _joins(kind, ticket, follows)))
    )
    return [_wish(row) for row in db.session.execute(wanted)]


def _joins(kind: Notice, ticket: Ticket | None, follows: ColumnElement[bool]) -> ColumnElement[bool]:
    """Who is not concerned but wants to hear of it."""
    if ticket is None or kind not in (*FOLLOWED, *OF_FOLLOWED):
        return false()
    if kind in OF_FOLLOWED:
        return and_(follows, func.coalesce(NoticePlan.follows, True))
    members = select(department_member.c.staff_id).where(department_member.c.department_id == ticket.department_id)
    follow = and_(follows, func.coalesce(NoticePlan.follows, True))
    return or_(follow, and_(NoticePlan.reach == Reach.DEPARTMENTS, StaffProfile.user_id.in_(members)))


def _watching(way: Way, tickets: list[int]) -> ColumnElement[bool]:
    if not tickets:
        return false()
    watches = select(TicketWatch.staff_id).where(TicketWatch.ticket_id.in_(tickets), TicketWatch.way == way)
    return StaffProfile.user_id.in_(watches)


def _line(kind: Notice, ticket: Ticket | None) -> Any:
    if ticket is None:
        return null()
    unread = select(func.max(Notification.id)).where(
        Notification.staff_id == StaffProfile.user_id, Notification.read_at.is_(None), Notification.in_app.is_(True), Notification.kind == kind,
        Notification.ticket_id == ticket.id,
        func.coalesce(Notification.since, Notification.created_at) > clock.now() - JOINED_WITHIN,
    )  # fmt: skip
    return unread.correlate(StaffProfile).scalar_subquery()


PLAN_FIELDS = tuple(column.name for column in NoticePlan.__table__.columns if column.name != "staff_id")
PLAN = tuple(getattr(NoticePlan, name).label(f"plan_{name}") for name in PLAN_FIELDS)


def _wish(row: Any) -> Wish:
    plan = usual_plan()
    if row.plan_reach is not None:
        for name in PLAN_FIELDS:
            setattr(plan, name, getattr(row, f"plan_{name}"))
    chosen = Wanted(row.app, row.mail, row.digest) if row.app is not None else None
    zone = row.time_zone or desk.current().time_zone
    follows = bool(row.follows) and plan.follows
    return Wish(row.user_id, zone, chosen, follows, bool(row.muted), plan.reach, plan, row.line)


def usual_plan() -> NoticePlan:
    """Of whoever chose nothing; in no session."""
    return NoticePlan(
        reach=Reach.USUAL, follows=True, rhythm=Rhythm.DAILY, digest_minute=8 * 60, digest_weekday=0, quiet_days="", quiet_from=18 * 60, quiet_to=8 * 60,
        quiet_whole_days="", urgent_passes=True, undisturbed_until=None,
    )  # fmt: skip


def default_of(kind: Notice, roles: Iterable[str]) -> Wanted:
    """Of several roles each place that one of them names; then a mail at once goes before the digest."""
    kept = defaults()
    named = [kept[role][kind] for role in roles if kind in kept.get(role, {})]
    if not named:
        return kept.get(DESK, {}).get(kind, DEFAULTS[kind])
    mail = any(one.mail for one in named)
    return Wanted(any(one.app for one in named), mail, not mail and any(one.digest for one in named))


def defaults() -> dict[str, dict[Notice, Wanted]]:
    """Role's name, or DESK → what an admin set for it."""
    kept: Mapping[str, Mapping[str, str]] = json.loads(desk.current().notice_defaults)
    return {
        role: {Notice(kind): read(letters) for kind, letters in rows.items() if kind in LABELS}
        for role, rows in kept.items()
    }


def set_defaults(role: str, rows: Mapping[Notice, Wanted | None], by: str) -> None:
    """None: as the desk, for the desk as we ship it. Rows that are no choice are not kept."""
    kept = json.loads(desk.current().notice_defaults)
    kept[role] = {kind.value: written(wanted) for kind, wanted in rows.items() if wanted is not None}
    desk.change({"notice_defaults": json.dumps({name: rows for name, rows in kept.items() if rows}, sort_keys=True)}, by=by)  # fmt: skip


def read(letters: str) -> Wanted:
    return Wanted("a" in letters, "m" in letters, "d" in letters)


def written(wanted: Wanted) -> str:
    return "".join(letter for letter, chosen in zip("amd", wanted, strict=True) if chosen)


def fitting(kind: Notice, wanted: Wanted) -> Wanted:
    """What is never mailed is not; one mail is enough."""
    if kind in APP_ONLY:
        return Wanted(wanted.app, False)
    return wanted._replace(digest=wanted.digest and not wanted.mail)
