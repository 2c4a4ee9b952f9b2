"""Links between tickets say the same from both sides, to whoever sees both."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.errors import Forbidden
from app.core.extensions import db
from app.tickets import links
from app.tickets.links import CannotLink
from app.tickets.models import LinkType
from app.tickets.timeline import Did
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent


def a_type(name: str) -> LinkType:
    return db.session.scalars(select(LinkType).where(LinkType.name == name)).one()


def told(ticket, person) -> list[tuple[str, int]]:
    return [(one.words, one.ticket.number) for one in links.links_of(ticket.id, person)]


def test_a_desk_begins_with_four_types(app: Flask) -> None:
    assert [(kind.name, kind.reverse_name) for kind in links.types()] == [
        ("relates to", "relates to"), ("duplicates", "is duplicated by"), ("causes", "is caused by"), ("blocks", "is blocked by"),
    ]  # fmt: skip


def test_both_tickets_show_the_link_each_in_its_own_words(app: Flask) -> None:
    one, other, agent = a_ticket(), a_ticket(), acting(a_supervisor())

    links.link(one, other, a_type("blocks"), by=agent)
    links.link(one, third := a_ticket(), a_type("causes"), by=agent, reverse=True)

    assert told(one, agent) == [("blocks", other.number), ("is caused by", third.number)]
    assert (told(other, agent), told(third, agent)) == ([("is blocked by", one.number)], [("causes", one.number)])
    assert [event.what for event in other.events][-1] is Did.LINKED

    links.unlink(other, one, by=agent)
    assert (told(other, agent), one.events[-1].what, other.events[-1].what) == ([], Did.UNLINKED, Did.UNLINKED)


def test_a_ticket_one_may_not_see_shows_nothing_of_itself(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    one, other = a_ticket(department=mine), a_ticket(department=theirs)
    agent = acting(an_agent(mine))
    links.link(one, other, a_type("blocks"), by=acting(a_supervisor()))

    assert told(one, agent) == []
    with pytest.raises(Forbidden):
        links.unlink(one, other, by=agent)
    with pytest.raises(Forbidden):
        links.link(one, a_ticket(department=theirs), a_type("blocks"), by=agent)


def test_no_ticket_is_linked_twice_or_with_itself(app: Flask) -> None:
    one, other, agent = a_ticket(), a_ticket(), acting(a_supervisor())
    links.link(one, other, a_type("blocks"), by=agent)

    for ticket, to in ((one, other), (other, one), (one, one)):
        with pytest.raises(CannotLink):
            links.link(ticket, to, a_type("relates to"), by=agent)
