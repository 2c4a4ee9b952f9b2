"""A filter of mail as its form says it: what was typed, whether it can be kept, and its words in short."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.accounts.models import Department
from app.core.extensions import db
from app.core.shipped import shown
from app.desk.listing import is_id
from app.mail import boxes
from app.mail.filters import HOWS, LONGEST_VALUE, MOST_CONDITIONS, TEXTS, Condition, Field, How, MailFilter, Verdict
from app.tickets.choices import Category, Priority

FIELDS = {
    Field.FROM: _l("From"), Field.TO: _l("To or CC"), Field.MAILBOX: _l("Mailbox"), Field.SUBJECT: _l("Subject"), Field.BODY: _l("Words of the mail"), Field.HEADER: _l("Header field"),
    Field.AUTOMATIC: _l("Written by a machine"), Field.SIZE: _l("Size in kB"),
}  # fmt: skip
WAYS = {
    How.CONTAINS: _l("contains"), How.LACKS: _l("does not contain"), How.EQUALS: _l("is"), How.STARTS: _l("begins with"), How.ENDS: _l("ends with"), How.LIKE: _l("looks like (* for anything)"),
    How.OVER: _l("is larger than"), How.UNDER: _l("is smaller than"), How.OTHER: _l("is not"), How.YES: _l("yes"), How.NO: _l("no"),
}  # fmt: skip
VERDICTS = {
    Verdict.DELIVER: _l("Deliver it"), Verdict.SPAM: _l("Deliver it as spam"), Verdict.QUARANTINE: _l("Set it aside in quarantine"), Verdict.IGNORE: _l("Ignore it"), Verdict.REJECT: _l("Reject it"),
}  # fmt: skip
ROWS: dict[str, Any] = {"department": Department, "category": Category, "priority": Priority}
SPARE = 2
LONGEST_NAME = 80
LONGEST_TAGS = 200


@dc.dataclass(frozen=True)
class Typed:
    name: str = ""
    active: bool = True
    every: bool = True
    answers: bool = False
    last: bool = True
    verdict: str = Verdict.DELIVER
    tags: str = ""
    rows: Mapping[str, str] = dc.field(default_factory=dict)
    """department, category and priority by their ids."""
    conditions: tuple[Condition, ...] = (Condition(Field.FROM, How.CONTAINS),)

    @classmethod
    def of(cls, one: MailFilter) -> Typed:
        rows = {name: str(getattr(one, f"{name}_id") or "") for name in ROWS}
        return cls(one.name, one.active, one.every, one.answers, one.last, one.verdict, one.tags, rows, one.asked)

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Typed:
        def text(name: str, longest: int = LONGEST_VALUE) -> str:
            return " ".join(form.get(name, "").replace("\x00", "").split())[:longest]

        conditions = (
            Condition(form.get(f"field-{at}", ""), form.get(f"how-{at}", ""), text(f"value-{at}"), text(f"header-{at}", 100), _number(form.get(f"mailbox-{at}", "")))
            for at in range(MOST_CONDITIONS)
            if f"field-{at}" in form
        )  # fmt: skip
        return cls(
            text("name", LONGEST_NAME), "active" in form, form.get("every") != "any", "answers" in form, "last" in form, form.get("verdict", ""),
            text("tags", LONGEST_TAGS), {name: form.get(name, "") for name in ROWS}, tuple(each for each in conditions if _written(each)),
        )  # fmt: skip

    @property
    def longer(self) -> Typed:
        """With one more row that is empty."""
        return dc.replace(self, conditions=(*self.conditions, Condition(Field.SUBJECT, How.CONTAINS))[:MOST_CONDITIONS])

    @property
    def values(self) -> dict[str, str]:
        return {"name": self.name, "verdict": self.verdict, "tags": self.tags, **self.rows}


def _number(typed: str) -> int | None:
    return int(typed) if is_id(typed) else None


def _written(condition: Condition) -> bool:
    """A row whose value was left empty says nothing; that a machine wrote it, and to which mailbox, needs none."""
    return bool(condition.value) or condition.field in (Field.AUTOMATIC, Field.MAILBOX)


def offers() -> dict[str, list[tuple[str, str]]]:
    """What stands in the form's lists."""
    rows = {name: [(str(row.id), str(row)) for row in db.session.scalars(select(kind).order_by(kind.id))] for name, kind in ROWS.items()}  # fmt: skip
    return {
        **rows, "field": [(key, str(said)) for key, said in FIELDS.items()], "how": [(key, str(said)) for key, said in WAYS.items()],
        "verdict": [(key, str(said)) for key, said in VERDICTS.items()], "mailbox": [(str(box_id), name) for box_id, name in _mailboxes().items()],
    }  # fmt: skip


def errors(typed: Typed, naming: bool = True) -> dict[str, str]:
    """`naming`: it is to be kept, and needs a name."""
    wrong: dict[str, str] = {}
    if naming and not typed.name:
        wrong["name"] = _("Please give it a name.")
    if typed.verdict not in VERDICTS:
        wrong["verdict"] = _("Please choose again.")
    for name, kind in ROWS.items():
        given = typed.rows.get(name, "")
        if given and (not is_id(given) or db.session.get(kind, int(given)) is None):
            wrong[name] = _("This choice does not exist (any more).")
    if not typed.conditions:
        wrong["conditions"] = _("A filter without a condition would fit every mail. Please write one.")
    for at, condition in enumerate(typed.conditions):
        if sentence := _wrong(condition):
            wrong[f"{'mailbox' if condition.field == Field.MAILBOX else 'value'}-{at}"] = sentence
    return wrong


def _wrong(condition: Condition) -> str:
    if condition.field not in FIELDS:
        return _("Please choose again.")
    if condition.how not in HOWS.get(Field(condition.field), TEXTS):
        return _(
            "“%(field)s” cannot be asked this way. Please choose another one.", field=FIELDS[Field(condition.field)]
        )
    if condition.field == Field.HEADER and not condition.header:
        return _("Please name the header field, such as X-Spam-Flag.")
    if condition.field == Field.MAILBOX and condition.mailbox not in _mailboxes():
        return _("Please choose the mailbox.")
    if condition.field == Field.SIZE and not (condition.value.isdecimal() and len(condition.value) < 7):
        return _("Please write a whole number of kB.")
    return ""


def write(typed: Typed, one: MailFilter) -> None:
    """What `errors` found nothing wrong with."""
    one.name, one.active, one.every, one.answers, one.last = (
        typed.name, typed.active, typed.every, typed.answers, typed.last,
    )  # fmt: skip
    one.verdict, one.tags = Verdict(typed.verdict), typed.tags
    one.conditions = [dc.asdict(condition) for condition in typed.conditions]
    for name in ROWS:
        setattr(one, f"{name}_id", int(typed.rows[name]) if typed.rows.get(name) else None)


def _mailboxes() -> dict[int, str]:
    return {box.id: shown(box.name) for box in boxes.in_force().all if box.id is not None}


def said(one: MailFilter) -> str:
    """What it asks, in short."""
    between = _("and") if one.every else _("or")
    return f" {between} ".join(_condition(condition) for condition in one.asked)


def _condition(condition: Condition) -> str:
    field = condition.header or (FIELDS[Field(condition.field)] if condition.field in FIELDS else condition.field)
    how = WAYS[How(condition.how)] if condition.how in WAYS else condition.how
    if condition.field == Field.MAILBOX:
        return f"{field} {how} {_mailboxes().get(condition.mailbox or 0, _('(gone)'))}"
    return f"{field} {how} {condition.value}".strip()
