"""A desk without a helpdesk: what the supervisor needs of the app, and nothing more. STANDIN tells it how to misbehave."""

import os
import sys
import time

import click
from flask import Flask


def create_app() -> Flask:
    app = Flask("app")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    app.add_url_rule("/readyz", view_func=lambda: {"data": os.environ["DESKHAND_DATA"]})
    app.add_url_rule("/slow", view_func=slow)
    app.cli.add_command(click.Group("desk", commands=[set_up, echo]))
    from app.core.extensions import db

    db.init_app(app)
    if os.environ.get("STANDIN") == "app refuses":
        sys.exit("Production needs SECRET_KEY.")
    return app


def slow() -> str:
    time.sleep(1)
    return "done"


@click.command("setup")
def set_up() -> None:
    if os.environ.get("STANDIN") == "newer":
        sys.exit("The database is newer than this Deskhand.")
    if os.environ.get("STANDIN") == "slow setup":
        print("a long step ...", file=sys.stderr, flush=True)
        time.sleep(30)
    from app.run import folder

    (folder.path() / "sign-ins.txt").write_text("super    correct-horse\n")


@click.command("echo")
@click.argument("text")
def echo(text: str) -> None:
    print(text, os.getcwd())
