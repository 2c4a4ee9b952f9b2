"""What the search box asks, as the filters of a list; and a list's filters as the box would say them."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core import web
from app.core.clock import now
from app.desk import asking, fieldfilters, lookups, supplierfilters
from app.desk.listing import Due, Listing, Rated, Snooze, When, day
from app.desk.lookups import Lookups
from app.desk.queues import Queue
from app.tickets import durations, fields
from app.tickets.choices import STATE_LABELS, State
from app.tickets.fieldkinds import LIST
from app.tickets.models import TicketKind
from app.tickets.thread import Channel
from app.tickets.vocabularies import RANKS

NOBODY = ("nobody", "none", "unassigned")
KINDS = {"request": TicketKind.DOCUMENT_REQUEST, "document": TicketKind.DOCUMENT_REQUEST}
VIAS = {"email": Channel.MAIL, "web": Channel.PORTAL, "website": Channel.FORM}
DUES = {"late": Due.OVERDUE, "near": Due.SOON}
WHENS = {"overdue": When.OVER, "late": When.OVER, "yes": When.ANY, "no": When.NONE}
IS: dict[str, dict[str, object]] = {
    "mine": {"assigned": "me"}, "unassigned": {"assigned": "nobody"}, "overdue": {"due": Due.OVERDUE}, "due": {"due": Due.SOON},
    "snoozed": {"snoozed": Snooze.YES}, "spam": {"spam": Snooze.YES}, "urgent": {"view": Queue.URGENT}, "needs-response": {"view": Queue.NEEDS}, "unanswered": {"view": Queue.NEEDS}, "live": {"view": Queue.OPEN},
    **{state.value: {"state": state} for state in State}, **{kind.value.replace("_", "-"): {"kind": kind} for kind in TicketKind},
}  # fmt: skip
"""`is:…` → what it narrows the list by."""
_ago = re.compile(r"(\d{1,4})([dwm])")
FIRST_DAY = dt.date(1970, 1, 2)
DAYS = {"d": 1, "w": 7, "m": 30}


class NotUnderstood(Exception):
    """A value that its field does not know; the sentence says what it knows."""


class Understood(NamedTuple):
    listing: Listing
    """Narrowed by all that was understood; its `q` holds the words alone."""
    errors: tuple[str, ...] = ()


def read(given: MultiDict[str, str]) -> Listing:
    """The list of an address, fields in its words understood."""
    return plainly(Listing.read(given))


def plainly(listing: Listing) -> Listing:
    """With the fields in its words as filters; those that make no sense narrow nothing."""
    return understood(listing, lookups.of_list()).listing if ":" in listing.q else listing


def understood(listing: Listing, names: Lookups) -> Understood:
    """Take the fields out of what was typed. What makes no sense is said in a sentence, and narrows nothing."""
    changes: dict[str, object] = {}
    own = dict(listing.fields)
    words, errors = [], []
    for part in asking.parts(listing.q):
        try:
            if part.slip:
                raise NotUnderstood(_("There is no field “%(typed)s”. Did you mean “%(field)s:”?", typed=part.value.partition(":")[0], field=part.slip))  # fmt: skip
            if part.field and part.excluded:
                raise NotUnderstood(_("“%(part)s”: only words can be left out with a minus.", part=part.text))
            if part.field.startswith(asking.OWN):
                own |= [_own(part)]
                changes["fields"] = tuple(sorted(own.items()))
            elif part.field:
                changes |= _read(part, names)
            else:
                words.append(part.text)
        except NotUnderstood as problem:
            errors.append(str(problem))
    if not changes and not errors:
        return Understood(listing)
    found = dc.replace(listing, q=" ".join(words), **changes)  # type: ignore[arg-type]
    return Understood(found if "view" in changes else found.widened, tuple(errors))


def _read(part: asking.Part, names: Lookups) -> dict[str, object]:
    if not part.value:
        raise NotUnderstood(_("“%(field)s:” needs a value, for instance %(example)s.", field=part.field, example=EXAMPLES[part.field]))  # fmt: skip
    return READERS[part.field](part.value, names)


def _own(part: asking.Part) -> tuple[str, str]:
    """One of the desk's own fields, and what is asked of it."""
    field = fields.by_key(part.field.removeprefix(asking.OWN))
    if field is None:
        raise NotUnderstood(_("There is no field “%(key)s”. There are: %(keys)s", key=part.field, keys=", ".join(one.list_name for one in fields.active()[:8]) or "–"))  # fmt: skip
    if not part.value:
        raise NotUnderstood(_("“%(field)s:” needs a value, for instance %(example)s.", field=part.field, example=f"{part.field}:any"))  # fmt: skip
    try:
        return field.key, fieldfilters.understood(field, part.value)
    except ValueError as problem:
        raise NotUnderstood(f"{field.name}: {problem}") from None


