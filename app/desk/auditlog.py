"""The page "Audit log": who changed what about the desk, read only for everybody."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.audit import Audit, What
from app.core.fab import DeskInterface, DeskView

WORDS = {
    What.ADDED: _l("Added"), What.CHANGED: _l("Changed"), What.DELETED: _l("Deleted"), What.SIGNED_IN: _l("Signed in"),
    What.SIGN_IN_REFUSED: _l("Sign-in refused"), What.SIGNED_OUT: _l("Signed out"), What.PASSWORD_CHANGED: _l("Password changed"),
    What.RESET_ASKED: _l("New password asked for"), What.INVITED: _l("Invited"), What.SECOND_FACTOR_ON: _l("Second factor set up"),
    What.SECOND_FACTOR_OFF: _l("Second factor removed"), What.SECOND_FACTOR_REFUSED: _l("Second factor refused"),
    What.SESSIONS_ENDED: _l("Sessions ended"), What.KEY_MADE: _l("API key made"), What.KEY_REVOKED: _l("API key revoked"),
    What.TICKET_DELETED: _l("Ticket deleted"), What.TASK_DELETED: _l("Task deleted"), What.EXPORTED: _l("Exported"), What.ERASED: _l("Customer erased"), What.RESENT: _l("Mail sent again"),
    What.LAB_DELIVERED: _l("Mail delivered in the mail lab"), What.LAB_SERVER: _l("Mail server played"),
    What.RETRIED: _l("Job tried again"), What.MAIL_READ_AGAIN: _l("Mail read again"), What.MAIL_MADE_TICKET: _l("Mail made a ticket"), What.MAIL_DELETED: _l("Mail deleted"), What.LINK_LOOKED_AT: _l("Looked at a one-time link"), What.SET_UP: _l("Brought up to date"),
    What.BACKED_UP: _l("Backup made"), What.RESTORED: _l("Restored from a backup"),
}  # fmt: skip
SOURCES = {"web": _l("Pages"), "api": _l("API"), "job": _l("Background job"), "cli": _l("Command line")}
OBJECTS = {
    "ab_user": _l("Staff"), "ab_role": _l("Role"), "api_key": _l("API key"), "article": _l("Article"), "canned_response": _l("Canned response"),
    "category": _l("Category"), "customer": _l("Customer"), "department": _l("Department"), "email_template": _l("Mail template"),
    "organization": _l("Organization"), "priority": _l("Priority"), "role_scope": _l("Scope of a role"), "setting": _l("Setting"),
    "sla_policy": _l("SLA policy"), "sla_target": _l("SLA target"), "staff_profile": _l("Staff"), "status": _l("Status"), "tag": _l("Tag"),
    "ticket": _l("Ticket"), "delivery": _l("Mail"), "outbox": _l("Job"), "raw_mail": _l("Incoming mail"),
}  # fmt: skip


def told(what: str) -> str:
    return str(WORDS[What(what)]) if what in WORDS else what


def kind(table: str) -> str:
    return str(OBJECTS.get(table, table)) or "–"


def who(name: str) -> str:
    """A customer is told by the id alone: their name would outlive their erasure."""
    kind_of, _blank, key = name.partition(" ")
    return str(_("Customer %(id)s", id=key)) if kind_of == "customer" and key.isdecimal() else name


def changes(values: dict[str, Any]) -> str:
    """`field: before → after`, one after the other."""
    return "; ".join(f"{name}: {_change(value)}" for name, value in values.items()) or "–"


def _change(value: Any) -> str:
    if isinstance(value, dict):
        signs = (("+", value.get("added") or ()), ("−", value.get("removed") or ()))
        return " ".join(f"{sign}{name}" for sign, names in signs for name in names)
    if isinstance(value, list):
        return " → ".join("–" if one in (None, "") else str(one) for one in value)
    if value is None:
        return "–"
    return str(_("changed")) if value == "changed" else str(value)


class AuditView(DeskView):
    """No right to add, edit or delete exists: not for a Super Admin either."""

    datamodel = DeskInterface(Audit)
    route_base = "/admin/audit"
    class_permission_name = "Audit"
    base_permissions = ["can_list", "can_show"]
    list_title, show_title = _l("Audit log"), _l("Audit log")
    list_columns = ["at", "actor", "what", "object_kind", "named", "changed", "source"]
    show_columns = ["at", "actor", "what", "object_kind", "named", "changed", "source", "request_id"]
    search_columns = ["actor_name", "what", "object_kind", "object_name", "source", "request_id"]
    order_columns = ["at"]
    base_order = ("id", "desc")
    label_columns = {
        "at": _l("When"), "actor": _l("Who"), "actor_name": _l("Who"), "what": _l("What"), "object_kind": _l("About"), "named": _l("Name"),
        "object_name": _l("Name then"), "changed": _l("Changes"), "source": _l("Through"), "request_id": _l("Request"),
    }  # fmt: skip
    formatters_columns = {
        "actor": who,
        "object_kind": kind,
        "what": told,
        "changed": changes,
        "source": lambda source: SOURCES.get(source, source),
    }
