"""A new ticket from the portal: what is asked, what is refused with which sentence, what is suggested."""

import io
import re

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.core.extensions import db
from app.kb.models import Article
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_ticket,
    multipart,
    setting,
    sign_in_customer,
)

MB = 1024 * 1024


def signed_in(client: FlaskClient, **given: object) -> Customer:
    customer = a_customer(**given)
    sign_in_customer(client, customer)
    return customer


def send(client: FlaskClient, **form: object):  # type: ignore[no-untyped-def]
    return client.post(
        "/portal/tickets/new", **multipart({"subject": "The printer burns", "message": "Since this morning", **form})
    )


def the_ticket() -> Ticket:
    db.session.rollback()
    return db.session.scalars(select(Ticket)).one()


def tickets() -> int:
    return db.session.scalar(select(func.count()).select_from(Ticket)) or 0


def an_article(title: str, body: str = "Some words.", **given: object) -> Article:
    article = Article(title=title, body=body, **{"published": True, **given})
    article.settle()
    db.session.add(article)
    db.session.commit()
    return article


def test_a_new_ticket_is_filed_as_chosen_and_shown_at_once(client: FlaskClient) -> None:
    customer = signed_in(client)
    department, category, priority = a_department("Billing"), a_category("Invoices"), a_priority(3)
    db.session.commit()

    answer = send(
        client,
        department=department.id,
        category=category.id,
        priority=priority.id,
        files=(io.BytesIO(b"log"), "printer.log"),
    )

    ticket = the_ticket()
    assert (answer.status_code, answer.location) == (303, f"/portal/tickets/{ticket.number}")
    assert (ticket.requester_id, ticket.channel, ticket.proven) == (customer.id, Channel.PORTAL, True)
    assert (ticket.department.name, ticket.category.name, ticket.priority_rank) == ("Billing", "Invoices", 3)  # type: ignore[union-attr]
    assert [file.name for file in ticket.messages[0].attachments] == ["printer.log"]
    assert f"Your number is {ticket.display}" in client.get(answer.location).text


def test_without_choices_the_desk_chooses(client: FlaskClient) -> None:
    signed_in(client)

    send(client)

    assert (the_ticket().department.name, the_ticket().priority.name) == ("Support", "Normal")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"subject": ""}, "subject"), ({"subject": " \r\n "}, "subject"), ({"subject": "x" * 201}, "subject"), ({"message": "  "}, "message"), ({"message": "x" * 500_001}, "message"),
        ({"category": "99999"}, "category"), ({"category": "abc"}, "category"), ({"department": "-1"}, "department"), ({"priority": "9" * 40}, "priority"),
    ],
    ids=["no subject", "blank subject", "long subject", "no message", "long message", "unknown category", "no id", "negative", "huge"],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    client: FlaskClient, form: dict[str, str], field: str
) -> None:
    signed_in(client)

    answer = send(client, **form)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert ("The printer burns" in answer.text) is ("subject" not in form)
    assert tickets() == 0


def test_a_hidden_category_or_department_cannot_be_chosen_and_is_not_offered(client: FlaskClient) -> None:
    signed_in(client)
    inside, old = a_category("Inside", public=False), a_department("Closed down", active=False)
    db.session.commit()

    assert "Inside" not in client.get("/portal/tickets/new").text
    assert "Closed down" not in client.get("/portal/tickets/new").text
    assert send(client, category=inside.id).status_code == 422
    assert send(client, department=old.id).status_code == 422


def test_a_required_category_is_asked_for(client: FlaskClient) -> None:
    signed_in(client)
    setting(require_category=True)
    db.session.commit()

    assert 'id="category-error"' in send(client).text


def test_fields_that_are_not_asked_for_change_nothing(client: FlaskClient) -> None:
    customer, stranger = signed_in(client), a_customer()
    db.session.commit()

    send(
        client,
        status="closed",
        assignee="1",
        requester_id=stranger.id,
        customer=stranger.id,
        proven="",
        kind="conversation",
        internal="1",
        opened_by_staff="1",
    )

    ticket = the_ticket()
    assert (ticket.requester_id, ticket.state.value, ticket.assignee_id, ticket.kind.value, ticket.opened_by_staff) == (
        customer.id,
        "open",
        None,
        "ticket",
        False,
    )


