"""An incident gathers tickets: each belongs to one at most, whoever sees both may add it, and all of it stands in their histories."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.errors import Forbidden
from app.tickets import incidents, links
from app.tickets.incidents import NoIncident
from app.tickets.timeline import Did
from tests.factories import a_customer, a_department, a_supervisor, a_ticket, acting, an_agent
from tests.tickets.test_links import a_type


def test_an_incident_counts_the_tickets_and_customers_of_those_one_sees(app: Flask) -> None:
    mine, theirs, boss, customer = a_department(), a_department(), acting(a_supervisor()), a_customer()
    parent = a_ticket(department=mine)
    incidents.declare(parent, boss)
    children = [a_ticket(department=mine, requester=customer), a_ticket(department=mine, requester=customer), a_ticket(department=theirs)]  # fmt: skip
    for each in children:
        incidents.add(each, parent, boss)
    children[0].close(by=boss)

    assert incidents.reach(parent.id, boss) == (3, 2, 2)
    assert incidents.reach(parent.id, acting(an_agent(mine))) == (2, 1, 1)
    assert incidents.part_of(children[2]) == parent.id
    assert children[0].events[-2].what is Did.INCIDENT_JOINED
    assert [event.what for event in parent.events].count(Did.INCIDENT_GREW) == 3


def test_declaring_and_adding_twice_does_nothing(app: Flask) -> None:
    boss, parent, child = acting(a_supervisor()), a_ticket(), a_ticket()
    for _again in range(2):
        incidents.declare(parent, boss)
        incidents.add(child, parent, boss)

    whats = [event.what for event in (*parent.events, *child.events)]
    assert (whats.count(Did.INCIDENT_DECLARED), whats.count(Did.INCIDENT_JOINED)) == (1, 1)


def test_a_ticket_belongs_to_one_incident_and_an_incident_to_none(app: Flask) -> None:
    boss, one, other, child = acting(a_supervisor()), a_ticket(), a_ticket(), a_ticket()
    incidents.declare(one, boss), incidents.declare(other, boss)
    incidents.add(child, one, boss)

    for refused in (
        lambda: incidents.add(child, other, boss),
        lambda: incidents.add(other, one, boss),
        lambda: incidents.add(one, one, boss),
        lambda: incidents.add(a_ticket(), child, boss),
        lambda: incidents.declare(child, boss),
    ):
        with pytest.raises(NoIncident):
            refused()


def test_what_one_may_not_see_one_neither_adds_nor_takes_out(app: Flask) -> None:
    mine, theirs, boss = a_department(), a_department(), acting(a_supervisor())
    parent, foreign, own = a_ticket(department=mine), a_ticket(department=theirs), a_ticket(department=mine)
    agent = acting(an_agent(mine))
    incidents.declare(parent, boss)
    incidents.add(foreign, parent, boss)

    incidents.add(own, parent, agent)
    for refused in (lambda: incidents.add(a_ticket(department=theirs), parent, agent), lambda: incidents.take_out(foreign, parent, agent), lambda: incidents.declare(a_ticket(department=mine), agent)):  # fmt: skip
        with pytest.raises(Forbidden):
            refused()


def test_an_incident_called_off_sets_its_tickets_free(app: Flask) -> None:
    boss, parent, child = acting(a_supervisor()), a_ticket(), a_ticket()
    incidents.declare(parent, boss)
    incidents.add(child, parent, boss)

    incidents.call_off(parent, boss)

    assert (incidents.of(parent), incidents.part_of(child), child.events[-1].what) == (None, None, Did.INCIDENT_LEFT)


def test_an_incident_is_no_link_between_two_tickets(app: Flask) -> None:
    boss, parent, child = acting(a_supervisor()), a_ticket(), a_ticket()
    links.link(parent, child, a_type("causes"), by=boss)
    incidents.declare(parent, boss)

    incidents.add(child, parent, boss)
    links.unlink(parent, child, by=boss)

    assert links.links_of(parent.id, boss) == []
    assert incidents.part_of(child) == parent.id
