"""The generated pages an admin works with."""

import datetime as dt
import re

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from app.accounts import staff as people
from app.accounts.models import ApiKey, Customer, Department, OneTimeToken, StaffProfile
from app.core import outbox
from app.core.audit import Audit
from app.core.extensions import db
from app.mail.models import Delivery
from app.settings import desk
from app.tickets.choices import CannedResponse, Category, Priority, State, Status
from tests.factories import (
    PASSWORD,
    a_customer,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    sign_in,
)

PAGES = (
    "customers",
    "organizations",
    "departments",
    "staff",
    "api-keys",
    "categories",
    "statuses",
    "priorities",
    "tags",
    "canned",
)


@pytest.mark.parametrize("page", PAGES)
def test_an_admin_opens_each_list_and_its_form(app, client, page):
    a_ticket()
    sign_in(client, an_admin())

    assert client.get(f"/admin/{page}/list/").status_code == 200
    assert client.get(f"/admin/{page}/add").status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "roles", "role-scopes"])
def test_an_agent_changes_no_setting_of_the_desk(app, client, page):
    sign_in(client, an_agent())
    allowed = page in ("customers", "organizations", "canned")

    assert (client.get(f"/admin/{page}/add").status_code == 200) is allowed


def test_a_category_is_added_changed_and_listed(app, client):
    sign_in(client, an_admin())

    client.post("/admin/categories/add", data={"name": "Hardware <b>", "position": "9", "active": "y", "public": "y"})
    category = db.session.scalars(select(Category).where(Category.name == "Hardware <b>")).one()
    client.post(f"/admin/categories/edit/{category.id}", data={"name": "Hardware", "position": "9", "active": "y"})

    assert "Hardware" in client.get("/admin/categories/list/").text
    assert not db.session.get_one(Category, category.id, populate_existing=True).public


def test_a_form_that_a_rule_refuses_keeps_what_was_typed(app, client):
    a_customer(email="ada@northwind.test")
    sign_in(client, an_admin())

    page = client.post(
        "/admin/customers/add", data={"name": "Another Ada", "email": "ADA@northwind.test", "notes": "Met at the fair"}
    ).text

    assert "Met at the fair" in page
    assert "has this address already" in page


def test_two_departments_of_one_name_are_refused_with_a_sentence(app, client):
    sign_in(client, an_admin())

    answer = client.post("/admin/departments/add", data={"name": "Support", "position": "4"}, follow_redirects=True)

    assert answer.status_code == 200
    assert db.session.query(Department).filter_by(name="Support").count() == 1


def test_an_invited_person_chooses_a_password_and_signs_in(app, client):
    sign_in(client, an_admin())
    role = db.session.scalars(select(Role).where(Role.name == "Support Agent")).one()

    client.post(
        "/admin/staff/add",
        data={
            "username": "nina",
            "first_name": "Nina",
            "last_name": "Berg",
            "email": "nina@desk.test",
            "roles": [str(role.id)],
        },
    )
    person = db.session.scalars(select(User).where(User.username == "nina")).one()
    link = people._link(person, "invitation", people.INVITATION_LIVES)
    db.session.commit()
    path = link[link.index("/welcome/") :]
    fresh = app.test_client()
    assert fresh.get(path).status_code == 200
    assert "easy to guess" in fresh.post(path, data={"password": "passwordpassword"}).text
    fresh.post(path, data={"password": "four words make one"})
    answer = fresh.post("/login/", data={"username": "nina", "password": "four words make one"})

    assert answer.location == "/admin/tickets/"
    assert app.test_client().get(path).status_code == 404
    assert db.session.get(StaffProfile, person.id) is not None
    assert db.session.query(OneTimeToken).filter(OneTimeToken.user_id == person.id).count() == 2


def test_an_invitation_says_how_long_it_lasts_and_the_audit_log_whom_it_was_for(app, client):
    sign_in(client, an_admin())
    role = db.session.scalars(select(Role.id).where(Role.name == "Support Agent")).one()
    fields = {"username": "nina", "first_name": "Nina", "last_name": "Berg", "email": "nina@desk.test"}
    client.post("/admin/staff/add", data={**fields, "roles": [str(role)]})
    run_jobs()

    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "invitation")).one()
    assert people.INVITATION_LIVES.days == 7 and b"within seven days" in mail.raw
    added = select(Audit.object_name).where(Audit.what == "added", Audit.object_kind == "staff_profile")
    assert db.session.scalars(added.order_by(Audit.id)).all()[-1] == "Nina Berg"


