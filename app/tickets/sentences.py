"""What happened, in the reader's language: a sentence of each deed without who and when, and what made it happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from babel.dates import format_date
from flask_babel import ngettext

from app.core import web
from app.core.shipped import shown
from app.core.words import language
from app.core.words import said as _
from app.tickets import scores
from app.tickets.did import Did
from app.tickets.durations import said


def _from_to(sentence: Callable[[str, str], str]) -> Callable[[dict[str, Any]], str]:
    return lambda given: sentence(shown(given.get("was")) or "–", shown(given.get("now")) or "–")


def _when(given: dict[str, Any]) -> str:
    """The date an event tells of, as its reader writes it."""
    written = given.get("now_at")
    return web.absolute(dt.datetime.fromisoformat(written)) if written else "–"


def _of_task(sentence: Callable[[str, dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    return lambda given: sentence(str(given.get("task") or "–"), given)


def day_of(written: str) -> str:
    """A date as it stands in an event or a notice, as the reader writes one."""
    return str(format_date(dt.date.fromisoformat(written), _("d MMM yyyy"), locale=language()))


def _promise(given: dict[str, Any]) -> str:
    """By its key: the name beside it was written by a worker, in the language of nobody who reads it."""
    words = {
        "first_response": _("first response"),
        "next_response": _("next response"),
        "periodic_update": _("update"),
        "resolution": _("resolution"),
    }
    return words.get(given.get("metric", "first_response")) or str(given.get("metric_name", "–"))


def _in_field(given: dict[str, Any], when: str) -> str:
    """A ticked box is said in the reader's language, everything else as it was written."""
    value = given.get(when)
    if given.get("kind") == "checkbox":
        return _("Yes") if value else _("No")
    return str(value or "–")


def _spent(given: dict[str, Any], when: str) -> str:
    """A time entry as it was or is: how long, for what, on which day."""
    entry = given.get(when) or {}
    parts = (said(entry.get("minutes", 0)), shown(entry.get("activity")), day_of(entry["on"]) if "on" in entry else "")
    return ", ".join(part for part in parts if part)


def _of_whom(sentence: str, given: dict[str, Any]) -> str:
    """With the name of the colleague whose time it is."""
    return _("%(sentence)s (%(name)s)", sentence=sentence, name=given["whose"]) if given.get("whose") else sentence


def _minutes(given: dict[str, Any], when: str) -> str:
    return said(given[when]) if given.get(when) is not None else "–"


