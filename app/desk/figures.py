"""The figures of /metrics: rows of the database as they are now, and what processes have counted since the queue's store began."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.core import clock
from app.core.audit import Audit, What
from app.core.counting import BUCKETS_MS, counted
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk.checks import waiting_rows
from app.mail.models import Delivery, RawMail
from app.reports.daily import DailyFigure
from app.sla.models import SlaFired
from app.tickets.tally import Tally


def tell_rows(registry: CollectorRegistry) -> None:
    given: dict[str, tuple[str, Any]] = {
        "deskhand_outbox_due_rows": ("Rows of the outbox that are due and that nobody has in hand.", waiting_rows()[0]),
        "deskhand_outbox_failed_rows": ("Rows of the outbox that were given up.", _count(Outbox.failed_at.is_not(None))),
        "deskhand_tickets_live": (
            "Tickets neither resolved nor closed.",
            db.session.scalar(select(func.coalesce(func.sum(Tally.tickets), 0))),
        ),
        "deskhand_sla_breaches": ("Promises that were broken so far.", db.session.scalar(select(func.count()).select_from(SlaFired).where(SlaFired.level == 100))),
    }  # fmt: skip
    opened, resolved = db.session.execute(
        select(func.coalesce(func.sum(DailyFigure.opened), 0), func.coalesce(func.sum(DailyFigure.resolved), 0))
    ).one()
    given["deskhand_tickets_opened"] = ("Tickets opened so far.", opened)
    given["deskhand_tickets_resolved"] = ("Tickets resolved so far.", resolved)
    for name, (told, value) in given.items():
        Gauge(name, told, registry=registry).set(float(value or 0))
    _tell_last_day(registry)


def _tell_last_day(registry: CollectorRegistry) -> None:
    """Mails and refused sign-ins of the last 24 hours: an alarm asks how it is now."""
    since = clock.now() - dt.timedelta(days=1)
    mails = Gauge("deskhand_mails_last_day", "Mails out by what became of them.", ["state"], registry=registry)
    for state, count in db.session.execute(
        select(Delivery.state, func.count()).where(Delivery.created_at > since).group_by(Delivery.state)
    ):
        mails.labels(state.value).set(count)
    received = Gauge("deskhand_mails_received_last_day", "Mails in by what became of them.", ["state"], registry=registry)  # fmt: skip
    for state, count in db.session.execute(
        select(RawMail.state, func.count()).where(RawMail.received_at > since).group_by(RawMail.state)
    ):
        received.labels(state.value).set(count)
    refused = select(func.count()).where(Audit.what == What.SIGN_IN_REFUSED.value, Audit.at > since)
    Gauge("deskhand_sign_ins_refused_last_day", "Staff's.", registry=registry).set(db.session.scalar(refused) or 0)


def _count(criterion: Any) -> int:
    return db.session.scalar(select(func.count()).where(criterion)) or 0


def tell_counted(registry: CollectorRegistry) -> None:
    registry.register(_Counted(counted()))


class _Counted(Collector):
    """Requests by face and outcome, and how long they took."""

    def __init__(self, counts: dict[str, float]) -> None:
        self.counts = counts

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("deskhand_requests", "Requests answered.", labels=["face", "status"])
        took = HistogramMetricFamily("deskhand_request_ms", "Milliseconds a request took.", labels=["face"])
        sums: dict[str, float] = {}
        buckets: dict[str, dict[str, float]] = defaultdict(dict)
        for key, amount in self.counts.items():
            name, *pairs = key.split("|")
            labels = dict(pair.split("=", 1) for pair in pairs)
            if name == "requests":
                requests.add_metric([labels["face"], labels["status"]], amount)
            elif name == "request_ms_sum":
                sums[labels["face"]] = amount
            elif name == "request_ms_bucket":
                buckets[labels["face"]][labels["le"]] = amount
        for face, found in buckets.items():
            took.add_metric([face], _cumulated(found), sums.get(face, 0.0))
        yield requests
        yield took


def _cumulated(found: dict[str, float]) -> list[tuple[str, float]]:
    total, edges = 0.0, []
    for edge in (*map(str, BUCKETS_MS), "+Inf"):
        total += found.get(edge, 0.0)
        edges.append((edge, total))
    return edges
