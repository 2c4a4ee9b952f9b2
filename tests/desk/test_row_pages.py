"""Generated pages lead from a row that is named to its own page, for whoever may open it."""

import re

import pytest

from app.accounts.models import Organization
from app.core.extensions import db
from app.tickets.choices import Category
from tests.desk.test_list import as_
from tests.factories import a_customer, a_department, a_supervisor, an_admin, an_agent


@pytest.fixture
def ada(app):
    firm = Organization(name="Northwind & Sons")
    db.session.add(firm)
    return a_customer("Ada", organization=firm)


def links(page):
    return re.findall(r'<a[^>]* href="(/admin/[a-z-]+/show/\d+)"[^>]*>([^<]*)</a>', page)


def test_a_customers_organization_leads_to_its_page_from_list_and_page(ada, client):
    as_(client, an_agent())
    firm = (f"/admin/organizations/show/{ada.organization_id}", "Northwind &amp; Sons")

    listed = client.get("/admin/customers/list/").text
    assert {firm, (f"/admin/customers/show/{ada.id}", "Ada")} <= set(links(listed))
    assert firm in links(client.get(f"/admin/customers/show/{ada.id}").text)
    assert client.get(firm[0]).status_code == 200


def test_what_one_may_not_open_is_named_without_a_link(app, client):
    department = a_department("Workshop")
    category = Category(name="Saws", department=department)
    db.session.add(category)
    db.session.commit()
    address = "/admin/categories/list/"

    as_(client, a_supervisor())
    page = client.get(address).text
    assert (f"/admin/categories/show/{category.id}", "Saws") in links(page)
    assert "Workshop" in page and f"/admin/departments/show/{department.id}" not in page
    as_(client, an_admin())
    assert (f"/admin/departments/show/{department.id}", "Workshop") in links(client.get(address).text)


def test_the_link_that_opens_a_row_holds_no_other_link(app, client):
    as_(client, a_supervisor())

    page = client.get("/admin/availability/staff/list/").text
    opens = re.findall(r'<a class="open"[^>]*>(.*?)</a>', page)
    assert opens and not any("<a" in inside for inside in opens)