def _named(kind: str, value: str, names: Lookups) -> Any:
    """The row with that name, or the only one whose name begins so."""
    wanted = value.casefold()
    rows = names.all(kind)
    exact = [
        row for row in rows if wanted in (row.name.casefold(), row.detail.casefold() if kind == "person" else None)
    ]
    begun = exact or [row for row in rows if row.name.casefold().startswith(wanted)]
    if len(begun) == 1 or exact:
        return begun[0]
    raise NotUnderstood(_not_known(value, [row.name for row in begun or rows if row.active]))


def _not_known(value: str, choices: list[str]) -> str:
    """With as many of the choices as can be read at a glance."""
    more = " …" if len(choices) > 8 else ""
    return _("“%(value)s” is none of: %(choices)s", value=value, choices=", ".join(choices[:8]) + more + ".")


def _supplier(value: str, names: Lookups) -> str:
    known = value.casefold() in supplierfilters.WORDS
    return value.casefold() if known else str(_named("supplier", value, names).id)


def _further(value: str, names: Lookups) -> str:
    """A person's name or user name, else a department's."""
    if value.casefold() in supplierfilters.FURTHER_WORDS:
        return value.casefold()
    try:
        return f"person:{_named('person', value, names).id}"
    except NotUnderstood:
        return f"department:{_named('department', value, names).id}"


def _state(value: str, names: Lookups) -> dict[str, object]:
    for state, label in STATE_LABELS.items():
        if value.casefold() in (state.value, str(label).partition(":")[0].casefold()):
            return {"state": state}
    raise NotUnderstood(_not_known(value, [state.value for state in State]))


def _status(value: str, names: Lookups) -> dict[str, object]:
    return {"status": _named("status", value, names).id}


def _assignee(value: str, names: Lookups) -> dict[str, object]:
    if value.casefold() in ("me", *NOBODY):
        return {"assigned": "me" if value.casefold() == "me" else "nobody"}
    return {"assigned": str(_named("person", value, names).id)}


def _department(value: str, names: Lookups) -> dict[str, object]:
    return {"department": _named("department", value, names).id}


def _category(value: str, names: Lookups) -> dict[str, object]:
    return {"category": 0 if value.casefold() == "none" else _named("category", value, names).id}


def _priority(value: str, names: Lookups) -> dict[str, object]:
    """By its name here, by any name it has in another vocabulary, or by its rank."""
    rank = next((rank for name, rank in RANKS.items() if name.casefold() == value.casefold()), None)
    known = [row.place for row in names.all("priority") if row.name.casefold() == value.casefold()]
    if not known and value in ("1", "2", "3", "4"):
        rank = int(value)
    return {"priority": known[0] if known else rank or _named("priority", value, names).place}


def _chosen(field: str, kind: Any, others: dict[str, Any]) -> Callable[[str, Lookups], dict[str, object]]:
    def read(value: str, names: Lookups) -> dict[str, object]:
        folded = value.casefold().replace("-", "_").replace(" ", "_")
        found = next((one for one in kind if one.value == folded), others.get(folded))
        if found is None:
            raise NotUnderstood(_not_known(value, [one.value for one in kind]))
        return {field: found}

    return read


def _time(value: str, names: Lookups) -> dict[str, object]:
    """`>2h`, `<=30m`, `none`, `any`."""
    try:
        return {"time": durations.comparison({"none": "=0", "any": ">0"}.get(value.casefold(), value))}
    except ValueError:
        raise NotUnderstood(_("“%(value)s” is no time. Write it as >2h, <=30m, any or none.", value=value)) from None


def _is(value: str, names: Lookups) -> dict[str, object]:
    found = IS.get(value.casefold().replace(" ", "-").replace("_", "-"))
    if found is None:
        raise NotUnderstood(
            _not_known(value, ["mine", "unassigned", "overdue", "due", "urgent", "needs-response", "open", "closed"])
        )
    return found


def _day(text: str) -> dt.date:
    """A date, `today`, `yesterday`, or so many days, weeks or months ago: 7d, 2w, 1m."""
    today = web.local(now()).date()
    folded = text.casefold()
    if folded in ("today", "yesterday"):
        return today - dt.timedelta(days=folded == "yesterday")
    if found := _ago.fullmatch(folded):
        return max(today - dt.timedelta(days=int(found[1]) * DAYS[found[2]]), FIRST_DAY)
    try:
        return day(text)
    except ValueError:
        raise NotUnderstood(
            _("“%(value)s” is no day. Write it as 2026-03-31, today, yesterday or 7d.", value=text)
        ) from None


