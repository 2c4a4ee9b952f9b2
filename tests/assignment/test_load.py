"""What somebody holds is one figure wherever it is said: tickets on which it is their turn."""

import re

from app.assignment.load import open_tickets
from app.core.extensions import db
from app.desk.dashboard import Dashboard
from app.tickets.choices import State
from tests.desk.test_list import as_
from tests.factories import a_supervisor, a_ticket, acting, an_agent


def test_assignment_picker_and_dashboard_say_the_same(app, client):
    agent, boss = an_agent(), a_supervisor()
    for state in (State.NEW, State.OPEN, State.OPEN, State.WAITING, State.HOLD, State.RESOLVED):
        ticket = a_ticket(assignee=agent, state=state)
    db.session.commit()
    as_(client, boss)

    assert open_tickets()[agent.id] == 3
    page = client.get(f"/admin/tickets/{ticket.number}").text
    assert re.search(rf'<option value="{agent.id}" selected>[^<]*\(3 open\)', page)
    with app.test_request_context():
        chart = Dashboard.of(acting(boss), 7).charts["workload"]
    assert dict(zip(chart["labels"], chart["sets"][0]["data"], strict=True))[agent.get_full_name()] == 3
