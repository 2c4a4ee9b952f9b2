"""Shipped roles after an upgrade: what a new version brings reaches them, what an admin took away stays away."""

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.accounts.viewer import viewer
from app.core.extensions import db
from app.desk import setup
from tests.factories import a_super_admin, sign_in, staff


@pytest.fixture(autouse=True)
def rights_put_back(app):
    """Roles outlive a test: tests of all the suite share them."""
    before = {role.name: rights_of(role.name) for role in db.session.scalars(select(Role))}
    yield
    setup.set_up_rights()
    for role in db.session.scalars(select(Role)):
        role.permissions = [row_of(*pair) for pair in sorted(before[role.name])]
    db.session.commit()


def rights_of(name):
    role = db.session.scalars(select(Role).where(Role.name == name)).one()
    return {(one.permission.name, one.view_menu.name) for one in role.permissions}


def row_of(permission, view):
    found = select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
    return db.session.scalars(found.where(Permission.name == permission, ViewMenu.name == view)).one()


def test_a_page_that_a_new_version_brings_opens_for_the_roles_a_fresh_desk_would_give_it(app):
    brought = row_of("can_list", "Audit")
    for role in db.session.scalars(select(Role)):
        role.permissions = [one for one in role.permissions if one is not brought]
    db.session.flush()
    db.session.delete(brought)
    db.session.commit()

    setup.set_up_rights()

    assert ("can_list", "Audit") in rights_of("Admin") & rights_of("Super Admin")
    assert ("can_list", "Audit") not in rights_of("Supervisor") | rights_of("Developer")


def test_what_an_admin_took_from_a_role_stays_taken_at_the_next_start(app):
    admin = db.session.scalars(select(Role).where(Role.name == "Admin")).one()
    admin.permissions = [one for one in admin.permissions if one is not row_of("can_delete", "Category")]
    db.session.commit()

    setup.set_up_rights()
    setup.seed()

    assert ("can_delete", "Category") not in rights_of("Admin")
    assert ("can_delete", "Category") in rights_of("Super Admin")


@pytest.mark.parametrize("typed", ["abc", "1 x", "1;2", "-1", "²", "9" * 30])
def test_a_scope_whose_categories_are_no_ids_is_refused_and_locks_nobody_out(app, client, typed):
    developer, strongest = staff("Developer"), a_super_admin()
    sign_in(client, strongest)
    role = developer.roles[0].id

    answer = client.post(f"/admin/role-scopes/edit/{role}", data={"scope": "categories", "categories": typed})

    assert "Please choose again." in answer.text
    sign_in(client, developer)
    assert client.get("/admin/tickets/").status_code == 200


def test_commas_between_the_categories_of_a_scope_are_fine(app, client):
    developer, strongest = staff("Developer"), a_super_admin()
    sign_in(client, strongest)
    role = developer.roles[0].id

    client.post(f"/admin/role-scopes/edit/{role}", data={"scope": "categories", "categories": "3, 4,5"})

    assert viewer(developer.id).categories == {3, 4, 5}
