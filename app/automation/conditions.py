"""What must be true of a ticket: one language, read in two ways that agree, as a filter in SQL and as a question to one ticket.

A node is {"all": [node…]}, {"any": [node…]}, {"not": node} or a leaf {"field", "op", "value"}; the empty node is always true.
No value is ever evaluated: texts are looked for as they stand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true

from app.accounts.models import Customer, Organization
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.folding import fold, folded
from app.tickets import fields
from app.tickets.choices import Tag, ticket_tag
from app.tickets.fieldmodels import CustomValue
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind

DEEPEST = 4
MOST = 30
"""Leaves of one rule."""
LONGEST_TEXT = 200
READ = 20_000
"""Characters of a message that are looked through."""
MOST_NUMBER = 10_000_000
NONE = "none"
GROUPS = ("all", "any")

CHOICE_OPS = {"is": _l("is"), "is_not": _l("is not")}
TEXT_OPS = {"contains": _l("contains"), "contains_not": _l("does not contain"), "equals": _l("equals"), "starts": _l("starts with"), "empty": _l("is empty")}  # fmt: skip
TAG_OPS = {"has": _l("has"), "has_not": _l("does not have")}
NUMBER_OPS = {"at_least": _l("is at least"), "less_than": _l("is less than")}
AGE_OPS = {"at_least": _l("was at least so many hours ago:"), "less_than": _l("was less than so many hours ago:")}
FLAG_OPS = {"yes": _l("yes"), "no": _l("no")}


class Leaf(NamedTuple):
    field: str
    op: str
    value: tuple[str, ...] = ()
    """Several for a choice, one of which is enough; else one."""

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> Leaf:
        value = node.get("value", ())
        values = (value,) if isinstance(value, str) else tuple(str(one) for one in value)
        return cls(str(node.get("field", "")), str(node.get("op", "")), values)

    @property
    def written(self) -> dict[str, Any]:
        return {"field": self.field, "op": self.op, "value": list(self.value)}

    @property
    def text(self) -> str:
        return self.value[0] if self.value else ""


class Field(NamedTuple):
    label: Any
    kind: str
    """choice, text, tag, number, age or flag: what may be asked of it and how its value is written."""
    ops: Mapping[str, Any]
    filter: Callable[[Leaf, dt.datetime], ColumnElement[bool]]
    holds: Callable[[Leaf, Ticket, dt.datetime], bool]


class Held(NamedTuple):
    leaf: Leaf
    held: bool


def _choice(label: Any, column: Any, value: Callable[[Ticket], Any]) -> Field:
    def filter(leaf: Leaf, _now: dt.datetime) -> ColumnElement[bool]:
        wanted = [one for one in leaf.value if one != NONE]
        keys = [int(one) for one in wanted if _is_id(one)] if _numbers(column) else wanted
        found = or_(column.in_(keys), column.is_(None) if NONE in leaf.value else false())
        is_so = func.coalesce(found, false())
        return not_(is_so) if leaf.op == "is_not" else is_so

    def holds(leaf: Leaf, ticket: Ticket, _now: dt.datetime) -> bool:
        now = value(ticket)
        found = (NONE if now is None else str(now)) in leaf.value
        return not found if leaf.op == "is_not" else found

    return Field(label, "choice", CHOICE_OPS, filter, holds)


def _numbers(column: Any) -> bool:
    return column.type.python_type is int


def _text(label: Any, of_column: Callable[[], Any], value: Callable[[Ticket], str | None]) -> Field:
    def filter(leaf: Leaf, _now: dt.datetime) -> ColumnElement[bool]:
        column, wanted = folded(func.coalesce(of_column(), "")), fold(leaf.text)
        if leaf.op == "empty":
            return column == ""
        if leaf.op == "equals":
            return column == wanted
        if leaf.op == "starts":
            return column.startswith(wanted, autoescape=True)
        found = column.contains(wanted, autoescape=True)
        return not_(found) if leaf.op == "contains_not" else found

    def holds(leaf: Leaf, ticket: Ticket, _now: dt.datetime) -> bool:
        return _text_holds(leaf, fold(value(ticket) or ""))

    return Field(label, "text", TEXT_OPS, filter, holds)


def _text_holds(leaf: Leaf, there: str) -> bool:
    wanted = fold(leaf.text)
    if leaf.op == "empty":
        return there == ""
    if leaf.op == "equals":
        return there == wanted
    if leaf.op == "starts":
        return there.startswith(wanted)
    return (wanted in there) != (leaf.op == "contains_not")


def _number(label: Any, column: Any, value: Callable[[Ticket], int | None]) -> Field:
    def filter(leaf: Leaf, _now: dt.datetime) -> ColumnElement[bool]:
        most = _int(leaf.text)
        there = func.coalesce(column, 0)
        return there >= most if leaf.op == "at_least" else there < most

    def holds(leaf: Leaf, ticket: Ticket, _now: dt.datetime) -> bool:
        there, most = value(ticket) or 0, _int(leaf.text)
        return there >= most if leaf.op == "at_least" else there < most

    return Field(label, "number", NUMBER_OPS, filter, holds)


def _age(label: Any, column: Any, value: Callable[[Ticket], dt.datetime | None]) -> Field:
    """Of what never happened neither is true."""

    def filter(leaf: Leaf, now: dt.datetime) -> ColumnElement[bool]:
        line = now - dt.timedelta(hours=_int(leaf.text))
        return func.coalesce(column <= line if leaf.op == "at_least" else column > line, false())

    def holds(leaf: Leaf, ticket: Ticket, now: dt.datetime) -> bool:
        there, line = value(ticket), now - dt.timedelta(hours=_int(leaf.text))
        return there is not None and (there <= line if leaf.op == "at_least" else there > line)

    return Field(label, "age", AGE_OPS, filter, holds)


def _flag(
    label: Any, column: Callable[[dt.datetime], ColumnElement[bool]], value: Callable[[Ticket, dt.datetime], bool]
) -> Field:
    def filter(leaf: Leaf, now: dt.datetime) -> ColumnElement[bool]:
        is_so = func.coalesce(column(now), false())
        return is_so if leaf.op == "yes" else not_(is_so)

    def holds(leaf: Leaf, ticket: Ticket, now: dt.datetime) -> bool:
        return value(ticket, now) == (leaf.op == "yes")

    return Field(label, "flag", FLAG_OPS, filter, holds)


def _tag_filter(leaf: Leaf, _now: dt.datetime) -> ColumnElement[bool]:
    named = select(ticket_tag.c.ticket_id).join(Tag, Tag.id == ticket_tag.c.tag_id).where(folded(Tag.name) == fold(leaf.text))  # fmt: skip
    return Ticket.id.not_in(named) if leaf.op == "has_not" else Ticket.id.in_(named)


def _tag_holds(leaf: Leaf, ticket: Ticket, _now: dt.datetime) -> bool:
    found = any(fold(tag.name) == fold(leaf.text) for tag in ticket.tags)
    return found != (leaf.op == "has_not")


def _newest_words() -> Any:
    """What the customer wrote last, or as much of it as is looked through."""
    theirs = select(func.substr(Message.text, 1, READ)).where(
        Message.ticket_id == Ticket.id, Message.kind == MessageKind.REPLY, Message.customer_id.is_not(None)
    )
    return theirs.order_by(Message.id.desc()).limit(1).correlate(Ticket).scalar_subquery()


def _newest_words_of(ticket: Ticket) -> str | None:
    return db.session.scalar(select(_newest_words()).where(Ticket.id == ticket.id))


def _mail_of_requester() -> Any:
    return select(Customer.email).where(Customer.id == Ticket.requester_id).correlate(Ticket).scalar_subquery()


def _organization_of_requester() -> Any:
    named = select(Organization.name).join(Customer, Customer.organization_id == Organization.id)
    return named.where(Customer.id == Ticket.requester_id).correlate(Ticket).scalar_subquery()


def _organization(ticket: Ticket) -> str | None:
    organization = ticket.requester.organization
    return organization.name if organization is not None else None


def _late(now: dt.datetime) -> ColumnElement[bool]:
    return Ticket.next_due_at < now


FIELDS: dict[str, Field] = {
    "status": _choice(_l("Status"), Ticket.status_id, lambda ticket: ticket.status_id),
    "state": _choice(_l("State"), Ticket.state, lambda ticket: ticket.state.value),
    "priority": _choice(_l("Priority"), Ticket.priority_id, lambda ticket: ticket.priority_id),
    "category": _choice(_l("Category"), Ticket.category_id, lambda ticket: ticket.category_id),
    "department": _choice(_l("Department"), Ticket.department_id, lambda ticket: ticket.department_id),
    "assignee": _choice(_l("Assignee"), Ticket.assignee_id, lambda ticket: ticket.assignee_id),
    "channel": _choice(_l("Came by"), Ticket.channel, lambda ticket: ticket.channel.value),
    "kind": _choice(_l("Kind"), Ticket.kind, lambda ticket: ticket.kind.value),
    "subject": _text(_l("Subject"), lambda: Ticket.subject, lambda ticket: ticket.subject),
    "words": _text(_l("Customer's newest message"), _newest_words, _newest_words_of),
    "requester": _text(_l("Customer's address"), _mail_of_requester, lambda ticket: ticket.requester.email),
    "organization": _text(_l("Organization"), _organization_of_requester, _organization),
    "tag": Field(_l("Tag"), "tag", TAG_OPS, _tag_filter, _tag_holds),
    "messages": _number(_l("Number of messages"), Ticket.message_count, lambda ticket: ticket.message_count),
    "time_spent": _number(_l("Minutes spent"), Ticket.time_spent_minutes, lambda ticket: ticket.time_spent_minutes),
    "created": _age(_l("Opened"), Ticket.created_at, lambda ticket: ticket.created_at),
    "status_since": _age(_l("Last change of status"), Ticket.status_since, lambda ticket: ticket.status_since),
    "customer_wrote": _age(_l("Customer's last message"), Ticket.last_customer_at, lambda ticket: ticket.last_customer_at),
    "staff_wrote": _age(_l("Staff's last reply"), Ticket.last_staff_at, lambda ticket: ticket.last_staff_at),
    "waits_for_us": _flag(_l("The customer waits for an answer"), lambda now: Ticket.needs_response.is_(True), lambda ticket, now: ticket.needs_response),
    "answered": _flag(_l("Staff have answered at least once"), lambda now: Ticket.first_response_at.is_not(None), lambda ticket, now: ticket.first_response_at is not None),
    "late": _flag(_l("A promise is overdue"), _late, lambda ticket, now: ticket.next_due_at is not None and ticket.next_due_at < now),
    "hidden": _flag(_l("Hidden from the customer"), lambda now: Ticket.hidden_from_client.is_(True), lambda ticket, now: ticket.hidden_from_client),
}  # fmt: skip


def all_fields() -> dict[str, Field]:
    """With the desk's own fields, by `field:<key>`."""
    return FIELDS | {f"field:{one.key}": _own(one.key, one.name) for one in fields.active()}


