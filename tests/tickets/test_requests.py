"""Document requests: what is asked for, handed in, judged, and who hears of it."""

import dataclasses as dc
import datetime as dt
import io
import re
import zipfile
from email import message_from_bytes
from email.policy import default

import pytest
import time_machine
from sqlalchemy import func, select

from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.errors import Forbidden, HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk import erasing
from app.mail import outgoing
from app.mail.models import Delivery
from app.notifications.models import Notice, Notification
from app.tickets import collecting, files, inactivity, judging, merging, reminding, requests, uploadlinks
from app.tickets.choices import State
from app.tickets.collecting import NotNow, Upload, Wanted
from app.tickets.judging import Verdict
from app.tickets.models import Participant, ParticipantRole, Ticket, TicketKind
from app.tickets.opening import NewTicket
from app.tickets.requests import DocumentRequest, RequestState, SlotState
from app.tickets.slotkinds import Allowed, fits
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did
from tests.factories import (
    a_customer,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    run_jobs,
    setting,
    staff,
)

pytestmark = pytest.mark.usefixtures("app")

PDF = b"%PDF-1.7\n" + b"a page\n" * 20
OTHER_PDF = b"%PDF-1.7\n" + b"a better page\n" * 20
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
PASSPORT, PHOTO, EXTRA = Wanted("Passport", "The page with the picture", Allowed.PDF), Wanted("Photo", "", Allowed.IMAGE), Wanted("Extra", required=False)  # fmt: skip


def a_request(*wanted, by=None, requester=None, due_on=None, ticket=None):
    """In a ticket of its own unless one is given."""
    by = by or acting(a_supervisor())
    wanted = wanted or (PASSPORT, PHOTO, EXTRA)
    words = Words("Please send us these.", via=Channel.STAFF)
    if ticket is not None:
        return collecting.ask(ticket, words, wanted, due_on, by)
    new = NewTicket("Your papers", words, requester or a_customer())
    return collecting.begin_request(new, wanted, due_on, by)


def customer_of(request):
    return CustomerActor.of(request.ticket.requester)


def hand_in(request, by=None, note="", **given):
    """`Passport=PDF`: a file for the slot of this name."""
    slots = {slot.name: slot.id for slot in request.slots}
    uploads = [Upload(slots[name], f"{name.lower()}.pdf", content) for name, content in given.items()]
    return collecting.hand_in(request, uploads, by or customer_of(request), note)


def judge(request, by, **verdicts):
    """`Passport=True` accepts, a text refuses with this reason."""
    slots = {slot.name: slot for slot in request.slots}
    return judging.review(
        request,
        [Verdict(slots[name].id, slots[name].attachment_id, said is True, "" if said is True else said) for name, said in verdicts.items()],
        by,
    )  # fmt: skip


def states(request):
    return {slot.name: slot.state.value for slot in request.slots}


def mails(kind):
    return list(db.session.scalars(select(Delivery).where(Delivery.kind == kind).order_by(Delivery.id)))


def deeds(ticket):
    return [event.what for event in ticket.events]


def test_asking_opens_a_ticket_of_its_own_kind_that_waits_for_the_customer():
    request = a_request()

    ticket = request.ticket
    assert (ticket.kind, ticket.state, ticket.opened_by_staff) == (TicketKind.DOCUMENT_REQUEST, State.WAITING, True)
    assert (ticket.documents_wanted, ticket.documents_here, ticket.needs_response) == (2, 0, False)
    assert Did.DOCUMENTS_ASKED in deeds(ticket)


def test_the_customer_gets_one_mail_with_the_slots_and_a_link():
    request = a_request()
    run_jobs()

    (mail,) = mails("documents_asked")
    assert mails("staff_replied") == []
    text = message_from_bytes(mail.raw, policy=default).get_body(("plain",)).get_content()
    assert mail.customer_id == request.ticket.requester_id
    assert "Passport" in text and "The page with the picture" in text
    secret = re.search(r"/portal/upload/([\w-]+)", text).group(1)
    assert uploadlinks.look_at(secret).id == request.id
    assert "documents_asked" in outgoing.SECRET


