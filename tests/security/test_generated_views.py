"""Walks every view and action that Flask-AppBuilder knows, so that a page added tomorrow is held to the same."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.views import ModelView
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import PasswordField

from app.accounts.models import StaffProfile
from app.core.extensions import db
from app.core.fab import PAGE_SIZE_CAP, DeskInterface, DeskView
from app.tickets.choices import CannedResponse, Tag
from tests.factories import a_customer, a_department, a_super_admin, a_ticket, an_admin, an_agent, sign_in
from tests.security import sweep

OPEN_TO_ALL = {"FrontDoor", "UtilView", "SignInView"}
"""The front door, signing in, the language: pages without a right to ask for."""
NOBODYS = ("999999", "0", "-1", "abc", "1.5", "9" * 30, "1'--")
BENT = (
    "psize_{view}=100000", "psize_{view}=-1", "psize_{view}=abc", "psize_{view}=" + "9" * 30, "page_{view}=abc", "page_{view}=-1", "page_{view}=" + "9" * 30,
    "_oc_{view}=password&_od_{view}=asc", "_oc_{view}=password_hash&_od_{view}=desc", "_oc_{view}=nothing&_od_{view}=asc", "_oc_{view}=__class__&_od_{view}=asc", "_oc_{view}=name&_od_{view}=up",
    "_flt_0_name=%", "_flt_9_name=x", "_flt_0_password=x", "_flt_0_email=x&_flt_0_email=y", "_flt_a_b=c", "_flt_0_=x", "_flt_0_id=abc", "_flt_0_created_at=never",
    "_flt_3_title=x", "page=abc&sort=password&view=nothing&customer=abc&created_from=never&status=9999999999999999999", "q=%00'%22*",
)  # fmt: skip
BENT_AROUND_A_ROW = (
    "psize_{view}=abc",
    "psize_{view}=100000",
    "page_{view}=abc",
    "page_{view}=-1",
    "_oc_{view}=policy_id&_od_{view}=asc",
    "_flt_0_name=x",
)
CRUD = ("show", "edit")


def views(app: Flask) -> list[BaseView]:
    return list(app.appbuilder.baseviews)  # type: ignore[attr-defined]


def generated(app: Flask) -> list[DeskView]:
    return [view for view in views(app) if isinstance(view, ModelView)]


def address(view: DeskView, method: str, *parts: str) -> str:
    return "/".join([view.route_base, method, *parts])


def has_route(app: Flask, view: BaseView, method: str) -> bool:
    return any(rule.endpoint == f"{view.endpoint}.{method}" for rule in app.url_map.iter_rules())


def test_every_view_is_one_of_ours_and_names_its_right(app: Flask) -> None:
    for view in views(app):
        assert not isinstance(view, ModelView) or isinstance(view, DeskView), (
            f"{view!r} has none of the hardening of DeskView"
        )
        assert (
            "class_permission_name" in vars(type(view))
            or any(
                "class_permission_name" in vars(base)
                for base in type(view).__mro__
                if base.__module__.startswith("app.")
            )
            or type(view).__name__ in OPEN_TO_ALL
        ), f"{type(view).__name__} has no class_permission_name: renaming the class would take it from every role"


def test_every_generated_view_reads_through_the_scoped_interface(app: Flask) -> None:
    for view in generated(app):
        assert isinstance(view.datamodel, DeskInterface), type(view).__name__
        assert all(isinstance(related.datamodel, DeskInterface) for related in view._related_views)


def test_no_search_form_holds_a_relation(app: Flask) -> None:
    """A relation would put each of its rows into the page."""
    for view in generated(app):
        columns = set(view.datamodel.obj.__table__.columns.keys())
        assert set(view.search_columns) <= columns, f"{type(view).__name__}: {set(view.search_columns) - columns}"
        assert not {"password", "password_hash", "key_hash", "token_hash"} & set(view.search_columns)


def test_every_order_a_list_offers_is_a_column_it_shows(app: Flask) -> None:
    for view in generated(app):
        assert set(view.order_columns) <= {*view.list_columns, "position"}, type(view).__name__


def only_written(view: ModelView, name: str) -> bool:
    """No column at all, but a field for a new secret, whose page never holds one."""
    fields = [extra.get(name) for extra in (view.add_form_extra_fields, view.edit_form_extra_fields)]
    return not hasattr(view.datamodel.obj, name) and all(
        field is not None and field.field_class is PasswordField and "hide_value" not in field.kwargs
        for field in fields
    )


def test_no_view_shows_a_secret_column(app: Flask) -> None:
    secret = re.compile(r"(hash|password|token|secret|fingerprint|storage_key)(?!_url$)")
    for view in generated(app):
        shown = {*view.list_columns, *view.show_columns, *view.order_columns}
        for verb, columns in (("can_add", view.add_columns), ("can_edit", view.edit_columns)):
            shown |= (
                {name for name in columns if not only_written(view, name)} if verb in view.base_permissions else set()
            )
        assert [name for name in shown if secret.search(name)] == [], type(view).__name__


def test_no_bent_address_of_a_list_fails_or_shows_too_much(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_super_admin())
    a_ticket()
    db.session.commit()
    failed = []
    for view in generated(app):
        for question in BENT:
            answer = client.get(f"{view.route_base}/list/?" + question.format(view=type(view).__name__))
            if answer.status_code != 200:
                failed.append(f"{view.route_base}/list/?{question}: {answer.status_code}")

    assert failed == []


def test_no_bent_address_of_a_row_fails(app: Flask, client: FlaskClient) -> None:
    """show and edit read pages, sizes and orders for their related lists."""
    sign_in(client, a_super_admin())
    db.session.commit()
    failed = []
    for view in generated(app):
        row = db.session.scalars(select(view.datamodel.obj)).first()
        for method in CRUD:
            if row is not None and has_route(app, view, method) and f"can_{method}" in view.base_permissions:
                path = address(view, method, str(view.datamodel.get_pk_value(row)))
                failed += [
                    f"{path}?{question}: {code}"
                    for question in BENT_AROUND_A_ROW
                    if (code := client.get(f"{path}?{question.format(view=type(view).__name__)}").status_code) != 200
                ]

    assert failed == []


def test_a_list_never_shows_more_than_its_cap(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    db.session.add_all(Tag(name=f"tag {n:04}") for n in range(PAGE_SIZE_CAP + 30))
    db.session.commit()

    for size in ("100000", "-1", "0", str(2**63)):
        assert client.get(f"/admin/tags/list/?psize_TagView={size}").text.count("tag 0") <= PAGE_SIZE_CAP


def test_no_list_is_ordered_by_a_column_it_does_not_offer(app: Flask, client: FlaskClient, at_most: Any) -> None:
    sign_in(client, an_admin())
    for view, hidden in (("customers", "password_hash"), ("staff", "password"), ("api-keys", "key_hash")):
        name = {"customers": "CustomerView", "staff": "StaffView", "api-keys": "ApiKeyView"}[view]
        with at_most(60) as statements:
            client.get(f"/admin/{view}/list/?_oc_{name}={hidden}&_od_{name}=asc")
        assert [words for words in statements if re.search(rf"ORDER BY.*{hidden}", words)] == []


def test_a_row_nobody_may_see_is_404_at_every_door(app: Flask, client: FlaskClient) -> None:
    """For every view and action: ids that nobody has, and ids that are none."""
    sign_in(client, a_super_admin())
    a_ticket()
    db.session.commit()
    before = sweep.hashes()
    odd = []
    for view in generated(app):
        for method, path, body in doors(app, view):
            for pk in NOBODYS:
                answer = client.open(path.replace("PK", pk), method=method, data=MultiDict([*body, ("rowid", pk)]))
                if answer.status_code != 404:
                    odd.append(f"{method} {path.replace('PK', pk)}: {answer.status_code}")

    assert odd == []
    assert sweep.hashes() == before


def doors(app: Flask, view: DeskView) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Method, address with PK for the row, and form of each door to one row of this view."""
    rights = {name.removeprefix("can_") for name in view.base_permissions}
    for method in CRUD:
        if method in rights and has_route(app, view, method):
            yield "GET", address(view, method, "PK"), []
    if "edit" in rights and has_route(app, view, "edit"):
        yield "POST", address(view, "edit", "PK"), []
    if "delete" in rights and has_route(app, view, "delete"):
        yield "POST", address(view, "delete", "PK"), []
    for name in view.actions:
        yield "POST", address(view, "action", name, "PK"), [("value", "1")]
        yield "POST", address(view, "action_post"), [("action", name), ("value", "1")]


