"""Whose rows' changes the audit log notes, and what of them it does not tell."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import Role, User

from app.accounts.absences import Absence
from app.accounts.customernotes import CustomerNote
from app.accounts.environments import Environment
from app.accounts.models import ApiKey, Customer, Department, Organization, RoleScope, StaffProfile
from app.accounts.skills import Skill
from app.assignment.models import Pool
from app.automation.models import Rule
from app.core.audit import Watched
from app.hours.models import Calendar, CalendarDate
from app.kb.models import Article
from app.mail.banned import BannedSender
from app.mail.boxes import Mailbox
from app.mail.filters import MailFilter
from app.mail.models import EmailTemplate, SigningKey
from app.settings.models import Setting
from app.sla.models import SlaPolicy, SlaTarget
from app.tickets.choices import CannedResponse, Category, Priority, Status, Tag
from app.tickets.fieldmodels import CustomField
from app.tickets.models import LinkType
from app.tickets.supplied import Supplier, SupplierContact
from app.tickets.timeentries import ActivityType

BY_ITSELF = frozenset({"last_login", "login_count", "fail_login_count", "changed_on", "created_on", "changed_by_fk", "created_by_fk"})  # fmt: skip

AUDITED: dict[type, Watched] = {
    Absence: Watched(quiet=frozenset({"begun_at", "created_at"})),
    ActivityType: Watched(),
    ApiKey: Watched(secret=frozenset({"key_hash"}), quiet=frozenset({"last_used_at"})),
    Article: Watched(quiet=frozenset({"html", "updated_at"})),
    BannedSender: Watched(),
    Calendar: Watched(quiet=frozenset({"version"})),
    CalendarDate: Watched(),
    CannedResponse: Watched(quiet=frozenset({"uses"}), owner="owner_id"),
    Category: Watched(),
    CustomField: Watched(),
    Environment: Watched(),
    Supplier: Watched(secret=frozenset({"notes"})),
    SupplierContact: Watched(quiet=frozenset({"email_key", "position"})),
    CustomerNote: Watched(personal=True),
    Customer: Watched(personal=True, quiet=frozenset({"email_key", "name_key"})),
    Department: Watched(),
    EmailTemplate: Watched(quiet=frozenset({"changed_at", "changed_by"})),
    LinkType: Watched(),
    MailFilter: Watched(),
    Mailbox: Watched(
        secret=frozenset({"secret", "client_secret", "tokens", "hook_secret"}),
        quiet=frozenset(
            {
                "validity",
                "next_uid",
                "fresh_from",
                "failures",
                "error",
                "error_at",
                "reached_at",
                "due_at",
                "lease_until",
            }
        ),
    ),
    Rule: Watched(quiet=frozenset({"version", "updated_at", "position"})),
    Organization: Watched(secret=frozenset({"notes"}), quiet=frozenset({"customers", "budget_told"})),
    Pool: Watched(),
    Priority: Watched(),
    Role: Watched(quiet=frozenset({"user"})),
    RoleScope: Watched(),
    Setting: Watched(quiet=frozenset({"changed_at", "changed_by"})),
    SigningKey: Watched(secret=frozenset({"sealed"}), quiet=frozenset({"found_at", "public"})),
    SlaPolicy: Watched(),
    SlaTarget: Watched(),
    Skill: Watched(),
    StaffProfile: Watched(
        quiet=frozenset({"generation", "last_assigned_at", "availability", "away_until", "away_reason"})
    ),
    Status: Watched(),
    Tag: Watched(),
    User: Watched(secret=frozenset({"password"}), quiet=BY_ITSELF),
}
"""A table with a generated page and no line here fails tests/desk/test_auditlog.py."""
