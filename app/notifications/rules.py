"""Who is told when something happens to a ticket: never whoever did it, and nobody more than they want.

Each function here is a reaction, called in the transaction of the deed with its event; reactions.py lists them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts import tokens
from app.accounts.announcements import FactorReset, StaffLink
from app.accounts.viewer import Kind
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import outgoing
from app.mail.models import Delivery, DeliveryState
from app.notifications import audience, wishes
from app.notifications.handing import hand
from app.notifications.models import Notice
from app.settings import desk
from app.tickets.conversation import MENTION
from app.tickets.mergeable import members
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.scores import Verdict, verdict
from app.tickets.thread import Channel, Message
from app.tickets.timeline import Did, TicketEvent
from app.tickets.visibility import parts_of
from app.tickets.visibility import sees as may_see

BREACH = ("assignee", "supervisors")
"""Whom a breach is told that names nobody: one from before policies did."""
SAME_DEED = dt.timedelta(seconds=15)
"""A reply that also resolves or closes is one mail, not two."""
FOLLOWED_DEEDS = {Did.REPLIED: Notice.COLLEAGUE_REPLIED, Did.NOTED: Notice.NOTED}
"""All else that followers hear of is a change of the status."""


def tell_of_opening(event: TicketEvent) -> None:
    """The customer gets a confirmation, or the words with which staff began a conversation; the team hears of it when nobody has it."""
    ticket = event.ticket
    message_id = event.particulars.get("message_id")
    if event.particulars.get("spam"):
        return
    if event.particulars.get("by_staff") and event.particulars.get("split"):
        return  # words that were mailed before
    if event.particulars.get("asks"):
        return  # the request's own mail carries these words
    if event.particulars.get("by_staff"):
        tell_customers(ticket, "staff_replied", message_id)
        return
    if desk.current().mail_acknowledge:
        acknowledge(ticket, message_id)
    else:
        outgoing.put_unsent(
            "ticket_created", _switched_off("mail_acknowledge"), ticket_id=ticket.id, customer_id=ticket.requester_id
        )
    _put_job("notifications.tell_department", event)  # last, as the event has its id by then


def tell_of_message(event: TicketEvent) -> None:
    """The customer wrote: their agent is told, or the department when nobody has the ticket; and whoever was added to it."""
    ticket, mail = event.ticket, desk.current().mail_customer_replied
    if ticket.spam:
        return
    added = _added(ticket) if ticket.further else []
    if ticket.assignee_id is not None:
        _tell([ticket.assignee_id], Notice.CUSTOMER_REPLIED, event, mail, others=added)
        return
    _put_job("notifications.tell_department", event)
    if added:
        _tell([], Notice.CUSTOMER_REPLIED, event, mail, others=added, following=False)


def _added(ticket: Ticket) -> list[int]:
    """Staff who were added to it, as they want to hear of customers' replies."""
    added = select(Participant.staff_id).where(
        Participant.ticket_id == ticket.id, Participant.role == ParticipantRole.ADDED, Participant.staff_id.is_not(None)
    )
    return sorted({each for each in db.session.scalars(added) if each is not None})


def tell_of_reply(event: TicketEvent) -> None:
    """Staff answered: the customer, or whom they wrote to instead, and the CC get it, whole."""
    said = event.particulars
    if said.get("asks"):
        return  # the request's own mail carries these words
    message_id = said.get("message_id")
    told = {_tell_part(event, participant_id) for participant_id in said.get("to") or ()}
    tell_customers(
        event.ticket, "staff_replied", message_id, actor=event, besides=told, requesters=not said.get("elsewhere")
    )
    for participant_id in said.get("bcc") or ():
        _tell_part(event, participant_id)


def _tell_part(event: TicketEvent, participant_id: int) -> str:
    """Somebody for whom this one reply is; their address."""
    part = db.session.get(Participant, participant_id)
    place = part.ticket_id if part is not None else event.ticket_id  # theirs may go on in this one
    message_id = event.particulars.get("message_id")
    sent = outgoing.put_notice("staff_replied", participant_id=participant_id, ticket_id=place, message_id=message_id)
    return sent.address


