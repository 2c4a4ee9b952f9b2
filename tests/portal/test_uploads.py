"""Documents in the portal: by a mail's link without an account, and from one's own ticket. What a link must not do."""

import io
import re

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.extensions import db
from app.tickets import collecting, merging, uploadlinks
from app.tickets.requests import DocumentRequest
from app.tickets.thread import Attachment, Channel, Message
from app.tickets.uploadlinks import UploadLink
from tests.factories import (
    a_customer,
    a_supervisor,
    a_ticket,
    acting,
    an_organization,
    multipart,
    setting,
    sign_in_customer,
)
from tests.tickets.test_requests import HTML, OTHER_PDF, PDF, PNG, a_request, hand_in, judge, states


def a_link(request):
    secret = uploadlinks.issue(request)
    db.session.commit()
    return f"/portal/upload/{secret}"


def send(client, address, request_id, message="", **files):
    """`Passport=(content, name)` into the slot of that name."""
    request = db.session.get(DocumentRequest, request_id)
    slots = {slot.name: slot.id for slot in request.slots}
    db.session.rollback()
    fields = {f"slot-{slots[name]}": (io.BytesIO(content), called) for name, (content, called) in files.items()}
    return client.post(address, **multipart({"message": message, **fields}))


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def everything():
    """What a GET must leave as it is."""
    tables = [table for table in UploadLink.metadata.sorted_tables if not table.name.startswith("ab_")]
    found = {table.name: db.session.scalar(select(func.count()).select_from(table)) for table in tables}
    links = db.session.execute(select(UploadLink.revoked_at, UploadLink.expires_at)).all()
    db.session.rollback()
    return found, links


def test_a_customer_without_an_account_hands_in_by_the_link(client):
    request = a_request()
    address, request_id, ticket = a_link(request), request.id, request.ticket

    page = client.get(address)
    answer = send(client, address, request_id, "Here", Passport=(PDF, "passport.pdf"))

    assert "Passport" in text_of(page)
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    message = db.session.scalars(select(Message).where(Message.customer_id.is_not(None))).one()
    assert (message.ticket_id, message.via, message.text) == (ticket.id, Channel.FORM, "Here\n\nPassport: passport.pdf")
    assert "passport.pdf" in text_of(client.get(address))


def test_the_link_shows_the_slots_and_nothing_else_of_the_ticket(client):
    agent = acting(a_supervisor())
    ticket = a_ticket("A secret subject", text="Words of the thread")
    request = a_request(by=agent, ticket=ticket)
    address = a_link(request)

    said = text_of(client.get(address))

    assert "Passport" in said
    for word in ("A secret subject", "Words of the thread", "Please send us these", ticket.requester.email):
        assert word not in said
    assert client.get(f"/portal/tickets/{ticket.number}").status_code == 302


def test_nothing_of_the_link_is_kept_anywhere(client):
    answer = client.get(a_link(a_request()))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_opening_the_link_changes_nothing(client):
    address = a_link(a_request())
    before = everything()

    for _again in range(3):
        assert client.get(address).status_code == 200
    client.head(address)

    assert everything() == before


@pytest.mark.parametrize("end", ["guessed", "cut", "ended", "revoked", "withdrawn", "hidden", "closed", "switched off"])
def test_a_link_that_ended_opens_nothing_and_all_of_them_say_the_same(client, end):
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    address, request_id = a_link(request), request.id
    if end == "guessed":
        address = "/portal/upload/" + "A" * 43
    elif end == "cut":
        address = address[:-1]
    elif end == "ended":
        for link in db.session.scalars(select(UploadLink)):
            link.expires_at = clock.now()
    elif end == "revoked":
        uploadlinks.revoke(request, agent)
    elif end == "withdrawn":
        collecting.withdraw(request, agent)
    elif end == "hidden":
        request.ticket.hide(agent)
    elif end == "closed":
        request.ticket.close(agent)
    else:
        request.ticket.requester.active = False
    db.session.commit()
    files = db.session.scalar(select(func.count(Attachment.id)))
    db.session.rollback()

    for answer in (client.get(address), send(client, address, request_id, Passport=(PDF, "a.pdf"))):
        assert answer.status_code == 404
        assert "This link does not work (any more)" in text_of(answer)
    assert db.session.scalar(select(func.count(Attachment.id))) == files


def test_guessing_links_ends_at_a_limit_and_a_good_link_goes_on(client, app, monkeypatch):
    monkeypatch.setitem(app.config["LIMITS"], "upload_link", (3, 60))
    address = a_link(a_request())

    answers = [client.get(f"/portal/upload/{number}").status_code for number in range(5)]

    assert answers == [404, 404, 404, 429, 429]
    assert client.get(address).status_code == 200


def test_the_slot_of_another_request_takes_nothing_by_this_link(client):
    mine, other = a_request(), a_request()
    address, foreign = a_link(mine), other.slots[0].id

    answer = client.post(address, **multipart({f"slot-{foreign}": (io.BytesIO(PDF), "a.pdf")}))

    assert answer.status_code == 422
    assert states(db.session.get(DocumentRequest, other.id))["Passport"] == "requested"


def test_html_named_pdf_is_refused_with_a_sentence_and_the_good_file_beside_it_stays(client):
    request = a_request()
    address, request_id = a_link(request), request.id

    answer = send(client, address, request_id, Passport=(HTML, "passport.pdf"), Photo=(PNG, "photo.png"))

    assert answer.status_code == 422
    assert "“passport.pdf” is not of the kind we asked for: PDF." in text_of(answer)
    assert states(db.session.get(DocumentRequest, request_id)) == {"Passport": "requested", "Photo": "received", "Extra": "requested"}  # fmt: skip


