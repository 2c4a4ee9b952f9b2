"""The words of a mail about invented people, in the shape letters.py gives real ones."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup

from app.core import language
from app.mail.quoting import DELIMITER
from app.mail.wordable import EXAMPLES


def sample() -> dict[str, Any]:
    """Everything at once: a template takes what it is about."""
    said = {name: _example(name) for name in ("who", "was", "now", "link", "month")}
    entry = _parts("entry") | {"html": Markup(), "trusted": True}
    return {
        "to": _example("to"), "url": _example("url"), "desk": _parts("desk"), "desk_name": _example("desk.name"), "lang": language.of_this_page(), "proven": True,
        "said": {"outcome": "", "request": "", "near": "", "over": "", "lines": _example("figures"), **said},
        "ticket": _parts("ticket") | {"live": True, "action": _example("ticket.due"), "conversation": False}, "entry": entry, "task": _parts("task"), "documents": _documents(),
        "history": [], "files": [], "asked": None, "subject": _("The printer is on fire"), "delimiter": _(DELIMITER), "reference": _example("ticket.number"), "portal_url": "",
        "preview": "", "keep_link": _example("keep_link"), "solved_link": _example("solved_link"), "why": "", "groups": _groups(), "question": _example("question"), "answers": [{"words": _example("answer"), "url": _example("link"), "score": 1}], "stars": False, "answer": _example("answer"), "comment": "", "many": _example("many"), "left": 0, "stop": _example("stop"), "stop_preferences": _example("stop"),
    }  # fmt: skip


def _example(name: str) -> str:
    return str(EXAMPLES[name][1])


def _parts(of: str) -> dict[str, Any]:
    return {name.partition(".")[2]: _example(name) for name in EXAMPLES if name.startswith(f"{of}.")}


def _documents() -> dict[str, Any]:
    slot = {"name": _("Passport"), "hint": "", "takes": "PDF", "required": True, "missing": True, "label": _("Missing"), "reason": ""}  # fmt: skip
    return {"due": _example("documents.due"), "slots": [slot]}


def _groups() -> list[dict[str, Any]]:
    line = {"what": _("%(who)s mentioned you", who=_example("who")), "at": _example("entry.at")}
    title = f"{_example('ticket.number')} {_example('ticket.subject')}"
    return [{"title": title, "url": _example("url"), "lines": [line]}]
