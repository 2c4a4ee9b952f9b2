"""One language read in two ways: the filter and the question to one ticket choose the same."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.automation import conditions, saying
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.folding import fold, folded
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import a_customer, a_field, a_supervisor, a_ticket, acting, an_organization

TEXTS = st.sampled_from(["a", "Ä", "ß", "ÉTÉ", "été", "%", "_", "\\", "'", '"', "Ω", "İ", "İı", "fire", "FIRE", "northwind", "-", "vip", "é́", " "])  # fmt: skip
HOURS = st.integers(0, 100).map(str)


@pytest.fixture
def desk(app):
    """A few tickets that differ in all that can be asked."""
    user = a_supervisor()
    agent = acting(user)
    serial = a_field("Serial")
    firm = an_organization("Ångström & Söhne")
    for number, subject in enumerate(["FIRE in the ÉTÉ", "100 % _sure_ \\o/", "straße İstanbul", 'It\'s "odd"', ""]):
        ticket = a_ticket(subject or "-", requester=a_customer(organization=firm) if number % 2 else a_customer())
        if number % 2:
            ticket.tag("VIP", SYSTEM)
            ticket.set_field(serial.key, f"Ä-{number}", SYSTEM)
        if number > 1:
            ticket.reply(Words(f"Answer {number}"), by=agent)
            ticket.receive(Words(f"ÉTÉ again {number}"), by=CustomerActor.of(ticket.requester))
        if number > 2:
            ticket.set_priority(db.session.scalars(select(Priority).order_by(Priority.rank)).first(), SYSTEM)
            ticket.set_category(db.session.scalars(select(Category).order_by(Category.id)).first(), SYSTEM)
            ticket.assign_to(user, SYSTEM)
        ticket.created_at = clock.now() - dt.timedelta(hours=number * 20)
    ticket.set_status(status_for(State.WAITING), SYSTEM)
    ticket.next_due_at = clock.now() - dt.timedelta(hours=1)
    db.session.commit()
    return serial


def nodes(names):
    leaves = st.sampled_from(sorted(names)).flatmap(leaf_of)
    return st.recursive(
        leaves,
        lambda inside: st.one_of(
            st.lists(inside, max_size=3).map(lambda some: {"all": some}),
            st.lists(inside, max_size=3).map(lambda some: {"any": some}),
            inside.map(lambda one: {"not": one}),
        ),
        max_leaves=6,
    )


def leaf_of(name):
    field = conditions.FIELDS.get(name)
    kind = field.kind if field else "text"
    ops = st.sampled_from(sorted(field.ops if field else conditions.TEXT_OPS))
    some = st.lists(st.sampled_from(["1", "2", "3", "5", "none", "new", "open", "waiting", "portal", "mail", "ticket", "999", "x"]), min_size=1, max_size=3)  # fmt: skip
    values = {"choice": some, "text": TEXTS, "tag": TEXTS, "number": HOURS, "age": HOURS, "flag": st.just([])}[kind]
    return st.builds(lambda op, value: {"field": name, "op": op, "value": value}, ops, values)


def test_filter_and_question_choose_the_same_tickets(desk):
    names = {*conditions.FIELDS, f"field:{desk.key}"}
    tickets = db.session.scalars(select(Ticket)).all()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(nodes(names))
    def agree(node):
        now = clock.now()
        by_filter = set(db.session.scalars(select(Ticket.id).where(conditions.filter_of(node, now))))
        assert by_filter == {ticket.id for ticket in tickets if conditions.holds(node, ticket, now)[0]}
        assert saying.condition(node) is not None

    agree()


def test_letters_are_folded_alike_in_python_and_in_the_database(app):
    every = "".join(chr(code) for code in range(1, 0x600)) + "ẞßİıǅſΣς"
    assert db.session.scalar(select(folded(every))) == fold(every)
    assert fold("ÄÉΩЖ İ") == "äéωж İ"


def test_no_condition_is_always_true(desk):
    ticket = db.session.scalars(select(Ticket)).first()
    assert all(conditions.holds(node, ticket)[0] for node in ({}, {"all": []}, {"any": []}))


def test_what_names_a_field_that_is_gone_holds_for_no_ticket(desk):
    node = {"field": "field:gone", "op": "equals", "value": "x"}
    ticket = db.session.scalars(select(Ticket)).first()
    assert not conditions.holds(node, ticket)[0]
    assert db.session.scalars(select(Ticket.id).where(conditions.filter_of(node, clock.now()))).all() == []


@pytest.mark.parametrize(
    "node",
    [
        [],
        {"all": {}},
        {"field": "nonsense", "op": "is", "value": ["1"]},
        {"field": "status", "op": "contains", "value": ["1"]},
        {"field": "status", "op": "is", "value": []},
        {"field": "subject", "op": "contains", "value": " "},
        {"field": "subject", "op": "contains", "value": "x" * 201},
        {"field": "created", "op": "at_least", "value": "soon"},
        {"field": "created", "op": "at_least", "value": "-1"},
        {"field": "messages", "op": "at_least", "value": "99999999999"},
        {"all": [{"field": "late", "op": "yes"}] * 31},
        {"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}},
    ],
)
def test_what_is_no_condition_is_refused_with_a_sentence(app, node):
    with pytest.raises(Invalid) as refusal:
        conditions.check(node)
    assert str(refusal.value).endswith(".")


def test_a_rule_is_said_in_words(desk):
    status = db.session.scalars(select(Status).where(Status.state == State.OPEN)).first()
    node = {
        "all": [
            {"field": "status", "op": "is", "value": [str(status.id), "987654"]},
            {"any": [{"field": "subject", "op": "contains", "value": "fire"}, {"field": "late", "op": "yes"}]},
        ]
    }
    assert saying.condition(node) == (
        "Status is Open or (no longer there) and (Subject contains “fire” or A promise is overdue: yes)"
    )
