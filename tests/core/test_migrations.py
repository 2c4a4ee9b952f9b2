"""The migrations make exactly the tables that the models say."""

from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from app.core.extensions import db
from app.desk.setup import set_up
from tests.conftest import begin


def test_models_and_migrations_agree(app):
    check()  # ends the process with an error when a model has what no migration makes


def test_every_step_goes_down_and_up_again(app):
    before = set(inspect(db.engine).get_table_names())

    downgrade(revision="base")
    emptied = set(inspect(db.engine).get_table_names())
    upgrade()
    after = set(inspect(db.engine).get_table_names())
    set_up()  # for the tests that follow
    begin(app)

    assert emptied == {"alembic_version"}
    assert after == before
