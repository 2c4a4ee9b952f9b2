"""Macros that the demo's team shares."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.extensions import db
from app.tickets.choices import Priority
from app.tickets.lists import Audience
from app.tickets.macros import Macro


def make() -> None:
    """Of the supervisor, for everyone."""
    owner = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    urgent = db.session.scalars(select(Priority).order_by(Priority.rank.desc())).first()
    assert urgent is not None
    steps: dict[str, list[dict[str, str]]] = {
        _("Ask for a screenshot"): [
            {"do": "reply", "text": _("Dear {{customer_name}},\n\ncould you send us a screenshot of what you see? Then we can look at it right away.\n\nBest regards\n{{agent_name}}"), "how": "draft"},
            {"do": "follow_up", "days": "3"},
        ],
        _("Escalate"): [
            {"do": "priority", "choice": str(urgent.id)}, {"do": "tag", "text": _("escalated")},
            {"do": "note", "text": _("Escalated by {{agent_name}}: please look at it first.")}, {"do": "task", "text": _("Ring {{customer_name}}"), "days": "1"},
        ],
        _("Take it and look tomorrow"): [{"do": "assign", "choice": "me"}, {"do": "snooze", "days": "1"}],
    }  # fmt: skip
    for position, (name, actions) in enumerate(steps.items()):
        db.session.add(
            Macro(name=name, owner_id=owner.id, audience=Audience.EVERYONE, actions=actions, position=position)
        )
