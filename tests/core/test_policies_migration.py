"""A desk that promised before there were ordered policies keeps its promises when it is brought up to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.notifications.models import Notification
from app.sla import jobs
from app.sla.models import SlaClock, SlaFired, SlaPolicy
from tests.factories import a_department, a_priority, a_ticket, an_admin, run_jobs

BEFORE = "0030"
"""What 0029 came after."""
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def older(app: Flask) -> Iterator[Flask]:
    """At head again afterwards, whatever happened."""
    yield app
    db.session.rollback()
    upgrade()


def put(statement: str, **values: object) -> None:
    db.session.execute(text(statement), values)


def a_desk_of_then() -> dict[str, int]:
    """Three policies, of which the first active one held for every ticket; four clocks: running, told lately, told long ago, kept."""
    department = a_department()
    department.lead_id = an_admin(name="lead").id
    now = clock.now()
    ids = {name: a_ticket(department=department, priority=a_priority(4)).id for name in ("running", "lately", "long ago", "kept")}  # fmt: skip
    db.session.query(Notification).delete()
    db.session.commit()
    db.session.remove()
    downgrade(revision=BEFORE)
    put("UPDATE sla_policy SET position = 5")
    for name, position, active in (("Off, above", 1, False), ("Never held", 9, True), ("Off, below", 12, False)):
        put("INSERT INTO sla_policy (name, position, active, hours) VALUES (:name, :position, :active, 'always')", name=name, position=position, active=active)  # fmt: skip
    for name, minutes in (("lately", 20), ("long ago", 180)):
        of = {"id": ids[name], "due": (now - minutes * MINUTE).isoformat(sep=" ")}
        put(
            "UPDATE sla_clock SET breached_at = :due, detected_at = :due, next_fire_at = NULL WHERE ticket_id = :id",
            **of,
        )
        put("INSERT INTO sla_fired (clock_id, epoch, level, at) SELECT id, 1, 100, :due FROM sla_clock WHERE ticket_id = :id", **of)  # fmt: skip
        started = {"id": ids[name], "at": (now - (minutes + 60) * MINUTE).isoformat(sep=" ")}
        for table, column in (("sla_clock", "started_at"), ("ticket", "created_at"), ("ticket_event", "at")):
            key = "id" if table == "ticket" else "ticket_id"
            put(f"UPDATE {table} SET {column} = :at WHERE {key} = :id", **started)
    put("UPDATE sla_clock SET state = 'fulfilled', ended_at = :now, next_fire_at = NULL WHERE ticket_id = :id", now=now.isoformat(sep=" "), id=ids["kept"])  # fmt: skip
    put(
        "INSERT INTO outbox (job, queue, arguments, created_at, due_at, tries) VALUES ('notifications.tell_lead', 'bulk', '{}', :now, :now, 0)",
        now=now.isoformat(sep=" "),
    )
    put("DELETE FROM outbox WHERE job = 'sla.check'")
    db.session.commit()
    db.session.remove()
    return ids


def told_levels() -> dict[int, int]:
    return {
        row.ticket_id: row.told_level for row in db.session.execute(select(SlaClock.ticket_id, SlaClock.told_level))
    }


def policies() -> list[tuple[str, bool]]:
    found = select(SlaPolicy.name, SlaPolicy.active).order_by(SlaPolicy.position, SlaPolicy.id)
    return [(row.name, row.active) for row in db.session.execute(found)]


def checks() -> int:
    return len(db.session.scalars(select(Outbox.id).where(Outbox.job == "sla.check", Outbox.done_at.is_(None))).all())


def test_the_policy_that_held_still_holds_for_every_ticket_and_no_level_is_told_twice(older: Flask) -> None:
    ids = a_desk_of_then()
    upgrade()

    assert policies() == [("Off, above", False), ("Never held", False), ("Off, below", False), ("Always", True)]
    assert told_levels() == {ids["running"]: 0, ids["lately"]: 100, ids["long ago"]: 160, ids["kept"]: 0}
    assert db.session.scalars(select(Outbox.done_at).where(Outbox.job == "notifications.tell_lead")).one() is not None
    assert checks() == 1
    assert [level["code"] for level in db.session.scalars(select(SlaPolicy.levels)).first() or ()] == [80, 100, 160]


def test_after_it_the_lead_of_what_was_told_lately_hears_an_hour_after_and_of_what_was_told_long_ago_not_again(
    older: Flask,
) -> None:

    ids = a_desk_of_then()
    upgrade()
    run_jobs()
    jobs.enforce()
    db.session.commit()
    late = select(Notification.ticket_id).where(Notification.kind == "sla_breach").distinct()
    assert db.session.scalars(late).all() == []
    with time_machine.travel(clock.now() + 45 * MINUTE):
        jobs.enforce()
        run_jobs()

    assert ids["lately"] in db.session.scalars(late).all()
    assert ids["long ago"] not in db.session.scalars(late).all()
    assert db.session.scalars(select(SlaFired.level).join(SlaClock, SlaClock.id == SlaFired.clock_id).where(SlaClock.ticket_id == ids["lately"]).order_by(SlaFired.level)).all() == [100, 160]  # fmt: skip


def test_going_back_and_forth_again_changes_nothing_more(older: Flask) -> None:
    ids = a_desk_of_then()
    upgrade()
    after = policies()
    db.session.remove()
    downgrade(revision=BEFORE)
    upgrade()

    assert policies() == after
    assert told_levels()[ids["lately"]] == 100
    clocks = {row.ticket_id: row.state for row in db.session.scalars(select(SlaClock))}
    assert clocks[ids["running"]] == "running" and clocks[ids["kept"]] == "fulfilled"


def test_a_desk_that_promised_nothing_yet_is_given_no_job(older: Flask) -> None:
    downgrade(revision=BEFORE)
    put("DELETE FROM sla_clock")
    put("DELETE FROM sla_policy")
    put("DELETE FROM outbox")
    db.session.commit()
    db.session.remove()
    upgrade()

    assert (policies(), checks()) == ([], 0)