def _between(first: str, last: str) -> Callable[[str, Lookups], dict[str, object]]:
    """One day, `from..to` with either end left open, or `7d`: since seven days ago."""

    def read(value: str, names: Lookups) -> dict[str, object]:
        begin, dots, end = value.partition("..")
        if not dots:
            only = _day(value)
            return {first: only} if _ago.fullmatch(value.casefold()) else {first: only, last: only}
        wanted = {name: _day(text) for name, text in ((first, begin), (last, end)) if text}
        return {**wanted}

    return read


READERS: dict[str, Callable[[str, Lookups], dict[str, object]]] = {
    "customer": lambda value, names: {"who": value}, "organization": lambda value, names: {"organization": value}, "tag": lambda value, names: {"tag": value.casefold()},
    "state": _state, "status": _status, "assignee": _assignee, "department": _department, "category": _category, "priority": _priority,
    "kind": _chosen("kind", TicketKind, KINDS), "via": _chosen("channel", Channel, VIAS), "sla": _chosen("due", Due, DUES), "is": _is,
    "followup": _chosen("followup", When, WHENS), "action": _chosen("action", When, WHENS), "snoozed": _chosen("snoozed", Snooze, {}), "spam": _chosen("spam", Snooze, {}), "time": _time, "rating": _chosen("rating", Rated, {"yes": Rated.ANY, "no": Rated.NONE}),
    "environment": lambda value, names: {"environment": 0 if value.casefold() == "none" else _named("environment", value, names).id},
    "supplier": lambda value, names: {"supplier": _supplier(value, names)}, "further": lambda value, names: {"further": _further(value, names)},
    "before": lambda value, names: {"created_to": _day(value) - dt.timedelta(days=1)}, "after": lambda value, names: {"created_from": _day(value)},
    "created": _between("created_from", "created_to"), "updated": _between("updated_from", "updated_to"),
}  # fmt: skip
EXAMPLES = {
    "customer": "customer:ada", "organization": "organization:northwind", "tag": "tag:vip", "state": "state:open", "status": 'status:"On Hold"', "assignee": "assignee:me", "department": "department:support",
    "category": "category:billing", "priority": "priority:high", "kind": "kind:conversation", "via": "via:mail", "sla": "sla:overdue", "is": "is:unassigned", "before": "before:2026-03-31", "after": "after:7d",
    "created": "created:today", "updated": "updated:2026-03-01..2026-03-31",
    "followup": "followup:today", "action": "action:over", "snoozed": "snoozed:yes", "spam": "spam:yes", "time": "time:>2h", "rating": "rating:bad",
    "environment": "environment:staging", "supplier": "supplier:waiting", "further": "further:me",
}  # fmt: skip


def said(listing: Listing, names: Lookups) -> str:
    """The filters and words of this list as the box reads them again; what only an address can say is left to the address."""
    found = [asking.spelled(field, value) for field, value in _spoken(listing, names) if value]
    return " ".join([*found, listing.q] if listing.q else found)


def _spoken(listing: Listing, names: Lookups) -> list[tuple[str, str | None]]:
    assigned = listing.assigned
    priority = next((row.name for row in names.all("priority") if row.place == listing.priority), None)
    return [
        ("customer", listing.who), ("organization", listing.organization), ("state", listing.state), ("status", names.name("status", listing.status)),
        ("assignee", assigned if assigned in ("", "me", "nobody") else _user_name(int(assigned), names)), ("department", names.name("department", listing.department)),
        ("category", "none" if listing.category == 0 else names.name("category", listing.category)), ("priority", priority), ("tag", listing.tag),
        ("kind", listing.kind), ("via", listing.channel), ("sla", listing.due),
        ("followup", listing.followup), ("action", listing.action), ("snoozed", listing.snoozed), ("spam", listing.spam), ("time", durations.spelled(listing.time)), ("rating", listing.rating),
        ("environment", "none" if listing.environment == 0 else names.name("environment", listing.environment)),
        ("supplier", supplierfilters.spoken(listing.supplier, names)), ("further", supplierfilters.spoken_further(listing.further, names)),
        ("created", _range(listing.created_from, listing.created_to)), ("updated", _range(listing.updated_from, listing.updated_to)),
        *((LIST + key, text) for key, text in listing.fields),
    ]  # fmt: skip


def _user_name(staff_id: int, names: Lookups) -> str | None:
    """Two people may have the same name."""
    row = names.row("person", staff_id)
    return row.detail if row is not None else None


def _range(first: dt.date | None, last: dt.date | None) -> str:
    if first is None and last is None:
        return ""
    return f"{first or ''}..{last or ''}" if first != last else f"{first}"