def tell_followers(event: TicketEvent) -> None:
    """A colleague answered, wrote a note or changed the status: whoever follows the ticket hears of it, each event once."""
    ticket = event.ticket
    if event.actor_kind is not Kind.STAFF or not (ticket.watched or ticket.merged_in):
        return
    kind = FOLLOWED_DEEDS.get(event.what, Notice.STATUS_CHANGED)
    _tell([], kind, event, besides=_mentioned(event) if kind is not Notice.STATUS_CHANGED else ())


def _mentioned(event: TicketEvent) -> list[int]:
    """Whom its words name: they are told of that."""
    message = db.session.get(Message, event.particulars.get("message_id") or 0)
    names = set(MENTION.findall(message.text)) if message is not None and "@" in message.text else set()
    return list(db.session.scalars(select(User.id).where(User.username.in_(names)))) if names else []


def tell_of_held_reply(event: TicketEvent) -> None:
    """Whoever wrote it believes that it left."""
    tell_staff(int(event.particulars["who_id"]), Notice.REPLY_HELD, event, mail=False)


def tell_of_assignment(event: TicketEvent) -> None:
    assignee = event.particulars.get("now_id")
    if assignee is not None:
        tell_staff(
            int(assignee), Notice.ASSIGNED, event, mail=desk.current().mail_team, message_id=_first_words(event.ticket)
        )


def tell_of_priority(event: TicketEvent) -> None:
    if event.ticket.assignee_id is not None:
        tell_staff(event.ticket.assignee_id, Notice.PRIORITY_CHANGED, event)


def tell_of_mention(event: TicketEvent) -> None:
    tell_staff(int(event.particulars["now_id"]), Notice.MENTION, event, message_id=event.particulars.get("message_id"))


def tell_of_end(event: TicketEvent) -> None:
    """Resolved or closed: the customer hears of it, unless they did it themselves."""
    outcome = "resolved" if event.what is Did.RESOLVED else "closed"
    if not desk.current().mail_resolved:
        outgoing.put_unsent(
            f"ticket_{outcome}",
            _switched_off("mail_resolved"),
            ticket_id=event.ticket_id,
            customer_id=event.ticket.requester_id,
        )
        return
    if event.actor_kind is Kind.STAFF and _joined_to_reply(event, outcome):
        return
    silent = event.actor_kind is Kind.SYSTEM and event.particulars.get("state_was") == "waiting"
    tell_customers(event.ticket, f"ticket_{outcome}", actor=event, values={"outcome": "no_answer" if silent else ""})


def tell_of_reminder(event: TicketEvent) -> None:
    tell_customers(event.ticket, "waiting_reminder")


def tell_of_date(event: TicketEvent) -> None:
    """A date has come: whoever has the ticket hears of it, or whoever set the date."""
    kind = Notice.FOLLOW_UP if event.what is Did.FOLLOW_UP_DUE else Notice.ACTION_REQUIRED
    _tell_owner(event, kind)


def tell_of_waking(event: TicketEvent) -> None:
    """By its time. Of a customer who wrote people hear as of any other."""
    if event.particulars.get("why") == "time":
        _tell_owner(event, Notice.SNOOZE_OVER)


def _tell_owner(event: TicketEvent, kind: Notice) -> None:
    staff_id = event.ticket.assignee_id or event.particulars.get("who_id")
    if staff_id is not None:
        tell_staff(int(staff_id), kind, event)


def tell_of_promise(event: TicketEvent) -> None:
    """Nearly due, broken, or late for long: whoever the policy names, of those who see the ticket. Of a broken one its followers hear as well."""
    ticket, tell = event.ticket, event.particulars.get("tell", BREACH)
    own = [ticket.assignee_id] if "assignee" in tell and ticket.assignee_id is not None else []
    others = [staff_id for group in tell for staff_id in audience.group(group, ticket)]
    kind = Notice.SLA_NEAR if event.what is Did.PROMISE_NEAR else Notice.SLA_BREACH
    broken = event.what is Did.BREACHED or bool(event.particulars.get("broken"))
    if tell:
        _tell(own, kind, event, others=others, following=broken)