def test_asking_in_a_ticket_is_a_reply_and_copies_get_the_words_without_the_link():
    agent = acting(a_supervisor())
    ticket = a_ticket()
    db.session.add(Participant(ticket_id=ticket.id, role=ParticipantRole.CC, email="boss@customer.test", approved=True))
    db.session.flush()

    a_request(by=agent, ticket=ticket)

    assert (ticket.state, ticket.kind, ticket.first_response_at is not None) == (State.WAITING, TicketKind.TICKET, True)
    assert [mail.address for mail in mails("documents_asked")] == [ticket.requester.email_key]
    assert [(mail.address, mail.values) for mail in mails("staff_replied")] == [("boss@customer.test", {})]


@pytest.mark.parametrize(
    ("wanted", "due"),
    [
        ([], None),
        ([Wanted("Only if you like", required=False)], None),
        ([Wanted("  ")], None),
        ([Wanted("x" * 121)], None),
        ([Wanted("Doc", hint="x" * 301)], None),
        ([Wanted(f"Doc {n}") for n in range(21)], None),
        ([Wanted("Doc")], -1),
    ],
    ids=["nothing", "nothing required", "no name", "a long name", "a long hint", "too many", "a day that is over"],
)
def test_a_request_that_asks_for_nothing_sensible_is_refused(wanted, due):
    ticket = a_ticket()
    day = clock.now().date() + dt.timedelta(days=due) if due else None

    with pytest.raises(Invalid):
        collecting.ask(ticket, Words("Please"), wanted, day, acting(a_supervisor()))


def test_a_role_without_the_right_asks_judges_and_withdraws_nothing():
    request, ticket = a_request(), a_ticket()
    reader = acting(staff("Support Agent"))
    reader = dc.replace(reader, permissions=frozenset(reader.permissions - {("can_documents", "Ticket")}))

    for deed in (
        lambda: a_request(by=reader, ticket=ticket),
        lambda: a_request(by=reader),
        lambda: judge(request, reader, Passport=True),
        lambda: collecting.withdraw(request, reader),
        lambda: uploadlinks.revoke(request, reader),
        lambda: uploadlinks.send(request, reader),
    ):
        with pytest.raises(Forbidden):
            deed()


def test_nobody_is_asked_in_a_ticket_that_is_hidden_from_them():
    ticket, agent = a_ticket(), acting(a_supervisor())
    ticket.hide(agent)

    with pytest.raises(NotNow):
        a_request(by=agent, ticket=ticket)


def test_a_document_is_an_entry_of_the_ticket_told_as_any_reply_is():
    agent = an_agent()
    request = a_request(by=acting(agent))
    request.ticket.assign_to(agent, by=acting(agent))

    done = hand_in(request, note="Here it is", Passport=PDF)

    assert done.message.text == "Here it is\n\nPassport: passport.pdf"
    assert [file.type for file in done.message.attachments] == ["application/pdf"]
    assert states(request) == {"Passport": "received", "Photo": "requested", "Extra": "requested"}
    assert (request.ticket.documents_here, request.ticket.needs_response) == (1, True)
    assert Did.DOCUMENT_SENT in deeds(request.ticket)
    kinds = db.session.scalars(select(Notification.kind).where(Notification.staff_id == agent.id)).all()
    assert kinds == [Notice.CUSTOMER_REPLIED]


def test_a_wrong_file_is_refused_and_the_good_one_beside_it_stays():
    request = a_request()

    done = hand_in(request, Passport=PDF, Photo=HTML)

    refused = {slot.id: slot.name for slot in request.slots}
    assert [refused[slot_id] for slot_id in done.refused] == ["Photo"]
    assert "Image" in str(next(iter(done.refused.values())))
    assert states(request)["Passport"] == "received"


