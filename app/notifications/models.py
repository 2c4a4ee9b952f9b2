"""What a staff user was told in the app, and what they want to be told at all."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import ForeignKey, Index, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk
from app.core.shipped import shown
from app.tickets import scores
from app.tickets.models import Ticket

UNREAD = text("read_at IS NULL")
WAITS = text("mail_due_at IS NOT NULL")


class Notice(enum.StrEnum):
    """What staff can be told of."""

    TICKET_CREATED = "ticket_created"
    ASSIGNED = "assigned"
    CUSTOMER_REPLIED = "customer_replied"
    PRIORITY_CHANGED = "priority_changed"
    MENTION = "mention"
    SLA_NEAR = "sla_near"
    SLA_BREACH = "sla_breach"
    MAIL_FAILED = "mail_failed"
    MAIL_UNTRUSTED = "mail_untrusted"
    MAIL_GAVE_UP = "mail_gave_up"
    """Of no ticket, told to admins, and not to be switched off: it has no label."""
    REPLY_HELD = "reply_held"
    TASK_ASSIGNED = "task_assigned"
    TASK_DUE = "task_due"
    FOLLOW_UP = "follow_up"
    ACTION_REQUIRED = "action_required"
    SNOOZE_OVER = "snooze_over"
    DOCUMENTS_DONE = "documents_done"
    TIME_BUDGET = "time_budget"
    TIMER_STOPPED = "timer_stopped"
    SUPPLIER_ANSWERED = "supplier_answered"
    ADDED = "added"
    COLLEAGUE_REPLIED = "colleague_replied"
    NOTED = "noted"
    STATUS_CHANGED = "status_changed"
    RATED = "rated"
    BAD_RATING = "bad_rating"
    RULE = "rule"
    RULE_STOPPED = "rule_stopped"
    SURGE = "surge"


LABELS = {
    Notice.TICKET_CREATED: _l("A new ticket came in"),
    Notice.ASSIGNED: _l("A ticket was assigned to me"),
    Notice.CUSTOMER_REPLIED: _l("A customer replied"),
    Notice.PRIORITY_CHANGED: _l("The priority of my ticket changed"),
    Notice.MENTION: _l("Somebody mentioned me"),
    Notice.SLA_NEAR: _l("A promised answer is nearly due"),
    Notice.SLA_BREACH: _l("A promised answer is late"),
    Notice.MAIL_FAILED: _l("An answer of ours did not reach the customer"),
    Notice.REPLY_HELD: _l("A reply of mine was held back"),
    Notice.TASK_ASSIGNED: _l("A task was given to me"),
    Notice.TASK_DUE: _l("A task of mine is due tomorrow, today, or overdue"),
    Notice.FOLLOW_UP: _l("A follow-up date has come"),
    Notice.ACTION_REQUIRED: _l("Action is required soon, or was"),
    Notice.SNOOZE_OVER: _l("A snoozed ticket came back"),
    Notice.DOCUMENTS_DONE: _l("All documents that were asked for are accepted"),
    Notice.TIME_BUDGET: _l("A time budget is nearly used, or is used up"),
    Notice.TIMER_STOPPED: _l("A timer of mine ran too long and was stopped"),
    Notice.SUPPLIER_ANSWERED: _l("A supplier answered"),
    Notice.ADDED: _l("Somebody added me to a ticket"),
    Notice.COLLEAGUE_REPLIED: _l("A colleague answered a ticket that I follow"),
    Notice.NOTED: _l("A colleague wrote a note in a ticket that I follow"),
    Notice.STATUS_CHANGED: _l("A colleague changed the status of a ticket that I follow"),
    Notice.RATED: _l("A customer rated my ticket"),
    Notice.BAD_RATING: _l("A customer rated a ticket as bad (supervisors)"),
    Notice.SURGE: _l("Many similar tickets came in (supervisors and leads)"),
    Notice.RULE: _l("A rule tells me something"),
    Notice.RULE_STOPPED: _l("A rule ran away and was switched off"),
}
APP_ONLY = (
    Notice.MAIL_FAILED,
    Notice.REPLY_HELD,
    Notice.DOCUMENTS_DONE,
    Notice.TIME_BUDGET,
    Notice.TIMER_STOPPED,
    Notice.SUPPLIER_ANSWERED,
    Notice.ADDED,
    Notice.RULE,
    Notice.RULE_STOPPED,
)
"""Never told by mail: where one mail fails, another may; and what was held is looked at in the desk."""


class Notification(Base):
    """One line behind the bell. `parts` are plain words that fill the sentence of its kind."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_staff", "staff_id", "id"),
        Index("ix_notification_unread", "staff_id", sqlite_where=UNREAD, postgresql_where=UNREAD),
        Index("ix_notification_ticket", "ticket_id"),
        Index("ix_notification_created", "created_at"),
        Index("ix_notification_mail", "mail_due_at", "staff_id", sqlite_where=WAITS, postgresql_where=WAITS),
    )

    id: Mapped[intpk]
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    kind: Mapped[Notice]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(BigId)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    read_at: Mapped[dt.datetime | None]
    in_app: Mapped[bool] = mapped_column(default=True, server_default=true())
    """It stands behind the bell. Not: it waits for a joint mail alone, or a later line counts it."""
    count: Mapped[int] = mapped_column(default=1, server_default="1")
    """How many of its kind it stands for."""
    since: Mapped[dt.datetime | None]
    """When the first of several happened."""
    mail_due_at: Mapped[dt.datetime | None]
    """When it is mailed together with others; empty once it was, or if it never is."""

    ticket: Mapped[Ticket | None] = relationship(Ticket)

    @property
    def sentence(self) -> str:
        """What happened, in the reader's language; of several at once how many."""
        if self.count > 1 and self.kind in JOINED:
            return JOINED[self.kind](self.count)
        return self.single

    @property
    def single(self) -> str:
        return SENTENCES[self.kind](self.parts)

    @property
    def place(self) -> str:
        """Where there is more of it."""
        if self.task_id is not None:
            return f"/admin/tasks/{self.task_id}"
        if self.kind is Notice.RULE_STOPPED:
            return "/admin/rules/"
        if self.kind is Notice.SURGE:
            return surge_place(str(self.parts.get("surge", "")))
        if self.ticket:
            return f"/admin/tickets/{self.ticket.number}"
        return f"/admin/mail-log/?state={'failed' if self.kind is Notice.MAIL_GAVE_UP else 'queued'}"


