"""The pages that are measured: name -> how they are asked for. Each asks as the browser or program that stands for it would."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from app.bench.desks import get
from app.bench.line import Ask, Line

TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


class Page(NamedTuple):
    name: str
    aim: float
    """Floors at 100,000 tickets."""
    statements: int | None
    """At most, where that is promised."""
    make: Callable[[Scene], Ask]
    writes: bool = False


class Scene:
    """The people and tickets of one desk, and the form tokens of their sessions."""

    def __init__(self, told: Mapping[str, Any], port: int) -> None:
        self.told, self.port = told, port
        self.began = secrets.token_hex(4)
        self._forms: dict[str, tuple[str, str]] = {}

    def as_staff(self, who: str, path: str) -> bytes:
        return get(path, f"Cookie: {self.told[who]}")

    def with_key(self, path: str) -> bytes:
        return get(path, f"Authorization: Bearer {self.told['key']}")

    def post(self, who: str, page: str, path: str, fields: Mapping[str, str]) -> bytes:
        """A form of `page`, with the token that its session was given there."""
        if who not in self._forms:
            answer = Line(self.port).ask(get(page, f"Cookie: {self.told[who]}"))
            found = TOKEN.search(answer.body.decode())
            assert found is not None, (page, answer.status)
            kept = answer.headers.get("set-cookie", str(self.told[who])).partition(";")[0]
            self._forms[who] = kept, found[1]
        cookie, token = self._forms[who]
        body = urlencode({"csrf_token": token, **fields}).encode()
        return _posted(path, body, "application/x-www-form-urlencoded", f"Cookie: {cookie}")

    def post_json(self, path: str, values: Mapping[str, Any]) -> bytes:
        return _posted(
            path, json.dumps(values).encode(), "application/json", f"Authorization: Bearer {self.told['key']}"
        )


def _posted(path: str, body: bytes, kind: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _shown(who: str, path: str) -> Callable[[Scene], Ask]:
    def make(scene: Scene) -> Ask:
        request = scene.as_staff(who, path.format(order=scene.told["order"]))
        return lambda client, turn: request

    return make


def _workspace(scene: Scene) -> Ask:
    """Other tickets than those that are answered: they keep their four messages."""
    numbers = scene.told["tickets"][1::2]
    return lambda client, turn: scene.as_staff(
        "agent", f"/admin/tickets/{numbers[(client * 25 + turn) % len(numbers)]}"
    )


def _reply(scene: Scene) -> Ask:
    numbers = scene.told["tickets"][::2]

    def ask(client: int, turn: int) -> bytes:
        number = numbers[(client * 25 + turn) % len(numbers)]
        body = f"We have looked at it and sent you a replacement. Our mark is {scene.began}-{client}-{turn}."
        fields = {"kind": "reply", "body": body, "then": ""}
        return scene.post("agent", f"/admin/tickets/{number}", f"/admin/tickets/{number}/messages", fields)

    return ask


def _new_ticket(scene: Scene) -> Ask:
    def ask(client: int, turn: int) -> bytes:
        mark = f"{scene.began}-{client}-{turn}"
        fields = {
            "form": mark,
            "subject": f"The printer stopped again {mark}",
            "message": "It worked well until the last update.",
        }
        return scene.post("customer", "/portal/tickets/new", "/portal/tickets/new", fields)

    return ask


def _api_list(scene: Scene) -> Ask:
    request = scene.with_key("/api/v1/tickets")
    return lambda client, turn: request


def _api_create(scene: Scene) -> Ask:
    def ask(client: int, turn: int) -> bytes:
        customer = {"email": "a.program@customer.test", "name": "A Program"}
        values = {
            "subject": f"Order {scene.began}-{client}-{turn}",
            "body": "It has not come yet.",
            "customer": customer,
        }
        return scene.post_json("/api/v1/tickets", values)

    return ask


PAGES = (
    Page("list, agent", 10, 8, _shown("agent", "/admin/tickets/")),
    Page("list, supervisor", 10, 8, _shown("supervisor", "/admin/tickets/")),
    Page("list open + high, agent", 10, 8, _shown("agent", "/admin/tickets/?view=open&priority=3")),
    Page("list open + high, supervisor", 10, 8, _shown("supervisor", "/admin/tickets/?view=open&priority=3")),
    Page("search rare", 8, 8, _shown("supervisor", "/admin/tickets/?view=everything&q={order}")),
    Page("search middling", 12, 8, _shown("supervisor", "/admin/tickets/?view=everything&q=kerberos")),
    Page("search common, agent", 16, 8, _shown("agent", "/admin/tickets/?view=everything&q=refund")),
    Page("search common, supervisor", 16, 8, _shown("supervisor", "/admin/tickets/?view=everything&q=refund")),
    Page("workspace", 10, 12, _workspace),
    Page("dashboard, agent", 12, 12, _shown("agent", "/admin/dashboard/")),
    Page("dashboard, supervisor", 12, 12, _shown("supervisor", "/admin/dashboard/")),
    Page("year report", 15, 12, _shown("supervisor", "/admin/reports/volume?period=days&n=365")),
    Page("reply", 10, None, _reply, writes=True),
    Page("portal list", 6, 5, _shown("customer", "/portal/tickets")),
    Page("new ticket by form", 12, None, _new_ticket, writes=True),
    Page("API list", 5, None, _api_list),
    Page("API create", 10, None, _api_create, writes=True),
)


def chosen(words: str) -> Iterator[Page]:
    """Those whose names begin with one of the words; all for none."""
    wanted = [word.strip().lower() for word in words.split(",") if word.strip()]
    for page in PAGES:
        if not wanted or any(page.name.lower().startswith(word) for word in wanted):
            yield page