def zipped(*names, mimetype=""):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("allowed", "content", "fitting"),
    [
        (Allowed.PDF, PDF, True),
        (Allowed.PDF, HTML, False),
        (Allowed.PDF, PNG, False),
        (Allowed.PDF, HTML + PDF, False),
        (Allowed.IMAGE, PNG, True),
        (Allowed.IMAGE, b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 40, True),
        (Allowed.IMAGE, b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", False),
        (Allowed.OFFICE, zipped("[Content_Types].xml", "word/document.xml"), True),
        (Allowed.OFFICE, zipped("[Content_Types].xml", "xl/workbook.xml"), True),
        (Allowed.OFFICE, zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"), True),
        (Allowed.OFFICE, zipped("virus.exe"), False),
        (Allowed.OFFICE, zipped("content.xml", mimetype="application/epub+zip"), False),
        (Allowed.OFFICE, b"PK\x03\x04 no archive", False),
        (Allowed.OFFICE, HTML, False),
        (Allowed.ANY, HTML, True),
    ],
    ids=["pdf", "html as pdf", "picture as pdf", "pdf behind html", "png", "jpeg", "svg", "docx", "xlsx", "odt", "zip as office", "epub as office", "broken zip", "html as office", "anything"],
)  # fmt: skip
def test_a_slot_judges_a_file_by_its_bytes(allowed, content, fitting):
    assert fits(allowed, content, files.sniffed(content)) is fitting


def test_a_file_over_the_desks_bound_is_refused():
    setting(max_attachment_mb=1)
    request = a_request()

    done = hand_in(request, Passport=b"%PDF-" + b"x" * 1024 * 1024)

    assert done.message is None
    assert "1 MB" in str(next(iter(done.refused.values())))


def test_a_document_is_replaced_until_it_was_accepted():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF)
    first = request.slots[0].attachment_id

    hand_in(request, Passport=OTHER_PDF)
    assert request.slots[0].attachment_id != first
    judge(request, agent, Passport=True)

    done = hand_in(request, Passport=PDF)
    assert done.message is None
    assert "accepted" in str(next(iter(done.refused.values())))


def test_a_form_that_is_pressed_twice_hands_in_once():
    request = a_request()
    hand_in(request, Passport=PDF)
    entries = request.ticket.message_count

    assert hand_in(request, Passport=PDF).message is None
    assert request.ticket.message_count == entries


def test_a_slot_of_another_request_takes_nothing():
    mine, other = a_request(), a_request(requester=a_customer("Eve"))

    done = collecting.hand_in(mine, [Upload(other.slots[0].id, "a.pdf", PDF)], customer_of(mine))

    assert done.message is None
    assert states(other)["Passport"] == "requested"


def test_a_round_of_verdicts_is_one_mail_with_all_reasons_and_opens_the_refused_again():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF, Photo=PNG)

    message = judge(request, agent, Passport="It is cut off", Photo="It is too dark")

    assert "Please send again: Passport. It is cut off" in message.text
    assert "Please send again: Photo. It is too dark" in message.text
    assert [mail.message_id for mail in mails("documents_asked")][1:] == [message.id]
    assert states(request) == {"Passport": "refused", "Photo": "refused", "Extra": "requested"}
    assert (request.ticket.state, request.ticket.documents_here) == (State.WAITING, 0)
    assert hand_in(request, Passport=OTHER_PDF).message is not None


def test_the_customer_reads_a_round_in_their_language():
    agent = acting(a_supervisor())
    request = a_request(by=agent, requester=a_customer("Ada", language="de"))
    hand_in(request, Passport=PDF)

    assert "Angenommen: Passport" in judge(request, agent, Passport=True).text


def test_a_refusal_needs_a_reason():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF)

    with pytest.raises(Invalid):
        judge(request, agent, Passport="  ")


def test_a_verdict_holds_for_the_file_that_was_looked_at():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF)
    seen = Verdict(request.slots[0].id, request.slots[0].attachment_id, True)
    hand_in(request, Passport=OTHER_PDF)

    with pytest.raises(NotNow):
        judging.review(request, [seen], agent)