def field_of(name: str) -> Field | None:
    if name.startswith("field:"):
        one = fields.by_key(name.removeprefix("field:"))
        return _own(one.key, one.name) if one is not None else None
    return FIELDS.get(name)


def _own(key: str, name: str) -> Field:
    """Of a field with several values one is enough; "does not contain" wants none."""

    def filter(leaf: Leaf, _now: dt.datetime) -> ColumnElement[bool]:
        one = fields.by_key(key)
        there = exists().where(CustomValue.ticket_id == Ticket.id, CustomValue.field_id == (one.id if one else 0)).correlate(Ticket)  # fmt: skip
        if leaf.op == "empty":
            return not_(there)
        column, wanted = folded(func.coalesce(CustomValue.text, "")), fold(leaf.text)
        found = {"equals": column == wanted, "starts": column.startswith(wanted, autoescape=True)}.get(
            leaf.op, column.contains(wanted, autoescape=True)
        )
        return not_(there.where(found)) if leaf.op == "contains_not" else there.where(found)

    def holds(leaf: Leaf, ticket: Ticket, _now: dt.datetime) -> bool:
        one = fields.by_key(key)
        kept = fields.values_of([ticket.id], [one])[ticket.id].get(one.id, ()) if one is not None else ()
        values = [fold(str(value)) for value in kept]
        if leaf.op in ("empty", "contains_not"):
            return not values if leaf.op == "empty" else not any(fold(leaf.text) in value for value in values)
        return any(_text_holds(leaf, value) for value in values)

    return Field(name, "text", TEXT_OPS, filter, holds)


