"""Real messages of other projects' tests, held against what those projects expect of them.

The messages have licences of their own and stay outside: `DESKHAND_CORPUS` names the folder, which holds
`<suite>/<split>/<case>/message.{eml,txt,html,tnef}` and `expected.json`. White space is not compared.
"""

import base64
import html
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from app.mail.preview import describe
from tests.effort import effort

FOLDER = os.environ.get("DESKHAND_CORPUS")
pytestmark = pytest.mark.skipif(not FOLDER, reason="DESKHAND_CORPUS names no folder with other projects' messages")

Case = tuple[str, dict[str, Any], dict[str, Any], str]
"""Suite and name, what is expected, what was read, and the message itself as text."""


def squeezed(text: str | None) -> str:
    return re.sub(r"[\s\u200b\ufeff\u00a0]+", "", text or "")


def untagged(text: str) -> str:
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<!--.*?-->", "", text)
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def words(text: str | None) -> list[str]:
    return re.findall(r"\w+", (text or "").lower())


def share_found(expected: str, text: str) -> float:
    wanted, have = words(expected), set(words(text))
    return sum(word in have for word in wanted) / len(wanted) if wanted else 1.0


def as_mail(raw: bytes, kind: str) -> bytes:
    """A case that is only a body, as a message that a mail program could have sent."""
    if kind == "eml":
        return raw
    content = {
        "text": "text/plain; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "tnef": "application/ms-tnef; name=winmail.dat",
    }
    head = f"From: customer@example.org\r\nSubject: Re: case\r\nContent-Type: {content[kind]}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(raw)


SLOW_SECONDS = 0.2


@cache
def cases() -> list[Case]:
    found: list[Case] = []
    for facts_file in sorted(Path(FOLDER or ".").glob("*/*/*/expected.json")):
        suite = facts_file.parts[-4]
        if suite != "forward_quotequail":  # expects forwards to be cut, which we show
            facts = json.loads(facts_file.read_text())
            raw = next(facts_file.parent.glob("message.*")).read_bytes()
            mail = as_mail(raw, facts["input"])
            started = time.process_time()
            seen = describe(mail)
            if time.process_time() - started > SLOW_SECONDS:  # the machine may have been busy
                seen["effort"] = effort(partial(describe, mail), enough=15)
            found.append(
                (
                    f"{suite} {facts_file.parts[-2]}",
                    {**facts["expect"], "input": facts["input"]},
                    seen,
                    raw.decode("utf-8", "replace"),
                )
            )
    return found


def of(*beginnings: str) -> Iterator[Case]:
    return (case for case in cases() if case[0].startswith(beginnings))


def reply_faults(expected: dict[str, Any], seen: dict[str, Any], whole: str) -> Iterator[str]:
    """`lost`: the sender's words are missing, which is worse than `leak`: quoted words are left in."""
    shown = squeezed(seen["visible_text"])
    if "visible_text" in expected and shown != squeezed(expected["visible_text"]):
        yield "lost" if share_found(expected["visible_text"], seen["visible_text"]) < 0.98 else "leak"
    yield from ("lost" for text in expected.get("visible_contains", ()) if squeezed(text) not in shown)
    yield from ("leak" for text in expected.get("visible_excludes", ()) if squeezed(text) in shown)
    if not shown.startswith(squeezed(expected.get("visible_starts_with"))):
        yield "lost"
    if expected.get("visible_unchanged") and shown != squeezed(
        whole if expected["input"] == "text" else untagged(whole)
    ):
        yield "lost"
    if "visible_html_nospace" in expected and shown != (wanted := squeezed(untagged(expected["visible_html_nospace"]))):
        yield "leak" if wanted in shown else "lost"


def addresses(text: str) -> set[str]:
    return set(re.findall(r"[\w.+-]+@[\w.-]+\w", text.lower()))


def header_faults(expected: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    if isinstance(expected.get("subject"), str) and squeezed(seen["subject"]) != squeezed(expected["subject"]):
        yield "subject"
    if expected.get("from_email") and seen["from"]["address"].lower() != expected["from_email"].lower():
        yield "from"
    name = expected.get("from_name") or expected.get("from_display_name")
    if name and squeezed(seen["from"]["name"]) != squeezed(name):
        yield "from_name"
    for field in ("to", "cc"):
        wanted = expected.get(field) or expected.get(f"{field}_raw") or ""
        if isinstance(wanted, str) and not addresses(wanted) <= {address.lower() for address in seen[field]}:
            yield field
    if expected.get("message_id") and seen["message_id"] != expected["message_id"].strip("<> "):
        yield "message_id"


def body_faults(expected: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    everything = seen["text"] + "\n" + untagged(seen["html"])
    names = {squeezed(file["name"]) for file in seen["attachments"]}
    if not {squeezed(name) for name in expected.get("attachments", ())} <= names:
        yield "attachment names"
    if expected.get("attachment_count", len(seen["attachments"])) != len(seen["attachments"]):
        yield "attachment count"
    if "text_body" in expected and squeezed(seen["text"]) != squeezed(expected["text_body"]):
        yield "text"
    if any(squeezed(text) not in squeezed(everything) for text in expected.get("body_contains", ())):
        yield "body"
    if isinstance(body := expected.get("body"), str):
        if share_found(untagged(body) if "html" in expected.get("content_type", "") else body, everything) < 0.95:
            yield "body"


def verdict_faults(expected: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    return (key for key in ("is_bounce", "is_auto_reply") if key in expected and seen[key] != bool(expected[key]))


def report(faults: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {', '.join(kinds)}" for name, kinds in faults.items() if kinds)


def passed(faults: dict[str, list[str]]) -> float:
    return sum(not kinds for kinds in faults.values()) / len(faults)


def test_the_new_words_of_a_reply_are_told_from_its_history():
    faults = {
        name: list(reply_faults(expected, seen, whole)) for name, expected, seen, whole in of("reply_", "signature_")
    }

    kinds = Counter(kind for found in faults.values() for kind in set(found))
    assert passed(faults) >= 0.86, report(faults)
    assert kinds["lost"] <= max(3, 0.0127 * len(faults)), report(faults)


def test_headers_bodies_and_files_are_read():
    faults = {
        name: [*header_faults(expected, seen), *body_faults(expected, seen), *verdict_faults(expected, seen)]
        for name, expected, seen, _ in of("parse_")
    }

    assert passed(faults) >= 0.945, report(faults)


def test_bounces_and_automatic_answers_are_recognised():
    faults = {name: list(verdict_faults(expected, seen)) for name, expected, seen, _ in of("auto_", "bounce_")}

    assert passed(faults) >= 0.985, report(faults)


def test_no_ordinary_message_is_called_a_bounce():
    assert not [name for name, _, seen, _ in of("reply_", "signature_") if seen["is_bounce"]]
    assert not [name for name, expected, seen, _ in cases() if expected.get("is_bounce") is False and seen["is_bounce"]]


def test_outlooks_envelopes_give_up_their_files():
    faults = {
        name: []
        if sorted(squeezed(file["name"]) for file in seen["attachments"])
        == sorted(map(squeezed, expected["attachments"]))
        else ["files"]
        for name, expected, seen, _ in of("tnef_")
    }

    assert passed(faults) >= 0.96, report(faults)


def test_every_message_is_read_with_little_work_and_none_is_refused():
    assert not [name for name, _, seen, _ in cases() if "error" in seen]
    assert not [name for name, _, seen, _ in cases() if seen.get("effort", 0) >= 15]
