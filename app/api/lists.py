"""The API on what tickets are filed under, and on prepared answers. To be read here, to be shaped on the desk's pages."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import Department
from app.api import shapes
from app.api.doorman import caller, demand
from app.api.fields import Fields
from app.api.paging import page
from app.api.repeats import Answer
from app.core.extensions import db
from app.tickets import fields
from app.tickets.choices import CannedResponse, Category, Priority, Status
from app.tickets.visibility import canned_visible_to


def list_categories() -> Answer:
    """All of them, in the admin's order; switched-off ones are not active."""
    Fields.of_query().done()
    rows = db.session.scalars(
        select(Category)
        .options(joinedload(Category.parent), joinedload(Category.department))
        .order_by(Category.position, Category.id)
    )
    return {"items": [shapes.category(row) for row in rows], "next": None}, 200


def list_departments() -> Answer:
    Fields.of_query().done()
    rows = db.session.scalars(select(Department).order_by(Department.position, Department.id))
    return {"items": [shapes.department(row) for row in rows], "next": None}, 200


def list_statuses() -> Answer:
    Fields.of_query().done()
    rows = db.session.scalars(select(Status).order_by(Status.position, Status.id))
    return {
        "items": [
            {"id": row.id, "name": row.name, "state": row.state.value, "manual": row.manual, "active": row.active}
            for row in rows
        ],
        "next": None,
    }, 200


def list_priorities() -> Answer:
    """`rank` 1 is the least urgent."""
    Fields.of_query().done()
    rows = db.session.scalars(select(Priority).order_by(Priority.rank, Priority.id))
    return {
        "items": [
            {"id": row.id, "name": row.name, "rank": row.rank, "aliases": _aliases(row), "active": row.active}
            for row in rows
        ],
        "next": None,
    }, 200


def _aliases(row: Priority) -> list[str]:
    return [alias.strip() for alias in row.aliases.split(",") if alias.strip()]


def list_fields() -> Answer:
    """The desk's own fields of tickets in the admin's order, switched-off ones too; without categories: of all."""
    Fields.of_query().done()
    categories = {row.id: row.name for row in db.session.execute(select(Category.id, Category.name))}
    return {"items": [shapes.own_field(row, categories) for row in fields.every()], "next": None}, 200


def list_canned_responses() -> Answer:
    """Everybody's and the caller's own, of their departments."""
    demand("list", "CannedResponse")
    wanted = select(CannedResponse).where(CannedResponse.active.is_(True), canned_visible_to(caller()))
    wanted = wanted.options(joinedload(CannedResponse.category), joinedload(CannedResponse.department))
    return page(wanted, CannedResponse, Fields.of_query(), shapes.canned_response), 200