def surge_place(first: str) -> str:
    """Where the tickets of a surge are shown, to be made an incident."""
    return f"/admin/tickets/incident?surge={first}"


DUE_WORDS = {
    "tomorrow": lambda: _("A task of yours is due tomorrow"),
    "today": lambda: _("A task of yours is due today"),
    "overdue": lambda: _("A task of yours is overdue"),
}
SENTENCES = {
    Notice.TICKET_CREATED: lambda said: _("%(who)s opened a ticket", who=said.get("who", "–")),
    Notice.ASSIGNED: lambda said: _("%(who)s assigned you a ticket", who=said.get("who", "–")),
    Notice.CUSTOMER_REPLIED: lambda said: _("%(who)s replied", who=said.get("who", "–")),
    Notice.PRIORITY_CHANGED: lambda said: _("%(who)s changed the priority from %(was)s to %(now)s", who=said.get("who", "–"), was=shown(said.get("was", "–")), now=shown(said.get("now", "–"))),
    Notice.MENTION: lambda said: _("%(who)s mentioned you", who=said.get("who", "–")),
    Notice.SLA_NEAR: lambda said: _("A promised answer is nearly due"),
    Notice.SLA_BREACH: lambda said: _("The promised answer is late"),
    Notice.REPLY_HELD: lambda said: _("Your reply was held back: it waits for you as a draft"),
    Notice.FOLLOW_UP: lambda said: _("You wanted to look at this again"),
    Notice.ACTION_REQUIRED: lambda said: _("Action was required by now") if said.get("over") else _("Action is required within a day"),
    Notice.DOCUMENTS_DONE: lambda said: _("%(who)s accepted the last document that was missing", who=said.get("who", "–")),
    Notice.SNOOZE_OVER: lambda said: _("The snoozed ticket came back"),
    Notice.TIME_BUDGET: lambda said: _("%(percent)s %% of the month’s time budget of %(name)s is used", percent=said.get("now", "–"), name=said["was"]) if said.get("was") else _("%(percent)s %% of the time budget is used", percent=said.get("now", "–")),
    Notice.TIMER_STOPPED: lambda said: _("Your timer ran too long and was stopped"),
    Notice.SUPPLIER_ANSWERED: lambda said: _("%(who)s answered for a supplier", who=said.get("who", "–")),
    Notice.ADDED: lambda said: _("%(who)s added you to a ticket", who=said.get("who", "–")),
    Notice.COLLEAGUE_REPLIED: lambda said: _("%(who)s answered the customer", who=said.get("who", "–")),
    Notice.NOTED: lambda said: _("%(who)s wrote an internal note", who=said.get("who", "–")),
    Notice.STATUS_CHANGED: lambda said: _("%(who)s changed the status from %(was)s to %(now)s", who=said.get("who", "–"), was=shown(said.get("was", "–")), now=shown(said.get("now", "–"))),
    Notice.RATED: lambda said: _("%(who)s rated your ticket: %(now)s", who=said.get("who", "–"), now=scores.spoken(said.get("now"))),
    Notice.BAD_RATING: lambda said: _("%(who)s rated a ticket: %(now)s", who=said.get("who", "–"), now=scores.spoken(said.get("now"))),
    Notice.SURGE: lambda said: _("%(many)s similar tickets came in within a short time", many=said.get("now", "–")),
    Notice.RULE: lambda said: _("%(text)s (rule “%(name)s”)", text=said.get("text", "–"), name=said.get("who", "–")),
    Notice.RULE_STOPPED: lambda said: _("The rule “%(name)s” ran away and was switched off", name=said.get("who", "–")),
    Notice.TASK_ASSIGNED: lambda said: _("%(who)s gave you a task", who=said.get("who", "–")),
    Notice.TASK_DUE: lambda said: DUE_WORDS[said.get("near", "overdue")](),
    Notice.MAIL_FAILED: lambda said: _("The answer to %(who)s did not arrive", who=said.get("who", "–")),
    Notice.MAIL_GAVE_UP: lambda said: _("A mail to %(who)s did not leave in three days and is not tried any more", who=said.get("who", "–")),
    Notice.MAIL_UNTRUSTED: lambda said: _("No mail leaves the desk: the mail server’s encryption is missing or cannot be trusted"),
}  # fmt: skip