def test_with_the_last_required_document_the_request_is_done_and_the_assignee_hears_of_it():
    owner, supervisor = an_agent(), acting(a_supervisor())
    request = a_request(by=supervisor)
    request.ticket.assign_to(owner, by=supervisor)
    hand_in(request, Passport=PDF, Photo=PNG)

    judge(request, supervisor, Passport=True, Photo=True)

    assert (request.state, request.ticket.documents_here) == (RequestState.DONE, 2)
    kinds = db.session.scalars(select(Notification.kind).where(Notification.staff_id == owner.id)).all()
    assert Notice.DOCUMENTS_DONE in kinds
    assert [mail.customer_id for mail in mails("staff_replied")] == [request.ticket.requester_id]
    with pytest.raises(NotNow):
        hand_in(request, Extra=PDF)


def test_withdrawing_ends_links_and_what_is_missing():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    secret = uploadlinks.issue(request)
    db.session.flush()

    collecting.withdraw(request, agent)
    collecting.withdraw(request, agent)

    assert (request.state, request.ticket.documents_wanted) == (RequestState.WITHDRAWN, 0)
    assert deeds(request.ticket).count(Did.DOCUMENTS_WITHDRAWN) == 1
    with pytest.raises(NotThere):
        uploadlinks.look_at(secret)
    with pytest.raises(NotNow):
        hand_in(request, Passport=PDF)


def test_a_closed_ticket_takes_no_documents():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    request.ticket.close(agent)

    with pytest.raises(HelpdeskError):
        hand_in(request, Passport=PDF)


def reminders():
    return [event.particulars["reminder"] for event in db.session.scalars(select(DocumentRequest)).one().ticket.events if event.what is Did.DOCUMENTS_REMINDED]  # fmt: skip


def test_each_reminder_goes_once_before_on_and_after_the_day():
    with time_machine.travel(dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC), tick=False) as time:
        a_request(due_on=dt.date(2026, 11, 10))
        db.session.commit()
        gone = []
        for day in range(1, 20):
            time.move_to(dt.datetime(2026, 11, day, 9, tzinfo=dt.UTC))
            reminding.remind()
            reminding.remind()
            gone.append((day, len(reminders())))

    assert [day for day, number in gone if number == gone[day - 2][1] + 1 and day > 1] == [8, 10, 13]
    assert reminders() == ["before", "on", "after"]
    assert len(mails("documents_reminder")) == 3


def test_a_reminder_that_was_missed_is_not_made_up_for():
    with time_machine.travel(dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC), tick=False) as time:
        a_request(due_on=dt.date(2026, 11, 10))
        db.session.commit()
        time.move_to(dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC))
        reminding.remind()

    assert reminders() == ["on"]


@pytest.mark.parametrize("end", ["complete", "withdrawn", "closed", "hidden", "off"])
def test_reminders_stop(end):
    agent = acting(a_supervisor())
    with time_machine.travel(dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC), tick=False) as time:
        request = a_request(Wanted("Passport"), by=agent, due_on=dt.date(2026, 11, 10))
        if end == "complete":
            hand_in(request, Passport=PDF)
        elif end == "withdrawn":
            collecting.withdraw(request, agent)
        elif end == "closed":
            request.ticket.close(agent)
        elif end == "hidden":
            request.ticket.hide(agent)
        else:
            setting(document_before_days=0, document_on_due=False, document_after_days=0)
        db.session.commit()
        time.move_to(dt.datetime(2026, 11, 10, 9, tzinfo=dt.UTC))
        reminding.remind()

    assert reminders() == []


def test_a_ticket_is_not_closed_for_silence_before_its_documents_are_due():
    setting(waiting_reminder_days=7, waiting_close_days=14)
    with time_machine.travel(dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC), tick=False) as time:
        request = a_request(due_on=dt.date(2026, 12, 10))
        ticket_id = request.ticket_id
        db.session.commit()
        time.move_to(dt.datetime(2026, 12, 20, tzinfo=dt.UTC))
        closes = inactivity.closes_at(request.ticket)
        inactivity.close_waiting()
        assert db.session.get(Ticket, ticket_id).state is State.WAITING
        assert closes == dt.datetime(2026, 12, 25, tzinfo=dt.UTC)
        time.move_to(closes + dt.timedelta(minutes=1))
        inactivity.close_waiting()
        assert db.session.get(Ticket, ticket_id).state is State.CLOSED