def test_a_file_of_11_mb_is_refused_with_a_sentence(client):
    request = a_request()
    address, request_id = a_link(request), request.id

    answer = send(client, address, request_id, Passport=(b"%PDF-" + b"x" * 11 * 1024 * 1024, "large.pdf"))

    assert answer.status_code == 413
    assert "“large.pdf” is larger than 10 MB." in text_of(answer)


def test_a_desk_that_takes_no_files_takes_none_by_a_link(client):
    request = a_request()
    setting(allow_customer_attachments=False)
    address, request_id = a_link(request), request.id

    answer = send(client, address, request_id, Passport=(PDF, "a.pdf"))

    assert (answer.status_code, "takes no files" in text_of(answer)) == (422, True)


def test_documents_sent_twice_are_one_entry(client):
    request = a_request()
    address, request_id, ticket = a_link(request), request.id, request.ticket

    for _again in range(2):
        assert send(client, address, request_id, Passport=(PDF, "a.pdf")).status_code == 303

    db.session.expire_all()
    assert ticket.message_count == 2


def test_uploads_by_a_link_end_at_a_limit(client, app, monkeypatch):
    monkeypatch.setitem(app.config["LIMITS"], "upload", (1, 60))
    request = a_request()
    address, request_id = a_link(request), request.id

    send(client, address, request_id, Passport=(PDF, "a.pdf"))
    answer = send(client, address, request_id, Passport=(OTHER_PDF, "b.pdf"))

    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)


def test_a_link_of_a_merged_ticket_fills_its_own_slots_alone(client):
    agent = acting(a_supervisor())
    request, into = a_request(by=agent), a_ticket("Of somebody else", text="Their own words")
    address, request_id = a_link(request), request.id
    merging.merge(request.ticket, into=into, by=agent)
    db.session.commit()

    answer = send(client, address, request_id, Passport=(PDF, "a.pdf"))

    assert answer.status_code == 303
    assert "Their own words" not in text_of(client.get(address))
    assert db.session.get(DocumentRequest, request_id).slots[0].file.ticket_id == into.id


def test_a_request_that_is_done_says_thank_you_and_takes_nothing_more(client):
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    address, request_id = a_link(request), request.id
    hand_in(request, Passport=PDF, Photo=PNG)
    judge(request, agent, Passport=True, Photo=True)
    db.session.commit()

    page = client.get(address)
    answer = send(client, address, request_id, Extra=(PDF, "a.pdf"))

    assert "That is all, thank you" in text_of(page)
    assert 'type="file"' not in text_of(page)
    assert answer.status_code == 409


def test_a_customer_reads_reasons_and_sends_again_from_their_ticket(client):
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF)
    judge(request, agent, Passport="It is cut off")
    number, request_id, requester = request.ticket.number, request.id, request.ticket.requester
    sign_in_customer(client, requester)

    page = client.get(f"/portal/tickets/{number}")
    answer = send(client, f"/portal/tickets/{number}/documents/{request_id}", request_id, Passport=(OTHER_PDF, "b.pdf"))

    assert "It is cut off" in text_of(page)
    assert "0 of 2 documents" in text_of(client.get("/portal/tickets")) or answer.status_code == 303
    assert states(db.session.get(DocumentRequest, request_id))["Passport"] == "received"
    assert "1 of 2 documents" in text_of(client.get("/portal/tickets"))


def test_what_is_asked_for_is_the_first_thing_to_press(client):
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    number = request.ticket.number
    sign_in_customer(client, request.ticket.requester)

    def filled():
        return re.findall(r'class="btn go big">([^<]+)<', client.get(f"/portal/tickets/{number}").text)

    before = filled()
    hand_in(request, Passport=PDF, Photo=PNG)

    assert (before, filled()) == (["Send the documents"], ["Send reply"])


@pytest.mark.parametrize(("whose", "seen"), [("colleague", 200), ("stranger", 404)])
def test_colleagues_see_the_documents_as_they_see_the_ticket(client, whose, seen):
    northwind = an_organization("Northwind")
    request = a_request(requester=a_customer("Ada", organization_id=northwind.id))
    number, request_id = request.ticket.number, request.id
    other = a_customer("Bob", organization_id=northwind.id if whose == "colleague" else None)
    sign_in_customer(client, other)

    address = f"/portal/tickets/{number}/documents/{request_id}"

    assert client.get(address).status_code == seen
    sent = send(client, address, request_id, Passport=(PDF, "a.pdf"))
    assert sent.status_code == (303 if seen == 200 else 404)


def test_the_request_of_another_ticket_is_not_found_under_ones_own(client):
    mine, other = a_request(), a_request()
    number, foreign = mine.ticket.number, other.id
    sign_in_customer(client, mine.ticket.requester)

    assert client.get(f"/portal/tickets/{number}/documents/{foreign}").status_code == 404


def test_the_customers_pages_stay_within_their_statements(client, at_most):
    request = a_request()
    number = request.ticket.number
    sign_in_customer(client, request.ticket.requester)
    client.get("/portal/tickets")

    with at_most(5):
        assert "0 of 2 documents" in text_of(client.get("/portal/tickets"))
    with at_most(14):
        assert client.get(f"/portal/tickets/{number}").status_code == 200
