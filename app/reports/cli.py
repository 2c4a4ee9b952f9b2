"""The command of the daily figures."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.extensions import db
from app.reports import recount as counting
from app.reports.volume import today

reports = AppGroup("reports", help="The daily figures.")


def register(app: Flask) -> None:
    app.cli.add_command(reports)


@reports.command("recount")
def recount() -> None:
    """Count the figures of all days anew, after an import or a changed time zone."""
    first = counting.first_day()
    wrong = counting.recount(first, today()) if first else 0
    db.session.commit()
    click.echo(f"{wrong} rows were wrong.")
