"""The page "Who may change what": for each role the changes of status its people may make by hand, as a table of boxes."""

from __future__ import annotations

import dataclasses as dc
import re
from functools import cached_property
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.extensions import db
from app.desk.listing import is_id
from app.tickets import steps
from app.tickets.choices import Status
from app.tickets.steps import DeadEnds, Pair

HERE = "/admin/statuses/steps/"
PAIR = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


@dc.dataclass(frozen=True)
class Steps:
    """What the page shows: the roles, and of the chosen one its table."""

    role: Role
    roles: list[Role]
    typed: frozenset[Pair] | None = None
    """What was ticked and refused."""
    errors: dict[str, str] = dc.field(default_factory=dict)

    @cached_property
    def statuses(self) -> list[Status]:
        return steps.statuses()

    @property
    def targets(self) -> list[Status]:
        return [status for status in self.statuses if status.active]

    @cached_property
    def offered(self) -> frozenset[Pair]:
        return steps.pairs(self.statuses)

    @cached_property
    def chosen(self) -> dict[int, frozenset[Pair]]:
        return {role_id: found & self.offered for role_id, found in steps.chosen().items()}

    def allowed(self, role: Role) -> frozenset[Pair]:
        return self.chosen.get(role.id, self.offered)

    def bound(self, role: Role) -> bool:
        return role.id in self.chosen

    @property
    def ticked(self) -> frozenset[Pair]:
        return self.allowed(self.role) if self.typed is None else self.typed

    @property
    def dead_ends(self) -> DeadEnds:
        """Of this role."""
        return steps.dead_ends(self.allowed(self.role), self.statuses)

    @property
    def nobodys(self) -> DeadEnds:
        """Of all roles together: nobody on the desk has a way."""
        return steps.dead_ends(frozenset().union(*map(self.allowed, self.roles)), self.statuses)


class StatusStepView(BaseView):
    route_base = "/admin/statuses/steps"
    class_permission_name = "StatusStep"
    base_permissions = ["can_list", "can_edit"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        """Of the role in the address, else the first one that is bound."""
        word = request.args.get("role", "")
        return self._page(_asked(int(word) if is_id(word) else None))

    @expose("/<int:role_id>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, role_id: int) -> Any:
        asked = _asked(role_id)
        ticked = frozenset(_pairs(request.form.getlist("step")))
        try:
            steps.allow(asked.role, ticked)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(dc.replace(_asked(role_id), typed=ticked, errors=refusal.fields)), refusal.code
        return _saved(role_id)

    @expose("/<int:role_id>/all", methods=["POST"])
    @has_access
    @permission_name("edit")
    def allow_all(self, role_id: int) -> Any:
        steps.allow_all(_asked(role_id).role)
        db.session.commit()
        return _saved(role_id)

    def _page(self, asked: Steps) -> Any:
        return self.render_template(
            "desk/statussteps.html", title=_("Who may change what"), asked=asked, may_edit=g.user.can("edit", "StatusStep")
        )  # fmt: skip


def _asked(role_id: int | None) -> Steps:
    """Raises 404 for a role that changes no status."""
    roles = steps.bound_roles()
    if not roles:
        abort(404)
    bound = steps.chosen()
    first = next((role for role in roles if role.id in bound), roles[0])
    role = first if role_id is None else next((one for one in roles if one.id == role_id), None)
    return Steps(role or abort(404), roles)


def _pairs(words: list[str]) -> list[Pair]:
    """What is no step of this page is none of its boxes, and counts as not ticked."""
    return [(int(found[1]), int(found[2])) for found in map(PAIR.fullmatch, words) if found]


def _saved(role_id: int) -> Any:
    flash(_("Saved."), "success")
    return redirect(f"{HERE}?role={role_id}", code=303)