def test_a_file_that_is_too_large_is_said_and_the_good_one_waits(client: FlaskClient) -> None:
    customer = signed_in(client)

    answer = send(client, files=[(io.BytesIO(b"fine"), "good.txt"), (io.BytesIO(b"x" * (11 * MB)), "big.bin")])

    assert answer.status_code == 413
    assert "“big.bin” is larger than 10 MB." in answer.text
    assert "good.txt" in answer.text
    kept = db.session.scalars(select(Attachment)).one()
    assert (kept.name, kept.customer_id, kept.message_id) == ("good.txt", customer.id, None)

    send(client, files_id=kept.id)
    assert [file.name for file in the_ticket().messages[0].attachments] == ["good.txt"]


def test_files_of_others_cannot_be_taken_along(client: FlaskClient) -> None:
    other = a_customer()
    theirs = Attachment(name="secret.txt", type="text/plain", bytes=1, sha256="", storage_key="k", customer_id=other.id)
    db.session.add(theirs)
    signed_in(client)

    answer = send(client, files_id=theirs.id)

    assert answer.status_code == 422
    assert "secret.txt" not in answer.text
    assert tickets() == 0


def test_too_many_files_and_empty_ones_are_refused(client: FlaskClient) -> None:
    signed_in(client)
    setting(max_attachments=2)
    db.session.commit()

    assert "At most 2 files" in send(client, files=[(io.BytesIO(b"x"), f"{n}.txt") for n in range(3)]).text
    assert "is empty" in send(client, files=(io.BytesIO(b""), "nothing.txt")).text
    assert tickets() == 0


def test_no_files_where_the_desk_takes_none(client: FlaskClient) -> None:
    signed_in(client)
    setting(allow_customer_attachments=False)
    db.session.commit()

    assert 'type="file"' not in client.get("/portal/tickets/new").text
    assert "takes no files" in send(client, files=(io.BytesIO(b"x"), "a.txt")).text


@pytest.mark.parametrize(
    "subject",
    ["<script>alert(1)</script>", "Grüße 你好 Привет مرحبا 🚒", "a\r\nBcc: x@y.test", "x' OR 1=1 --"],
    ids=["html", "scripts", "header", "sql"],
)
def test_any_subject_is_one_line_of_text(client: FlaskClient, subject: str) -> None:
    signed_in(client)

    answer = send(client, subject=subject)

    clean = " ".join(subject.split())
    assert the_ticket().subject == clean
    for path in (answer.location, "/portal/tickets"):
        assert str(escape(clean)) in client.get(path).text
        assert "<script>alert" not in client.get(path).text


def test_a_desk_that_takes_no_tickets_says_so(client: FlaskClient) -> None:
    signed_in(client)
    setting(ticket_system_on=False)
    db.session.commit()

    assert "We take no new tickets" in client.get("/portal/tickets/new").text
    assert send(client).status_code == 403
    assert tickets() == 0


def test_articles_and_open_tickets_that_may_answer_are_shown_while_typing(client: FlaskClient) -> None:
    customer = signed_in(client)
    an_article("Move a license to another server")
    an_article("Move a license secretly", published=False)
    a_ticket("License rejected on the server", requester=customer)
    a_ticket("License of a stranger on the server", requester=a_customer())
    db.session.commit()

    text = client.get("/portal/tickets/new/suggest?subject=license+rejected+on+new+server").text

    assert "Move a license to another server" in text
    assert "secretly" not in text
    assert "License rejected on the server" in text
    assert "stranger" not in text
    for query in ("", "a", "%00", "x" * 100_000, "<b>"):
        assert client.get("/portal/tickets/new/suggest", query_string={"subject": query}).status_code == 200


def test_looking_for_answers_without_script_sends_nothing(client: FlaskClient) -> None:
    signed_in(client)
    an_article("Move a license to another server")

    answer = send(client, step="look", subject="license on another server")

    assert "Move a license to another server" in answer.text
    assert "Since this morning" in answer.text
    assert tickets() == 0


def test_the_categorys_often_asked_questions_stand_beside_the_form(client: FlaskClient) -> None:
    signed_in(client)
    category = a_category("Licences")
    an_article("Where is my key?", "In your account.", category_id=category.id, asked_often=True)

    assert "In your account." in client.get(f"/portal/tickets/new/faq?category={category.id}").text
    assert "Good to know" in client.get("/portal/tickets/new/faq?category=x").text
    assert "Where is my key?" in client.get(f"/portal/tickets/new?category={category.id}").text


def test_priorities_say_what_they_mean(client: FlaskClient) -> None:
    signed_in(client)

    text = client.get("/portal/tickets/new").text

    assert "Nobody can work." in text
    assert re.search(r'value="(\d+)" checked', text).group(1) == str(a_priority(2).id)  # type: ignore[union-attr]
