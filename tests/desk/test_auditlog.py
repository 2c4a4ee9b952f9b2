"""Whatever an admin changes by any page is in the audit log, and nobody changes that."""

from __future__ import annotations

import json

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from app.core import audit
from app.core.audit import Audit
from app.core.extensions import db
from app.core.fab import DeskView
from app.desk.audited import AUDITED
from app.settings import desk
from app.tickets.choices import Category
from tests.factories import a_category, a_customer, a_super_admin, a_ticket, acting, an_admin, an_agent, sign_in

UNWATCHED = {"audit"}
"""The log itself."""
SEEN_ELSEWHERE = {"ticket": "its timeline says who did what"}


def lines(**wanted: object) -> list[Audit]:
    return list(db.session.scalars(select(Audit).filter_by(**wanted).order_by(Audit.id)))


def test_every_table_with_a_generated_page_that_writes_is_watched(app):
    pages = [view for view in app.appbuilder.baseviews if isinstance(view, DeskView)]
    written = {
        view.datamodel.obj
        for view in pages
        if {"can_add", "can_edit", "can_delete"} & set(view.base_permissions or ("can_add",))
    }
    unwatched = {model.__tablename__ for model in written if model not in AUDITED} - UNWATCHED - set(SEEN_ELSEWHERE)

    assert unwatched == set(), "say in app/desk/audited.py how its changes are told"


def test_adding_changing_and_deleting_a_row_by_its_page_is_told_with_who_and_what(app, client):
    admin = an_admin(name="kim")
    sign_in(client, admin)

    client.post("/admin/categories/add", data={"name": "Plumbing", "position": "3", "active": "y"})
    category = db.session.scalars(select(Category).where(Category.name == "Plumbing")).one()
    client.post(f"/admin/categories/edit/{category.id}", data={"name": "Pipes", "position": "3", "active": "y"})
    client.post(f"/admin/categories/delete/{category.id}")

    told = lines(object_kind="category", source="web")
    assert [(line.what, line.actor_name, line.object_name) for line in told] == [
        ("added", "kim", "Plumbing"),
        ("changed", "kim", "Pipes"),
        ("deleted", "kim", "Pipes"),
    ]
    assert told[1].changed["name"] == ["Plumbing", "Pipes"]
    assert all(line.request_id for line in told)


def test_a_change_that_was_refused_is_not_told(app, client):
    a_category("Plumbing")
    sign_in(client, an_admin())
    before = len(lines())

    client.post("/admin/categories/add", data={"name": "Plumbing", "position": "3", "active": "y"})

    assert len(lines()) == before


def test_a_setting_is_told_with_its_value_before_and_after(app, client):
    sign_in(client, an_admin(name="kim"))

    fields = {field.name: getattr(desk.current(), field.name) for field in desk.fields("assignment")}
    typed = {name: str(value) for name, value in fields.items() if not isinstance(value, bool)}
    client.post(
        "/admin/settings/assignment", data={**typed, "assignment_method": "round_robin", "default_capacity": "7"}
    )

    told = {line.object_id: line for line in lines(object_kind="setting", actor_name="kim")}
    assert {"assignment_method", "default_capacity"} <= set(told)


def test_a_role_tells_which_rights_came_and_went(app, client):
    sign_in(client, a_super_admin(name="boss"))
    role = db.session.scalars(select(Role).where(Role.name == "Developer")).one()
    kept = [str(right.id) for right in role.permissions[1:]]
    gone = str(role.permissions[0])
    whole = list(role.permissions)

    client.post(f"/admin/roles/edit/{role.id}", data={"name": "Developer", "permissions": kept})

    line = lines(object_kind="ab_role", what="changed")[-1]
    assert line.changed["permissions"] == {"added": [], "removed": [gone]}
    db.session.get_one(Role, role.id).permissions = whole
    db.session.commit()