JOINED = {
    Notice.CUSTOMER_REPLIED: lambda n: ngettext("%(num)d new reply", "%(num)d new replies", n),
    Notice.PRIORITY_CHANGED: lambda n: ngettext("The priority changed %(num)d time", "The priority changed %(num)d times", n),
    Notice.MENTION: lambda n: ngettext("You were mentioned %(num)d time", "You were mentioned %(num)d times", n),
    Notice.ASSIGNED: lambda n: ngettext("You were given this ticket %(num)d time", "You were given this ticket %(num)d times", n),
    Notice.SLA_BREACH: lambda n: ngettext("%(num)d promise is late", "%(num)d promises are late", n),
    Notice.COLLEAGUE_REPLIED: lambda n: ngettext("%(num)d answer of a colleague", "%(num)d answers of colleagues", n),
    Notice.NOTED: lambda n: ngettext("%(num)d new internal note", "%(num)d new internal notes", n),
    Notice.STATUS_CHANGED: lambda n: ngettext("The status changed %(num)d time", "The status changed %(num)d times", n),
    Notice.MAIL_FAILED: lambda n: ngettext("%(num)d mail did not arrive", "%(num)d mails did not arrive", n),
}  # fmt: skip
"""Several on one ticket within an hour are one line."""


class NoticePreference(Base):
    """Where one person wants to be told of one thing; without a row the desk's default holds."""

    __tablename__ = "notice_preference"

    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Notice] = mapped_column(primary_key=True)
    app: Mapped[bool] = mapped_column(default=True)
    mail: Mapped[bool] = mapped_column(default=True)
    """At once."""
    digest: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Together with others, when their digest comes."""


class Reach(enum.StrEnum):
    """Of which tickets somebody wants to hear."""

    MINE = "mine"
    """Those they have, and what is said to them."""
    USUAL = "usual"
    """Also those of nobody in their departments, and what they watch over by their role."""
    DEPARTMENTS = "departments"
    """Also those of others in their departments."""


class Rhythm(enum.StrEnum):
    """Of the joint mail."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class NoticePlan(Base):
    """How and when one person is told; without a row as the defaults here say. Times are minutes of a day in their time zone."""

    __tablename__ = "notice_plan"

    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    reach: Mapped[Reach] = mapped_column(default=Reach.USUAL)
    follows: Mapped[bool] = mapped_column(default=True)
    """They hear of tickets they follow."""
    rhythm: Mapped[Rhythm] = mapped_column(default=Rhythm.DAILY)
    digest_minute: Mapped[int] = mapped_column(default=8 * 60)
    digest_weekday: Mapped[int] = mapped_column(default=0)
    """Of the weekly digest; Monday is 0."""
    quiet_days: Mapped[str] = mapped_column(default="")
    """Digits: the days on whose evening (`quiet_from`) a quiet time begins, Monday is 0."""
    quiet_from: Mapped[int] = mapped_column(default=18 * 60)
    quiet_to: Mapped[int] = mapped_column(default=8 * 60)
    """Not after `quiet_from`: on the day after."""
    quiet_whole_days: Mapped[str] = mapped_column(default="")
    """Likewise: days that are quiet from midnight to midnight."""
    urgent_passes: Mapped[bool] = mapped_column(default=True)
    """Breaches and mentions are mailed all the same."""
    undisturbed_until: Mapped[dt.datetime | None]
    """No mail before; like a quiet time, once."""


class Way(enum.StrEnum):
    FOLLOW = "follow"
    MUTE = "mute"


class TicketWatch(Base):
    """Somebody wants to hear of a ticket that is not theirs, or no more of one that is."""

    __tablename__ = "ticket_watch"

    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True)
    way: Mapped[Way]
