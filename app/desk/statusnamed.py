"""What names a status besides tickets: rules, macros, views, settings, other statuses, allowed steps, replies that leave later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, or_, select

from app.accounts.steps import StatusStep
from app.accounts.viewer import Viewer
from app.automation.conditions import leaves
from app.automation.models import Rule
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import Status
from app.tickets.drafts import Draft
from app.tickets.lists import SavedView
from app.tickets.macros import Macro


class Named(NamedTuple):
    """One place that names the status; without an address where it is none of the reader's."""

    kind: str
    name: str
    address: str = ""


def named(status: Status, viewer: Viewer) -> list[Named]:
    found = [*_rules(status), *_macros(status, viewer), *_views(status, viewer), *_settings(status), *_statuses(status)]
    return [*found, *_steps(status), *_replies(status)]


def _rules(status: Status) -> Iterator[Named]:
    for rule in db.session.scalars(select(Rule).order_by(Rule.position, Rule.id)):
        if _acts(rule.actions, status) or _asks(rule.condition, status):
            yield Named(_("Rule"), rule.name, f"/admin/rules/{rule.id}")


def _macros(status: Status, viewer: Viewer) -> Iterator[Named]:
    found = [macro for macro in db.session.scalars(select(Macro).order_by(Macro.name)) if _acts(macro.actions, status)]
    theirs = [macro for macro in found if macro.may_be_changed_by(viewer)]
    yield from (Named(_("Macro"), macro.name, f"/admin/macros/{macro.id}") for macro in theirs)
    if others := len(found) - len(theirs):
        yield Named(_("Macro"), ngettext("%(num)d of a colleague’s own", "%(num)d of colleagues’ own", others))


def _views(status: Status, viewer: Viewer) -> Iterator[Named]:
    views = db.session.scalars(select(SavedView).where(SavedView.query.contains("status=")).order_by(SavedView.name))
    found = [view for view in views if str(status.id) in parse_qs(view.query.lstrip("?")).get("status", ())]
    theirs = [view for view in found if view.may_be_changed_by(viewer)]
    yield from (Named(_("Saved view"), view.name, f"/admin/views/{view.id}") for view in theirs)
    if others := len(found) - len(theirs):
        yield Named(_("Saved view"), ngettext("%(num)d of a colleague’s own", "%(num)d of colleagues’ own", others))


def _settings(status: Status) -> Iterator[Named]:
    now = desk.current()
    for field in desk.fields():
        value = getattr(now, field.name)
        one = field.metadata.get("rows") == "status" and value == status.id
        among = field.name == "satisfaction_statuses" and str(status.id) in value.split(",")
        if one or among:
            yield Named(_("Setting"), str(field.metadata["label"]), f"/admin/settings/{field.metadata['section']}")


def _statuses(status: Status) -> Iterator[Named]:
    names = or_(Status.after_customer_reply_id == status.id, Status.after_assignment_id == status.id)
    for other in db.session.scalars(select(Status).where(names, Status.id != status.id).order_by(Status.position)):
        yield Named(_("Status"), str(other), f"/admin/statuses/edit/{other.id}")


def _steps(status: Status) -> Iterator[Named]:
    bound = select(StatusStep.role_id).where(or_(StatusStep.from_id == status.id, StatusStep.to_id == status.id))
    for role in db.session.scalars(select(Role).where(Role.id.in_(bound)).order_by(Role.name)):
        yield Named(_("Who may change what"), role.name, f"/admin/statuses/steps/?role={role.id}")


def _replies(status: Status) -> Iterator[Named]:
    waits = select(func.count(Draft.id)).where(Draft.then == f"status:{status.id}", Draft.spent_at.is_(None))
    if many := db.session.scalar(waits.where(Draft.leaves_at.is_not(None))):
        yield Named(_("Reply that leaves later"), ngettext("%(num)d reply", "%(num)d replies", many))


def _acts(actions: list[dict[str, str]], status: Status) -> bool:
    return any(step.get("do") == "status" and str(step.get("choice")) == str(status.id) for step in actions)


def _asks(condition: Mapping[str, Any], status: Status) -> bool:
    return any(leaf.field == "status" and str(status.id) in leaf.value for leaf in leaves(condition))
