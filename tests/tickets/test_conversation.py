"""What a message does to a ticket."""

import pytest

from app.accounts.viewer import CustomerActor
from app.core.errors import Forbidden
from app.core.extensions import db
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.thread import Words
from app.tickets.timeline import Did
from tests.factories import a_customer, a_ticket, acting, an_agent, an_organization, setting


def test_a_customers_reply_reopens_a_closed_ticket(app):
    ticket = a_ticket(state=State.CLOSED)

    ticket.receive(Words("It happened again"), by=CustomerActor.of(ticket.requester))

    assert ticket.state is State.OPEN
    assert ticket.needs_response
    assert [event.what for event in ticket.events][-2:] == [Did.RECEIVED, Did.REOPENED]


def test_a_reply_to_a_ticket_that_stays_closed_opens_a_new_one_linked_to_it(app):
    setting(reopen_policy="new_always")
    ticket = a_ticket(state=State.CLOSED)

    message = ticket.receive(Words("It happened again"), by=CustomerActor.of(ticket.requester))

    assert message.ticket is not ticket
    assert ticket.state is State.CLOSED
    assert message.ticket.requester is ticket.requester


@pytest.mark.parametrize(
    ("then", "state"),
    [(Then.KEEP, State.OPEN), (Then.WAIT, State.WAITING), (Then.RESOLVE, State.RESOLVED), (Then.CLOSE, State.CLOSED)],
    ids=["keep open", "wait for customer", "resolve", "close"],
)
def test_a_reply_sets_the_status_it_was_sent_with(app, then, state):
    ticket, agent = a_ticket(), acting(an_agent())

    ticket.reply(Words("Have you tried water?"), by=agent, then=then)

    assert ticket.state is state
    assert ticket.first_response_at is not None
    assert not ticket.needs_response


def test_a_note_changes_neither_status_nor_whose_turn_it_is(app):
    ticket, agent = a_ticket(), acting(an_agent())

    ticket.note(Words("He is a known arsonist"), by=agent)

    assert ticket.needs_response
    assert ticket.first_response_at is None
    assert ticket.excerpt == "It burns since this morning."


def test_a_colleague_may_answer_and_a_stranger_may_not(app):
    organization = an_organization()
    ticket = a_ticket(requester=a_customer(organization=organization))

    ticket.receive(Words("Me too"), by=CustomerActor.of(a_customer(organization=organization)))
    with pytest.raises(Forbidden):
        ticket.receive(Words("Me three"), by=CustomerActor.of(a_customer()))

    db.session.commit()
    assert ticket.message_count == 2


def test_letters_that_no_database_can_keep_lose_nothing_else(app):
    ticket = a_ticket(subject="Nul\x00 here", text="a\x00b \ud83d c 👩‍🚒")
    db.session.commit()

    assert ticket.subject == "Nul here"
    assert ticket.messages[0].text == "ab ? c 👩‍🚒"