def test_an_admin_can_neither_give_nor_take_the_highest_role(app, client):
    boss, admin = a_super_admin(), an_admin()
    strongest = db.session.scalars(select(Role).where(Role.name == "Super Admin")).one()
    sign_in(client, admin)

    client.post(
        "/admin/staff/add",
        data={
            "username": "eve",
            "first_name": "Eve",
            "last_name": "L",
            "email": "eve@desk.test",
            "roles": [str(strongest.id)],
        },
    )
    client.post(
        f"/admin/staff/edit/{admin.id}",
        data={
            "username": admin.username,
            "first_name": "A",
            "last_name": "B",
            "email": admin.email,
            "roles": [str(strongest.id)],
            "active": "y",
        },
    )
    client.post(
        f"/admin/staff/edit/{boss.id}",
        data={
            "username": boss.username,
            "first_name": "A",
            "last_name": "B",
            "email": boss.email,
            "roles": [],
            "active": "",
        },
    )

    db.session.expire_all()
    assert db.session.query(User).filter_by(username="eve").count() == 0
    assert [role.name for role in db.session.get_one(User, admin.id).roles] == ["Admin"]
    assert db.session.get_one(User, boss.id).active


def test_a_deactivated_person_is_signed_out_at_once(app, client):
    agent, admin = an_agent(), an_admin()
    sign_in(client, agent)
    assert client.get("/admin/tickets/").status_code == 200
    theirs = app.test_client()
    sign_in(theirs, admin)

    theirs.post(
        f"/admin/staff/edit/{agent.id}",
        data={
            "username": agent.username,
            "first_name": "A",
            "last_name": "B",
            "email": agent.email,
            "roles": [str(agent.roles[0].id)],
        },
    )

    assert client.get("/admin/tickets/").status_code == 302


def test_changing_the_password_asks_for_the_old_one_and_ends_other_sessions(app, client):
    agent = an_agent()
    elsewhere = app.test_client()
    sign_in(client, agent)
    sign_in(elsewhere, agent)
    new = {"password": "four words make one", "again": "four words make one"}

    refused = client.post("/admin/me/password", data={"old": "wrong", **new})
    changed = client.post("/admin/me/password", data={"old": PASSWORD, **new})

    assert refused.status_code == 422
    assert changed.status_code == 302
    assert client.get("/admin/me/").status_code == 200
    assert elsewhere.get("/admin/me/").status_code == 302


def test_settings_are_saved_and_what_is_wrong_is_said_beside_its_field(app, client):
    sign_in(client, an_admin())
    good = {
        **{field.name: str(getattr(desk.current(), field.name)) for field in desk.fields("time")},
        "waiting_reminder_days": "3",
        "waiting_close_days": "9",
        "resolved_close_days": "5",
        "time_zone": "Europe/Berlin",
    }

    client.post("/admin/settings/time", data=good)
    wrong = client.post("/admin/settings/time", data={**good, "waiting_close_days": "soon"})

    db.session.expire_all()
    from flask import g

    g.pop("desk_settings", None)
    assert desk.current().waiting_reminder_days == 3
    assert wrong.status_code == 422
    assert "This is a whole number." in wrong.text
    assert "soon" in wrong.text


def test_a_vocabulary_is_chosen_while_the_desk_is_empty_and_not_after(app, client):
    sign_in(client, an_admin())

    client.post("/admin/settings/general/vocabulary", data={"vocabulary": "b"})
    names = list(db.session.scalars(select(Status.name).order_by(Status.position)))
    a_ticket()
    db.session.commit()
    answer = client.post("/admin/settings/general/vocabulary", data={"vocabulary": "c"})

    assert names == ["Open", "Answered", "Customer Reply", "In Progress", "On Hold", "Closed"]
    assert db.session.scalars(select(Priority.name).order_by(Priority.rank)).all() == [
        "Low",
        "Medium",
        "High",
        "Urgent",
    ]
    assert answer.status_code == 409


def test_a_status_in_use_keeps_its_meaning(app, client):
    ticket = a_ticket()
    sign_in(client, an_admin())

    client.post(
        f"/admin/statuses/edit/{ticket.status_id}",
        data={"name": "Open", "state": "closed", "position": "0", "active": "y", "manual": "y", "initial": "y"},
    )

    assert db.session.get_one(Status, ticket.status_id, populate_existing=True).state is State.OPEN


