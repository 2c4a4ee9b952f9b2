"""The admin's own pages: settings, background jobs, mail log."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.core import audit
from app.desk.audited import AUDITED
from app.desk.auditlog import AuditView
from app.desk.background import JobView
from app.desk.bannedadmin import BannedSenderView
from app.desk.calendaradmin import CalendarView
from app.desk.mailboxes import MailboxView
from app.desk.mailfilters import MailFilterView
from app.desk.maillog import MailLogView
from app.desk.mailsigning import MailSigningView
from app.desk.mailtexts import MailTextView
from app.desk.quarantine import QuarantineView
from app.desk.settings import SettingsView
from app.desk.stepadmin import StatusStepView

SYSTEM = {"category": "System", "category_label": _l("System"), "category_icon": "fa-server"}


def register(appbuilder: AppBuilder) -> None:
    audit.watch(AUDITED)
    appbuilder.add_view(
        SettingsView,
        "General settings",
        label=_l("General"),
        category="Settings",
        category_label=_l("Settings"),
        category_icon="fa-gear",
    )
    appbuilder.add_view(StatusStepView, "Who may change what", label=_l("Who may change what"), category="Settings")
    appbuilder.add_view(CalendarView, "Calendars", label=_l("Calendars"), category="Settings")
    appbuilder.add_view(MailboxView, "Mailboxes", label=_l("Mailboxes"), category="Settings")
    appbuilder.add_view(MailTextView, "Mail templates", label=_l("Mail templates"), category="Settings")
    appbuilder.add_view(MailFilterView, "Mail filters", label=_l("Mail filters"), category="Settings")
    appbuilder.add_view(BannedSenderView, "Banned senders", label=_l("Banned senders"), category="Settings")
    appbuilder.add_view(MailSigningView, "Mail signing", label=_l("Mail signing"), category="Settings")
    appbuilder.add_view(JobView, "Background jobs", label=_l("Background jobs"), **SYSTEM)
    appbuilder.add_view(MailLogView, "Mail log", label=_l("Mail log"), **SYSTEM)
    appbuilder.add_view(QuarantineView, "Quarantine", label=_l("Quarantine"), **SYSTEM)
    appbuilder.add_view(AuditView, "Audit log", label=_l("Audit log"), **SYSTEM)