def test_a_merged_request_is_counted_reminded_and_filled_where_it_goes_on_and_comes_back():
    agent = acting(a_supervisor())
    request, into = a_request(by=agent, due_on=clock.now().date()), a_ticket()

    merging.merge(request.ticket, into=into, by=agent)
    assert (into.documents_wanted, into.documents_here) == (2, 0)
    db.session.commit()
    reminding.remind()
    assert reminders() == ["on"]
    done = hand_in(request, Passport=PDF)
    assert (done.message.ticket_id, into.documents_here) == (into.id, 1)
    judge(request, agent, Passport=True)

    merging.unmerge(request.ticket, by=agent)
    assert (into.documents_wanted, request.ticket.documents_wanted, request.ticket.documents_here) == (0, 2, 1)


def test_a_link_works_until_its_end_and_is_kept_as_a_hash():
    setting(document_link_days=5)
    with time_machine.travel(dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC), tick=False) as time:
        request = a_request(due_on=dt.date(2026, 11, 10))
        secret = uploadlinks.issue(request)
        db.session.commit()
        assert uploadlinks.look_at(secret).id == request.id
        kept = db.session.scalars(select(uploadlinks.UploadLink.token_hash)).all()
        assert secret not in kept
        time.move_to(dt.datetime(2026, 11, 15, 8, tzinfo=dt.UTC))
        uploadlinks.look_at(secret)
        time.move_to(dt.datetime(2026, 11, 15, 10, tzinfo=dt.UTC))
        with pytest.raises(NotThere):
            uploadlinks.look_at(secret)


def test_staff_end_the_links_and_mail_a_new_one():
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    secret = uploadlinks.issue(request)
    db.session.flush()

    assert uploadlinks.revoke(request, agent) == 2
    assert uploadlinks.revoke(request, agent) == 0
    with pytest.raises(NotThere):
        uploadlinks.look_at(secret)
    uploadlinks.send(request, agent)

    assert len(mails("documents_reminder")) == 1
    assert {Did.LINKS_ENDED, Did.LINK_SENT} <= set(deeds(request.ticket))


def test_what_is_here_is_counted_without_optional_ones():
    request = a_request()
    hand_in(request, Extra=PDF)

    assert (request.ticket.documents_wanted, request.ticket.documents_here) == (2, 0)
    assert [slot.state for slot in request.slots if not slot.required] == [SlotState.RECEIVED]
    assert requests.requests_of([request.ticket_id])[0].missing[0].name == "Passport"


def test_a_conversation_waits_for_the_customer_and_fills_the_names_of_a_canned_response():
    agent = acting(a_supervisor())
    words = Words("Hello {{customer_name}}, your number is {{ticket_number}}. {{agent_name}}", via=Channel.STAFF)

    ticket = collecting.begin(NewTicket("A question", words, a_customer("Ada"), variables=True), agent)

    assert ticket.messages[0].text == f"Hello Ada, your number is {ticket.display}. {agent.name}"
    assert (ticket.kind, ticket.state, ticket.awaiting_since) == (TicketKind.CONVERSATION, State.WAITING, None)
    assert [mail.address for mail in mails("staff_replied")] == [ticket.requester.email_key]


def test_a_ticket_is_deleted_with_its_requests_slots_and_links():
    boss = acting(a_super_admin())
    request = a_request(by=boss)
    hand_in(request, Passport=PDF)
    db.session.commit()

    erasing.delete_ticket(request.ticket, by=boss)
    db.session.commit()

    tables = (DocumentRequest, requests.Slot, uploadlinks.UploadLink)
    assert [db.session.scalar(select(func.count()).select_from(table)) for table in tables] == [0, 0, 0]
