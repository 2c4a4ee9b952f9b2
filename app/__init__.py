"""Builds the application: extensions, models, reactions, doors. Imports nothing heavy before create_app() is called."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

MODELS = (
    "app.core.outbox",
    "app.core.slots",
    "app.core.audit",
    "app.settings.models",
    "app.accounts.environments",
    "app.accounts.models",
    "app.accounts.sessions",
    "app.accounts.secondfactor",
    "app.accounts.freshness",
    "app.accounts.customernotes",
    "app.hours.models",
    "app.tickets.supplied",
    "app.tickets.models",
    "app.tickets.requests",
    "app.tickets.seen",
    "app.tickets.uploadlinks",
    "app.tickets.fieldmodels",
    "app.tickets.incidents",
    "app.tickets.lists",
    "app.tickets.tasks",
    "app.tickets.bulk",
    "app.tickets.macros",
    "app.tickets.timeentries",
    "app.tickets.timefigures",
    "app.tickets.timers",
    "app.tickets.numbering",
    "app.tickets.tally",
    "app.reports.daily",
    "app.reports.ledgers",
    "app.reports.spans",
    "app.sla.models",
    "app.assignment.models",
    "app.kb.models",
    "app.mail.models",
    "app.mail.filters",
    "app.mail.banned",
    "app.mail.boxes",
    "app.mail.hooks",
    "app.notifications.models",
    "app.api.models",
)
"""Imported before AppBuilder reads the metadata."""

DOORS: tuple[str, ...] = (
    "app.desk.views",
    "app.kb.views",
    "app.desk.admin",
    "app.accounts.views",
    "app.tickets.views",
    "app.desk.macroadmin",
    "app.desk.ruleadmin",
    "app.desk.fieldadmin",
    "app.desk.supplieradmin",
    "app.desk.timeadmin",
    "app.desk.slaadmin",
    "app.assignment.views",
    "app.mail.views",
    "app.notifications.views",
)
"""Each has `register(appbuilder)`. The order is that of the menu."""

BLUEPRINTS: tuple[str, ...] = (
    "app.search.cli",
    "app.reports.cli",
    "app.mail.cli",
    "app.sla.cli",
    "app.desk.cli",
    "app.portal.views",
    "app.api.views",
    "app.api.mailhook",
    "app.desk.health",
)
"""Each has `register(app)`: doors that are not Flask-AppBuilder's."""


def create_app(**overrides: Any) -> "Flask":
    """The whole desk. `overrides` are configuration values, for tests and the set-up step."""
    from flask import Flask

    from app.core.templates import Templates

    app = Flask(__name__)
    app.jinja_environment = Templates
    app.config.from_object("config")
    app.config.update(overrides)
    if app.config["PROXIES"]:
        from werkzeug.middleware.proxy_fix import ProxyFix

        hops = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    with app.app_context():
        _prepare(app)
        _open_doors(app)
    return app


def _prepare(app: "Flask") -> None:
    from flask_appbuilder import Model

    from app.core import counting, database, language, limits, logs, parts, queue, web
    from app.core.events import react
    from app.core.extensions import csrf, db, migrate

    db.init_app(app)
    for module in MODELS:
        import_module(module)
    database.install(app)
    logs.install(app)
    counting.install(app)
    migrate.init_app(app, db, directory=str(app.config["ROOT"] / "migrations"), render_as_batch=True, compare_type=True)
    db.metadatas[None] = Model.metadata
    csrf.init_app(app)
    web.install(app)
    parts.install(app)
    limits.install(app)
    language.install(app)
    app.extensions["deskhand_zone"] = lambda: import_module("app.settings.desk").current().time_zone
    app.extensions["deskhand_language"] = lambda: import_module("app.settings.desk").current().language
    react(import_module("app.reactions").REACTIONS)
    schedule = import_module("app.schedule")
    queue.allow(schedule.JOBS)
    app.extensions["deskhand_periodic"] = schedule.PERIODIC


def _open_doors(app: "Flask") -> None:
    from app.accounts.security import DeskSecurityManager
    from app.core import language, refusals, rowpages, words
    from app.core.extensions import db
    from app.core.fab import DeskBuilder

    views = import_module("app.accounts.views")
    for name, view in views.SIGN_IN_VIEWS.items():
        setattr(DeskSecurityManager, name, view)
    appbuilder = DeskBuilder(app, db.session, indexview=views.FrontDoor, security_manager_class=DeskSecurityManager)
    for door in DOORS:
        import_module(door).register(appbuilder)
    for door in BLUEPRINTS:
        import_module(door).register(app)
    rowpages.install(app, appbuilder)
    refusals.install(app)
    words.take_over(app)
    language.take_over(app)
