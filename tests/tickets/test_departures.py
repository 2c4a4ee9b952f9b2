"""Replies that wait to leave: taken back, hurried, sent once, and held when they no longer fit."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail.models import Delivery
from app.notifications.models import Notice, Notification
from app.tickets import departures, drafts, suppliers
from app.tickets.choices import State
from app.tickets.departures import Gone
from app.tickets.drafts import Draft, Written
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.supplied import Supplier
from app.tickets.thread import Message, MessageKind, Words
from app.tickets.timeline import Did
from app.tickets.unseen import Seen, demand_seen
from tests.factories import a_priority, a_supplier, a_ticket, acting, an_agent, run_jobs

SOON = dt.timedelta(seconds=10)


@pytest.fixture
def desk(app: Flask) -> Any:
    agent = an_agent()
    ticket = a_ticket(assignee=agent)
    db.session.commit()
    run_jobs()
    return ticket, acting(agent)


def send(ticket: Ticket, by: Any, text: str = "Please restart it.", wait: dt.timedelta = SOON, scheduled: bool = False, **more: Any) -> Draft:  # fmt: skip
    seen = ticket.messages[-1].id
    draft = departures.put_off(ticket, by, Written(text, **more), clock.now() + wait, "a tab", seen, scheduled)
    db.session.commit()
    return draft


def later(seconds: float = 11) -> int:
    """Jobs as they run then."""
    db.session.commit()
    with time_machine.travel(clock.now() + dt.timedelta(seconds=seconds), tick=False):
        return run_jobs()


def replies(ticket: Ticket) -> list[str]:
    db.session.expire_all()
    return [message.text for message in ticket.messages if message.staff_id]


def mails(ticket: Ticket) -> list[Delivery]:
    return list(
        db.session.scalars(select(Delivery).where(Delivery.ticket_id == ticket.id, Delivery.kind == "staff_replied"))
    )


def did(ticket: Ticket) -> list[Did]:
    db.session.expire_all()
    return [event.what for event in ticket.events]


def test_before_its_moment_nothing_has_happened(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, then="resolve", priority=str(a_priority(4).id))

    run_jobs()

    assert replies(ticket) == []
    assert mails(ticket) == []
    assert (ticket.state, ticket.priority.rank) != (State.RESOLVED, 4)
    assert ticket.first_response_at is None


def test_after_it_the_reply_leaves_once_with_its_outcome_and_its_mail(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent, then="resolve", priority=str(a_priority(4).id))

    later()
    departures.leave(draft.id)
    later()

    assert replies(ticket) == ["Please restart it."]
    assert len(mails(ticket)) == 1
    assert ticket.state is State.RESOLVED
    assert ticket.priority.rank == 4
    assert db.session.scalars(select(Draft).where(Draft.spent_at.is_(None))).all() == []


def test_a_worker_whose_clock_is_behind_sends_it_later_and_not_never(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent)

    departures.leave(draft.id)
    db.session.commit()
    assert replies(ticket) == []
    later()

    assert replies(ticket) == ["Please restart it."]


def test_taken_back_it_is_a_draft_again_and_never_leaves(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent, then="resolve")

    departures.take_back(ticket, agent, draft.id)
    later()

    assert replies(ticket) == []
    assert mails(ticket) == []
    assert ticket.state is not State.RESOLVED
    assert [(one.text, one.then, one.returned) for one in drafts.of(ticket.id, agent)] == [
        ("Please restart it.", "resolve", "undone")
    ]
    assert Did.UNSENT in did(ticket)


def test_a_page_one_went_back_to_sends_another_reply(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, "One")
    send(ticket, agent, "Two")

    later()

    assert sorted(replies(ticket)) == ["One", "Two"]


def test_what_left_cannot_be_taken_back(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent)
    later()

    with pytest.raises(Gone):
        departures.take_back(ticket, agent, draft.id)


def test_a_colleague_may_stop_it_and_its_writer_finds_the_draft(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent)
    colleague = an_agent()
    ticket.note(Words(f"@{colleague.username} please look"), by=agent)
    db.session.commit()

    departures.take_back(ticket, acting(colleague), draft.id)

    assert drafts.of(ticket.id, acting(colleague)) == []
    assert len(drafts.of(ticket.id, agent)) == 1


def test_a_scheduled_reply_leaves_at_its_time_or_at_once_when_hurried(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, "Tomorrow", dt.timedelta(days=1), scheduled=True)
    hurried = send(ticket, agent, "Also tomorrow", dt.timedelta(days=1), scheduled=True, cc=None)
    assert did(ticket).count(Did.SCHEDULED) == 2

    departures.hurry(ticket, agent, hurried.id)
    later(1)
    assert replies(ticket) == ["Also tomorrow"]
    later(86_401)

    assert replies(ticket) == ["Also tomorrow", "Tomorrow"]


def test_a_scheduled_reply_is_held_when_the_customer_wrote_again(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, "Tomorrow", dt.timedelta(days=1), scheduled=True)
    ticket.receive(Words("Never mind, it works."), by=CustomerActor.of(ticket.requester))

    later(86_401)

    assert replies(ticket) == []
    assert [one.returned for one in drafts.of(ticket.id, agent)] == ["customer_wrote"]
    assert Did.HELD_BACK in did(ticket)
    assert (
        db.session.scalars(
            select(Notification.kind).where(Notification.staff_id == agent.id).order_by(Notification.id)
        ).all()[-1]
        is Notice.REPLY_HELD
    )


def test_in_the_moment_of_undoing_a_customers_word_holds_nothing(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent)
    ticket.receive(Words("By the way"), by=CustomerActor.of(ticket.requester))

    later()

    assert replies(ticket) == ["Please restart it."]


def test_who_lost_the_right_meanwhile_sends_nothing_and_loses_no_word(desk: Any) -> None:
    ticket, agent = desk
    draft = send(ticket, agent)
    ticket.assign_to(an_agent(), by=agent)
    db.session.commit()
    assert not ticket.seen_by(agent)

    later()

    assert replies(ticket) == []
    db.session.refresh(draft)
    assert (draft.text, draft.leaves_at) == ("Please restart it.", None)
    assert Did.HELD_BACK in did(ticket)


@pytest.mark.parametrize(
    "given",
    [{"text": "  "}, {"then": "explode"}, {"then": "status:99999"}, {"priority": "99999"}, {"cc": "nobody at all"}, {"wait": dt.timedelta(hours=-1), "scheduled": True}],
    ids=["no words", "an unknown outcome", "an unknown status", "an unknown priority", "no address", "a time that is over"],
)  # fmt: skip
def test_what_would_refuse_it_refuses_it_while_its_writer_is_there(desk: Any, given: dict[str, Any]) -> None:
    ticket, agent = desk

    with pytest.raises(HelpdeskError):
        send(ticket, agent, **given)


def test_copies_stay_with_the_ticket_and_a_blind_copy_gets_one_reply(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, "First", cc="Kim <kim@partner.test>, lee@partner.test", bcc="boss@partner.test")
    later()
    assert {mail.address for mail in mails(ticket)} == {
        ticket.requester.email, "kim@partner.test", "lee@partner.test", "boss@partner.test",
    }  # fmt: skip

    departures.send(ticket, agent, Written("Second", cc="kim@partner.test"))
    db.session.commit()

    second = db.session.scalars(select(Message.id).where(Message.text == "Second")).one()
    told = {mail.address for mail in mails(ticket) if mail.message_id == second}
    assert told == {ticket.requester.email, "kim@partner.test"}
    assert did(ticket).count(Did.COPIED) == 2


def test_an_address_a_mail_named_is_accepted_by_standing_in_the_copies(desk: Any) -> None:
    ticket, agent = desk
    named = Participant(ticket_id=ticket.id, role=ParticipantRole.CC, email="kim@partner.test", approved=False)
    db.session.add(named)
    db.session.flush()

    departures.send(ticket, agent, Written("Hello", cc=""))
    assert not named.approved
    departures.send(ticket, agent, Written("Hello", cc="kim@partner.test"))

    assert named.approved


def test_a_reply_goes_to_whom_its_writer_names_and_not_to_the_requester(desk: Any) -> None:
    ticket, agent = desk
    send(ticket, agent, "For Kim", sent_to="Kim <kim@partner.test>", cc="lee@partner.test", bcc=ticket.requester.email)
    later()
    written = db.session.scalars(select(Message).where(Message.text == "For Kim")).one()

    assert [mail.address for mail in mails(ticket) if mail.message_id == written.id] == [
        "kim@partner.test", "lee@partner.test", ticket.requester.email,
    ], "the requester in blind copy alone"  # fmt: skip
    assert written.sent_to == "kim@partner.test"
    departures.send(ticket, agent, Written("For Ada"))
    departures.send(ticket, agent, Written("For both", sent_to=f"{ticket.requester.email.upper()}; kim@partner.test"))
    db.session.commit()
    told = [
        [mail.address for mail in mails(ticket) if mail.message_id == message.id] for message in ticket.messages[-2:]
    ]
    assert told == [[ticket.requester.email, "lee@partner.test"], ["kim@partner.test", ticket.requester.email, "lee@partner.test"]]  # fmt: skip
    assert len({part.id for part in parts(ticket, ParticipantRole.TO)}) == 1


def parts(ticket: Ticket, role: ParticipantRole) -> list[Participant]:
    wanted = select(Participant).where(Participant.ticket_id == ticket.id, Participant.role == role)
    return list(db.session.scalars(wanted))


def test_a_cc_to_whom_it_is_written_gets_it_once_and_the_requester_alone_is_no_choice(desk: Any) -> None:
    ticket, agent = desk
    departures.send(ticket, agent, Written("Once", cc="kim@partner.test", sent_to="KIM@partner.test"))
    departures.send(ticket, agent, Written("Usual", sent_to=f" {ticket.requester.email.upper()} "))
    db.session.commit()

    once, usual = ticket.messages[-2:]
    assert [mail.address for mail in mails(ticket) if mail.message_id == once.id] == ["kim@partner.test"]
    assert usual.sent_to is None and did(ticket).count(Did.REPLIED) == 2


def test_when_it_was_written_to_somebody_else_the_requester_still_hears_that_it_is_solved(desk: Any) -> None:
    ticket, agent = desk
    departures.send(ticket, agent, Written("Done, Kim", then="resolve", sent_to="kim@partner.test"))
    db.session.commit()

    kinds = db.session.execute(select(Delivery.kind, Delivery.address).where(Delivery.ticket_id == ticket.id).order_by(Delivery.id)).all()  # fmt: skip
    assert [tuple(row) for row in kinds][-2:] == [
        ("staff_replied", "kim@partner.test"),
        ("ticket_resolved", ticket.requester.email),
    ]


@pytest.mark.parametrize("wrong", ["", " , ", "nobody", "kim@partner.test, nobody"])
def test_to_nobody_or_to_no_address_nothing_goes_and_nothing_is_lost(desk: Any, wrong: str) -> None:
    ticket, agent = desk

    with pytest.raises(Invalid) as refusal:
        send(ticket, agent, sent_to=wrong)
    assert set(refusal.value.fields) == {"to"}
    assert parts(ticket, ParticipantRole.TO) == []


@pytest.fixture
def asking(desk: Any) -> Any:
    ticket, agent = desk
    supplier = a_supplier("Printer Works", people=("jo@works.test",))
    db.session.commit()
    return ticket, agent, supplier


def a_question(supplier: Supplier, **more: Any) -> dict[str, Any]:
    return {"kind": MessageKind.SUPPLIER, "then": f"contact:{supplier.contacts[0].id}", "about": "A spare part", **more}


def asked(ticket: Ticket) -> list[Message]:
    db.session.expire_all()
    return [message for message in ticket.messages if message.kind is MessageKind.SUPPLIER]


def test_before_its_moment_a_question_has_asked_nobody_and_after_it_is_asked_once(asking: Any) -> None:
    ticket, agent, supplier = asking
    public = ticket.messages[0]
    draft = send(ticket, agent, "Do you have it?", **a_question(supplier, along=(public.id,)))
    assert asked(ticket) == [] and ticket.state is State.OPEN and ticket.supplier_turn is None
    later()
    departures.leave(draft.id)
    later(60)

    entry = asked(ticket)[0]
    event = next(one for one in ticket.events if one.what is Did.SUPPLIER_ASKED)
    assert (len(asked(ticket)), entry.text, ticket.state) == (1, "Do you have it?", State.HOLD)
    assert (event.particulars["subject"], event.particulars["along"]) == ("A spare part", [public.id])
    told = db.session.scalars(select(Delivery.address).where(Delivery.kind == "supplier_asked")).all()
    assert told == ["jo@works.test"] and mails(ticket) == []


def test_a_question_taken_back_is_a_draft_with_all_that_was_chosen(asking: Any) -> None:
    ticket, agent, supplier = asking
    draft = send(ticket, agent, "Do you have it?", **a_question(supplier, along=(ticket.messages[0].id,)))
    departures.take_back(ticket, agent, draft.id)
    db.session.commit()
    later()

    back = drafts.of(ticket.id, agent)[0]
    assert (back.kind, back.text, back.about, back.along, back.returned) == (
        MessageKind.SUPPLIER, "Do you have it?", "A spare part", str(ticket.messages[0].id), "undone",
    )  # fmt: skip
    assert asked(ticket) == [] and ticket.events[-1].sentence.startswith(
        "took a question to the supplier Printer Works"
    )


def test_a_scheduled_question_is_held_when_its_supplier_wrote_and_not_for_anybody_else(asking: Any) -> None:
    ticket, agent, supplier = asking
    other = a_supplier("Others")
    hour = dt.timedelta(hours=1)
    send(ticket, agent, "Do you have it?", wait=hour, scheduled=True, **a_question(supplier))
    suppliers.hear(ticket, other, Words("Hello"), "Al")
    ticket.receive(Words("Hurry"), by=CustomerActor.of(ticket.requester))
    later(3601)
    assert [message.text for message in asked(ticket)] == ["Hello", "Do you have it?"]
    send(ticket, agent, "And now?", wait=hour, scheduled=True, **a_question(supplier))
    suppliers.hear(ticket, supplier, Words("We have it"), "Jo")
    later(3601)

    assert drafts.of(ticket.id, agent)[0].returned == "supplier_wrote"
    assert [message.text for message in asked(ticket)][-1] == "We have it"


def test_a_supplier_who_is_switched_off_meanwhile_gets_nothing_and_no_word_is_lost(asking: Any) -> None:
    ticket, agent, supplier = asking
    send(ticket, agent, "Do you have it?", **a_question(supplier))
    supplier.active = False
    later()

    back = drafts.of(ticket.id, agent)[0]
    assert back.text == "Do you have it?" and "no mail any more" in back.returned and asked(ticket) == []


@pytest.mark.parametrize(
    "given",
    [{"then": "contact:"}, {"then": "contact:99999"}, {"then": "keep"}, {"about": " "}, {"along": (10**9,)}, {"along_files": (10**9,)}, {"text": ""}],
    ids=["nobody", "a stranger", "no contact", "no subject", "another message", "another file", "no words"],
)  # fmt: skip
def test_what_would_refuse_a_question_refuses_it_while_its_writer_is_there(asking: Any, given: dict[str, Any]) -> None:
    ticket, agent, supplier = asking

    with pytest.raises(HelpdeskError):
        send(ticket, agent, **{"text": "Do you?", **a_question(supplier), **given})


def test_a_question_on_its_way_holds_no_reply_of_a_colleague(asking: Any) -> None:
    ticket, agent, supplier = asking
    send(ticket, agent, "Do you have it?", **a_question(supplier))

    demand_seen(ticket, Seen(ticket.messages[-1].id), acting(an_agent()))
