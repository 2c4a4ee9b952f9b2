"""What a new ticket gets where nobody chose, read at once, is what each rule says by itself."""

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.lifecycle import initial_status
from app.tickets.usual import Usual, usual_priority
from tests.factories import a_department, setting


def usual() -> Usual:
    return Usual.of(None, None, None, None)


def test_without_settings_it_is_the_first_department_normal_and_the_initial_status(app: Flask) -> None:
    setting(default_department=None)
    first = a_department("First", position=-1)

    assert usual().department is first
    assert usual().priority.rank == 2
    assert usual().status is initial_status()


def test_the_default_department_goes_first_while_it_is_active(app: Flask) -> None:
    a_department("First", position=-1)
    default = a_department("Default", position=9)
    setting(default_department=default.id)
    assert usual().department is default

    default.active = False
    db.session.flush()
    assert usual().department.name == "First"


def test_a_category_leads_to_its_department(app: Flask) -> None:
    setting(default_department=None)
    a_department("First", position=-1)
    own = a_department("Own")
    category = Category(name="Printers", department=own)
    db.session.add(category)
    db.session.flush()

    assert Usual.of(category, None, None, None).department is own
    own.active = False
    assert Usual.of(category, None, None, None).department.name == "First"


@pytest.mark.parametrize("fresh", [False, True])
def test_without_an_initial_status_it_is_the_first_new_or_open_one(app: Flask, fresh: bool) -> None:
    a_department("Only")
    db.session.execute(update(Status).values(initial=False))
    db.session.add(Status(name="Just come", state=State.NEW, position=99, active=fresh))
    db.session.flush()

    assert usual().status is initial_status()
    assert usual().status.state is (State.NEW if fresh else State.OPEN)


def test_without_a_normal_priority_it_is_the_least_urgent_one(app: Flask) -> None:
    a_department("Only")
    db.session.execute(update(Priority).where(Priority.rank == 2).values(active=False))

    assert usual().priority.rank == 1
    assert usual().priority is usual_priority()


def test_what_was_chosen_does_not_need_the_rest_of_the_desk(app: Flask) -> None:
    a_department("Only")
    urgent = db.session.scalars(select(Priority).where(Priority.rank == 4)).one()
    db.session.execute(update(Priority).values(active=False))

    assert Usual.of(None, None, urgent, None).priority is urgent
    with pytest.raises(HelpdeskError, match="no priority yet"):
        usual()
