"""The forms of the desk, read from its own pages: which address each is sent to, with which fields, and what a person would send."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.security import sweep
from tests.security.world import Who, World

FILLING = {"email": "someone@form.test", "number": "2", "date": "2026-11-02", "datetime-local": "2026-11-02T10:00", "time": "10:00", "url": "https://form.test", "color": "#336699"}  # fmt: skip
"""By the type of a field that stands empty."""
BY_NAME = {
    "email": "someone@form.test",
    "rank": "1",
    "slug": "something-new",
    "position": "7",
    "first_response_minutes": "60",
    "password": "a long sentence of words",
    "again": "a long sentence of words",
    "old": "correct horse battery",
    "domain": "form.test",
    "customer": "someone@form.test",
    "sender": "someone@form.test",
}
NOT_SENT = ("submit", "image", "reset", "file")


@dc.dataclass
class Field:
    """One name of a form: what it would send, and what else it offers."""

    name: str
    value: str | None
    kind: str
    choices: list[str] = dc.field(default_factory=list)


@dc.dataclass
class Form:
    """A form that changes something."""

    path: str
    fields: list[Field] = dc.field(default_factory=list)
    who: Who = Who.SUPER
    """Who was shown it."""

    def filled(self) -> list[tuple[str, str]]:
        """As somebody sends it who types something into each empty field."""
        return [(field.name, field.value) for field in self.fields if field.value is not None]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(field.name for field in self.fields))


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.forms, self.inside = path, [], None  # type: ignore[var-annotated]
        self.select: Field | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._open(given)
        elif tag in ("input", "textarea", "select", "button") and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self.select is not None:
            self._option(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "select":
            self.select = None

    def _open(self, given: dict[str, str]) -> None:
        if given.get("method", "get").lower() == "post":
            path = urlsplit(given.get("action") or self.path).path
            self.inside = Form(path or self.path)
            self.inside.id = given.get("id", "")  # type: ignore[attr-defined]
            self.forms.append(self.inside)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form = self.inside or next((one for one in self.forms if one.id and one.id == given.get("form")), None)
        if form is None:
            return
        kind = given.get("type", "text").lower() if tag == "input" else tag
        field = Field(given["name"], self._value(kind, given), kind)
        if kind == "button" or kind in NOT_SENT:
            field.value, field.choices = None, [given.get("value", "")]
        form.fields.append(field)
        self.select = field if tag == "select" else self.select

    def _value(self, kind: str, given: dict[str, str]) -> str | None:
        if kind in ("checkbox", "radio"):
            return given.get("value", "on") if "checked" in given else None
        if kind == "select":
            return None
        return given.get("value") or BY_NAME.get(given["name"]) or FILLING.get(kind) or ("" if kind == "hidden" else "something new")  # fmt: skip

    def _option(self, given: dict[str, str]) -> None:
        assert self.select is not None
        value = given.get("value", "")
        self.select.choices.append(value)
        if "selected" in given or (self.select.value is None and value):
            self.select.value = value


def read(page: str, path: str) -> list[Form]:
    reader = _Reader(path)
    reader.feed(page)
    return reader.forms


def of_desk(app: Flask, world: World) -> dict[str, Form]:
    """By rule: the fullest form of any page that is sent there; of two alike the one of the person who sees most."""
    found: dict[str, Form] = {}
    for visit in _pages(app, world):
        for form in read(visit.body.decode("utf-8", "replace"), urlsplit(visit.path).path):
            rule = rule_of(app, form.path)
            if rule and len(form.fields) > len(found[rule].fields if rule in found else []):
                form.who = visit.who
                found[rule] = form
    return found


def _pages(app: Flask, world: World) -> Iterator[sweep.Visit]:
    for rule in sweep.rules(app, "GET"):
        if rule.rule.startswith(("/static", "/api/")):
            continue
        whose, path = next(sweep.addresses(rule, world))
        for who in (Who.SUPER, Who.AGENT, Who.CUSTOMER, Who.ANONYMOUS):
            came = sweep.visit(app, world, who, rule.rule, whose, path + _asked(rule.rule, world))
            if came.status == 200 and came.headers.get("Content-Type", "").startswith("text/html"):
                yield came


def _asked(rule: str, world: World) -> str:
    """What a page must be asked for before it shows its form."""
    return f"?with={world.own['number']}&with={world.foreign['number']}" if rule == "/admin/tickets/merge" else ""


def rule_of(app: Flask, path: str) -> str | None:
    """The rule that takes a POST of this address."""
    try:
        return app.url_map.bind("localhost").match(path, method="POST", return_rule=True)[0].rule
    except HTTPException:
        return None
