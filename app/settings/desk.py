"""The desk's settings: name, type, default, unit and what each is for. One frozen value a request."""

import dataclasses as dc
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from flask import g, has_app_context
from flask_babel import lazy_gettext as _l
from sqlalchemy import Text, cast, select

from app.core.database import put
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings.models import Setting

SECTIONS = {
    "general": _l("General"),
    "email": _l("Email"),
    "answering": _l("Answering"),
    "assignment": _l("Auto-assignment"),
    "time": _l("Waiting and closing"),
    "self-service": _l("Self-service"),
    "satisfaction": _l("Satisfaction"),
    "sign-in": _l("Signing in"),
}

QUESTION_HELP = _l("Empty: our own words, “How did we do?”.")


def setting(default: Any, section: str, label: object, text: object = "", **more: Any) -> Any:
    """A field of DeskSettings. `more`: unit (words behind the field), least, most, choices ({value: label}), longest."""
    return dc.field(default=default, metadata={"section": section, "label": label, "help": text, **more})


@dc.dataclass(frozen=True)
class DeskSettings:
    """Every setting with its present value. Field types: bool, int, str, int | None (a row's id)."""

    desk_name: str = setting(
        "Deskhand", "general", _l("Name of the desk"), _l("Customers read it in mails and in the portal."), longest=80
    )
    language: Literal["en", "de", "fr"] = setting(
        "en",
        "general",
        _l("Language of the desk"),
        _l("For mails and pages of people who chose none and whose browser asks for none that the desk speaks."),
        choices={"en": "English", "de": "Deutsch", "fr": "Français"},
    )
    ticket_system_on: bool = setting(
        True, "general", _l("Take new tickets"), _l("Off: customers cannot open tickets; open ones go on.")
    )
    number_pattern: str = setting(
        "#{n}",
        "general",
        _l("Pattern of ticket numbers"),
        _l("{n} is the number, such as #{n} or TICK-{n}."),
        longest=20,
    )
    first_number: int = setting(
        1001, "general", _l("First ticket number"), _l("Only numbers not yet given count."), least=1, most=2_000_000_000
    )
    require_category: bool = setting(
        False, "general", _l("Category is required"), _l("Customers have to choose a category for a new ticket.")
    )
    allow_customer_attachments: bool = setting(True, "general", _l("Customers may attach files"))
    max_attachment_mb: int = setting(10, "general", _l("Largest file"), unit=_l("MB"), least=1, most=50)
    max_attachments: int = setting(20, "general", _l("Most files in one message"), unit=_l("files"), least=1, most=100)
    customer_can_close: bool = setting(True, "general", _l("Customers may close their tickets"))
    customer_can_reopen: bool = setting(
        True,
        "general",
        _l("Customers may reopen their tickets"),
        _l("Off: their reply to a closed ticket opens a new one, linked to it."),
    )
    reopen_policy: Literal["reopen", "new_after_days", "new_always"] = setting(
        "reopen",
        "general",
        _l("A reply to a closed ticket"),
        choices={
            "reopen": _l("reopens it"),
            "new_after_days": _l("reopens it, after some days opens a new one"),
            "new_always": _l("always opens a new one"),
        },
    )
    reopen_days: int = setting(30, "general", _l("Days in which a reply reopens"), unit=_l("days"), least=1, most=3650)
    agents_see_departments: bool = setting(
        False, "general", _l("Agents see all tickets of their departments"), _l("Off: their own and those of nobody.")
    )
    status_on_staff_reply: int | None = setting(
        None, "general", _l("Status after a staff reply"), _l("Empty: the reply keeps the status."), rows="status"
    )
    status_on_reopen: int | None = setting(
        None,
        "general",
        _l("Status of a reopened ticket"),
        _l("Empty: the first active status in the state open."),
        rows="status",
    )
    default_department: int | None = setting(
        None, "general", _l("Department of tickets without one"), rows="department"
    )
    vocabulary: str = setting("default", "general", _l("Status vocabulary"), hidden=True)

    mail_from: str = setting(
        "support@deskhand.example",
        "email",
        _l("Sender address"),
        _l("Replies to it become entries of their tickets."),
        longest=200,
    )
    mail_acknowledge: bool = setting(True, "email", _l("Confirm new tickets to the customer"))
    mail_team: bool = setting(True, "email", _l("Mail the assignee about new and assigned tickets"))
    mail_customer_replied: bool = setting(True, "email", _l("Mail the assignee when the customer replied"))
    mail_resolved: bool = setting(True, "email", _l("Mail the customer when a ticket is resolved or closed"))
    mail_cap_an_hour: int = setting(
        20,
        "email",
        _l("Most automatic mails to one address"),
        _l("Two robots answering each other stop here."),
        unit=_l("an hour"),
        least=1,
        most=1000,
    )
    raw_mail_days: int = setting(
        90,
        "email",
        _l("Keep mails as they came for"),
        _l("Their tickets keep what they say. What lies in quarantine stays. 0: for ever."),
        unit=_l("days"),
        least=0,
        most=3650,
    )
    mail_cap_a_ticket: int = setting(
        30,
        "email",
        _l("Most automatic mails about one ticket to its customers"),
        _l("Whoever they go to: two desks and their robots stop here."),
        unit=_l("an hour"),
        least=1,
        most=1000,
    )
    mail_sign: bool = setting(
        False,
        "email",
        _l("Sign mails (DKIM)"),
        _l("Where no mail server on their way does. The keys are made under Settings, Mail signing."),
    )
    summary_to: str = setting(
        "",
        "email",
        _l("The summary of a month goes to"),
        _l(
            "Addresses of staff, separated by commas; on the first, each gets the figures of what they see. Empty: nobody."
        ),
        longest=250,
        optional=True,
    )

    undo_send_seconds: int = setting(
        10,
        "answering",
        _l("A reply can be taken back for"),
        _l("It leaves the desk after these seconds. 0: at once. API, rules and mail never wait."),
        unit=_l("seconds"),
        least=0,
        most=120,
    )
    supplier_hold: bool = setting(
        True,
        "answering",
        _l("Asking a supplier puts the ticket on hold"),
        _l("Their answer opens it again, unless another supplier still owes one."),
    )
    environment_required: bool = setting(
        False,
        "general",
        _l("Environment is required"),
        _l("Whoever opens a ticket by a form that asks for it has to choose one."),
    )
    environment_in_portal: bool = setting(
        False, "general", _l("Customers choose the environment"), _l("In their forms for a new ticket.")
    )
    guard_notes: bool = setting(
        True, "answering", _l("Look again when a reply quotes an internal note"), _l("It can be sent all the same.")
    )
    guard_others: bool = setting(
        True, "answering", _l("Look again when a reply names another customer's address or ticket")
    )
    guard_domains: bool = setting(True, "answering", _l("Look again when a copy goes to an outside domain"))
    guard_files: bool = setting(True, "answering", _l("Look again when a reply promises a file that is not there"))

    auto_assignment: bool = setting(False, "assignment", _l("Assign new tickets automatically"))
    assignment_method: Literal["least_loaded", "round_robin"] = setting(
        "least_loaded",
        "assignment",
        _l("Method"),
        choices={"least_loaded": _l("Least loaded"), "round_robin": _l("Round robin")},
    )
    assignment_hours: bool = setting(
        False, "assignment", _l("Only in business hours"), _l("Those of the ticket's department; Settings, Calendars.")
    )
    tickets_of_absent: Literal["keep", "unanswered", "open"] = setting(
        "keep",
        "assignment",
        _l("When somebody goes away, their tickets"),
        _l("What is given back is nobody’s, and goes to whoever is there when tickets are assigned automatically."),
        choices={
            "keep": _l("stay theirs"),
            "unanswered": _l("that wait for our answer are given back"),
            "open": _l("that are open are all given back"),
        },
    )
    assignment_previous_days: int = setting(
        30,
        "assignment",
        _l("A reopened ticket goes back to who had it within"),
        _l("0: never."),
        unit=_l("days"),
        least=0,
        most=3650,
    )
    assignment_waiting_half: bool = setting(
        False, "assignment", _l("Waiting and held tickets count half"), _l("Off: they count nothing.")
    )
    assignment_weight_low: int = setting(1, "assignment", _l("A low ticket counts as"), unit=_l("tickets"), least=1, most=20)  # fmt: skip
    assignment_weight_normal: int = setting(1, "assignment", _l("A normal ticket counts as"), unit=_l("tickets"), least=1, most=20)  # fmt: skip
    assignment_weight_high: int = setting(1, "assignment", _l("A high ticket counts as"), unit=_l("tickets"), least=1, most=20)  # fmt: skip
    assignment_weight_critical: int = setting(1, "assignment", _l("A critical ticket counts as"), unit=_l("tickets"), least=1, most=20)  # fmt: skip
    assignment_ageing_hours: int = setting(
        24,
        "assignment",
        _l("A queued ticket is served a priority earlier after"),
        _l("And after as long again once more, so that no low one waits for ever. 0: never."),
        unit=_l("hours"),
        least=0,
        most=8760,
    )
    default_capacity: int = setting(
        30, "assignment", _l("Open tickets an agent can hold"), unit=_l("tickets"), least=1, most=10_000
    )

    waiting_reminder_days: int = setting(
        7, "time", _l("Remind a waiting customer after"), _l("0: never."), unit=_l("days"), least=0, most=365
    )
    waiting_close_days: int = setting(
        14, "time", _l("Close a waiting ticket after"), _l("0: never."), unit=_l("days"), least=0, most=365
    )
    resolved_close_days: int = setting(
        7, "time", _l("Close a resolved ticket after"), _l("0: never."), unit=_l("days"), least=0, most=365
    )
    document_before_days: int = setting(
        2,
        "time",
        _l("Remind of missing documents before they are due"),
        _l("0: never."),
        unit=_l("days"),
        least=0,
        most=365,
    )
    document_on_due: bool = setting(True, "time", _l("Remind of missing documents on the day they are due"))
    document_after_days: int = setting(
        3,
        "time",
        _l("Remind of missing documents after they were due"),
        _l("0: never."),
        unit=_l("days"),
        least=0,
        most=365,
    )
    document_link_days: int = setting(
        30,
        "time",
        _l("A link for documents works for"),
        _l("Counted from its mail, or from the day they are due when that is later."),
        unit=_l("days"),
        least=1,
        most=365,
    )
    timer_most_hours: int = setting(
        10,
        "time",
        _l("Stop a forgotten timer after"),
        _l("It is paused at that length and its owner is told. 0: never."),
        unit=_l("hours"),
        least=0,
        most=24,
    )
    surge_tickets: int = setting(
        5,
        "time",
        _l("Tell of similar tickets from"),
        _l(
            "Supervisors and leads are told once that so many came in, and make an incident of them by a press. 0: never."
        ),
        unit=_l("tickets"),
        least=0,
        most=200,
    )
    surge_minutes: int = setting(30, "time", _l("When they came in within"), unit=_l("minutes"), least=1, most=1440)
    sla_version: str = setting("0", "time", _l("Version of the SLA policies"), hidden=True)
    calendar_version: str = setting("0", "time", _l("Version of the calendars"), hidden=True)
    pool_version: str = setting("0", "assignment", _l("Version of the pools"), hidden=True)
    played_server: str = setting("{}", "email", _l("Mail server that the mail lab plays"), hidden=True)
    rule_version: str = setting("0", "time", _l("Version of the rules"), hidden=True)
    mailbox_version: str = setting("0", "email", _l("Version of the mailboxes"), hidden=True)
    notice_defaults: str = setting("{}", "email", _l("What people are told of by default"), hidden=True)
    custom_fields: str = setting("[]", "general", _l("Fields of tickets"), hidden=True)
    incident_banners: str = setting("[]", "general", _l("Incidents that customers see"), hidden=True)
    time_zone: str = setting(
        "UTC", "time", _l("Time zone of the desk"), _l("Such as Europe/Berlin."), zone=True, longest=64
    )

    help_public: bool = setting(True, "self-service", _l("Anybody may read the help center"))
    guests_may_write: bool = setting(True, "self-service", _l("People without an account may open tickets"))

    satisfaction: bool = setting(
        False,
        "satisfaction",
        _l("Ask customers how we did"),
        _l("By a mail after their ticket was solved, and on its page in the portal. Off: nobody is asked and no earlier link works."),
    )  # fmt: skip
    satisfaction_statuses: str = setting(
        "",
        "satisfaction",
        _l("Statuses in which we ask"),
        _l("Without a tick: every status that ends a ticket."),
        many="ended",
        optional=True,
    )
    satisfaction_delay_hours: int = setting(
        2, "satisfaction", _l("The mail leaves after"), _l("0: at once."), unit=_l("hours"), least=0, most=24 * 30
    )
    satisfaction_pause_days: int = setting(
        14,
        "satisfaction",
        _l("Ask the same customer again not before"),
        _l("0: after every ticket."),
        unit=_l("days"),
        least=0,
        most=365,
    )
    satisfaction_scale: Literal["faces", "stars"] = setting(
        "faces",
        "satisfaction",
        _l("Answers"),
        choices={"faces": _l("Two: good or bad"), "stars": _l("Five stars")},
    )
    satisfaction_days: int = setting(
        14,
        "satisfaction",
        _l("An answer can be given for"),
        _l("Counted from the question; and as long after it was given it can be changed."),
        unit=_l("days"),
        least=1,
        most=365,
    )
    satisfaction_question_en: str = setting(
        "", "satisfaction", _l("The question in English"), QUESTION_HELP, longest=160, optional=True
    )
    satisfaction_question_de: str = setting(
        "", "satisfaction", _l("The question in German"), QUESTION_HELP, longest=160, optional=True
    )
    satisfaction_question_fr: str = setting(
        "", "satisfaction", _l("The question in French"), QUESTION_HELP, longest=160, optional=True
    )

    staff_idle_hours: int = setting(
        12,
        "sign-in",
        _l("Sign out staff who do nothing"),
        _l("A working day with its breaks fits in; a forgotten screen is locked by the morning."),
        unit=_l("hours"),
        least=1,
        most=24 * 90,
    )
    staff_session_days: int = setting(
        14,
        "sign-in",
        _l("Staff sign in anew after"),
        _l("However busy they are, so that a stolen session ends some day."),
        unit=_l("days"),
        least=1,
        most=90,
    )
    customer_idle_days: int = setting(
        14,
        "sign-in",
        _l("Sign out customers who do nothing"),
        _l("People write to a desk now and then; a link by mail lets them in again."),
        unit=_l("days"),
        least=1,
        most=365,
    )
    customer_session_days: int = setting(
        90, "sign-in", _l("Customers sign in anew after"), unit=_l("days"), least=1, most=365
    )

    def display(self, number: int) -> str:
        """A ticket's number as people read it."""
        return self.number_pattern.replace("{n}", str(number))