def test_an_agents_canned_response_is_their_own(app, client):
    other = app.test_client()
    sign_in(client, an_agent())
    sign_in(other, an_agent())

    client.post("/admin/canned/add", data={"title": "My greeting", "shortcut": "/hi", "body": "Hi", "active": "y"})
    response = db.session.scalars(select(CannedResponse)).one()

    assert response.shortcut == "hi"
    assert "My greeting" in client.get("/admin/canned/list/").text
    assert "My greeting" not in other.get("/admin/canned/list/").text
    assert other.get(f"/admin/canned/show/{response.id}").status_code == 404


def test_an_api_key_is_shown_once_and_revoked_not_deleted(app, client):
    admin = an_admin()
    sign_in(client, admin)

    client.post("/admin/api-keys/add", data={"name": "Website", "user": str(admin.id), "scope_list": ["tickets:read"]})
    key = db.session.scalars(select(ApiKey)).one()
    shown = client.get("/admin/api-keys/list/").text
    client.post(f"/admin/api-keys/delete/{key.id}")

    assert "dsk_" in shown
    assert key.key_hash not in shown
    assert db.session.get_one(ApiKey, key.id, populate_existing=True).revoked_at is not None


def test_a_last_sign_in_is_told_like_every_other_time(app, client):
    """Flask-AppBuilder keeps this machine's time without a zone."""
    sign_in(client, an_admin())
    db.session.get_one(User, an_agent().id).last_login = dt.datetime(2026, 3, 4, 12, 30)
    db.session.commit()

    page = client.get("/admin/staff/list/").text

    said = dt.datetime(2026, 3, 4, 12, 30).astimezone(dt.UTC)
    assert re.search(rf'<time datetime="{said:%Y-%m-%dT%H:%M}', page)
    assert "2026-03-04 12:30<" not in page


def test_a_customers_language_is_told_by_its_name(app, client):
    sign_in(client, an_admin())
    ada = a_customer("Ada")
    db.session.get_one(Customer, ada.id).language = "de"
    db.session.commit()

    assert "Deutsch" in client.get(f"/admin/customers/show/{ada.id}").text.partition("<main")[2]


def test_failed_jobs_are_shown_with_their_reason_and_retried(app, client):
    row = outbox.Outbox.put("no.such.job")
    db.session.commit()
    for _ in range(len(outbox.PAUSES) + 1):
        row.due_at, row.lease_until = row.created_at, None
        run_jobs(rounds=1)
        db.session.refresh(row)
    sign_in(client, an_admin())

    page = client.get("/admin/jobs/?state=failed").text
    client.post(f"/admin/jobs/{row.id}/retry")

    assert "UnknownJob" in page
    assert db.session.get_one(outbox.Outbox, row.id, populate_existing=True).failed_at is None


def test_a_supervisor_has_neither_settings_nor_jobs_nor_roles(app, client):
    sign_in(client, a_supervisor())

    assert [
        client.get(path).status_code
        for path in (
            "/admin/settings/general",
            "/admin/jobs/",
            "/admin/roles/list/",
            "/admin/mail-log/",
            "/admin/staff/list/",
        )
    ] == [403] * 5


def test_a_customers_organization_is_found_or_made_by_its_name(app, client):
    sign_in(client, an_admin())

    for name in ("Ada", "Bob"):
        client.post(
            "/admin/customers/add", data={"name": name, "email": f"{name}@n.test", "organization_name": "Northwind"}
        )

    first, second = db.session.scalars(select(Customer).order_by(Customer.id)).all()
    assert first.organization_id is not None
    assert first.organization_id == second.organization_id


def test_nobody_holds_a_right_the_table_of_roles_does_not_give(app):
    assert acting(an_agent()).can("reply")
    assert not acting(an_agent()).can("delete")
    assert not acting(an_admin()).can("delete")
    assert acting(a_super_admin()).can("delete")


def test_a_test_mail_says_what_became_of_it(app, client):
    admin = an_admin()
    sign_in(client, admin)

    page = client.post("/admin/settings/email/test", follow_redirects=True).text

    assert f"the test mail to {admin.email} lies in the mail lab" in page