SENTENCES: dict[Did, Callable[[dict[str, Any]], str]] = {
    Did.OPENED: lambda given: _("opened the ticket"),
    Did.RECEIVED: lambda given: _("wrote a message"),
    Did.REPLIED: lambda given: _("replied"),
    Did.NOTED: lambda given: _("wrote an internal note"),
    Did.ASSIGNED: lambda given: (
        _("assigned the ticket to %(now)s", now=given["now"])
        if given.get("now")
        else _("took the ticket from %(was)s", was=given.get("was"))
    ),
    Did.STATUS_CHANGED: _from_to(lambda was, now: _("changed the status from %(was)s to %(now)s", was=was, now=now)),
    Did.RESOLVED: _from_to(lambda was, now: _("resolved the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.CLOSED: _from_to(lambda was, now: _("closed the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.REOPENED: _from_to(lambda was, now: _("reopened the ticket (%(was)s → %(now)s)", was=was, now=now)),
    Did.RESTATED: _from_to(
        lambda was, now: (
            _("changed the status from %(was)s to %(now)s, as of all tickets that had it", was=was, now=now)
            if was != now
            else _("changed what the status %(now)s means", now=now)
        )
    ),
    Did.PRIORITY_CHANGED: _from_to(
        lambda was, now: _("changed the priority from %(was)s to %(now)s", was=was, now=now)
    ),
    Did.CATEGORY_CHANGED: _from_to(
        lambda was, now: _("changed the category from %(was)s to %(now)s", was=was, now=now)
    ),
    Did.DEPARTMENT_CHANGED: _from_to(lambda was, now: _("moved the ticket from %(was)s to %(now)s", was=was, now=now)),
    Did.SUBJECT_CHANGED: lambda given: _(
        "changed the subject from “%(was)s” to “%(now)s”", was=given.get("was") or "–", now=given.get("now") or "–"
    ),
    Did.FIELD_CHANGED: lambda given: _(
        "changed “%(field)s” from “%(was)s” to “%(now)s”",
        field=given.get("field") or "–",
        was=_in_field(given, "was"),
        now=_in_field(given, "now"),
    ),
    Did.TAGGED: lambda given: _("added the tag %(tag)s", tag=given["tag"]),
    Did.UNTAGGED: lambda given: _("removed the tag %(tag)s", tag=given["tag"]),
    Did.HIDDEN: lambda given: _("hid the ticket from the customer"),
    Did.SHOWN: lambda given: _("showed the ticket to the customer"),
    Did.COPY_REFUSED: lambda given: _("refused copies to %(address)s", address=given["now"]),
    Did.MARKED_SPAM: lambda given: _("marked the ticket as spam"),
    Did.UNMARKED_SPAM: lambda given: _("said that the ticket is no spam"),
    Did.SENDER_ACCEPTED: lambda given: _("accepted %(address)s, who was unverified", address=given["now"]),
    Did.MENTIONED: lambda given: _("mentioned %(now)s", now=given["now"]),
    Did.LINKED: lambda given: (
        _("linked: %(type)s %(number)s", type=shown(given["type"]), number=given["number"])
        if given.get("type")
        else _("linked ticket %(number)s", number=given["number"])
    ),
    Did.UNLINKED: lambda given: _("removed the link with ticket %(number)s", number=given["number"]),
    Did.SURGED: lambda given: _("noticed that many similar tickets came in within a short time"),
    Did.INCIDENT_DECLARED: lambda given: _("declared the ticket an incident"),
    Did.INCIDENT_CALLED_OFF: lambda given: _("said that the ticket is no incident"),
    Did.INCIDENT_JOINED: lambda given: _("added the ticket to the incident %(number)s", number=given["number"]),
    Did.INCIDENT_LEFT: lambda given: _("took the ticket out of the incident %(number)s", number=given["number"]),
    Did.INCIDENT_GREW: lambda given: _("added ticket %(number)s to the incident", number=given["number"]),
    Did.INCIDENT_SHRANK: lambda given: _("took ticket %(number)s out of the incident", number=given["number"]),
    Did.INCIDENT_UPDATED: lambda given: ngettext(
        "wrote to one ticket of the incident", "wrote to %(num)d tickets of the incident", given.get("tickets", 0)
    ),
    Did.INCIDENT_PUBLISHED: lambda given: _("told customers of the incident: “%(now)s”", now=given["now"]),
    Did.INCIDENT_WITHDRAWN: lambda given: _("took the incident off the customers’ pages"),
    Did.MERGED: lambda given: _("merged the ticket into %(number)s", number=given["number"]),
    Did.TOOK_IN: lambda given: _("merged ticket %(number)s into this one", number=given["number"]),
    Did.UNMERGED: lambda given: _("took the ticket out of %(number)s again", number=given["number"]),
    Did.GAVE_BACK: lambda given: _("took ticket %(number)s out of this one again", number=given["number"]),
    Did.MOVED_OUT: lambda given: ngettext(
        "moved a message to ticket %(number)s",
        "moved %(num)d messages to ticket %(number)s",
        len(given.get("message_ids", ())),
        number=given["number"],
    ),
    Did.MOVED_IN: lambda given: ngettext(
        "moved a message here from ticket %(number)s",
        "moved %(num)d messages here from ticket %(number)s",
        len(given.get("message_ids", ())),
        number=given["number"],
    ),
    Did.VERIFIED: lambda given: _("proved the address"),
    Did.SCHEDULED: lambda given: (
        _("wrote a question to the supplier %(name)s that leaves later", name=given["supplier"])
        if given.get("supplier")
        else _("wrote a reply that leaves later")
    ),
    Did.UNSENT: lambda given: (
        _("took a question to the supplier %(name)s back before it left", name=given["supplier"])
        if given.get("supplier")
        else _("took a reply back before it left")
    ),
    Did.HELD_BACK: lambda given: (
        _(
            "held a question of %(who)s to the supplier %(name)s back",
            who=given.get("who") or "–",
            name=given["supplier"],
        )
        if given.get("supplier")
        else _("held a reply of %(who)s back", who=given.get("who") or "–")
    ),
    Did.COPIED: lambda given: _(
        "changed the copies from %(was)s to %(now)s", was=given.get("was") or "–", now=given.get("now") or "–"
    ),
    Did.KEPT_OPEN: lambda given: _("keeps the ticket open"),
    Did.REMINDED: lambda given: _("reminded the customer"),
    Did.DOCUMENTS_ASKED: lambda given: ngettext(
        "asked for a document", "asked for %(num)d documents", given.get("count", 1)
    ),
    Did.DOCUMENT_SENT: lambda given: _("sent %(file)s for “%(name)s”", file=given["file"], name=given["name"]),
    Did.DOCUMENT_ACCEPTED: lambda given: _("accepted the document “%(name)s”", name=given["name"]),
    Did.DOCUMENT_REFUSED: lambda given: _(
        "refused the document “%(name)s”: %(reason)s", name=given["name"], reason=given.get("reason") or "–"
    ),
    Did.DOCUMENTS_REVIEWED: lambda given: _("told the customer what is still missing"),
    Did.DOCUMENTS_DONE: lambda given: _("has all documents that were asked for"),
    Did.DOCUMENTS_WITHDRAWN: lambda given: _("withdrew the document request"),
    Did.DOCUMENTS_REMINDED: lambda given: _("reminded the customer of missing documents"),
    Did.LINK_SENT: lambda given: _("mailed a new link for the documents"),
    Did.LINKS_ENDED: lambda given: _("ended the links for the documents"),
    Did.FOLLOW_UP_CHANGED: lambda given: (
        _("set the follow-up date to %(at)s", at=_when(given))
        if given.get("now_at")
        else _("removed the follow-up date")
    ),
    Did.FOLLOW_UP_DUE: lambda given: _("reminded of the follow-up"),
    Did.ACTION_CHANGED: lambda given: (
        _("set that action is required by %(at)s", at=_when(given))
        if given.get("now_at")
        else _("set that no action is required by a date")
    ),
    Did.ACTION_DUE: lambda given: (
        _("reminded that action was required by %(at)s", at=_when(given))
        if given.get("over")
        else _("reminded that action is required by %(at)s", at=_when(given))
    ),
    Did.SNOOZED: lambda given: _("snoozed the ticket until %(at)s", at=_when(given)),
    Did.WOKE: lambda given: (
        {
            "time": _("brought the ticket back: its time has come"),
            "customer_wrote": _("brought the ticket back: the customer wrote"),
            "supplier_wrote": _("brought the ticket back: a supplier answered"),
        }.get(given.get("why", ""))
        or _("brought the ticket back from snooze")
    ),
    Did.SUPPLIER_ADDED: lambda given: _("brought in the supplier %(supplier)s", supplier=given["supplier"]),
    Did.SUPPLIER_REMOVED: lambda given: _("took the supplier %(supplier)s off the ticket", supplier=given["supplier"]),
    Did.SUPPLIER_ASKED: lambda given: _("asked the supplier %(supplier)s", supplier=given["supplier"]),
    Did.SUPPLIER_ANSWERED: lambda given: _("wrote for the supplier %(supplier)s", supplier=given["supplier"]),
    Did.SUPPLIER_ACCEPTED: lambda given: _(
        "accepted a message as the supplier %(supplier)s's", supplier=given["supplier"]
    ),
    Did.SUPPLIER_SETTLED: lambda given: _(
        "awaits nothing more of the supplier %(supplier)s", supplier=given["supplier"]
    ),
    Did.PERSON_ADDED: lambda given: _("added %(now)s to the ticket", now=given["now"]),
    Did.PERSON_REMOVED: lambda given: _("took %(was)s off the ticket", was=given["was"]),
    Did.DEPARTMENT_ADDED: lambda given: _("added the department %(now)s", now=shown(given["now"])),
    Did.DEPARTMENT_REMOVED: lambda given: _("took off the department %(was)s", was=shown(given["was"])),
    Did.ENVIRONMENT_CHANGED: _from_to(
        lambda was, now: _("changed the environment from %(was)s to %(now)s", was=was, now=now)
    ),
    Did.MACRO_RAN: lambda given: _("ran the macro “%(name)s”", name=given["name"]),
    Did.MACRO_UNDONE: lambda given: _("took back the macro “%(name)s”", name=given["name"]),
    Did.RATING_ASKED: lambda given: _("asked the customer how we did"),
    Did.RATED: lambda given: (
        _(
            "changed the rating from %(was)s to %(now)s",
            was=scores.spoken(given["was"]),
            now=scores.spoken(given["now"]),
        )
        if given.get("was") and given["was"] != given.get("now")
        else _("rated the ticket: %(now)s", now=scores.spoken(given.get("now")))
    ),
    Did.BREACHED: lambda given: _("noted a broken promise: %(what)s", what=_promise(given)),
    Did.PROMISE_NEAR: lambda given: _(
        "noted that %(percent)s %% of the time for a promise is used: %(what)s",
        percent=given.get("level", "–"),
        what=_promise(given),
    ),
    Did.PROMISE_LATE: lambda given: _(
        "noted a promise that is late by %(time)s: %(what)s",
        time=said(int(given.get("level", 0))),
        what=_promise(given),
    ),
    Did.TASK_CREATED: _of_task(lambda task, given: _("made the task “%(task)s”", task=task)),
    Did.TASK_LINKED: _of_task(lambda task, given: _("linked the task “%(task)s”", task=task)),
    Did.TASK_UNLINKED: _of_task(lambda task, given: _("took the task “%(task)s” off the ticket", task=task)),
    Did.TASK_CHANGED: _of_task(
        lambda task, given: (
            _("renamed the task “%(was)s” to “%(task)s”", was=given["was"], task=task)
            if given.get("was")
            else _("changed the task “%(task)s”", task=task)
        )
    ),
    Did.TASK_ASSIGNED: _of_task(
        lambda task, given: (
            _("gave the task “%(task)s” to %(now)s", task=task, now=given["now"])
            if given.get("now")
            else _("took the task “%(task)s” from %(was)s", task=task, was=given.get("was") or "–")
        )
    ),
    Did.TASK_DUE_CHANGED: _of_task(
        lambda task, given: (
            _("made the task “%(task)s” due on %(day)s", task=task, day=day_of(given["now"]))
            if given.get("now")
            else _("took the due date from the task “%(task)s”", task=task)
        )
    ),
    Did.TASK_STARTED: _of_task(lambda task, given: _("started the task “%(task)s”", task=task)),
    Did.TASK_PUT_BACK: _of_task(lambda task, given: _("put the task “%(task)s” back to do", task=task)),
    Did.TASK_DONE: _of_task(lambda task, given: _("finished the task “%(task)s”", task=task)),
    Did.TASK_REOPENED: _of_task(lambda task, given: _("reopened the task “%(task)s”", task=task)),
    Did.TASK_DELETED: _of_task(lambda task, given: _("deleted the task “%(task)s”", task=task)),
    Did.TIME_LOGGED: lambda given: _of_whom(_("logged time: %(now)s", now=_spent(given, "now")), given),
    Did.TIME_CHANGED: lambda given: _of_whom(
        _("changed logged time: %(was)s → %(now)s", was=_spent(given, "was"), now=_spent(given, "now")), given
    ),
    Did.TIME_REMOVED: lambda given: _of_whom(_("removed logged time: %(was)s", was=_spent(given, "was")), given),
    Did.TIMER_STOPPED: lambda given: _(
        "stopped the timer of %(who)s after %(time)s",
        who=given.get("who") or "–",
        time=said(given.get("hours", 0) * 60),
    ),
    Did.BUDGET_CHANGED: lambda given: _(
        "changed the time budget: %(was)s → %(now)s",
        was=_minutes(given, "was_minutes"),
        now=_minutes(given, "now_minutes"),
    ),
    Did.BUDGET_REACHED: lambda given: (
        _(
            "noted that %(percent)s %% of the month’s time budget of %(name)s is used",
            percent=given.get("now"),
            name=given["was"],
        )
        if given.get("was")
        else _("noted that %(percent)s %% of the time budget is used", percent=given.get("now"))
    ),
}


def sentence_of(what: Did, particulars: dict[str, Any]) -> str:
    told = SENTENCES.get(what)
    return told(particulars) if told else what.value


WAYS: dict[str, Callable[[str], str]] = {
    "rule": lambda name: _("by the rule “%(name)s”", name=name),
    "macro": lambda name: _("by the macro “%(name)s”", name=name),
    "promise": lambda name: _("by the SLA policy “%(name)s”", name=name),
    "reason": lambda reason: _("because: %(reason)s", reason=reason),
}
"""Names in an event's particulars that say what made it happen."""


def why_of(what: Did, particulars: dict[str, Any]) -> str:
    """By which rule or macro, or for which reason; empty where nothing but its actor's wish is known."""
    said_already = ("reason",) if what is Did.DOCUMENT_REFUSED else ()
    names = (name for name in WAYS if name not in said_already and particulars.get(name))
    return ", ".join(WAYS[name](str(particulars[name])) for name in names)