def current() -> DeskSettings:
    """The settings as this request (or job) found them first."""
    if not has_app_context():
        return DeskSettings()
    if "desk_settings" not in g:
        g.desk_settings = _told(tuple(tuple(row) for row in db.session.execute(_CHANGED)))
    return g.desk_settings


_CHANGED = select(Setting.name, cast(Setting.value, Text))
"""Built once; the values as the database keeps them, so that equal ones are known again."""


@lru_cache(64)
def _told(rows: tuple[tuple[str, str], ...]) -> DeskSettings:
    """Kept for each set of rows: a hundred values take as long to put together as to read."""
    known = {field.name for field in dc.fields(DeskSettings)}
    return DeskSettings(**{name: json.loads(value) for name, value in rows if name in known})


def fields(section: str | None = None) -> Iterator[dc.Field[Any]]:
    """The visible fields of one section, or of all, in the order of the page."""
    for field in dc.fields(DeskSettings):
        if not field.metadata.get("hidden") and section in (None, field.metadata["section"]):
            yield field


def change(values: Mapping[str, Any], by: str | None = None) -> list[str]:
    """Store what differs from now and return the names of what changed. Raises Invalid naming each wrong field."""
    from app.settings.checking import checked

    known = {field.name: field for field in dc.fields(DeskSettings)}
    unknown = {name: "There is no such setting." for name in values if name not in known}
    if unknown:
        raise Invalid("Some settings do not exist.", unknown)
    wanted = checked({known[name]: value for name, value in values.items()})
    before = current()
    changed = [name for name, value in wanted.items() if getattr(before, name) != value]
    for name in changed:
        put(Setting(name=name, value=wanted[name], changed_by=by))
    g.pop("desk_settings", None)
    return changed
