"""What staff send twice arrives once: a double click, a press on Reload, a program that tries again."""

import re

from sqlalchemy import func, select

from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.thread import Message
from tests.desk.test_list import as_
from tests.desk.test_workspace import at, messages, send
from tests.factories import a_customer, a_supervisor, a_ticket

MARK = re.compile(r'name="mark" value="([\w-]+)"')


def mark_of(client, path):
    return MARK.search(client.get(path).text)[1]


def test_a_reply_sent_twice_from_one_page_stands_in_the_ticket_once(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    mark = mark_of(client, at(ticket))
    for _press in range(2):
        assert send(client, ticket, "We look into it", mark=mark).status_code == 303
    assert [message.text for message in messages(ticket)].count("We look into it") == 1


def test_no_form_of_a_ticket_hides_its_own_form_from_the_script_that_sends_it(app, client):
    """A field of this name is what `form.form` says in a browser; htmx takes it for the form and sends nothing."""
    as_(client, a_supervisor())
    assert 'name="form"' not in client.get(at(a_ticket())).text


def test_a_note_and_a_reply_of_the_same_words_are_two_messages(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    mark = mark_of(client, at(ticket))
    send(client, ticket, "We look into it", mark=mark)
    send(client, ticket, "We look into it", mark=mark, kind="note")
    send(client, ticket, "We looked into it", mark=mark)
    assert len(messages(ticket)) == 4


def test_the_same_words_from_a_page_opened_anew_are_another_reply(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    for _each in range(2):
        send(client, ticket, "Any news?", mark=mark_of(client, at(ticket)))
    assert [message.text for message in messages(ticket)].count("Any news?") == 2


def test_what_was_refused_may_be_sent_again(app, client):
    as_(client, a_supervisor())
    ticket = a_ticket()
    db.session.commit()
    mark = mark_of(client, at(ticket))
    assert send(client, ticket, "Hello", mark=mark, then="nonsense").status_code == 422
    assert send(client, ticket, "Hello", mark=mark).status_code == 303
    assert [message.text for message in messages(ticket)].count("Hello") == 1


def test_a_ticket_that_staff_open_by_a_double_click_is_one_ticket(app, client):
    as_(client, a_supervisor())
    before = db.session.scalar(select(func.count(Ticket.id)))
    typed = {"begun_by": "customer", "email": a_customer().email, "subject": "Called twice", "body": "About the bill"}
    typed["mark"] = mark_of(client, "/admin/tickets/new")
    assert client.post("/admin/tickets/new", data={**typed, "subject": ""}).status_code == 422
    for _press in range(2):
        assert client.post("/admin/tickets/new", data=typed).status_code == 303
    assert db.session.scalar(select(func.count(Ticket.id))) == before + 1
    assert db.session.scalar(select(func.count(Message.id)).where(Message.text == "About the bill")) == 1