def tell_of_budget(event: TicketEvent) -> None:
    """The assignee and the supervisors who see the ticket."""
    ticket = event.ticket
    own = [ticket.assignee_id] if ticket.assignee_id is not None else []
    _tell(own, Notice.TIME_BUDGET, event, mail=False, others=[person.id for person in audience.supervisors(ticket)])


def tell_of_rating(event: TicketEvent) -> None:
    """The assignee; and the supervisors who see the ticket when it became a bad one."""
    ticket, score = event.ticket, int(event.particulars["score"])
    own = [ticket.assignee_id] if ticket.assignee_id is not None else []
    _tell(own, Notice.RATED, event)
    was = event.particulars.get("score_was")
    if verdict(score) is Verdict.BAD and (was is None or verdict(int(was)) is not Verdict.BAD):
        others = [person.id for person in audience.supervisors(ticket)]
        _tell([], Notice.BAD_RATING, event, others=others, besides=own)


def tell_of_timer(event: TicketEvent) -> None:
    """Whose it was."""
    tell_staff(int(event.particulars["who_id"]), Notice.TIMER_STOPPED, event, mail=False)


def tell_invited(link: StaffLink) -> None:
    outgoing.put_notice("invitation", staff_id=link.staff_id, values={"link": link.link})


def tell_reset(link: StaffLink) -> None:
    outgoing.put_notice("password_reset", staff_id=link.staff_id, values={"link": link.link})


def tell_factor_reset(reset: FactorReset) -> None:
    """In case it was not they who asked."""
    outgoing.put_notice("factor_reset", staff_id=reset.staff_id, values={"who": reset.by})


def tell_department(event: TicketEvent) -> None:
    """In the app, whoever of the department is there now; nobody when the ticket has found its agent meanwhile."""
    ticket = event.ticket
    if ticket.assignee_id is not None or not ticket.live:
        return
    kind = Notice.TICKET_CREATED if event.what is Did.OPENED else Notice.CUSTOMER_REPLIED
    mail = kind is Notice.TICKET_CREATED and desk.current().mail_team
    people = [person.id for person in audience.available(ticket, clock.now())]
    told = _added(ticket) if kind is Notice.CUSTOMER_REPLIED and ticket.further else []
    _tell([], kind, event, mail, others=people, besides=told)


def acknowledge(ticket: Ticket, message_id: int | None) -> None:
    """To an address nobody proved it goes without the sender's words, with a link that proves the address.

    Whoever wrote by the guests' form gets that link by a mail of its own.
    """
    if ticket.channel is Channel.FORM and not ticket.proven:
        return
    values = {}
    if not ticket.proven or ticket.requester.verified_at is None:
        values["link"] = audience.proof_link(tokens.issue(tokens.Purpose.GUEST_PROOF, ticket.requester, ticket.id))
    outgoing.put_notice(
        "ticket_created", customer_id=ticket.requester_id, ticket_id=ticket.id, message_id=message_id, values=values
    )


