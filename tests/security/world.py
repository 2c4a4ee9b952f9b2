"""A small desk with people of every kind, tickets of two departments, and words planted where some of them must not read."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from app.accounts import keys, tokens
from app.accounts.absences import Absence
from app.accounts.customernotes import CustomerNote
from app.accounts.models import ApiKey, Customer, Department, OneTimeToken
from app.accounts.tokens import Purpose
from app.accounts.viewer import SYSTEM, CustomerActor, Viewer
from app.automation import rules
from app.automation.models import Kind as RuleKind
from app.automation.models import On, Rule
from app.core import clock, html
from app.core.extensions import db
from app.core.outbox import Outbox
from app.hours.models import Calendar, CalendarDate, DateKind
from app.kb.models import Article
from app.mail import incoming
from app.mail.filters import MailFilter
from app.mail.models import Delivery, RawMail, RawState
from app.notifications.models import Notice, Notification
from app.settings import desk
from app.sla.models import SlaPolicy
from app.tickets import files, requests, suppliers, tasks, timespent, uploadlinks
from app.tickets.bulk import BulkChange
from app.tickets.choices import CannedResponse, Category, Status
from app.tickets.drafts import Draft
from app.tickets.fieldmodels import Readers
from app.tickets.lists import SavedView
from app.tickets.macros import Macro, MacroRun
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.requests import DocumentRequest, Slot
from app.tickets.slotkinds import Allowed
from app.tickets.statusmoves import StatusMove
from app.tickets.supplied import TicketSupplier
from app.tickets.suppliers import Question
from app.tickets.tasks import NewTask
from app.tickets.thread import Attachment, Channel, Words
from app.tickets.timeentries import Spent
from tests.factories import (
    HASH,
    a_customer,
    a_department,
    a_field,
    a_supplier,
    a_ticket,
    acting,
    an_organization,
    customer_session,
    run_jobs,
    staff,
    staff_session,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


class Who(enum.StrEnum):
    """The columns of routes.txt."""

    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    COLLEAGUE = "colleague"
    STRANGER = "stranger"
    AGENT = "agent"
    OUTSIDER = "outsider"
    DEVELOPER = "developer"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    SUPER = "super"


STAFF = (Who.AGENT, Who.OUTSIDER, Who.DEVELOPER, Who.SUPERVISOR, Who.ADMIN, Who.SUPER)
CUSTOMERS = (Who.CUSTOMER, Who.COLLEAGUE, Who.STRANGER)

NOTE = "canarynotexq"
NOTE_FILE = "canarynotefilexq"
OWN = "canaryownxq"
FOREIGN = "canaryforeignxq"
HIDDEN = "canaryhiddenxq"
UNPROVEN = "canaryunprovenxq"
UNSENT = "canaryunsentxq"
DRAFT = "canarydraftxq"
PERSONAL = "canarypersonalxq"
ABOUT = "canaryaboutxq"
TEAM = "canaryteamxq"
UNTRUSTED = "canaryuntrustedxq"
TASK = "canarytaskxq"
TIME = "canarytimexq"
FIELD = "canaryfieldxq"
SUPPLIER = "canarysupplierxq"
COMMON = "lighthouse"
"""Stands in every one of these texts, so that a search for it finds all that the searcher may see."""


@dc.dataclass(frozen=True)
class World:
    """Cookies and keys of the people, ids of the objects, and the secrets nobody ever reads."""

    cookies: dict[Who, str]
    keys: dict[Who, str]
    own: dict[str, int | str]
    """By the name of a rule's variable: objects of the agent, of their department and of the customer."""
    foreign: dict[str, int | str]
    """Objects of the outsider, of another department and of the stranger; or an id that nobody has."""
    rows: dict[str, tuple[int, int]]
    """By generated view: its own and its foreign row."""
    secrets: dict[str, str]
    customers: tuple[str, ...]
    """Their addresses."""


