"""Background jobs as people call them: what a row of the outbox is for, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import RawMail
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent
from app.tickets.visibility import visible_to

WORDS = {
    "accounts.follow_absences": _l("Begin and end absences"),
    "accounts.forget_over": _l("Forget sessions that are over"),
    "accounts.mail_password_reset": _l("Mail a link for a new password"),
    "api.forget_answers": _l("Forget kept answers of the API"),
    "assignment.assign": _l("Give a ticket to somebody"),
    "assignment.drain": _l("Give queued tickets to whoever has room"),
    "assignment.hand_back": _l("Give back the tickets of who went away"),
    "automation.forget_old": _l("Forget what rules did long ago"),
    "automation.run": _l("Ask the rules"),
    "automation.tick": _l("Act by rules whose time has come"),
    "desk.mail_summaries": _l("Mail the summary of the month"),
    "desk.change_many": _l("Change many tickets at once"),
    "mail.deliver": _l("Put a mail that came in where it belongs"),
    "mail.forget_hooks": _l("Forget the used signatures of mails by HTTP"),
    "mail.forget_old": _l("Forget the bytes of old mails"),
    "mail.keep_files": _l("Store a mail\u2019s files once the storage answers"),
    "mail.send_due": _l("Send the mails that wait"),
    "notifications.forget_old": _l("Forget old notices"),
    "notifications.send_digests": _l("Mail the notices that wait, together"),
    "notifications.tell_department": _l("Tell a department of a ticket that nobody has"),
    "notifications.tell_due_tasks": _l("Tell of tasks whose day comes"),
    "portal.forget_unsent": _l("Forget files that were never sent"),
    "portal.mail_password_reset": _l("Mail a customer a link for a new password"),
    "portal.mail_sign_in_link": _l("Mail a customer a link that signs them in"),
    "reports.find_trends": _l("Find words that are written more often"),
    "reports.file_ended": _l("Book the times of tickets that ended before the update"),
    "reports.recount": _l("Count the figures anew"),
    "reports.sum_up": _l("Sum up what reports read"),
    "satisfaction.ask": _l("Ask a customer how we did"),
    "search.index_customer": _l("Find a customer\u2019s tickets by their new name"),
    "search.index_fields": _l("Find tickets by what stands in the desk’s own fields"),
    "search.notice_surges": _l("Notice many similar tickets"),
    "search.rebuild": _l("Write the search index anew"),
    "sla.act": _l("Do what a late promise asks for"),
    "sla.check": _l("Check the promises of open tickets"),
    "sla.enforce": _l("Note promises that were broken"),
    "slots.forget_old": _l("Forget old slots of periodic jobs"),
    "tickets.close_resolved": _l("Close tickets resolved long ago"),
    "tickets.close_waiting": _l("Close tickets whose customer is silent"),
    "tickets.forget_drafts": _l("Forget marks of sent drafts"),
    "tickets.leave": _l("Send a reply whose moment has come"),
    "tickets.move_status": _l("Move the tickets of a status"),
    "tickets.recount_tally": _l("Count open tickets anew"),
    "tickets.recount_time": _l("Count the time spent anew"),
    "tickets.stop_timers": _l("Stop timers that were forgotten"),
    "tickets.sweep_files": _l("Delete files that belong to nothing"),
    "tickets.remind": _l("Remind of a ticket\u2019s date"),
    "tickets.remind_documents": _l("Remind customers of missing documents"),
    "tickets.remind_waiting": _l("Remind customers who let us wait"),
    "tickets.wake": _l("Bring a snoozed ticket back"),
}


class About(NamedTuple):
    """What a job concerns; `number` is that of a ticket the reader may open."""

    words: str
    number: int | None = None


def called(job: str) -> str:
    return str(WORDS.get(job, job))


def about(rows: Sequence[Outbox], viewer: Viewer) -> dict[int, About]:
    """Row's id -> what it concerns, for a whole page in three statements. A ticket its reader may not see has no name here."""
    events = _tickets_of(TicketEvent, rows, "event_id")
    mails = _tickets_of(RawMail, rows, "raw_mail_id")
    wanted = {row.id: row.arguments.get("ticket_id") or events.get(row.arguments.get("event_id")) or mails.get(row.arguments.get("raw_mail_id")) for row in rows}  # fmt: skip
    ids = {int(ticket_id) for ticket_id in wanted.values() if ticket_id}
    shown = _shown(ids, viewer) if ids else {}
    return {row.id: shown.get(int(wanted[row.id] or 0)) or About(_otherwise(row)) for row in rows}


def _tickets_of(
    model: type[TicketEvent] | type[RawMail], rows: Iterable[Outbox], argument: str
) -> dict[int | str | None, int]:
    ids = {row.arguments[argument] for row in rows if argument in row.arguments}
    if not ids:
        return {}
    found = db.session.execute(select(model.id, model.ticket_id).where(model.id.in_(ids)))
    return {row[0]: row[1] for row in found if row[1]}


def _shown(ids: set[int], viewer: Viewer) -> dict[int, About]:
    rows = select(Ticket.id, Ticket.number, Ticket.subject).where(Ticket.id.in_(ids), visible_to(viewer))
    return {row.id: About(row.subject, row.number) for row in db.session.execute(rows)}


def _otherwise(row: Outbox) -> str:
    arguments = row.arguments
    if "raw_mail_id" in arguments:
        return str(_("Mail %(id)s of the incoming log", id=arguments["raw_mail_id"]))
    if "customer_id" in arguments:
        return str(_("Customer %(id)s", id=arguments["customer_id"]))
    if "ticket_id" in arguments or "event_id" in arguments:
        return str(_("A ticket that is gone or not yours to see"))
    return "\u2013"
