"""Jobs read the settings as they are now."""

from app.assignment import jobs
from app.core.extensions import db
from app.core.outbox import Outbox
from app.settings import desk
from app.settings.models import Setting
from tests.factories import a_department, a_ticket, an_agent, run_jobs


def test_a_worker_sees_a_setting_that_somebody_else_changed(app):
    department = a_department()
    agent, ticket = an_agent(department), a_ticket(department=department)
    assert not desk.current().auto_assignment
    db.session.add(Setting(name="auto_assignment", value=True))  # as another process would
    Outbox.put("assignment.assign", ticket_id=ticket.id)
    run_jobs()

    assert ticket.assignee is agent


def test_an_assignment_for_a_ticket_that_is_gone_does_nothing(app):
    jobs.assign(ticket_id=987654)

    assert db.session.query(Outbox).count() == 0