def filter_of(node: Mapping[str, Any], now: dt.datetime) -> ColumnElement[bool]:
    """The tickets of which it is true. What names a field that is gone is true of none."""
    if not node:
        return true()
    for group, join in (("all", and_), ("any", or_)):
        if group in node:
            return join(*(filter_of(one, now) for one in node[group])) if node[group] else true()
    if "not" in node:
        return not_(filter_of(node["not"], now))
    leaf = Leaf.of(node)
    field = field_of(leaf.field)
    return field.filter(leaf, now) if field is not None else false()


def holds(node: Mapping[str, Any], ticket: Ticket, now: dt.datetime | None = None) -> tuple[bool, list[Held]]:
    """Whether it is true of this ticket, and of each leaf whether it held."""
    told: list[Held] = []
    return _holds(node, ticket, now or clock.now(), told), told


def _holds(node: Mapping[str, Any], ticket: Ticket, now: dt.datetime, told: list[Held]) -> bool:
    if not node:
        return True
    for group, join in (("all", all), ("any", any)):
        if group in node:
            results = [_holds(one, ticket, now, told) for one in node[group]]
            return join(results) if results else True
    if "not" in node:
        return not _holds(node["not"], ticket, now, told)
    leaf = Leaf.of(node)
    field = field_of(leaf.field)
    held = field is not None and field.holds(leaf, ticket, now)
    told.append(Held(leaf, held))
    return held


