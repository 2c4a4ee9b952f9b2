"""What the palette (Ctrl+K) offers besides what stands on the page: asked for when it is opened, within the person's rights."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, g, jsonify, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.accounts import rights
from app.accounts.models import Customer
from app.core.extensions import db
from app.desk import lookups, moments, pickers, tabs
from app.desk.listing import Listing, is_id
from app.desk.workspace import LARGEST_NUMBER, find
from app.tickets import canned, macros
from app.tickets.choices import Tag
from app.tickets.models import Ticket

CUSTOMERS = 6
LEAST_LETTERS = 2


class Offer(NamedTuple):
    """A line of the palette. One of the last four says what choosing it does."""

    words: str
    group: str
    post: str = ""
    """An address that is sent `fields`; the page is drawn anew."""
    fields: dict[str, str] = {}
    go: str = ""
    sheet: str = ""
    """A page that opens over this one."""
    insert: str = ""
    """A text for the composer."""

    @property
    def told(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if value}


class PaletteView(BaseView):
    route_base = "/admin/palette"
    class_permission_name = "Ticket"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Response:
        """With `q` customers by name; else all that can be done to the ticket `number`, and where one can go."""
        words, number = request.args.get("q", "").strip()[:60], request.args.get("number", "")
        if words:
            return jsonify(items=[one.told for one in _customers(words)])
        here = _here(find(int(number), g.user)) if is_id(number) and int(number) <= LARGEST_NUMBER else []
        return jsonify(items=[one.told for one in (*here, *_places())])


def _here(ticket: Ticket) -> list[Offer]:
    """On the open ticket."""
    save, names, group = f"/admin/tickets/{ticket.number}/properties", lookups.of_ticket(ticket.id), _("This ticket")
    found = [
        Offer(
            _("Macro: %(name)s", name=one.name),
            _("Macros"),
            sheet=f"/admin/tickets/{ticket.number}/macros/{one.id}/preview",
        )
        for one in macros.offered(g.user, ticket)
    ]

    def each(verb: str, field: str, words: str, rows: list[tuple[Any, str]], current: Any) -> None:
        if rights.may(g.user, verb):
            found.extend(
                Offer(f"{words} {name}", group, save, {field: str(key)}) for key, name in rows if key != current
            )

    people = [(one.id, one.name if one.id != g.user.id else _("me")) for one in pickers.candidates(ticket, names)]
    each("assign", "assignee", _("Assign to"), [*people, ("nobody", _("nobody"))], ticket.assignee_id or "nobody")
    each(
        "status",
        "status",
        _("Status:"),
        [(row.id, row.name) for row in names.steps(g.user, ticket.status_id)],
        ticket.status_id,
    )
    for verb, word in (("priority", _("Priority:")), ("department", _("Move to")), ("category", _("Category:"))):
        each(verb, verb, word, [(row.id, row.name) for row in names.active(verb)], getattr(ticket, f"{verb}_id"))
    if ticket.live:
        each(
            "status",
            "snooze",
            _("Snooze:"),
            [(one.value, one.words) for one in moments.choices(*moments.SNOOZES)],
            None,
        )
    if rights.may(g.user, "tag"):
        have = {row.id for row in names.all("tag")}
        tags = f"/admin/tickets/{ticket.number}/tags"
        found += [
            Offer(_("Add the tag %(name)s", name=one.name), group, tags, {"add": one.name})
            for one in _tags()
            if one.id not in have
        ]
    if rights.may(g.user, "reply"):
        found += [
            Offer(
                _("Insert: %(name)s", name=one.title),
                _("Canned responses"),
                insert=canned.filled(one.body, ticket, g.user),
            )
            for one in canned.offered(ticket, g.user)
        ]
    return found


def _tags() -> list[Tag]:
    return list(db.session.scalars(select(Tag).order_by(Tag.name).limit(200)))


def _places() -> list[Offer]:
    """Saved views, and what can be begun."""
    views = [
        Offer(
            _("View: %(name)s", name=view.name),
            _("Go to"),
            go=f"/admin/tickets/?{view.query}{'&' if view.query else ''}saved={view.id}",
        )
        for view in tabs.views(lookups.of_list(g.user))
    ]
    begun = [Offer(_("New ticket"), _("Go to"), go="/admin/tickets/new")] if g.user.can("add") else []
    return [*begun, *views]


def _customers(words: str) -> list[Offer]:
    """Whose name or address begins with it, for those who may list them: their tickets."""
    if len(words) < LEAST_LETTERS or not g.user.can("list", "Customer"):
        return []
    begin = words.casefold().replace("\x00", "")
    named = or_(
        Customer.name_key.startswith(begin, autoescape=True), Customer.email_key.startswith(begin, autoescape=True)
    )
    wanted = select(Customer.id, Customer.name, Customer.email).where(named, Customer.active.is_(True))
    rows = db.session.execute(wanted.order_by(Customer.name_key, Customer.id).limit(CUSTOMERS))
    return [
        Offer(
            f"{name or email} ({email})",
            _("Customers"),
            go="/admin/tickets/" + Listing(customer=row_id).address(view="everything"),
        )
        for row_id, name, email in rows
    ]
