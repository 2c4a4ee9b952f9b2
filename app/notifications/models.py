"""What a staff user was told in the app, and what they want to be told at all."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk
from app.core.shipped import shown
from app.tickets.models import Ticket

UNREAD = text("read_at IS NULL")


class Notice(enum.StrEnum):
    """What staff can be told of."""

    TICKET_CREATED = "ticket_created"
    ASSIGNED = "assigned"
    CUSTOMER_REPLIED = "customer_replied"
    PRIORITY_CHANGED = "priority_changed"
    MENTION = "mention"
    SLA_BREACH = "sla_breach"
    MAIL_FAILED = "mail_failed"
    MAIL_UNTRUSTED = "mail_untrusted"
    """Of no ticket, told to admins, and not to be switched off: it has no label."""
    REPLY_HELD = "reply_held"
    TASK_ASSIGNED = "task_assigned"
    TASK_DUE = "task_due"
    FOLLOW_UP = "follow_up"
    ACTION_REQUIRED = "action_required"
    SNOOZE_OVER = "snooze_over"
    DOCUMENTS_DONE = "documents_done"


LABELS = {
    Notice.TICKET_CREATED: _l("A new ticket came in"),
    Notice.ASSIGNED: _l("A ticket was assigned to me"),
    Notice.CUSTOMER_REPLIED: _l("A customer replied"),
    Notice.PRIORITY_CHANGED: _l("The priority of my ticket changed"),
    Notice.MENTION: _l("Somebody mentioned me"),
    Notice.SLA_BREACH: _l("A promised answer is late"),
    Notice.MAIL_FAILED: _l("An answer of ours did not reach the customer"),
    Notice.REPLY_HELD: _l("A reply of mine was held back"),
    Notice.TASK_ASSIGNED: _l("A task was given to me"),
    Notice.TASK_DUE: _l("A task of mine is due tomorrow, today, or overdue"),
    Notice.FOLLOW_UP: _l("A follow-up date has come"),
    Notice.ACTION_REQUIRED: _l("Action is required soon, or was"),
    Notice.SNOOZE_OVER: _l("A snoozed ticket came back"),
    Notice.DOCUMENTS_DONE: _l("All documents that were asked for are accepted"),
}
APP_ONLY = (Notice.MAIL_FAILED, Notice.REPLY_HELD, Notice.DOCUMENTS_DONE)
"""Never told by mail: where one mail fails, another may; and what was held is looked at in the desk."""


class Notification(Base):
    """One line behind the bell. `parts` are plain words that fill the sentence of its kind."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_staff", "staff_id", "id"),
        Index("ix_notification_unread", "staff_id", sqlite_where=UNREAD, postgresql_where=UNREAD),
        Index("ix_notification_ticket", "ticket_id"),
        Index("ix_notification_created", "created_at"),
    )

    id: Mapped[intpk]
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    kind: Mapped[Notice]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(BigId)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    read_at: Mapped[dt.datetime | None]

    ticket: Mapped[Ticket | None] = relationship(Ticket)

    @property
    def sentence(self) -> str:
        """What happened, in the reader's language."""
        return SENTENCES[self.kind](self.parts)

    @property
    def place(self) -> str:
        """Where there is more of it."""
        if self.task_id is not None:
            return f"/admin/tasks/{self.task_id}"
        return f"/admin/tickets/{self.ticket.number}" if self.ticket else "/admin/mail-log/?state=queued"


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
    Notice.SLA_BREACH: lambda said: _("The promised answer is late"),
    Notice.REPLY_HELD: lambda said: _("Your reply was held back: it waits for you as a draft"),
    Notice.FOLLOW_UP: lambda said: _("You wanted to look at this again"),
    Notice.ACTION_REQUIRED: lambda said: _("Action was required by now") if said.get("over") else _("Action is required within a day"),
    Notice.DOCUMENTS_DONE: lambda said: _("%(who)s accepted the last document that was missing", who=said.get("who", "–")),
    Notice.SNOOZE_OVER: lambda said: _("The snoozed ticket came back"),
    Notice.TASK_ASSIGNED: lambda said: _("%(who)s gave you a task", who=said.get("who", "–")),
    Notice.TASK_DUE: lambda said: DUE_WORDS[said.get("near", "overdue")](),
    Notice.MAIL_FAILED: lambda said: _("The answer to %(who)s did not arrive", who=said.get("who", "–")),
    Notice.MAIL_UNTRUSTED: lambda said: _("No mail leaves the desk: the mail server’s encryption is missing or cannot be trusted"),
}  # fmt: skip


class NoticePreference(Base):
    """Where one person wants to be told of one thing; without a row the desk's default holds."""

    __tablename__ = "notice_preference"

    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Notice] = mapped_column(primary_key=True)
    app: Mapped[bool] = mapped_column(default=True)
    mail: Mapped[bool] = mapped_column(default=True)