def tell_customers(
    ticket: Ticket,
    kind: str,
    message_id: int | None = None,
    actor: TicketEvent | None = None,
    values: dict[str, str] | None = None,
    besides: Collection[str] = (),
    requesters: bool = True,
) -> None:
    """The requester, and for a reply every CC an agent approved; one mail each, so that nobody sees the others' addresses.

    People of tickets that go on in this one are told in the name of theirs, and nobody twice. `besides`: addresses that got a mail
    of their own. Not `requesters`: it was written to somebody else, and goes to them and the CC.
    """
    told: set[str] = set(besides)
    by_machine = actor is not None and actor.actor_kind is Kind.SYSTEM
    for each in (ticket, *members(ticket)):
        if (
            requesters
            and each.requester.email_key not in told
            and (actor is None or actor.customer_id != each.requester_id)
        ):
            outgoing.put_notice(
                kind,
                customer_id=each.requester_id,
                ticket_id=each.id,
                message_id=message_id,
                values=values,
                by_machine=by_machine,
            )
        if requesters:
            told.add(each.requester.email_key)
        for part in _copied(each, told) if kind == "staff_replied" else ():
            if actor is None or part.customer_id is None or part.customer_id != actor.customer_id:
                outgoing.put_notice(
                    kind,
                    participant_id=part.id,
                    ticket_id=each.id,
                    message_id=message_id,
                    values=values,
                    by_machine=by_machine,
                )


def tell_staff(
    staff_id: int, kind: Notice, event: TicketEvent, mail: bool = True, message_id: int | None = None
) -> None:
    """This person, and whoever wants to hear of the ticket besides; where each wants it, if they see it and did not do it themselves."""
    _tell([staff_id], kind, event, mail, message_id)


def _tell(
    own: Collection[int],
    kind: Notice,
    event: TicketEvent,
    mail: bool = True,
    message_id: int | None = None,
    others: Collection[int] = (),
    following: bool = True,
    besides: Collection[int] = (),
) -> None:
    """`mail`: whether the desk's settings let it be mailed. Not `following`: who follows the ticket is told elsewhere. `besides`: who was told."""
    ticket = event.ticket
    told = wishes.tellings(kind, own, others, ticket, event.staff_id)
    parts = parts_of(ticket) if len(told) > 1 else None
    for one in told:
        meant = following or one.person.id in (*own, *others)
        if meant and one.person.id not in besides and may_see(one.person, ticket, parts):
            of = message_id or event.particulars.get("message_id")
            hand(one, kind, _said(event), ticket_id=ticket.id, message_id=of, mail=mail)


def _said(event: TicketEvent) -> dict[str, str]:
    return {
        "who": event.actor_name,
        "was": str(event.particulars.get("was") or ""),
        "now": str(event.particulars.get("now") or ""),
        **({"over": "1"} if event.particulars.get("over") else {}),
        **({"rating": str(event.particulars["rating_id"])} if event.what is Did.RATED else {}),
    }


def _put_job(job: str, event: TicketEvent, after: dt.timedelta = dt.timedelta(0)) -> None:
    db.session.flush()  # gives the event its id
    Outbox.put(job, queue="notices", after=after, event_id=event.id)


def _switched_off(setting: str) -> str:
    return _("The desk's settings switch this mail off (%(setting)s).", setting=setting)


def _copied(ticket: Ticket, seen: set[str]) -> Iterator[Participant]:
    """CC without addresses that were told already, each once."""
    parts = db.session.scalars(
        select(Participant)
        .where(
            Participant.ticket_id == ticket.id, Participant.role == ParticipantRole.CC, Participant.approved.is_(True)
        )
        .order_by(Participant.id)
    )
    for part in parts:
        address = (outgoing.address_of(Delivery(participant_id=part.id)) or "").strip().casefold()
        if address and address not in seen:
            seen.add(address)
            yield part


def _joined_to_reply(event: TicketEvent, outcome: str) -> bool:
    """Whether the same deed just sent a reply that can say it as well."""
    recent = select(Delivery).where(
        Delivery.ticket_id.in_(event.ticket.family()), Delivery.kind == "staff_replied", Delivery.state == DeliveryState.QUEUED, Delivery.tries == 0, Delivery.created_at > clock.now() - SAME_DEED
    )  # fmt: skip
    replies = list(db.session.scalars(recent))
    if not any(reply.customer_id is not None for reply in replies):
        return False  # written to somebody else: the requester has not heard yet
    for reply in replies:
        reply.values = {**reply.values, "outcome": outcome}
    return True


def _first_words(ticket: Ticket) -> int | None:
    return ticket.messages[0].id if ticket.messages else None
