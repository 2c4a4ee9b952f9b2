"""`flask --app app desk …`: the commands of the desk. Answers go to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts import keys
from app.core import audit
from app.core.commands import desk
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import backup, backuprestore, checks, customererase, customerexport, loading
from app.desk import setup as setup_step

audit_log = AppGroup("audit", help="Who changed what about the desk.")
api_key = AppGroup("api-key", help="Keys with which programs call the API.")


def register(app: Flask) -> None:
    app.cli.add_command(desk)
    desk.add_command(api_key)
    desk.add_command(audit_log)


@desk.command("setup")
def setup() -> None:
    """Bring database, roles and basic rows up to date; load the demo on a first start."""
    setup_step.set_up()
    if current_app.config["PROFILE"] == "production":
        setup_step.refuse_demo()
    if current_app.config["PROFILE"] == "demo" and not current_app.config.get("TESTING"):
        from app.desk import demo  # a tenth of a start, which no other process has to spend

        setup_step.say("loading the demo, if the desk is empty …")
        with audit.silent():
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


@api_key.command("create")
@click.option("--user", "username", required=True, help="Whom the key belongs to: it may do what they may.")
@click.option("--scopes", "scopes", multiple=True, required=True, metavar="SCOPE…", help=", ".join(keys.SCOPES))
@click.option("--name", default="", help="What the key is for.")
@click.argument("more_scopes", nargs=-1)
def create_key(username: str, scopes: tuple[str, ...], name: str, more_scopes: tuple[str, ...]) -> None:
    """Make a key and print it. It is shown this once."""
    owner = db.session.scalar(select(User).where(User.username == username, User.active.is_(True)))
    if owner is None:
        raise click.ClickException(f"There is no active staff user {username!r}.")
    wanted = [scope for given in (*scopes, *more_scopes) for scope in given.replace(",", " ").split()]
    try:
        _key, secret = keys.make(name or "command line", owner.id, wanted)
    except Invalid as refusal:
        raise click.ClickException(" ".join([str(refusal), *refusal.fields.values()]))
    db.session.commit()
    click.echo(secret)


@desk.command("status")
def status() -> None:
    """How the desk is, one part a line. Ends with 1 when something is not as it should be."""
    found = list(checks.measure())
    for check in found:
        click.echo(f"{check.name:<11} {'ok' if check.ok else 'NOT OK':<7} {check.told}")
    click.echo(f"{'data':<11} {'':<7} {current_app.config['DATA']}")
    sys.exit(0 if all(check.ok for check in found) else 1)


@desk.command("load")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--add", is_flag=True, help="Also into a desk that has tickets.")
def load(folder: Path, add: bool) -> None:
    """Load another helpdesk's tickets from FOLDER (departments, categories, staff, customers, tickets and messages as CSV)."""
    try:
        loaded = loading.load(folder, add, setup_step.say)
    except HelpdeskError as refusal:
        raise click.ClickException(str(refusal))
    click.echo(
        f"{loaded.tickets} tickets and {loaded.messages} messages in {loaded.seconds:.1f} s, {loaded.messages / max(loaded.seconds, 0.001):.0f} messages/s"
    )


@desk.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
def make_backup(folder: Path) -> None:
    """Write everything the desk holds into the new FOLDER. The desk may run meanwhile."""
    written = _told(lambda: backup.back_up(folder.absolute(), setup_step.say))
    click.echo(
        f"{written.rows} rows and {written.files} files ({written.bytes / 1024**2:.1f} MB) in {written.seconds:.1f} s"
        + (f"; {written.gone} files were gone" if written.gone else "")
    )


@desk.command("restore")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Delete what is in this desk first.")
@click.option(
    "--next-number", type=click.IntRange(1), help="Go on with this ticket number, when later ones were given already."
)
def restore_backup(folder: Path, replace: bool, next_number: int | None) -> None:
    """Make this desk what the backup in FOLDER has. Nothing that waited then is done by itself: it is held for a person."""
    restored = _told(lambda: backuprestore.restore(folder.absolute(), replace, next_number, setup_step.say))
    manifest, held = restored.manifest, restored.held
    click.echo(f"{restored.rows} rows and {manifest.files} files of {manifest.made_at} in {restored.seconds:.1f} s")
    click.echo(f"{held.mails} mails and {held.jobs} jobs are held: System, Mail log and Background jobs")
    setup_step.say(
        "Everybody has to sign in again. Use the SECRET_KEY of then, or replies to earlier mails open new tickets."
    )


@desk.command("erase-customer")
@click.argument("address")
@click.option("--with-tickets", is_flag=True, help="Delete their tickets too, instead of leaving them empty.")
def erase_customer(address: str, with_tickets: bool) -> None:
    """Forget the customer with ADDRESS: name, words, files and mails. Cannot be undone."""
    erased = _told(lambda: customererase.erase(address, with_tickets))
    became = "deleted" if with_tickets else "left empty under “Erased customer”"
    click.echo(
        f"Erased: {erased.tickets} tickets {became}, {erased.messages} entries emptied, {erased.files} files and {erased.mails} mails deleted. "
        "What colleagues wrote about this person in other tickets, and backups made before, are untouched."
    )


@desk.command("export-customer")
@click.argument("address")
@click.argument("folder", type=click.Path(exists=False, path_type=Path))
def export_customer(address: str, folder: Path) -> None:
    """Write what the desk knows of the customer with ADDRESS into the new FOLDER."""
    if folder.exists():
        raise click.ClickException(f"{folder} is there already.")
    exported = _told(lambda: customerexport.export(address, folder.absolute()))
    click.echo(f"{exported.tickets} tickets and {exported.files} files in {folder}")


@audit_log.command("check")
def check_audit() -> None:
    """Whether every line is as it was written, and none is missing between the first and the last. Ends with 1 when not."""
    count, broken = audit.first_broken()
    if broken is not None:
        click.echo(
            f"line {broken} is not as it was written, or one before it is missing; {count} lines before it are right"
        )
        sys.exit(1)
    last = db.session.scalar(select(audit.Audit.hash).order_by(audit.Audit.id.desc()).limit(1))
    click.echo(f"{count} lines, each as it was written; the last one's hash is {last or audit.FIRST}")


Answer = TypeVar("Answer")


def _told(deed: Callable[[], Answer]) -> Answer:
    """A refusal is a sentence and a status other than 0."""
    try:
        return deed()
    except HelpdeskError as refusal:
        raise click.ClickException(str(refusal))