def leaves(node: Mapping[str, Any]) -> Iterator[Leaf]:
    for group in GROUPS:
        for one in node.get(group, ()):
            yield from leaves(one)
    if "not" in node:
        yield from leaves(node["not"])
    if "field" in node:
        yield Leaf.of(node)


def check(node: Any, depth: int = 0) -> None:
    """Raise Invalid with a sentence for what is no node. What a choice names may be gone: that is for people to see."""
    if not isinstance(node, dict) or depth > DEEPEST:
        raise Invalid(_("The conditions are nested too deeply or written wrongly."))
    if not node:
        return
    if len(node) == 1 and (group := next(iter(node))) in (*GROUPS, "not"):
        inside = [node["not"]] if group == "not" else node[group]
        if not isinstance(inside, list):
            raise Invalid(_("The conditions are nested too deeply or written wrongly."))
        for one in inside:
            check(one, depth + 1)
    else:
        check_leaf(Leaf.of(node))
    if depth == 0 and len(list(leaves(node))) > MOST:
        raise Invalid(_("A rule has at most %(most)s conditions.", most=MOST))


def check_leaf(leaf: Leaf) -> None:
    field = field_of(leaf.field)
    if field is None:
        raise Invalid(_("There is no field “%(name)s”.", name=leaf.field[:LONGEST_TEXT]))
    if leaf.op not in field.ops:
        raise Invalid(_("“%(field)s” cannot be asked that way.", field=str(field.label)))
    if field.kind == "choice" and not leaf.value:
        raise Invalid(_("Please choose at least one value for “%(field)s”.", field=str(field.label)))
    if field.kind in ("text", "tag") and leaf.op != "empty" and not 0 < len(leaf.text.strip()) <= LONGEST_TEXT:
        raise Invalid(
            _("Please write 1 to %(most)s characters for “%(field)s”.", most=LONGEST_TEXT, field=str(field.label))
        )
    if field.kind in ("number", "age") and not (_is_id(leaf.text) and int(leaf.text) <= MOST_NUMBER):
        raise Invalid(_("Please write a whole number for “%(field)s”.", field=str(field.label)))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _int(text: str) -> int:
    return min(int(text), MOST_NUMBER) if _is_id(text) else 0
