"""Admins shape what is promised."""

from sqlalchemy import select

from app.core.extensions import db
from app.sla.models import SlaPolicy, SlaTarget
from tests.factories import a_priority, a_supervisor, a_ticket, an_admin, run_jobs, sign_in


def critical() -> SlaTarget:
    db.session.expire_all()
    return db.session.scalars(select(SlaTarget).where(SlaTarget.priority_rank == 4)).one()


def test_an_admin_reads_and_changes_a_target_and_running_clocks_follow(app, client):
    ticket = a_ticket(priority=a_priority(4))
    sign_in(client, an_admin())
    target = critical()

    assert "Always" in client.get("/admin/sla-policies/list/").text
    assert client.get("/admin/sla-targets/list/").status_code == 200
    answer = client.post(
        f"/admin/sla-targets/edit/{target.id}",
        data={"policy": target.policy_id, "priority_rank": "4", "first_response_minutes": "30"},
    )
    assert answer.status_code == 302, answer.text
    run_jobs()

    assert critical().first_response_minutes == 30
    assert (ticket.first_response_due_at - ticket.created_at).total_seconds() == 1800
    assert a_ticket(priority=a_priority(4)).first_response_due_at is not None


def test_minutes_and_days_together_are_refused_beside_the_field(app, client):
    sign_in(client, an_admin())
    target = critical()

    answer = client.post(
        f"/admin/sla-targets/edit/{target.id}",
        data={
            "policy": target.policy_id,
            "priority_rank": "4",
            "first_response_minutes": "30",
            "first_response_business_days": "2",
        },
    )

    assert "not both" in answer.text
    assert critical().first_response_minutes == 60


def test_a_supervisor_changes_no_promise(app, client):
    sign_in(client, a_supervisor())

    assert client.get("/admin/sla-policies/list/").status_code in (302, 403)
    client.post(f"/admin/sla-targets/delete/{critical().id}")
    assert critical().first_response_minutes == 60


def test_a_new_policy_before_the_old_one_takes_over(app, client):
    sign_in(client, an_admin())
    old = db.session.scalars(select(SlaPolicy)).one()
    old.position = 5
    db.session.commit()

    answer = client.post(
        "/admin/sla-policies/add",
        data={"name": "Nothing promised", "hours": "business", "active": "y", "position": "0"},
    )

    assert answer.status_code == 302, answer.text
    assert a_ticket().next_due_at is None
