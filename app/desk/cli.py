"""`flask --app app desk …`: the commands of the desk. Answers go to stdout, everything else to stderr."""

from __future__ import annotations

import click
from flask import Flask, current_app

from app.core.commands import desk
from app.core.extensions import db
from app.desk import demo
from app.desk import setup as setup_step


def register(app: Flask) -> None:
    app.cli.add_command(desk)


@desk.command("setup")
def setup() -> None:
    """Bring database, roles and basic rows up to date; load the demo on a first start."""
    setup_step.set_up()
    if current_app.config["PROFILE"] == "production":
        setup_step.refuse_demo()
    if current_app.config["PROFILE"] == "demo" and not current_app.config.get("TESTING"):
        setup_step.say("loading the demo, if the desk is empty …")
        demo.load()
    setup_step.say("the desk is set up")


@desk.command("create-staff")
@click.option("--username", required=True)
@click.option("--first-name", required=True)
@click.option("--last-name", default="")
@click.option("--email", required=True)
@click.option("--role", default="Support Agent", show_default=True)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def create_staff(username: str, first_name: str, last_name: str, email: str, role: str, password: str) -> None:
    """Make a staff user, the first Super Admin of a production desk among them."""
    setup_step.make_staff(username, first_name, last_name, email, role, password)
    db.session.commit()
    click.echo(username)