def test_a_foreign_row_is_404_at_every_door_and_stays_as_it_was(app: Flask, client: FlaskClient) -> None:
    """For the views whose rows are not everybody's."""
    agent, other = an_agent(a_department()), an_agent(a_department())
    foreign = {"TicketView": a_ticket(department=a_department(), assignee=None).id}
    canned = CannedResponse(title="Hers", body="Hello", owner_id=other.id)
    db.session.add(canned)
    sign_in(client, agent)
    foreign["CannedResponseView"] = canned.id
    before = sweep.hashes()
    odd = []
    for view in generated(app):
        if type(view.datamodel).visible is DeskInterface.visible:
            continue
        assert type(view).__name__ in foreign, (
            f"Add a foreign row of {type(view).__name__} to this test: its rows are not everybody's."
        )
        for method, path, body in doors(app, view):
            pk = str(foreign[type(view).__name__])
            answer = client.open(path.replace("PK", pk), method=method, data=MultiDict([*body, ("rowid", pk)]))
            if answer.status_code != 404 and not (answer.status_code == 403 and "delete" in f"{path} {body}"):
                odd.append(f"{method} {path} {body}: {answer.status_code}")

    assert odd == []
    assert sweep.hashes() == before


def test_an_action_on_many_rows_is_refused_whole_when_one_is_foreign(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    own, foreign = a_ticket(department=mine), a_ticket(department=theirs)
    sign_in(client, an_agent(mine))
    before = sweep.hashes()

    answer = client.post("/admin/tickets/action_post", data={"action": "close", "rowid": [own.id, foreign.id]})

    assert answer.status_code == 404
    assert sweep.hashes() == before


def test_no_get_deletes_or_acts(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_super_admin())
    ticket = a_ticket()
    db.session.commit()
    before = sweep.hashes()
    for view in generated(app):
        row = db.session.scalars(select(view.datamodel.obj)).first()
        pk = str(view.datamodel.get_pk_value(row)) if row is not None else str(ticket.id)
        for path in (
            address(view, "delete", pk),
            address(view, "action_post"),
            *(address(view, "action", name, pk) for name in view.actions),
        ):
            assert client.get(path).status_code in (404, 405), path

    assert sweep.hashes() == before


def test_no_view_gives_out_a_file_by_its_name(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_super_admin())

    for view in generated(app):
        for name in ("desk.sqlite3", "secret_key", "..%2f..%2fetc%2fpasswd", "x_sep_y.txt"):
            assert client.get(f"{view.route_base}/download/{name}").status_code == 404


def test_two_people_who_filter_at_once_get_their_own_rows(app: Flask, client: FlaskClient) -> None:
    admin = an_admin()
    for n in range(3):
        a_customer(f"Anna {n}"), a_customer(f"Boris {n}")
    sign_in(client, admin)
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    strange: list[str] = []

    def look(mine: str, other: str) -> None:
        own = FlaskClient(app, app.response_class, use_cookies=True)
        own.set_cookie(cookie.key, cookie.value)
        for _round in range(8):
            page = own.get(f"/admin/customers/list/?_flt_0_name={mine}").text
            if f"{mine} 1" not in page or f"{other} 1" in page:
                strange.append(f"{mine} got the rows of {other}, or none")

    threads = [threading.Thread(target=look, args=names) for names in (("Anna", "Boris"), ("Boris", "Anna")) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert strange == []


def test_related_lists_ask_for_the_right_of_their_own_view(app: Flask) -> None:
    """Flask-AppBuilder shows them to whoever may open the page around them."""
    for view in generated(app):
        for related in view._related_views:
            assert related.class_permission_name == view.class_permission_name, (
                f"{type(view).__name__} shows rows of {type(related).__name__} to people who may not list them"
            )


@pytest.mark.parametrize("role", ["Super Admin"])
def test_nobody_gives_a_role_above_their_own(app: Flask, client: FlaskClient, role: str) -> None:
    from flask_appbuilder.security.sqla.models import Role, User

    admin = an_admin(name="arne")
    sign_in(client, admin)
    strongest = db.session.scalars(select(Role).where(Role.name == role)).one()

    client.post(
        "/admin/staff/add",
        data={
            "username": "mole",
            "first_name": "M",
            "last_name": "Ole",
            "email": "mole@desk.test",
            "roles": [strongest.id],
        },
    )
    client.post(
        f"/admin/staff/edit/{admin.id}",
        data={
            "username": "arne",
            "first_name": "Arne",
            "last_name": "Test",
            "email": "arne@desk.test",
            "roles": [strongest.id],
            "active": "y",
        },
    )

    db.session.rollback()
    holders = db.session.scalars(select(User.username).join(User.roles).where(Role.id == strongest.id)).all()
    assert holders == []


def test_no_form_offers_a_role_above_ones_own(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())

    page = client.get("/admin/staff/add").text

    assert ">Support Agent<" in page
    assert ">Super Admin<" not in page


def test_an_admin_does_not_change_a_super_admin(app: Flask, client: FlaskClient) -> None:
    strongest = a_super_admin(name="signe")
    sign_in(client, an_admin())
    before = sweep.hashes()

    client.post(
        f"/admin/staff/edit/{strongest.id}",
        data={
            "username": "signe",
            "first_name": "S",
            "last_name": "T",
            "email": "mine@desk.test",
            "roles": [],
            "active": "",
        },
    )

    assert sweep.hashes() == before


def test_an_admin_reads_no_link_that_makes_them_a_super_admin(app: Flask, client: FlaskClient) -> None:
    """The built-in mailbox holds what was mailed, also links that let their reader in."""
    from app.accounts import staff as people
    from app.mail.models import Delivery
    from tests.factories import run_jobs

    a_super_admin(name="signe")
    people.ask_reset("signe")
    run_jobs()
    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "password_reset")).one()
    sign_in(client, an_admin())

    for path in (
        f"/admin/mail-lab/{mail.id}",
        f"/admin/mail-lab/{mail.id}/html",
        "/admin/mail-lab/",
        "/admin/mail-log/",
        f"/admin/mail-lab/{mail.id}?as=headers",
        f"/admin/mail-lab/{mail.id}?as=text",
        f"/admin/mail-lab/{mail.id}?as=raw",
        f"/admin/mail-lab/{mail.id}/download",
    ):
        assert "/welcome/" not in client.get(path).text, path


def test_a_person_without_a_profile_breaks_no_page(app: Flask, client: FlaskClient) -> None:
    """Somebody made by Flask-AppBuilder's own command has none."""
    person = a_super_admin()
    db.session.delete(db.session.get_one(StaffProfile, person.id))
    db.session.flush()

    assert client.get("/admin/tickets/").status_code == 302