def build(app: Flask) -> World:
    """Commits. To be called on an empty desk."""
    desk.change({"agents_see_departments": True, "auto_assignment": False})
    people, secrets = _people(), {}
    ada, eve = people[Who.CUSTOMER], people[Who.STRANGER]
    own, foreign = _tickets(people)
    _fill(own, foreign)
    rows = _shelves(people)
    api_keys = {who: keys.make(who.value, people[who].id, ["*"])[1] for who in STAFF}
    secret = tokens.issue(Purpose.SIGN_IN, ada)
    secrets["link"] = secret
    incoming.store(_mail(), "smtp", "ada@own.test", "support@deskhand.example")
    db.session.commit()
    run_jobs()
    mine, theirs = _told(people, own), _told(people, foreign)
    delivered = {ticket.id: _delivery(ticket) for ticket in (own, foreign)}
    failed = Outbox.put("mail.send_due")
    failed.failed_at, failed.error = failed.created_at, "It broke"
    db.session.commit()
    rows["TicketView"] = (own.id, foreign.id)
    rows["ApiKeyView"] = (db.session.scalars(select(ApiKey.id)).first(), 999_999)
    _add_first_rows(app, rows)
    secrets |= {f"key {n}": value for n, value in enumerate(db.session.scalars(select(ApiKey.key_hash)))}
    secrets |= {f"token {n}": value for n, value in enumerate(db.session.scalars(select(OneTimeToken.token_hash)))}
    secrets |= {
        f"fingerprint {n}": value for n, value in enumerate(db.session.scalars(select(OneTimeToken.fingerprint)))
    }
    secrets |= {f"storage {n}": value for n, value in enumerate(db.session.scalars(select(Attachment.storage_key)))}
    secrets |= {f"key itself of {who}": value for who, value in api_keys.items()}
    secrets |= {"password hash": HASH, "secret key": app.config["SECRET_KEY"]}
    return World(
        cookies=_cookies(app, people), keys=api_keys, own=_ids(own, mine, delivered, failed.id, ada), foreign=_ids(foreign, theirs, delivered, 999_999, eve),
        rows=rows, secrets=secrets, customers=(ada.email, eve.email),
    )  # fmt: skip


def _add_first_rows(app: Flask, rows: dict[str, tuple[int, int]]) -> None:
    """For every other generated view the first row there is: ids go on counting from one test to the next."""
    for view in app.appbuilder.baseviews:  # type: ignore[attr-defined]
        model = getattr(getattr(view, "datamodel", None), "obj", None)
        if model is not None:
            key = view.datamodel.get_pk()
            rows.setdefault(view.endpoint, (db.session.scalars(select(key).order_by(key)).first() or 1, 999_999))


def _people() -> dict[Who, Any]:
    support = db.session.scalars(select(Department).order_by(Department.position, Department.id)).first()
    billing, own_ltd = a_department("Billing"), an_organization("Own Ltd")
    return {
        Who.AGENT: staff("Support Agent", (support,), name="agent"),
        Who.OUTSIDER: staff("Support Agent", (billing,), name="outsider"),
        Who.DEVELOPER: staff("Developer", name="developer"),
        Who.SUPERVISOR: staff("Supervisor", name="supervisor"),
        Who.ADMIN: staff("Admin", name="admin"),
        Who.SUPER: staff("Super Admin", name="super"),
        Who.CUSTOMER: a_customer(
            "Ada Own",
            email="ada@own.test",
            organization=own_ltd,
            password_hash=HASH,
            notes=f"{ABOUT} {COMMON}",
        ),
        Who.COLLEAGUE: a_customer("Bob Own", email="bob@own.test", organization=own_ltd, password_hash=HASH),
        Who.STRANGER: a_customer(
            "Eve Other", email="eve@other.test", organization=an_organization("Other Ltd"), password_hash=HASH
        ),
    }


def _tickets(people: dict[Who, Any]) -> tuple[Ticket, Ticket]:
    """The agent's and the outsider's; beside them one hidden from the customer, and one that no mail proved."""
    category = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    support, billing = acting(people[Who.AGENT]).departments, acting(people[Who.OUTSIDER]).departments
    ada, eve, agent, outsider = people[Who.CUSTOMER], people[Who.STRANGER], people[Who.AGENT], people[Who.OUTSIDER]
    mine = {"department": db.session.get(Department, min(support)), "category": category}
    own = a_ticket(f"{OWN} {COMMON}", requester=ada, assignee=agent, text=f"{OWN} {COMMON} words", **mine)
    foreign = a_ticket(
        f"{FOREIGN} {COMMON}",
        requester=eve,
        assignee=outsider,
        text=f"{FOREIGN} {COMMON} words",
        department=db.session.get(Department, min(billing)),
    )
    hidden = a_ticket(f"{HIDDEN} {COMMON}", requester=ada, text=f"{HIDDEN} {COMMON}", **mine)
    hidden.hide(SYSTEM, hidden=True)
    a_ticket(f"{UNPROVEN} {COMMON}", requester=ada, text=f"{UNPROVEN} {COMMON}", proven=False, **mine)
    _talk(own, agent, ada)
    _talk(foreign, outsider, eve)
    own.receive(Words(f"{UNTRUSTED} {COMMON}", via=Channel.MAIL, trusted=False), by=CustomerActor.of(eve))
    files.keep(f"{UNSENT}.txt", f"{UNSENT} {COMMON}".encode(), acting(agent))
    db.session.add(Participant(ticket_id=own.id, role=ParticipantRole.CC, email="cc@own.test"))
    db.session.flush()
    return own, foreign


