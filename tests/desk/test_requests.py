"""Staff write to clients first, ask for documents and judge them, on their pages."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets.choices import CannedResponse, State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket, TicketKind
from app.tickets.requests import DocumentRequest, RequestState
from app.tickets.thread import Message
from tests.factories import a_category, a_customer, a_priority, a_supervisor, a_ticket, acting, an_agent, sign_in, staff
from tests.tickets.test_requests import OTHER_PDF, PDF, PNG, a_request, hand_in, states


@pytest.fixture
def boss(client):
    person = a_supervisor()
    sign_in(client, person)
    return person


def message(**given):
    return {"mark": "m1", "type": "message", "to": "ada@customer.test", "subject": "A question", "body": "Hello {{customer_name}}", **given}  # fmt: skip


def slots(*names):
    return {"slot_name": list(names), "slot_hint": [""] * len(names), "slot_allowed": ["pdf"] * len(names), "slot_needed": ["required"] * len(names)}  # fmt: skip


def text_of(answer):
    return " ".join(answer.get_data(as_text=True).split())


def tickets():
    return list(db.session.scalars(select(Ticket).order_by(Ticket.id)))


def test_a_message_begins_a_conversation_that_waits(client, boss):
    a_customer("Ada", email="ada@customer.test")
    db.session.commit()

    answer = client.post("/admin/tickets/message", data=message())

    (ticket,) = tickets()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/admin/tickets/{ticket.number}")
    assert (ticket.kind, ticket.state, ticket.messages[0].text) == (TicketKind.CONVERSATION, State.WAITING, "Hello Ada")
    page = text_of(client.get("/admin/tickets/?kind=conversation"))
    assert "A question" in page and "Conversation" in page
    assert "A question" not in text_of(client.get("/admin/tickets/?kind=ticket"))


def test_each_of_several_gets_a_ticket_of_their_own(client, boss):
    client.post("/admin/tickets/message", data=message(to="ada@customer.test, bob@customer.test; ADA@customer.test"))

    assert [ticket.requester.email for ticket in tickets()] == ["ada@customer.test", "bob@customer.test"]
    kinds = db.session.execute(select(Delivery.kind, Delivery.address).order_by(Delivery.id)).all()
    assert kinds == [("staff_replied", "ada@customer.test"), ("staff_replied", "bob@customer.test")]


def test_a_document_request_asks_each_customer_by_their_own_link(client, boss):
    given = message(
        type="documents",
        to="ada@customer.test, bob@customer.test",
        due_on=str(clock.now().date() + dt.timedelta(days=30)),
        **slots("Passport", "", "Photo"),
    )

    client.post("/admin/tickets/message", data=given)

    found = list(db.session.scalars(select(DocumentRequest).order_by(DocumentRequest.id)))
    assert [[slot.name for slot in one.slots] for one in found] == [["Passport", "Photo"]] * 2
    assert db.session.scalar(select(func.count()).where(Delivery.kind == "documents_asked")) == 2
    assert "0 of 2 documents" in text_of(client.get("/admin/tickets/?kind=document_request"))


def test_a_message_pressed_twice_is_sent_once(client, boss):
    for _again in range(2):
        client.post("/admin/tickets/message", data=message())

    assert len(tickets()) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"to": ""}, "Please choose between 1 and 50 customers."),
        ({"to": "nobody"}, "“nobody” is no address."),
        ({"to": ", ".join(f"c{n}@customer.test" for n in range(51))}, "Please choose between 1 and 50 customers."),
        ({"subject": ""}, "Please say in a few words what it is about."),
        ({"body": " "}, "Please write what it is about."),
        ({"type": "documents"}, "Please name at least one document that is required."),
        ({"type": "documents", "due_on": "soon", **slots("Passport")}, "Please choose a day."),
    ],
    ids=["nobody", "no address", "too many", "no subject", "no words", "no documents", "no day"],
)
def test_what_is_wrong_stands_beside_its_field_and_nobody_is_written_to(client, boss, given, said):
    answer = client.post("/admin/tickets/message", data=message(**given))

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert tickets() == []


def test_the_customers_page_leads_to_a_message_to_them(client, boss):
    customer_id = a_customer("Ada", email="ada@customer.test").id
    db.session.commit()

    assert f"/admin/tickets/message?customer_id={customer_id}" in text_of(
        client.get(f"/admin/customers/show/{customer_id}")
    )
    assert 'value="ada@customer.test"' in text_of(client.get(f"/admin/tickets/message?customer_id={customer_id}"))


def test_the_fields_offer_customers_and_canned_responses(client, boss):
    a_customer("Ada", email="ada@customer.test")
    db.session.add(CannedResponse(title="Greeting", shortcut="hello", body="Hello {{customer_name}}"))
    db.session.commit()

    assert [one["text"] for one in client.get("/admin/tickets/message/people?q=ad").json["items"]] == [
        "ada@customer.test"
    ]
    assert [one["text"] for one in client.get("/admin/tickets/message/canned?q=hel").json["items"]] == [
        "Hello {{customer_name}}"
    ]


def test_documents_are_asked_for_in_a_ticket_once(client, boss):
    ticket = a_ticket()
    db.session.commit()
    address = f"/admin/tickets/{ticket.number}/documents"

    for _again in range(2):
        answer = client.post(address, data={"mark": "m1", "body": "Please", **slots("Passport")})
        assert answer.status_code == 303
    wrong = client.post(address, data={"mark": "m2", "body": "", **slots("Passport")})

    assert (wrong.status_code, "Please write something." in text_of(wrong)) == (422, True)
    assert db.session.scalar(select(func.count(DocumentRequest.id))) == 1
    assert "Ask for documents" in text_of(client.get(f"/admin/tickets/{ticket.number}"))


def judged(client, request, **verdicts):
    number, request_id = request.ticket.number, request.id
    given = {}
    for slot in request.slots:
        given[f"file-{slot.id}"] = slot.attachment_id or ""
        said = verdicts.get(slot.name)
        given |= {f"verdict-{slot.id}": "", f"reason-{slot.id}": ""}
        if said is not None:
            given |= {
                f"verdict-{slot.id}": "accept" if said is True else "refuse",
                f"reason-{slot.id}": "" if said is True else said,
            }
    db.session.commit()
    return client.post(f"/admin/tickets/{number}/documents/{request_id}/review", data=given)


def test_an_agent_judges_what_came(client, boss):
    request = a_request(by=acting(boss))
    hand_in(request, Passport=PDF, Photo=PNG)

    no_reason = judged(client, request, Passport=True, Photo="")
    request = db.session.scalars(select(DocumentRequest)).one()
    assert (no_reason.status_code, states(request)["Passport"]) == (422, "received")
    assert "Please say why" in text_of(no_reason)
    nothing = judged(client, request)
    assert nothing.status_code == 422
    assert judged(client, request, Passport=True, Photo="Too dark").status_code == 303
    hand_in(db.session.scalars(select(DocumentRequest)).one(), Photo=PNG + b"brighter")
    assert judged(client, db.session.scalars(select(DocumentRequest)).one(), Photo=True).status_code == 303

    assert db.session.scalars(select(DocumentRequest)).one().state is RequestState.DONE
    assert (
        db.session.scalars(select(Message.text).order_by(Message.id.desc()))
        .first()
        .startswith("Thank you, your documents are complete.")
    )


def test_a_file_that_came_meanwhile_is_not_judged_unseen(client, boss):
    request = a_request(by=acting(boss))
    hand_in(request, Passport=PDF)
    slot = request.slots[0]
    seen, slot_id, number, request_id = slot.attachment_id, slot.id, request.ticket.number, request.id
    hand_in(request, Passport=OTHER_PDF)
    db.session.commit()

    answer = client.post(
        f"/admin/tickets/{number}/documents/{request_id}/review",
        data={f"verdict-{slot_id}": "accept", f"file-{slot_id}": seen},
    )

    assert (answer.status_code, "changed in the meantime" in text_of(answer)) == (409, True)


def test_links_are_mailed_anew_and_ended_and_the_request_withdrawn(client, boss):
    request = a_request(by=acting(boss))
    base = f"/admin/tickets/{request.ticket.number}/documents/{request.id}"
    db.session.commit()

    said = [text_of(client.post(f"{base}/{deed}", follow_redirects=True)) for deed in ("link", "end-links", "withdraw")]

    assert "A new link is on its way by mail." in said[0]
    assert "No link of this request works any more." in said[1]
    assert "The request is withdrawn" in said[2]


def test_the_request_of_another_ticket_is_not_found_under_this_one(client, boss):
    request, other = a_request(by=acting(boss)), a_ticket()
    db.session.commit()

    assert client.get(f"/admin/tickets/{other.number}/documents/{request.id}").status_code == 404
    assert client.post(f"/admin/tickets/{other.number}/documents/{request.id}/withdraw").status_code == 404


def test_a_developer_who_does_not_see_the_ticket_sees_none_of_its_documents(client):
    request = a_request()
    sign_in(client, staff("Developer"))

    assert client.get(f"/admin/tickets/{request.ticket.number}/documents/{request.id}").status_code == 404


def test_a_ticket_with_documents_stays_within_its_statements(client, boss, at_most):
    request = a_request(by=acting(boss))
    hand_in(request, Passport=PDF)
    number = request.ticket.number
    plain = a_ticket()
    db.session.commit()
    client.get(f"/admin/tickets/{plain.number}")

    with at_most(12):
        client.get(f"/admin/tickets/{plain.number}")
    with at_most(12):
        assert "Look at 1 document" in text_of(client.get(f"/admin/tickets/{number}"))
    with at_most(8):
        assert "1 of 2 documents" in text_of(client.get("/admin/tickets/?view=everything"))


def test_customers_chosen_in_their_list_get_a_ticket_each_as_it_was_filed(client, boss):
    ada, eve, agent, category = a_customer("Ada"), a_customer("Eve"), an_agent(), a_category()
    db.session.commit()
    led = client.post("/admin/customers/action_post", data={"action": "write_to", "rowid": [ada.id, eve.id]})
    page = client.get(led.location).text
    form = {
        "type": "message", "to": f"{ada.email}, {eve.email}", "subject": "Your licence", "body": "Dear {{customer_name}}", "mark": "m-1",
        "category": category.id, "priority": a_priority(4).id, "status": status_for(State.OPEN).id, "assignee": agent.id,
    }  # fmt: skip
    answer = client.post("/admin/tickets/message", data=form)
    db.session.expire_all()
    made = db.session.scalars(select(Ticket).where(Ticket.subject == "Your licence").order_by(Ticket.id)).all()

    assert led.status_code == 302 and f"{ada.email}, {eve.email}" in page
    assert answer.status_code == 303
    assert [(one.requester, one.category, one.priority_rank, one.state, one.assignee) for one in made] == [
        (ada, category, 4, State.OPEN, agent), (eve, category, 4, State.OPEN, agent)
    ]  # fmt: skip
    assert client.post("/admin/tickets/message", data={**form, "mark": "m-2", "priority": "99999"}).status_code == 422
