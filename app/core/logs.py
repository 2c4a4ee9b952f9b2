"""What the desk's processes say of themselves: one line an event, JSON in production, readable on a terminal in the demo.

A line holds the fields on a list and nothing else. What a person typed, a secret, a link that lets somebody in, a mail's
words: none of these is on it, so a careless line elsewhere cannot tell them.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, g, request
from gunicorn.glogging import Logger
from sqlalchemy import event, inspect
from structlog.contextvars import bound_contextvars

from app.core.extensions import db

FIELDS = (
    "timestamp", "level", "process", "logger", "event", "request_id", "actor_kind", "actor_id", "source", "method", "route", "status", "ms", "statements",
    "job", "outbox_id", "rows", "error", "trace",
)  # fmt: skip
"""What a line may hold, in this order."""
LONGEST = {"event": 1000, "error": 300, "trace": 12_000}
SECRETS = (
    re.compile(r"(?i)((?:pass(?:word|wd)?|secret|token|key|authorization|cookie|code)[\"']?\s*[=:]\s*[\"']?)(?:bearer\s+|basic\s+)?[^\s\"',;&)}\]]+"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)\S+"),
    re.compile(r"(\w://[^/\s:@]*:)[^@\s/]+(?=@)"),
    re.compile(r"(/(?:welcome|link|password|prove|upload|say)/)[\w.~-]+"),
    re.compile(r"(\bdsk_)[\w-]+"),
)  # fmt: skip
"""For the words of other people's libraries, whose errors name addresses with their passwords."""
HINTS = re.compile(
    r"(?i)pass|pwd|secret|token|key|authorization|cookie|code|bearer|basic|://|/welcome/|/link/|/prove/|/upload/|/say/|dsk_"
)
"""One of these stands wherever a pattern of SECRETS finds something: a line without one is looked at once, not five times."""
GIVEN_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
log = logging.getLogger(__name__)
Event = MutableMapping[str, Any]


def install(app: Flask) -> None:
    """Request ids and a line for each request. To be called inside an app context."""
    app.before_request(_begin)
    app.after_request(_tell)
    event.listen(db.engine, "before_cursor_execute", _count)
    if not app.config.get("TESTING"):
        configure(bool(app.config["PRODUCTION"]))


def configure(production: bool, stream: Any = None) -> None:
    """For everything that logs in this process and those it forks."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True), _process, _error, only_listed,
    ]  # fmt: skip
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(FIELDS), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json if production else as_text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("app").setLevel(logging.INFO)
    log.setLevel(logging.INFO if production else logging.WARNING)


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Inside, every line says so too."""
    with bound_contextvars(**fields):
        yield


def _begin() -> None:
    """nginx's own id where it stands before us, so that its log and ours can be laid side by side."""
    from flask import current_app

    given = request.headers.get("X-Request-ID", "") if current_app.config["PROXIES"] else ""
    g.request_id = given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    g.request_began, g.statements = time.perf_counter(), 0
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _tell(response: Response) -> Response:
    """The rule of the address, never the address itself: it may hold a link that lets somebody in, or words of a search."""
    response.headers["X-Request-ID"] = g.get("request_id", "")
    person = g.get("api_caller") or g.get("portal_customer") or g.get("_login_user")
    level = logging.WARNING if response.status_code >= 500 else logging.INFO
    log.log(
        level,
        "request",
        extra={
            "method": request.method, "route": request.url_rule.rule if request.url_rule else "-", "status": response.status_code,
            "ms": round((time.perf_counter() - g.get("request_began", time.perf_counter())) * 1000, 1), "statements": g.get("statements", 0),
            "actor_kind": str(getattr(person, "kind", "") or ("customer" if g.get("portal_customer") else "")), "actor_id": _id_of(person),
        },
    )  # fmt: skip
    return response


def _id_of(person: object) -> object:
    """Of a row that a commit has let go of, without reading it anew."""
    row = inspect(person, raiseerr=False)
    return row.identity[0] if row is not None and row.identity else getattr(person, "id", None)


def _count(*_: object) -> None:
    if g:
        g.statements = g.get("statements", 0) + 1


def _process(_logger: object, _name: str, line: Event) -> Event:
    line["process"] = f"{_called(os.getpid(), int(time.monotonic()) // 60)}:{os.getpid()}"
    return line


@functools.lru_cache(8)
def _called(_pid: int, _minute: int) -> str:
    """The supervisor's children have a name of their own; a unit is called by its word. Looked up once a minute."""
    try:
        name = Path("/proc/self/comm").read_text().strip()
    except OSError:
        name = ""
    if name.startswith("desk-"):
        return name.removeprefix("desk-")
    called = Path(sys.argv[0]).stem
    return "web" if called == "gunicorn" else sys.argv[1] if called == "__main__" and len(sys.argv) > 1 else called


def _error(_logger: object, _name: str, line: Event) -> Event:
    """Where it happened, line by line, and the first line of what it said: a database's error goes on with the row it refused."""
    found = line.pop("exc_info", None)
    found = sys.exc_info() if found is True else found
    if found and found[1] is not None:
        said = str(found[1]).strip().partition("\n")[0]
        line["error"] = f"{type(found[1]).__name__}: {said}"
        line["trace"] = "".join(traceback.format_tb(found[2]))
    return line


def only_listed(_logger: object, _name: str, line: Event) -> Event:
    kept = {name: line[name] for name in FIELDS if line.get(name) not in (None, "")}
    for name, value in kept.items():
        if isinstance(value, str):
            kept[name] = scrubbed(value)[: LONGEST.get(name, 200)]
    return {**kept, **{name: value for name, value in line.items() if name in ("_record", "_from_structlog")}}


def scrubbed(text: str) -> str:
    if HINTS.search(text) is None:
        return text
    for pattern in SECRETS:
        text = pattern.sub(r"\1***", text)
    return text


def as_json(_logger: object, _name: str, line: Event) -> str:
    """One line of ASCII: line breaks and terminal codes in a name cannot make a second line, or a coloured one."""
    return json.dumps(line, default=str)


def as_text(_logger: object, _name: str, line: Event) -> str:
    trace = line.pop("trace", "")
    told = [
        f"{name}={value}"
        for name, value in line.items()
        if name not in ("timestamp", "level", "process", "logger", "event")
    ]
    text = f"{line.get('level', ''):<8}{line.get('event', '')} {' '.join(told)}".rstrip()
    safe = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    return f"{safe}\n{trace}".rstrip()


class GunicornLogger(Logger):
    """gunicorn's own words by the same way; its access log is ours."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure(os.environ.get("DESKHAND_PROFILE") == "production")
        for theirs in (self.error_log, self.access_log):
            theirs.handlers[:] = []
            theirs.propagate = True
        self.access_log.setLevel(logging.CRITICAL)
