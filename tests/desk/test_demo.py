"""The demo: a believable month that the rules themselves have made."""

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.core.extensions import db
from app.desk import demo
from app.search.find import matching
from app.tickets import tally
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Message, MessageKind
from tests.factories import acting


def test_the_demo_has_all_a_visitor_should_see_and_loads_once(app):
    loaded, again = demo.load(), demo.load()

    states = set(db.session.scalars(select(Ticket.state).distinct()))
    assert loaded >= 50
    assert again == 0
    assert states >= {State.OPEN, State.WAITING, State.HOLD, State.RESOLVED, State.CLOSED}
    assert db.session.scalar(select(func.count()).where(Message.kind == MessageKind.NOTE)) >= 10
    assert db.session.scalar(select(func.count(Attachment.id))) >= 5
    assert tally.recount() == 0


def test_its_tickets_are_found_by_their_words_and_seen_by_their_team(app):
    demo.load()
    agent = acting(db.session.scalars(select(User).where(User.username == "agent")).one())

    found = matching("screenshot offset", agent)

    assert [db.session.get_one(Ticket, each).subject for each in found] == [
        "Calendar sync shows meetings one hour late"
    ]
    assert matching("VAT invoice 2291", agent) == []  # Billing's, and the agent is Support's
