"""The command of the daily figures."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.extensions import db
from app.reports import jobs, ledgercount, promises, summing
from app.reports import recount as counting
from app.reports.volume import today

reports = AppGroup("reports", help="The daily figures.")


def register(app: Flask) -> None:
    app.cli.add_command(reports)


@reports.command("recount")
def recount() -> None:
    """Count the figures of all days anew, after an import or a changed time zone."""
    first, last = counting.first_day(), today()
    wrong = 0
    if first is not None:
        wrong = counting.recount(first, last) + promises.count(first, last)
        wrong += ledgercount.recount(first, last)
    db.session.commit()
    summing.bring_up(last, most=None)
    jobs.find_trends()
    db.session.commit()
    click.echo(f"{wrong} rows were wrong.")
