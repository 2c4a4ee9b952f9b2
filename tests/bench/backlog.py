"""What the jobs of time and people take when much is due at once: `python -m tests.bench.backlog enforce|rebuild|assign COUNT`.

On the desk of its environment, which is spoilt by it: a copy of one that `run.py bench` loaded. Processor time, of this process
alone; with SQLite the database is in it.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

from sqlalchemy import event, func, select, text, update

CLOCKS = 1_000_000


def many_clocks(due: int) -> None:
    """A million that run, a tenth of them with each ticket's neighbours; so many of them are due, each of another open ticket."""
    from app.core.extensions import db

    tickets = db.session.scalar(text("SELECT count(*) FROM ticket")) or 0
    db.session.execute(text("DELETE FROM sla_clock"))
    copies = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(1, CLOCKS // tickets + 2))
    db.session.execute(text(
        "INSERT INTO sla_clock (ticket_id, metric, cycle, epoch, policy_id, state, started_at, target_seconds, paused_seconds, due_at, next_fire_at, told_level) "
        "SELECT id, 'next_response', n, 1, (SELECT min(id) FROM sla_policy), 'running', created_at, 86400, 0, '2099-01-01', '2099-01-01', 0 "
        f"FROM ticket, ({copies}) AS copies LIMIT {CLOCKS}"
    ))  # fmt: skip
    db.session.execute(text(
        "UPDATE sla_clock SET next_fire_at = '2020-01-01', due_at = '2020-01-01' WHERE cycle = 1 AND ticket_id IN "
        f"(SELECT id FROM ticket WHERE live ORDER BY id LIMIT {due})"
    ))  # fmt: skip
    db.session.commit()


def enforce(count: int) -> Callable[[], int]:
    from app.core.extensions import db
    from app.sla import jobs
    from app.sla.models import SlaClock

    many_clocks(count)
    late = select(func.count()).select_from(SlaClock).where(SlaClock.breached_at.is_not(None))

    def run() -> int:
        jobs.enforce()
        db.session.commit()
        return db.session.scalar(late) or 0

    return run


def rebuild(count: int) -> Callable[[], int]:
    """Every ticket is open and was opened here; their clocks are there, and the policy promises something else."""
    from app.core.extensions import db
    from app.core.outbox import Outbox
    from app.sla import jobs, rebuilding
    from app.sla.models import SlaTarget

    for statement in (
        "DELETE FROM sla_clock",
        "DELETE FROM ticket_event WHERE what NOT IN ('opened', 'received')",
        "UPDATE ticket_event SET particulars = '{\"message_id\": 1, \"by_staff\": false}' WHERE what = 'opened'",
        f"UPDATE ticket SET live = id IN (SELECT id FROM ticket ORDER BY id LIMIT {count}), state = 'open', first_response_at = NULL",
    ):
        db.session.execute(text(statement))
    db.session.commit()

    def run() -> int:
        done = 0
        db.session.execute(text("DELETE FROM outbox"))
        rebuilding.begin()
        db.session.commit()
        while row := db.session.scalar(select(Outbox).where(Outbox.done_at.is_(None)).limit(1)):
            given = dict(row.arguments)
            db.session.delete(row)
            jobs.check(**given)
            db.session.commit()
            run_row = rebuilding.latest()
            done = run_row.done if run_row is not None else done
        return done

    run()
    for target in db.session.scalars(select(SlaTarget)):
        target.first_response_minutes, target.first_response_business_days = 77, None
    db.session.commit()
    return run


def assign(count: int) -> Callable[[], int]:
    """They wait for the people of the desk, who have room for all of them."""
    from app.assignment import jobs
    from app.assignment.models import AssignmentLog
    from app.core.extensions import db
    from app.settings import desk
    from app.tickets.models import Ticket
    from app.tickets.tally import Tally

    desk.change({"auto_assignment": False, "default_capacity": 10_000})
    wanted = select(Ticket.id).where(Ticket.assignee_id.is_(None)).order_by(Ticket.id)
    db.session.execute(update(Ticket).values(live=False, assignee_id=None))
    chosen = wanted.limit(count).scalar_subquery()
    db.session.execute(update(Ticket).where(Ticket.id.in_(chosen)).values(live=True, state="open"))
    db.session.execute(text(f"DELETE FROM {AssignmentLog.__tablename__}"))
    db.session.execute(text(f"DELETE FROM {Tally.__tablename__}"))
    from app.tickets.jobs import recount_tally

    recount_tally()
    desk.change({"auto_assignment": True})
    db.session.commit()

    def run() -> int:
        jobs.drain()
        return db.session.scalar(select(func.count()).select_from(Ticket).where(Ticket.assignee_id.is_not(None))) or 0

    return run


def main(what: str, count: int) -> None:
    from app.core.extensions import db
    from app.run import loaded

    app = loaded.the_app()
    app.config["QUEUE_OFF"] = True
    statements = 0

    def note(*_: object) -> None:
        nonlocal statements
        statements += 1

    with app.app_context():
        run = {"enforce": enforce, "rebuild": rebuild, "assign": assign}[what](count)
        db.session.remove()
        event.listen(db.engine, "before_cursor_execute", note)
        before, began, wall = _most_mib(), time.process_time(), time.monotonic()
        done = run()
        took, passed = time.process_time() - began, time.monotonic() - wall
        print(
            f"{what} {count}: {done} done, {took:.1f} s of processor time ({passed:.0f} s passed), {took / max(done, 1) * 1000:.2f} ms "
            f"and {statements / max(done, 1):.1f} statements each, at most {_most_mib():.0f} MiB resident ({before:.0f} before)", flush=True
        )  # fmt: skip


def _most_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
