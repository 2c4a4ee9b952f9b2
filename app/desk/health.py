"""How the desk is, for load balancers and for monitoring."""

from __future__ import annotations

import ipaddress

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import bounds, keys
from app.accounts.viewer import viewer
from app.core import limits, queue
from app.core.errors import Forbidden
from app.core.extensions import db
from app.core.limits import Limit
from app.desk import figures
from app.desk.checks import measure

PASSED_ON = ("forwarded", "x-real-ip", "via")
"""What a proxy adds: some may be told by a client to leave out one of them."""
METRICS_SCOPES = {"desk:admin", "*"}


def register(app: Flask) -> None:
    health = Blueprint("health", __name__)
    health.add_url_rule("/healthz", view_func=alive)
    health.add_url_rule("/readyz", view_func=ready)
    health.add_url_rule("/metrics", view_func=metrics)
    app.register_blueprint(health)


def alive() -> Response:
    """This process answers. Asks nobody else, so that a database that is away makes nobody kill the web."""
    return jsonify({"ok": True})


def ready() -> Response:
    """200 when every part is as it should be, else 503. A stranger learns which parts fail; what was measured is for this machine and admins' keys."""
    checks = list(measure())
    body: dict[str, object] = {"ok": all(check.ok for check in checks)}
    if from_this_machine() or _has_key():
        body["checks"] = {check.name: check.as_json() for check in checks}
        body["degraded"] = [check.name for check in checks if check.degraded]
        body["data"] = str(current_app.config["DATA"])
    else:
        body["failing"] = [check.name for check in checks if not check.ok]
    response = jsonify(body)
    response.status_code = 200 if body["ok"] else 503
    return response


def from_this_machine() -> bool:
    """A proxy on this machine asks for others: what it passes on carries their address."""
    forwarded = any(
        name.lower().startswith("x-forwarded") or name.lower() in PASSED_ON for name, _value in request.headers
    )
    try:
        return not forwarded and ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def metrics() -> Response:
    """For Prometheus: from this machine, or with a key of scope desk:admin."""
    if not from_this_machine() and not _has_key():
        raise Forbidden(_("Send a key of scope desk:admin."))
    return Response(generate_latest(_figures()), content_type=CONTENT_TYPE_LATEST)


def _has_key() -> bool:
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    key = keys.find(secret.strip()) if scheme.lower() == "bearer" and secret else None
    if key is None and secret:
        limits.spend(Limit.API_NETWORK, limits.network())
    if key is None or METRICS_SCOPES.isdisjoint(key.scopes.split()):
        return False
    owner = viewer(key.user_id)
    return owner is not None and bounds.within(owner, key.given).can("list", "Job")


def _figures() -> CollectorRegistry:
    """What only the database knows is read anew each time; what happened in processes they have counted together."""
    registry = CollectorRegistry()
    up = Gauge("deskhand_up", "1 when this part of the desk is as it should be.", ["part"], registry=registry)
    for check in measure():
        up.labels(check.name).set(check.ok)
        if check.name in NAMES and check.figure is not None:
            Gauge(*NAMES[check.name], registry=registry).set(check.figure)
    for look in (figures.tell_rows, figures.tell_counted):
        try:
            look(registry)
        except (SQLAlchemyError, *queue.NotAnswering):
            db.session.rollback()
    return registry


NAMES = {
    "mailboxes": (
        "deskhand_mailboxes_in_trouble",
        "Mailboxes that mail could not be fetched from several times in a row.",
    ),
    "ticker": ("deskhand_ticker_beat_age_seconds", "Since the ticker's last beat."),
    "outbox": ("deskhand_outbox_oldest_due_seconds", "How long the oldest row that nobody has in hand has been due."),
    "quarantine": ("deskhand_quarantined_mails", "Mail that was set aside and waits for a person."),
    "disk": ("deskhand_disk_free_bytes", "Where the desk keeps its data."),
}
