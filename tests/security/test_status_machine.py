"""Every status to every status, by everybody and by every door: only what is declared happens."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import keys
from app.accounts.viewer import Actor, CustomerActor
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.models import Ticket
from tests.factories import a_customer, a_ticket, acting, an_organization, setting, sign_in, sign_in_customer, staff

ROLES = ("Support Agent", "Developer", "Supervisor", "Admin", "Super Admin")
ENDED = (State.RESOLVED, State.CLOSED)


def statuses() -> list[Status]:
    """Of the desk, and one that staff may not choose, and one that is switched off."""
    own = Status(name="Only by the desk", state=State.OPEN, position=90, manual=False)
    off = Status(name="Switched off", state=State.OPEN, position=91, active=False)
    db.session.add_all([own, off])
    db.session.flush()
    return list(db.session.scalars(select(Status).order_by(Status.position)))


def in_status(status: Status, **given: object) -> Ticket:
    ticket = a_ticket(**given)
    ticket._enter(status)
    db.session.flush()
    return ticket


@pytest.mark.parametrize("role", ROLES)
def test_staff_go_from_any_status_to_any_they_may_choose_and_to_no_other(app: Flask, role: str) -> None:
    setting(agents_see_departments=True)
    every, category = statuses(), _technical()
    actor = acting(staff(role))
    for was in every:
        for to in every:
            ticket = in_status(was, category=category)
            went = _tried(ticket, to, actor)
            assert ticket.status_id == (to.id if went else was.id), f"{was.name} → {to.name}"
            assert went is (to.active and to.manual), f"{was.name} → {to.name}"


def _technical() -> object:
    from app.tickets.choices import Category

    return db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()


def _tried(ticket: Ticket, to: Status, by: Actor) -> bool:
    try:
        ticket.set_status(to, by)
    except HelpdeskError:
        return False
    return True


@pytest.mark.parametrize("whose", ["own", "colleague", "stranger"])
def test_a_customer_chooses_no_status(app: Flask, whose: str) -> None:
    every, organization = statuses(), an_organization()
    owner = a_customer(organization=organization)
    actor = {"own": owner, "colleague": a_customer(organization=organization), "stranger": a_customer()}[whose]
    for was in every:
        ticket = in_status(was, requester=owner)
        assert not any(_tried(ticket, to, CustomerActor.of(actor)) for to in every)
        for verb in (ticket.wait, ticket.hold, ticket.resolve):
            with pytest.raises(HelpdeskError):
                verb(CustomerActor.of(actor))
        assert ticket.status_id == was.id


@pytest.mark.parametrize("whose", ["own", "colleague", "stranger"])
def test_a_customer_closes_and_reopens_and_nothing_else_whatever_the_form_holds(app: Flask, client: FlaskClient, whose: str) -> None:  # fmt: skip
    """The state each door leads to; the fields that name another are no fields of these forms."""
    every, organization = statuses(), an_organization()
    owner = a_customer(organization=organization)
    sign_in_customer(client, {"own": owner, "colleague": a_customer(organization=organization), "stranger": a_customer()}[whose])  # fmt: skip
    for was in every:
        for door, leads_to in (("close", State.CLOSED), ("keep", _kept(was)), ("reply", _replied(was))):
            ticket = in_status(was, requester=owner)
            db.session.commit()
            number, before = ticket.number, ticket.state
            wished = {name: str(to.id) for to in every for name in ("status", "status_id", "then", "state")}
            answer = client.post(f"/portal/tickets/{number}/{door}", data={"message": "Words", **wished})
            db.session.expire_all()
            expected = before if whose == "stranger" else leads_to
            assert answer.status_code == (404 if whose == "stranger" else 303), f"{was.name} by {door}"
            assert ticket.state is expected, f"{was.name} by {door}: {ticket.state}"


def _kept(was: Status) -> State:
    return State.OPEN if was.state in ENDED else was.state


def _replied(was: Status) -> State:
    after = was.after_customer_reply
    return after.state if after is not None and was.state not in ENDED else _kept(was)


def test_what_the_desk_does_not_allow_its_customers_no_door_does(app: Flask, client: FlaskClient) -> None:
    setting(customer_can_close=False, customer_can_reopen=False)
    customer = a_customer()
    live, closed = a_ticket(requester=customer), a_ticket(requester=customer, state="closed")
    sign_in_customer(client, customer)

    client.post(f"/portal/tickets/{live.number}/close")
    client.post(f"/portal/tickets/{closed.number}/keep")
    client.post(f"/portal/tickets/{closed.number}/reply", data={"message": "Again"})

    db.session.expire_all()
    assert (live.state, closed.state) == (State.OPEN, State.CLOSED)


def test_no_door_of_staff_leads_to_a_status_they_may_not_choose(app: Flask, client: FlaskClient) -> None:
    setting(agents_see_departments=True)
    refused = [status for status in statuses() if not (status.active and status.manual)]
    agent, ticket = staff("Support Agent"), a_ticket()
    secret = keys.make("key", agent.id, ["*"])[1]
    sign_in(client, agent)
    was, number = ticket.status_id, ticket.number
    for status in refused:
        client.post(f"/admin/tickets/action/set_status:{status.id}/{ticket.id}")
        client.post("/admin/tickets/action_post", data={"action": "set_status", "value": status.id, "rowid": ticket.id})
        client.post(f"/admin/tickets/{number}/properties", data={"status": status.id})
        client.post(f"/admin/tickets/{number}/messages", data={"kind": "reply", "body": "Words", "then": f"status:{status.id}"})  # fmt: skip
        for path, body in ((f"/tickets/{number}", {"status": status.name}), (f"/tickets/{number}/replies", {"body": "Words", "status": status.name})):  # fmt: skip
            answer = client.open(f"/api/v1{path}", method="POST" if "replies" in path else "PATCH", json=body, headers={"Authorization": f"Bearer {secret}"})  # fmt: skip
            assert answer.status_code == 422, path
        db.session.expire_all()
        assert ticket.status_id == was, status.name
        assert len(ticket.messages) == 1, "a refused reply was kept"