def test_no_line_holds_a_password_a_hash_or_a_key(app, client):
    admin = an_admin(name="kim")
    sign_in(client, admin)
    person = an_agent(name="lee")
    db.session.commit()
    client.post("/admin/api-keys/add", data={"name": "Website", "user": str(admin.id), "scope_list": ["tickets:read"]})
    user = db.session.get_one(User, person.id)
    user.password = "canary-hash"
    db.session.commit()

    assert lines(object_kind="api_key", what="added")[0].object_name.startswith("Website")
    assert lines(object_kind="ab_user", what="changed")[-1].changed == {"password": "changed"}
    written = json.dumps([[line.object_name, line.changed] for line in lines()])
    assert "canary" not in written and "pbkdf2" not in written


def test_a_customers_name_and_address_are_never_told(app, client):
    """The log outlives their erasure."""
    customer = a_customer("Canary Person", email="canary@customer.test")
    sign_in(client, an_admin(name="kim"))

    client.post(f"/admin/customers/edit/{customer.id}", data={"name": "Canary Else", "email": "canary2@customer.test", "active": "y"})  # fmt: skip

    line = lines(object_kind="customer", what="changed")[-1]
    assert (line.object_id, line.actor_name, line.changed["name"]) == (str(customer.id), "kim", "changed")
    assert "anary" not in json.dumps([[one.object_name, one.changed, one.actor_name] for one in lines()])


def test_an_export_and_a_deleted_ticket_are_told(app, client):
    from app.desk import erasing

    boss = a_super_admin(name="boss")
    ticket = a_ticket()
    sign_in(client, boss)
    number = ticket.number

    assert client.get("/admin/tickets/export.csv").status_code == 200
    erasing.delete_ticket(ticket, acting(boss))

    assert lines(what="exported")[0].actor_name == "boss"
    assert (lines(what="ticket_deleted")[0].object_name, lines(what="ticket_deleted")[0].actor_name) == (str(number), "boss")  # fmt: skip


def test_the_page_shows_the_lines_and_offers_no_way_to_change_one(app, client):
    boss = a_super_admin(name="boss")
    sign_in(client, boss)
    client.post("/admin/categories/add", data={"name": "<b>Plumbing</b>", "position": "3", "active": "y"})
    line = lines(object_kind="category")[0]

    page = client.get("/admin/audit/list/").text

    assert "&lt;b&gt;Plumbing" in page and "boss" in page
    assert "/admin/audit/edit" not in page and "/admin/audit/delete" not in page
    for address in (f"/admin/audit/edit/{line.id}", f"/admin/audit/delete/{line.id}", "/admin/audit/add"):
        assert client.post(address, data={"actor_name": "nobody"}).status_code in (302, 403, 404, 405)
    assert lines(id=line.id)[0].actor_name == "boss"
    assert client.get(f"/admin/audit/show/{line.id}").status_code == 200
    assert client.get("/admin/audit/list/?_flt_0_what=added&_flt_0_actor_name=boss").status_code == 200


@pytest.mark.parametrize("role", ["Support Agent", "Supervisor"])
def test_only_admins_read_it(app, client, role):
    from tests.factories import staff

    sign_in(client, staff(role))

    assert client.get("/admin/audit/list/").status_code in (302, 403)


def test_the_command_names_the_first_line_that_was_changed(app):
    for name in ("one", "two", "three"):
        a_category(name)
        db.session.commit()
    runner = app.test_cli_runner()
    assert runner.invoke(args=["desk", "audit", "check"]).exit_code == 0
    victim = lines()[1].id
    db.session.rollback()
    from sqlalchemy import text

    with db.engine.begin() as connection, audit.unguarded(connection):
        connection.execute(text("UPDATE audit SET object_name = 'x' WHERE id = :id"), {"id": victim})

    found = runner.invoke(args=["desk", "audit", "check"])

    assert found.exit_code == 1
    assert f"line {victim} is not as it was written" in found.stdout
