"""The command of the search index."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.search import index

search = AppGroup("search", help="The full-text index.")


def register(app: Flask) -> None:
    app.extensions["search_tables"] = index.TABLES
    app.cli.add_command(search)


@search.command("rebuild")
def rebuild() -> None:
    """Write the whole index anew. The desk may run meanwhile."""
    click.echo(f"{index.rebuild()} rows written.")
