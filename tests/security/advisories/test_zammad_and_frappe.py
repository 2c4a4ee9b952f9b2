"""What went wrong in Zammad, Frappe and UVdesk, and must not go wrong here. Each test bears the number of its advisory."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets import files
from app.tickets.choices import CannedResponse
from app.tickets.models import Participant, Ticket, TicketLink
from app.tickets.thread import Attachment, Channel, Words
from tests.api.desk import a_program
from tests.factories import (
    a_customer,
    a_department,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    run_jobs,
    setting,
    sign_in,
    sign_in_customer,
)


def test_cve_2026_34722_a_new_ticket_links_itself_to_no_other(app: Flask, client: FlaskClient) -> None:
    """There a parameter for links, sent while a ticket was made, was carried out without asking for a right."""
    setting(agents_see_departments=True)
    own, other = a_department(), a_department()
    foreign = a_ticket("Foreign", department=other)
    program = a_program(client, an_agent(own))
    new = {"subject": "x", "body": "x", "customer": {"email": "ada@own.test"}}

    for name in ("links", "link", "linked", "parent", "follow_up_of", "merge_into", "ticket_id"):
        assert program.post("/tickets", {**new, name: {"child": [foreign.number]}}).status_code == 422, name

    customer = a_customer()
    sign_in_customer(client, customer)
    client.post("/portal/tickets/new", data={"subject": "x", "message": "x", "links": foreign.number, "follow_up_of": foreign.id})  # fmt: skip
    assert db.session.query(TicketLink).count() == 0
    assert db.session.scalars(select(Ticket).where(Ticket.requester_id == customer.id)).one()


def test_frappe_e79107eec_nobody_asks_for_their_own_rights_to_be_ignored(app: Flask, client: FlaskClient) -> None:
    """There a request could name `ignore_permissions`, and it was believed."""
    setting(agents_see_departments=True)
    agent = an_agent(a_department())
    foreign = a_ticket(department=a_department())
    program = a_program(app.test_client(), agent)
    sign_in(client, agent)

    wishes = "ignore_permissions=1&ignore_permissions=true&sudo=1&user=super&as=admin&scope=all&admin=1&debug=1"
    assert client.get(f"/admin/tickets/{foreign.number}?{wishes}").status_code == 404
    assert client.post(f"/admin/tickets/action/close/{foreign.id}?{wishes}", data={"ignore_permissions": "1"}).status_code == 404  # fmt: skip
    assert program.get(f"/tickets/{foreign.number}?{wishes}").status_code == 404
    assert program.get(f"/tickets?{wishes}").status_code == 422
    assert program.patch(f"/tickets/{foreign.number}", {"subject": "x", "ignore_permissions": True}).status_code == 404


def test_cve_2025_68929_no_text_of_anybody_is_a_template(app: Flask, client: FlaskClient) -> None:
    """There a template that people could write reached the program behind it."""
    sums = ("{{88*88888889}}", "{{ config.SECRET_KEY }}", "{% for x in [].__class__.__base__.__subclasses__() %}x{% endfor %}", "${88*88888889}", "#{88*88888889}", "{{ ''.__class__.__mro__ }}")  # fmt: skip
    agent = an_admin(name="arne")
    sign_in(client, agent)
    for text in sums:
        ticket = a_ticket(text, text=text, requester=a_customer(text))
        db.session.add(CannedResponse(title="c", body=text))
        ticket.reply(Words(text, via=Channel.STAFF), by=acting(agent))
        run_jobs()
        offered = client.get(f"/admin/tickets/{ticket.number}/canned?q=c").text
        page = client.get(f"/admin/tickets/{ticket.number}").text
        mails = "".join((mail.raw or b"").decode("utf-8", "replace") for mail in db.session.scalars(select(Delivery)))
        for shown in (offered, page, mails):
            assert "7822222232" not in shown and app.config["SECRET_KEY"] not in shown and "&lt;class" not in shown


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{{ ticket._secret }}", "{{ ticket.delete() }}", "{% include '/etc/passwd' %}", "{% import 'os' as o %}", "{{ lipsum(n=100000) }}", "{{ 'x' * 99999999 }}", "{{ self.__init__ }}", "{{ request.environ }}", "{{ config }}"])  # fmt: skip
def test_cve_2025_68929_the_wording_of_mails_reaches_nothing_but_its_words(client: FlaskClient, source: str) -> None:
    sign_in(client, an_admin())

    answer = client.post("/admin/mail-templates/assigned", data={"source": source, "then": "preview"})

    assert answer.status_code in (200, 422)
    for word in ("&lt;class", "__builtins__", "root:", "SECRET", "x" * 5000, "wsgi."):
        assert word not in answer.text.replace("SECRET_KEY }}", ""), word


def test_cve_2025_71420_a_canned_response_of_another_department_is_had_by_no_number(app: Flask, client: FlaskClient) -> None:  # fmt: skip
    """There (in UVdesk) an agent read saved replies of other groups by counting through their numbers."""
    own, other = a_department(), a_department()
    agent = an_agent(own)
    theirs = CannedResponse(title="Theirs", body="Internal price list", department=other)
    ours = CannedResponse(title="Ours", body="Our words", department=own)
    db.session.add_all([theirs, ours])
    db.session.flush()
    sign_in(client, agent)
    program = a_program(app.test_client(), agent)

    assert client.get(f"/admin/canned/show/{ours.id}").status_code == 200
    assert client.get(f"/admin/canned/show/{theirs.id}").status_code == 404
    assert client.get(f"/admin/canned/edit/{theirs.id}").status_code == 404
    assert "Theirs" not in client.get("/admin/canned/list/").text
    assert [one["title"] for one in program.get("/canned-responses").json["items"]] == ["Ours"]


def test_cve_2026_49394_what_is_everybodys_is_changed_by_those_alone_who_shape_the_desk(client: FlaskClient) -> None:
    """There (in Frappe) what was shared with all could be edited by anybody, since it belonged to nobody."""
    shared = CannedResponse(title="Shared", body="Words")
    db.session.add(shared)
    db.session.flush()
    sign_in(client, an_agent())

    client.post(f"/admin/canned/edit/{shared.id}", data={"title": "Mine now", "body": "Other words", "active": "y"})
    client.post(f"/admin/canned/delete/{shared.id}")

    db.session.expire_all()
    kept = db.session.get(CannedResponse, shared.id)
    assert kept is not None and (kept.title, kept.owner_id) == ("Shared", None)


def test_cve_2024_33668_nobody_reaches_into_what_somebody_else_is_writing(app: Flask, client: FlaskClient) -> None:
    """There (in Zammad) uploads to a message in writing were found by a number that could be guessed."""
    setting(agents_see_departments=True)
    writer, agent = an_agent(), an_agent()
    ticket = a_ticket()
    draft = files.keep("plan.txt", b"secret plan", acting(writer))
    sign_in(client, agent)
    program = a_program(app.test_client(), agent)

    client.post(f"/admin/tickets/{ticket.number}/messages", data={"kind": "note", "body": "x", "attachment_ids": draft.id})  # fmt: skip
    assert program.post(f"/tickets/{ticket.number}/notes", {"body": "x", "attachment_ids": [draft.id]}).status_code in (404, 422)  # fmt: skip
    assert program.get(f"/attachments/{draft.id}").status_code == 404

    db.session.expire_all()
    assert db.session.get_one(Attachment, draft.id).message_id is None


@pytest.mark.parametrize("fresh", [False, True], ids=["in a ticket", "as a new one"])
def test_zendesk_2024_a_forged_sender_who_copies_themselves_in_gets_nothing(app: Flask, fresh: bool) -> None:
    """There a mail in the requester's name with a stranger in copy made that stranger a reader of the whole ticket."""
    from tests.security.advisories.test_freescout import arrived

    ticket, agent = a_ticket("Private", requester=a_customer(email="ada@own.test")), an_admin()
    run_jobs()
    subject = "A new matter" if fresh else f"Re: [#{ticket.number}]"

    row = arrived(
        f"From: ada@own.test\nTo: support@deskhand.example\nCc: evil@evil.test\nSubject: {subject}\nMessage-ID: <z@x.test>\n\nPlease add my friend\n",
        "support@deskhand.example",
    )
    assert (row.ticket_id == ticket.id) is not fresh
    db.session.get_one(Ticket, row.ticket_id).reply(Words("The private answer", via=Channel.STAFF), by=acting(agent))
    run_jobs()

    assert [part for part in db.session.scalars(select(Participant)) if part.approved and part.email] == []
    assert "evil@evil.test" not in {mail.address for mail in db.session.scalars(select(Delivery))}