def _talk(ticket: Ticket, agent: User, customer: Customer) -> None:
    """A customer's mail with a picture, a note with a file, and then a reply, which quotes whatever it quotes."""
    actor, marked = acting(agent), FOREIGN if customer.email == "eve@other.test" else OWN
    picture = files.keep(f"{marked}.png", PNG, CustomerActor.of(customer), inline=True, content_id="p1")
    text = f"{marked} {COMMON} a mail"
    ticket.receive(
        Words(
            text,
            html=html.clean(f"<p>{text}</p><img src='cid:p1'>"),
            via=Channel.MAIL,
            message_id=f"{marked}@own.test",
            attachments=(picture,),
        ),
        by=CustomerActor.of(customer),
    )
    kept = files.keep(f"{NOTE_FILE}.txt", f"{NOTE_FILE} {COMMON}".encode(), actor)
    ticket.note(Words(f"{NOTE} {COMMON} @supervisor", via=Channel.STAFF, attachments=(kept,)), by=actor)
    _supply(ticket, actor)
    ticket.reply(Words(f"{marked} {COMMON} an answer", via=Channel.STAFF), by=actor)


def _supply(ticket: Ticket, by: Viewer) -> None:
    """A supplier was asked and answered, each with a file; a stranger wrote in their name."""
    supplier = a_supplier(f"{SUPPLIER} Works {ticket.number}", people=(f"{SUPPLIER}{ticket.number}@maker.test",))
    kept = files.keep(f"{SUPPLIER}.txt", f"{SUPPLIER} {COMMON}".encode(), by)
    asked = Words(f"{SUPPLIER} {COMMON} a question", via=Channel.STAFF, attachments=(kept,))
    state, status = ticket.state, ticket.status
    suppliers.ask(ticket, Question(supplier.contacts[0], f"{SUPPLIER} {COMMON}", asked), by)
    for trusted in (True, False):
        words = Words(
            f"{SUPPLIER} {COMMON} an answer",
            html=f"<p>{SUPPLIER} {COMMON}</p>",
            via=Channel.MAIL,
            message_id=f"{SUPPLIER}{ticket.number}{trusted}@maker.test",
            trusted=trusted,
        )
        suppliers.hear(ticket, supplier, words, f"{SUPPLIER} Jo")
    if ticket.state is not state:
        ticket._enter(status, SYSTEM)


def _supplier_of(ticket: Ticket) -> int:
    return db.session.scalars(select(TicketSupplier.supplier_id).where(TicketSupplier.ticket_id == ticket.id)).one()


def _shelves(people: dict[Who, Any]) -> dict[str, tuple[int, int]]:
    """Rows that only some people read: a draft, personal canned responses."""
    draft = Article(title=f"{DRAFT} {COMMON}", slug="draft", body=f"{DRAFT} {COMMON}", published=False)
    article = Article(title=f"How a {COMMON} works", slug="works", body=f"A {COMMON} shines.", published=True)
    for each in (draft, article):
        each.settle()
        db.session.add(each)
    canned = [
        CannedResponse(
            title=f"{PERSONAL} {who}", shortcut=f"s{who}", body=f"{PERSONAL}{who} {COMMON}", owner_id=people[who].id
        )
        for who in (Who.AGENT, Who.OUTSIDER)
    ]
    team = acting(people[Who.OUTSIDER]).departments
    canned.append(
        CannedResponse(
            title=f"{TEAM} {COMMON}", body=f"{TEAM} {COMMON}", department=db.session.get(Department, min(team))
        )
    )
    db.session.add_all(canned)
    db.session.flush()
    return {"ArticleView": (article.id, 999_999), "CannedResponseView": (canned[0].id, canned[1].id)}


def _told(people: dict[Who, Any], ticket: Ticket) -> int:
    owner = people[Who.AGENT] if OWN in ticket.subject else people[Who.OUTSIDER]
    notice = Notification(
        staff_id=owner.id,
        kind=Notice.MENTION,
        ticket_id=ticket.id,
        parts={"who": f"Who {OWN if OWN in ticket.subject else FOREIGN}"},
    )
    db.session.add(notice)
    db.session.flush()
    return notice.id


