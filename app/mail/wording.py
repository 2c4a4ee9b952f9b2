"""An admin's own words for the desk's mails: a small language of names and conditions, that cannot loop, call or look behind a value."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from flask import current_app
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from jinja2 import TemplateError, TemplateSyntaxError, nodes

from app.core.database import put
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.core.language import of_desk
from app.mail import outgoing, templates
from app.mail.models import ALL, EmailTemplate
from app.mail.sampling import sample
from app.mail.templates import Written
from app.mail.wordable import EXAMPLES, LABELS, WORDABLE, names_of

LONGEST = 10_000
MOST_MARKS = 300
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.If, nodes.Const, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or,
)  # fmt: skip
"""Everything that may stand in a template. What it writes is at most as long as its words and values: no loop, no sum, no call."""
log = logging.getLogger(__name__)


def written(kind: str, words: Mapping[str, Any], own: str | None) -> Written:
    """The mail in the admin's `own` words if there are any, else in the desk's. To an address nobody proved only the desk's go."""
    if own is None or (kind in outgoing.TO_STRANGERS and not words["proven"]):
        return templates.write(kind, words)
    try:
        return templates.write_own(own, named(words))
    except (
        TemplateError,
        templates.TooMuch,
    ) as problem:  # written for another version, say: the mail goes all the same
        log.warning("the own words for %s cannot be filled in, the desk's are sent: %s", kind, problem)
        return templates.write(kind, words)


def source_of(kind: str, language: str = ALL) -> str:
    """The admin's words for this language, or those to begin with."""
    own = own_of(kind, language)
    if own is not None:
        return own.source
    with force_locale(language or of_desk()):
        return str(WORDABLE[kind].start)


def own_of(kind: str, language: str = ALL) -> EmailTemplate | None:
    return db.session.get(EmailTemplate, (known(kind), known_language(language)))


def keep(kind: str, source: str, by: str, language: str = ALL) -> None:
    """From now on mails of this kind to readers of this language say this. Raises Invalid with what is wrong."""
    words = checked(kind, source)
    put(EmailTemplate(kind=known(kind), language=known_language(language), source=words, changed_by=by))


def reset(kind: str, language: str = ALL) -> None:
    """Back to the desk's words."""
    own = own_of(kind, language)
    if own is not None:
        db.session.delete(own)


def checked(kind: str, source: str) -> str:
    source = source.replace("\r\n", "\n").strip()
    wrong = _wrong(known(kind), source)
    if wrong:
        raise Invalid(_("The template is not right yet."), {"source": wrong})
    return source


def preview(kind: str, source: str, words: Mapping[str, Any] | None = None) -> Written:
    """How it would read: with these words, or about invented people."""
    try:
        return templates.write_own(checked(kind, source), named(words or sample()))
    except templates.TooMuch as problem:
        raise Invalid(str(problem), {"source": str(problem)}) from problem


def known(kind: str) -> str:
    if kind not in LABELS:
        raise NotThere(_("There is no such mail."))
    return kind


def known_language(language: str) -> str:
    if language != ALL and language not in current_app.config["LANGUAGES"]:
        raise NotThere(_("The desk does not speak this language."))
    return language


def _wrong(kind: str, source: str) -> str | None:
    if not source or len(source) > LONGEST:
        return _("Please write at least a word, and at most %(most)s characters.", most=LONGEST)
    try:
        tree = templates.environment().parse(source)
    except TemplateSyntaxError as problem:
        return _("Line %(line)s: %(what)s", line=problem.lineno, what=problem.message)
    except RecursionError:
        return _("These are too many conditions and names.")
    used: set[str] = set()
    names = set(names_of(kind))
    for count, node in enumerate(_all(tree)):
        if count > MOST_MARKS:
            return _("These are too many conditions and names.")
        problem_here = _refused(node, used, names)
        if problem_here:
            return _("Line %(line)s: %(what)s", line=node.lineno, what=problem_here)
    needed = WORDABLE[kind].needed
    return _("It has to say {{ %(name)s }}.", name=needed) if needed and needed not in used else None


def _all(tree: nodes.Node) -> list[nodes.Node]:
    found = [tree]
    for node in found:
        found.extend(node.iter_child_nodes())
    return found


def _refused(node: nodes.Node, used: set[str], names: set[str]) -> str | None:
    if not isinstance(node, ALLOWED):
        return _("only names such as {{ to }} and conditions are understood here.")
    if isinstance(node, nodes.Getattr):
        name = f"{node.node.name if isinstance(node.node, nodes.Name) else '?'}.{node.attr}"
        used.add(name)
        return None if name in names else _no_such(name, names)
    if isinstance(node, nodes.Name):
        used.add(node.name)
        whole = any(name.startswith(f"{node.name}.") for name in names)
        return None if whole or node.name in names else _no_such(node.name, names)
    return None


def _no_such(name: str, names: set[str]) -> str:
    near = get_close_matches(name, sorted(names), 1)
    if near:
        return _("there is no %(name)s in this mail. Did you mean %(near)s?", name=name, near=near[0])
    return _("there is no %(name)s in this mail.", name=name)


def named(words: Mapping[str, Any]) -> dict[str, Any]:
    """Plain words under the names a template knows; what a mail is not about is empty rather than missing."""
    empty: dict[str, Any] = {}
    for name in EXAMPLES:
        first, _dot, part = name.partition(".")
        if part:
            empty.setdefault(first, {})[part] = ""
        else:
            empty[first] = ""
    given = {name: {**empty[name], **(words.get(name) or {})} for name in ("ticket", "entry", "task", "documents")}
    if words["ticket"] is None and words["reference"]:
        given["ticket"]["number"] = words["reference"]  # all that a supplier learns of it
    given["documents"]["list"] = _papers(words.get("documents"))
    return {
        **empty,
        **words,
        **words["said"],
        **given,
        "figures": words["said"].get("lines", ""),
        "notices": _notices(words),
    }


def _papers(documents: Mapping[str, Any] | None) -> str:
    """What was asked for, a line each."""
    slots = documents["slots"] if documents else ()
    return "\n".join(
        f"- {slot['name']}{_(':')} {slot['label']}" + (f" ({slot['takes']})" if slot["missing"] else "")
        for slot in slots
    )


def _notices(words: Mapping[str, Any]) -> str:
    """A ticket's name, what happened to it, a line each, and where to read it."""
    lines: list[str] = []
    for group in words.get("groups", ()):
        lines += [group["title"], *(f"- {line['what']} · {line['at']}" for line in group["lines"]), group["url"], ""]
    left = words.get("left", 0)
    return "\n".join(
        lines + ([ngettext("And %(num)d more in the desk.", "And %(num)d more in the desk.", left)] if left else [])
    )
