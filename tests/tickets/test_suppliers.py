"""Suppliers of a ticket: brought in, asked, heard; what a merge, a split and a vocabulary do to it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.notifications.models import Notice, Notification
from app.tickets import merging, splitting, suppliers, taking_part
from app.tickets.choices import State, Status
from app.tickets.leaks import Kind, leaks, leaks_to_supplier
from app.tickets.models import Ticket
from app.tickets.supplied import Supplier, TicketSupplier, Turn
from app.tickets.suppliers import NotTheirs, Question
from app.tickets.thread import Attachment, Channel, Message, MessageKind, Words
from app.tickets.timeline import Did, TicketEvent
from app.tickets.visibility import messages_visible_to
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_supplier,
    a_ticket,
    acting,
    an_agent,
    an_environment,
    run_jobs,
    setting,
)

WORDS = "The fuser unit costs four hundred in secret"


def question(supplier: Supplier, text: str = WORDS, **given) -> Question:
    return Question(supplier.contacts[0], given.pop("subject", "A spare part"), Words(text, via=Channel.STAFF), **given)


def asked(ticket: Ticket, supplier: Supplier, by) -> Message:
    return suppliers.ask(ticket, question(supplier), by)


def test_a_question_brings_its_supplier_in_and_puts_the_ticket_on_hold(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()

    message = asked(ticket, supplier, agent)

    assert (message.kind, message.supplier_id, message.public) == (MessageKind.SUPPLIER, supplier.id, False)
    assert (ticket.state, ticket.supplier_turn) == (State.HOLD, Turn.WAITING)
    assert [event.what for event in ticket.events[-3:]] == [Did.SUPPLIER_ADDED, Did.SUPPLIER_ASKED, Did.STATUS_CHANGED]
    assert (ticket.needs_response, ticket.first_response_at) == (True, None), "it is no answer to the customer"


def test_the_setting_keeps_the_status(app):
    setting(supplier_hold=False)
    ticket = a_ticket(state=State.OPEN)

    asked(ticket, a_supplier(), acting(an_agent()))

    assert ticket.state is State.OPEN


def test_a_vocabulary_without_hold_keeps_the_status_too(app):
    for status in db.session.scalars(select(Status).where(Status.state == State.HOLD)):
        status.active = False
    ticket = a_ticket(state=State.OPEN)

    asked(ticket, a_supplier(), acting(an_agent()))

    assert ticket.state is State.OPEN, "its neighbour would mean that we wait for the customer"


def test_an_answer_opens_the_ticket_again_and_its_people_hear_of_it(app):
    user = an_agent()
    supplier, ticket = a_supplier(), a_ticket(assignee=user)
    asked(ticket, supplier, acting(user))

    suppliers.hear(ticket, supplier, Words("We have two.", via=Channel.MAIL), "Jo Kim")

    assert (ticket.state, ticket.supplier_turn) == (State.OPEN, Turn.ANSWERED)
    told = db.session.scalars(select(Notification.kind).where(Notification.staff_id == user.id)).all()
    assert Notice.SUPPLIER_ANSWERED in told


def test_it_stays_on_hold_while_another_supplier_owes_an_answer(app):
    agent, first, second, ticket = acting(an_agent()), a_supplier(), a_supplier(), a_ticket()
    asked(ticket, first, agent)
    asked(ticket, second, agent)

    suppliers.hear(ticket, first, Words("We have two.", via=Channel.MAIL), "Jo Kim")

    assert (ticket.state, ticket.supplier_turn) == (State.HOLD, Turn.ANSWERED)


@pytest.mark.parametrize("words", [{"trusted": False}, {"automatic": True}], ids=["a stranger's", "a machine's"])
def test_nothing_follows_from_what_is_no_answer(app, words):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    asked(ticket, supplier, agent)

    automatic = words.get("automatic", False)
    given = Words("Gone fishing.", via=Channel.MAIL, trusted=words.get("trusted", True))
    message = suppliers.hear(ticket, supplier, given, "Somebody", automatic=automatic)

    assert (ticket.state, ticket.supplier_turn) == (State.HOLD, Turn.WAITING)
    assert message.kind is MessageKind.SUPPLIER


def test_a_strangers_message_counts_once_somebody_accepts_it(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    asked(ticket, supplier, agent)
    message = suppliers.hear(ticket, supplier, Words("It is I.", via=Channel.MAIL, trusted=False), "Jo <jo@home.test>")

    suppliers.accept(message, agent)
    suppliers.accept(message, agent)

    assert message.trusted
    assert (ticket.state, ticket.supplier_turn) == (State.OPEN, Turn.ANSWERED)
    assert [event.what for event in ticket.events].count(Did.SUPPLIER_ACCEPTED) == 1


def test_our_reply_or_one_click_settles_what_was_answered(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    asked(ticket, supplier, agent)
    suppliers.hear(ticket, supplier, Words("We have two.", via=Channel.MAIL), "Jo Kim")

    ticket.reply(Words("A new one is on its way."), by=agent)
    after_reply = ticket.supplier_turn
    asked(ticket, supplier, agent)
    suppliers.settle(ticket, supplier, agent)

    assert (after_reply, ticket.supplier_turn) == (Turn.LISTED, Turn.LISTED)


def test_no_customer_reads_any_of_it(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    message = asked(ticket, supplier, agent)
    readable = messages_visible_to(CustomerActor.of(ticket.requester))

    assert message.id not in set(db.session.scalars(select(Message.id).where(readable)))
    assert WORDS not in ticket.excerpt


def test_whoever_may_not_ask_is_refused(app):
    ticket = a_ticket()

    with pytest.raises(Forbidden):
        asked(ticket, a_supplier(), CustomerActor.of(ticket.requester))


def test_a_note_goes_along_to_nobody(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    note = ticket.note(Words("Between us."), by=agent)
    file = Attachment(
        ticket_id=ticket.id, message_id=note.id, name="a.txt", type="text/plain", bytes=1, sha256="0", storage_key="k1"
    )
    db.session.add(file)
    db.session.flush()

    with pytest.raises(Invalid):
        suppliers.ask(ticket, question(supplier, along=(note.id,)), agent)
    with pytest.raises(Invalid):
        suppliers.ask(ticket, question(supplier, files=(file.id,)), agent)


def test_nor_does_what_was_exchanged_with_another_supplier_or_stands_in_another_ticket(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    others = asked(ticket, a_supplier(), agent)
    elsewhere = a_ticket().messages[0]

    for id in (others.id, elsewhere.id):
        with pytest.raises(Invalid):
            suppliers.ask(ticket, question(supplier, along=(id,)), agent)


def test_a_supplier_that_was_taken_off_or_switched_off_is_not_asked(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(active=False), a_ticket()

    with pytest.raises(NotTheirs):
        suppliers.add(ticket, supplier, agent)
    with pytest.raises(Invalid):
        asked(ticket, supplier, agent)


def test_a_merge_shows_whose_turn_it_is_and_taking_apart_gives_it_back(app):
    boss, supplier = acting(a_supervisor()), a_supplier()
    duplicate, into = a_ticket(), a_ticket()
    asked(duplicate, supplier, boss)

    merging.merge(duplicate, into, boss)
    merged = into.supplier_turn
    suppliers.hear(duplicate, supplier, Words("We have two.", via=Channel.MAIL), "Jo Kim")
    answered = into.supplier_turn
    merging.unmerge(duplicate, boss)

    assert (merged, answered) == (Turn.WAITING, Turn.ANSWERED)
    assert (duplicate.supplier_turn, into.supplier_turn) == (Turn.ANSWERED, None)
    assert [message.kind for message in duplicate.messages if message.supplier_id] == [MessageKind.SUPPLIER] * 2


def test_a_message_that_is_split_off_takes_its_supplier_along(app):
    boss, supplier, ticket = acting(a_supervisor()), a_supplier(), a_ticket()
    message = asked(ticket, supplier, boss)

    new = splitting.split([message], "The spare part", boss)

    assert (new.supplier_turn, ticket.supplier_turn) == (Turn.LISTED, Turn.WAITING)
    assert suppliers.of(new, supplier.id) is not None
    assert new.needs_response is False, "a supplier's words are no customer's"


def test_a_reply_that_quotes_a_supplier_is_looked_at_again(app):
    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    asked(ticket, supplier, agent)

    found = leaks(ticket, f"Hello, {WORDS}!", [], 0)

    assert [leak.kind for leak in found] == [Kind.SUPPLIER]


def test_a_question_that_quotes_a_note_or_another_supplier_is_looked_at_again(app):
    agent, mine, other, ticket = acting(an_agent()), a_supplier(), a_supplier(), a_ticket()
    ticket.note(Words("This customer has not paid for three months now"), by=agent)
    asked(ticket, other, agent)
    asked_before = suppliers.ask(ticket, question(mine, "Please send us one of the usual red ones"), agent)

    note = leaks_to_supplier(ticket, mine.id, "They say: this customer has not paid for three months now", 0)
    others = leaks_to_supplier(ticket, mine.id, WORDS, 0)
    own = leaks_to_supplier(ticket, mine.id, asked_before.text, 0)

    assert ([leak.kind for leak in note], [leak.kind for leak in others], own) == ([Kind.NOTE], [Kind.SUPPLIER], [])


def test_whoever_is_added_sees_the_ticket_and_hears_of_it(app):
    boss, department = acting(a_supervisor()), a_department()
    outsider = an_agent(a_department())
    ticket = a_ticket(department=department)
    assert not ticket.seen_by(acting(outsider))

    taking_part.add_person(ticket, outsider, boss)
    taking_part.add_person(ticket, outsider, boss)
    seen = ticket.seen_by(acting(outsider))
    told = db.session.scalars(select(Notification.kind).where(Notification.staff_id == outsider.id)).all()
    taking_part.remove_person(ticket, outsider, boss)

    assert (seen, told, ticket.further) == (True, [Notice.ADDED], 0)
    assert not ticket.seen_by(acting(outsider))


def test_whoever_was_added_hears_of_the_customers_reply(app):
    owner, other, boss = an_agent(), an_agent(), acting(a_supervisor())
    ticket = a_ticket(assignee=owner)
    taking_part.add_person(ticket, other, boss)
    ticket.receive(Words("And now?"), by=CustomerActor.of(ticket.requester))

    told = db.session.scalars(select(Notification.staff_id).where(Notification.kind == Notice.CUSTOMER_REPLIED)).all()
    assert set(told) == {owner.id, other.id}


def test_a_further_department_sees_the_ticket_until_it_is_taken_off(app):
    setting(agents_see_departments=True)
    boss, own, other = acting(a_supervisor()), a_department(), a_department()
    colleague = an_agent(other)
    ticket = a_ticket(department=own)

    taking_part.add_department(ticket, other, boss)
    seen = ticket.seen_by(acting(colleague))
    ticket.assign_to(colleague, by=SYSTEM)
    taking_part.remove_department(ticket, other, boss)

    assert seen
    assert not ticket.seen_by(acting(colleague))
    assert ticket.assignee_id is None, "who sees it no longer does not keep it"


def test_a_merge_counts_further_people_anew(app):
    boss, person = acting(a_supervisor()), an_agent()
    duplicate, into = a_ticket(), a_ticket()
    taking_part.add_person(duplicate, person, boss)

    merging.merge(duplicate, into, boss)
    merged = into.further
    merging.unmerge(duplicate, boss)

    assert (merged, into.further, duplicate.further) == (1, 0, 1)


def test_the_environment_is_the_customers_usual_one_until_somebody_changes_it(app):
    usual, other = an_environment("Production"), an_environment("Staging")
    ticket = a_ticket(requester=a_customer(environment=usual))
    begun = ticket.environment_id

    taking_part.set_environment(ticket, other, acting(an_agent()))
    run_jobs()

    assert (begun, ticket.environment_id) == (usual.id, other.id)
    assert ticket.events[-1].particulars["was"] == "Production"


def test_erasing_a_customer_forgets_what_was_written_about_them(app):
    from app.desk.customererase import erase

    agent, supplier, ticket = acting(an_agent()), a_supplier(), a_ticket()
    suppliers.ask(ticket, question(supplier, subject="The printer of Ada Secretive"), agent)
    suppliers.hear(ticket, supplier, Words("Ada Secretive has a PW-300.", via=Channel.MAIL), "Jo Kim")
    run_jobs()

    erase(ticket.requester.email, with_tickets=False)

    link = db.session.scalars(select(TicketSupplier)).one()
    texts = db.session.scalars(select(Message.text).where(Message.kind == MessageKind.SUPPLIER)).all()
    kept = [str(event.particulars) for event in db.session.scalars(select(TicketEvent))]
    assert (link.subject, set(texts)) == ("", {"(erased)"})
    assert [one for one in kept if "Secretive" in one] == []
