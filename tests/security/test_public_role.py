"""Who is nobody has no right, whatever a role says, and the roles of a new desk are those of the table."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.accounts.roles import ROLES
from app.core.extensions import db
from tests.security import sweep

OPEN = (
    "/", "/back", "/forgotten/", "/healthz", "/help/", "/help/all", "/login/", "/metrics", "/portal/contact", "/portal/login", "/portal/password", "/api/v1/openapi.json", "/readyz",
)  # fmt: skip
"""Addresses without a variable that answer a visitor otherwise than with a sign-in page."""


def rights_of(role: Role) -> set[tuple[str, str]]:
    return {(right.permission.name, right.view_menu.name) for right in role.permissions}


def test_the_public_role_of_a_new_desk_holds_no_right(app: Flask) -> None:
    public = db.session.scalars(select(Role).where(Role.name == app.config["AUTH_ROLE_PUBLIC"])).one()

    assert rights_of(public) == set()


def test_a_right_that_slips_into_the_public_role_opens_nothing(app: Flask, client: FlaskClient) -> None:
    public = db.session.scalars(select(Role).where(Role.name == app.config["AUTH_ROLE_PUBLIC"])).one()
    strongest = db.session.scalars(select(Role).where(Role.name == app.config["AUTH_ROLE_ADMIN"])).one()
    public.permissions = list(strongest.permissions)
    db.session.commit()
    try:
        for path in ("/admin/tickets/", "/admin/staff/list/", "/admin/settings/general", "/admin/tickets/export.csv"):
            assert "/login" in client.get(path).headers["Location"], path
    finally:
        public.permissions = []
        db.session.commit()


def test_a_visitor_is_answered_by_these_addresses_alone(app: Flask) -> None:
    answered = {
        visit.path
        for visit in sweep.of(app).visits
        if visit.who is sweep.Who.ANONYMOUS and visit.whose == "-" and visit.outcome not in ("in", "401", "404")
    }

    assert answered <= set(OPEN)


@pytest.mark.parametrize("name", ROLES)
def test_each_role_holds_just_the_rights_of_its_row(app: Flask, name: str) -> None:
    role = db.session.scalars(select(Role).where(Role.name == name)).one()
    rights = {(right, view) for right, view in rights_of(role) if right != "menu_access"}

    assert rights <= {(f"can_{verb}", view) for view, verbs in ROLES[name].rights.items() for verb in verbs}
