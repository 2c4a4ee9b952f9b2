"""The audit log grows with the change it tells of, and nothing changes it afterwards."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from app.core import audit
from app.core.audit import Audit, What, note
from app.core.extensions import db
from tests.factories import acting, an_admin


def lines() -> list[Audit]:
    return list(db.session.scalars(select(Audit).order_by(Audit.id)))


def test_a_line_is_written_with_the_change_and_lost_with_it(app):
    note(What.EXPORTED, "tickets", rows=3)
    db.session.rollback()
    note(What.EXPORTED, "customers", rows=4)
    db.session.commit()

    assert [(line.what, line.object_name, line.changed) for line in lines()] == [("exported", "customers", {"rows": 4})]


def test_a_savepoint_that_is_undone_takes_no_line_of_its_transaction_along(app):
    note(What.EXPORTED, "tickets")
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(text("INSERT INTO setting (name) VALUES (NULL)"))
    db.session.commit()

    assert [line.object_name for line in lines()] == ["tickets"]


def test_a_line_says_who_did_it_and_from_where(app):
    admin = an_admin(name="kim")
    note(What.SIGNED_IN, by=acting(admin))
    db.session.commit()

    line = next(line for line in lines() if line.what == "signed_in")
    assert (line.actor_kind, line.actor_id, line.actor_name, line.source) == ("staff", admin.id, "kim", "cli")


@pytest.mark.parametrize("deed", ["UPDATE audit SET actor_name = 'nobody'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_a_line(app, deed):
    note(What.EXPORTED, "tickets")
    db.session.commit()

    with pytest.raises(DatabaseError, match="append only"):
        db.session.execute(text(deed))
    db.session.rollback()
    assert len(lines()) == 1


@pytest.mark.parametrize("deed", ["UPDATE audit SET actor_name = 'nobody'", "DELETE FROM audit"])
def test_whoever_gets_past_the_database_breaks_the_chain(app, deed):
    for name in ("tickets", "customers", "articles"):
        note(What.EXPORTED, name)
        db.session.commit()
    _first, second, third = (line.id for line in lines())
    assert audit.first_broken() == (3, None)

    db.session.rollback()
    with db.engine.begin() as connection, audit.unguarded(connection):
        connection.execute(text(f"{deed} WHERE id = {second}"))

    assert audit.first_broken() == (1, second if deed.startswith("UPDATE") else third)