def _delivery(ticket: Ticket) -> int:
    found = db.session.scalar(select(Delivery.id).where(Delivery.ticket_id == ticket.id, Delivery.raw.is_not(None)))
    assert found is not None, "no mail was written for this ticket"
    return found


def _ids(
    ticket: Ticket, notice: int, delivered: dict[int, int], outbox: int, customer: Customer
) -> dict[str, int | str]:
    message = next(each for each in ticket.messages if each.html)
    mine = customer.email == "ada@own.test"
    return {
        "number": ticket.number, "message_id": message.id, "file_id": message.attachments[0].id, "attachment_id": message.attachments[0].id,
        "delivery_id": delivered[ticket.id], "outbox_id": outbox, "notification_id": notice, "customer_id": customer.id, "organization_id": customer.organization_id or 0,
        "category_id": ticket.category_id or 999_999, "slug": "works" if mine else "draft", "section": "general" if mine else "nowhere", "report": "team" if mine else "nowhere", "table": "team", "locale": "en" if mine else "tlh",
        "request_id": _asked(ticket), "supplier_id": _supplier_of(ticket), "note_id": _noted(customer), "task_id": _to_do(ticket), "entry_id": _timed(ticket), "timer_id": 999_999, "word": "forged", "key_id": 999_999, "raw_id": _came_in(ticket),
        "filename": "app.css" if mine else "../config.py", "secret": "x" * 43, "session_id": 999_999, "seal": "forged", "name": "nothing",
        "kind": "assigned" if mine else "nothing", "draft_id": _leaving(ticket), "other": 999_999, "absence_id": _planned(ticket), "banner_id": 999_999, "token": "forged", "raw_mail_id": _set_aside(customer), "filter_id": _filter(), "macro_id": _macro(ticket), "rule_id": _rule() if mine else 999_999, "policy_id": _policy() if mine else 999_999, "status_id": _status().id if mine else 999_999, "move_id": _moved() if mine else 999_999, "role_id": db.session.scalars(select(Role.id).where(Role.name == "Developer")).one() if mine else 999_999, "version": 1 if mine else 999, "run_id": _ran(ticket), **(_calendar() if mine else {"calendar_id": 999_999, "date_id": 999_999}), **_kept_by(ticket.assignee_id or 0),
    }  # fmt: skip


def _came_in(ticket: Ticket) -> int:
    """The bytes of its first mail, with the ticket's canary in them."""
    raw = f"From: somebody@elsewhere.test\nSubject: {ticket.subject}\nMessage-ID: <came.{ticket.id}@elsewhere.test>\n\nWords\n"
    row = RawMail(via="smtp", sender="somebody@elsewhere.test", subject=ticket.subject, sha256=str(ticket.id), content=raw.encode(), state=RawState.DELIVERED, ticket_id=ticket.id)  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row.id


def _filter() -> int:
    one = MailFilter(name="Nothing", tags="", conditions=[{"field": "subject", "how": "equals", "value": "nothing at all", "header": ""}])  # fmt: skip
    db.session.add(one)
    db.session.flush()
    return one.id


def _set_aside(customer: Customer) -> int:
    """A mail of theirs in quarantine. Of nobody who reads tickets by their right to tickets: its page has a right of its own."""
    raw = RawMail(via="smtp", sender=customer.email, sha256=customer.email, content=b"#1", state=RawState.QUARANTINED)  # fmt: skip
    db.session.add(raw)
    db.session.flush()
    return raw.id


def _noted(customer: Customer) -> int:
    """What staff know of this customer, who is not to read it."""
    note = CustomerNote(customer_id=customer.id, text=f"{ABOUT} {COMMON}", author_name="The agent")
    db.session.add(note)
    db.session.flush()
    return note.id


def _rule() -> int:
    """Switched off, so that it changes nothing of the world."""
    rule = Rule(name="Swept", active=False, listens=[On.CREATED.value], actions=[{"do": "tag", "text": "swept"}], stop=False, most_runs=0, pause_minutes=0, minutes=0, condition={}, kind=RuleKind.TRIGGER)  # fmt: skip
    rules.save(rule, SYSTEM)
    return rule.id


def _calendar() -> dict[str, int | str]:
    """Nobody follows it."""
    date = CalendarDate(falls_on=dt.date(2030, 5, 17), kind=DateKind.HOLIDAY, name="Outing", spans=[])
    calendar = Calendar(name="Swept", week=[[[540, 1020]]] * 7, dates=[date])
    db.session.add(calendar)
    db.session.flush()
    return {"calendar_id": calendar.id, "date_id": date.id}


