"""The page "Background jobs": what waits, runs, failed and why, with a retry."""

from __future__ import annotations

import time
from typing import Any

from flask import abort, current_app, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from rq import Worker
from sqlalchemy import func, select

from app.core import clock, queue
from app.core.audit import What, note
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.ticker import BEAT_KEY
from app.desk.jobwords import about, called

ROWS = 100
OPEN = (Outbox.done_at.is_(None), Outbox.failed_at.is_(None))


class JobView(BaseView):
    route_base = "/admin/jobs"
    default_view = "index"
    class_permission_name = "Job"
    base_permissions = ["can_list", "can_retry"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        state = request.args.get("state", "")
        shown = (
            state
            if state in ("waiting", "running", "failed", "done")
            else ("failed" if _count("failed") else "waiting")
        )
        everything = "periodic" in request.args or shown == "failed"
        wanted = select(Outbox).where(*_criteria(shown), *(() if everything else (_asked_for(),)))
        rows = db.session.scalars(wanted.order_by(Outbox.id.desc()).limit(ROWS)).all()
        counts = {name: _count(name) for name in ("waiting", "running", "failed")}
        return self.render_template(
            "desk/jobs.html", rows=rows, about=about(rows, g.user), called=called, state=shown, counts=counts, everything=everything,
            folded=0 if everything else _count(shown, ~_asked_for()), processes=_processes(), at=clock.now(),
        )  # fmt: skip

    @expose("/<int:outbox_id>/retry", methods=["POST"])
    @has_access
    @permission_name("retry")
    def retry(self, outbox_id: int) -> Any:
        row = db.session.get(Outbox, outbox_id) or abort(404)
        if row.failed_at is None:
            flash(_("This job has not failed."), "warning")
        else:
            row.retry()
            note(What.RETRIED, f"{row.job} {row.id}")
            db.session.commit()
            flash(_("The job is on its way again."), "success")
        return redirect("/admin/jobs/")


def _asked_for() -> Any:
    """Not by the clock: what runs every few seconds anyway would bury what somebody waits for."""
    return Outbox.job.not_in(current_app.extensions["deskhand_periodic"])


def _criteria(state: str) -> tuple[Any, ...]:
    """The SQL twin of Outbox.state."""
    held = (Outbox.lease_until.is_not(None), Outbox.lease_until > clock.now())
    return {
        "failed": (Outbox.failed_at.is_not(None),),
        "done": (Outbox.done_at.is_not(None), Outbox.failed_at.is_(None)),
        "running": (*OPEN, *held),
        "waiting": (*OPEN, ~(Outbox.lease_until.is_not(None) & (Outbox.lease_until > clock.now()))),
    }[state]


def _count(state: str, *more: Any) -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(select(Outbox.id).where(*_criteria(state), *more).limit(1000).subquery())
        )
        or 0
    )


def _processes() -> dict[str, Any]:
    """Whether queue, workers and ticker are there, for the head of the page."""
    try:
        connection = queue.connection()
        beat = connection.get(BEAT_KEY)
        return {
            "queue": True,
            "workers": Worker.count(connection=connection),
            "ticker_seconds": int(time.time()) - int(beat) if beat else None,
        }
    except queue.NotAnswering:
        return {"queue": False, "workers": 0, "ticker_seconds": None}