def _policy() -> int:
    """The one that every desk has."""
    return db.session.scalars(select(SlaPolicy.id).order_by(SlaPolicy.id)).first() or 999_999


def _macro(ticket: Ticket) -> int:
    """Its agent's own."""
    macro = Macro(
        name=f"{PERSONAL} macro {COMMON}", owner_id=ticket.assignee_id, actions=[{"do": "tag", "text": "swept"}]
    )
    db.session.add(macro)
    db.session.flush()
    return macro.id


def _ran(ticket: Ticket) -> int:
    """A run by its agent, which nobody else takes back."""
    run = MacroRun(name="Sweep", ticket_id=ticket.id, staff_id=ticket.assignee_id, was={}, now={}, last_event_id=0)
    db.session.add(run)
    db.session.flush()
    return run.id


def _planned(ticket: Ticket) -> int:
    """An absence of its agent's."""
    day = clock.now().date() + dt.timedelta(days=30)
    absence = Absence(staff_id=ticket.assignee_id, starts_on=day, ends_on=day)
    db.session.add(absence)
    db.session.flush()
    return absence.id


def _to_do(ticket: Ticket) -> int:
    """Of whoever sees the ticket, and of no customer."""
    return tasks.create(NewTask(f"{TASK} {ticket.subject}", details=f"{TASK} {ticket.subject}"), SYSTEM, ticket).id


def _timed(ticket: Ticket) -> int:
    """Time of its agent's, of which no customer reads a word, with a budget."""
    owner = db.session.get_one(User, ticket.assignee_id)
    ticket.budget_minutes = 4_000
    return timespent.log(ticket, Spent(37, timespent.today(), note=f"{TIME} {ticket.number}"), acting(owner)).id


def _asked(ticket: Ticket) -> int:
    """Documents that its agent asked its customer for, with a link."""
    slot = Slot(position=0, name=f"Passport {ticket.number}", hint="", allowed=Allowed.PDF)
    asked = DocumentRequest(ticket_id=ticket.id, asked_by="The agent", slots=[slot])
    db.session.add(asked)
    requests.count(ticket)
    uploadlinks.issue(asked)
    return asked.id


def _fill(*tickets: Ticket) -> None:
    """A field of the desk's own that no customer knows of, neither its name nor what stands there."""
    a_field(f"{FIELD} risk", key="risk", readers=Readers.STAFF)
    for ticket in tickets:
        ticket.set_field("risk", f"{FIELD} {ticket.number}", by=SYSTEM)


def _kept_by(staff_id: int) -> dict[str, int]:
    """A saved view and a bulk change of this person."""
    view = SavedView(name="A view", owner_id=staff_id, query="priority=4")
    change = BulkChange(staff_id=staff_id, deed="set_priority", value={"id": 1}, words="High", finished_at=clock.now())
    db.session.add_all([view, change])
    db.session.commit()
    return {"view_id": view.id, "change_id": change.id}


def _leaving(ticket: Ticket) -> int:
    """A reply of its agent's that waits to leave."""
    draft = Draft(
        ticket_id=ticket.id,
        staff_id=ticket.assignee_id or 1,
        mark=f"a tab of {ticket.id}",
        text="Soon",
        leaves_at=clock.now() + dt.timedelta(days=1),
    )
    db.session.add(draft)
    db.session.flush()
    return draft.id


def _cookies(app: Flask, people: dict[Who, Any]) -> dict[Who, str]:
    """The value of each person's session cookie."""
    baked = {}
    for who in Who:
        session: dict[str, object] = {}
        if who in STAFF:
            session = staff_session(people[who])
        elif who in CUSTOMERS:
            session = customer_session(people[who])
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        baked[who] = serializer.dumps(session)
    return baked


def _mail() -> bytes:
    return f"From: Ada <ada@own.test>\r\nTo: support@deskhand.example\r\nSubject: {OWN} by mail\r\nMessage-ID: <raw@own.test>\r\n\r\n{OWN} {COMMON}\r\n".encode()


def _status() -> Status:
    return db.session.scalars(select(Status).where(Status.name == "On Hold")).one()


def _moved() -> int:
    """A change of its meaning, long through."""
    status = _status()
    move = StatusMove(
        status_id=status.id, target_id=status.id, was=status.name, now=status.name, state_was=status.state, state=status.state,
        staff_name="admin", finished_at=clock.now(),
    )  # fmt: skip
    db.session.add(move)
    db.session.flush()
    return move.id
