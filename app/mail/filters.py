"""Filters: what an admin wants done with some of the mail before it is delivered. Asked in their order."""

from __future__ import annotations

import dataclasses as dc
import enum
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import JSON, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.core.extensions import db
from app.core.model import Base, intpk
from app.mail.facts import Facts
from app.tickets.choices import Category, Priority

MOST_CONDITIONS = 12
LONGEST_VALUE = 500
OR = "|"
"""Between words of which one is enough."""


class Verdict(enum.StrEnum):
    """What becomes of the mail."""

    DELIVER = "deliver"
    SPAM = "spam"
    QUARANTINE = "quarantine"
    IGNORE = "ignore"
    REJECT = "reject"


class Field(enum.StrEnum):
    FROM = "from"
    TO = "to"
    MAILBOX = "mailbox"
    SUBJECT = "subject"
    BODY = "body"
    HEADER = "header"
    AUTOMATIC = "automatic"
    SIZE = "size"


class How(enum.StrEnum):
    CONTAINS = "contains"
    LACKS = "lacks"
    EQUALS = "equals"
    STARTS = "starts"
    ENDS = "ends"
    LIKE = "like"
    """With * for any letters."""
    OVER = "over"
    UNDER = "under"
    OTHER = "other"
    YES = "yes"
    NO = "no"


TEXTS = (How.CONTAINS, How.LACKS, How.EQUALS, How.STARTS, How.ENDS, How.LIKE)
HOWS = {
    Field.MAILBOX: (How.EQUALS, How.OTHER),
    Field.AUTOMATIC: (How.YES, How.NO),
    Field.SIZE: (How.OVER, How.UNDER),
}
"""All others are texts."""


@dc.dataclass(frozen=True)
class Condition:
    field: str
    how: str
    value: str = ""
    header: str = ""
    mailbox: int | None = None
    """By its id, so that it may be renamed."""

    def holds(self, facts: Facts) -> bool:
        if self.field == Field.AUTOMATIC:
            return facts.automatic is (self.how == How.YES)
        if self.field == Field.SIZE:
            limit = float(self.value or 0)
            return facts.kilobytes > limit if self.how == How.OVER else facts.kilobytes < limit
        if self.field == Field.MAILBOX:
            return self.mailbox is not None and (facts.taken_by == self.mailbox) is (self.how == How.EQUALS)
        words = [word for each in self.value.casefold().split(OR) if (word := each.strip())]
        texts = facts.texts(self.field, self.header)
        if self.how == How.LACKS:
            return not any(word in text for word in words for text in texts)
        return any(_fits(self.how, text.strip(), word) for word in words for text in texts)


def _fits(how: str, text: str, word: str) -> bool:
    if how == How.CONTAINS:
        return word in text
    if how == How.EQUALS:
        return text == word
    if how == How.STARTS:
        return text.startswith(word)
    return text.endswith(word) if how == How.ENDS else _like(text, word)


def _like(text: str, pattern: str) -> bool:
    """Piece by piece from the left, so that no pattern takes longer than one walk over the text for each of its stars."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return at <= end


class MailFilter(Base):
    """One filter. Its deeds for tickets hold for those that its mails open."""

    __tablename__ = "mail_filter"

    id: Mapped[intpk]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    every: Mapped[bool] = mapped_column(default=True)
    """All conditions have to hold, else one is enough."""
    answers: Mapped[bool] = mapped_column(default=False)
    """Also asked of what belongs to a ticket that is there already."""
    last: Mapped[bool] = mapped_column(default=True)
    """Filters below it are not asked."""
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    verdict: Mapped[Verdict] = mapped_column(default=Verdict.DELIVER)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"))
    priority_id: Mapped[int | None] = mapped_column(ForeignKey("priority.id", ondelete="SET NULL"))
    tags: Mapped[str] = mapped_column(default="")
    """With commas."""

    department: Mapped[Department | None] = relationship(Department)
    category: Mapped[Category | None] = relationship(Category)
    priority: Mapped[Priority | None] = relationship(Priority)

    @property
    def asked(self) -> tuple[Condition, ...]:
        return tuple(Condition(**each) for each in self.conditions)

    @property
    def reads_body(self) -> bool:
        return any(condition.field == Field.BODY for condition in self.asked)

    def fits(self, facts: Facts) -> bool:
        held = [condition.holds(facts) for condition in self.asked]
        return bool(held) and (all(held) if self.every else any(held))

    def __str__(self) -> str:
        return self.name


@dc.dataclass
class Outcome:
    """What the filters that fit say together: of two that name a department the first one counts."""

    verdict: Verdict = Verdict.DELIVER
    name: str = ""
    """Of the filter that gave the verdict."""
    department: Department | None = None
    category: Category | None = None
    priority: Priority | None = None
    tags: tuple[str, ...] = ()

    def add(self, one: MailFilter) -> None:
        self.department = self.department or one.department
        self.category = self.category or one.category
        self.priority = self.priority or one.priority
        self.tags += tuple(tag for each in one.tags.split(",") if (tag := each.strip()))
        self.verdict, self.name = one.verdict, one.name

    @property
    def sentence(self) -> str:
        """For the mail log."""
        return {
            Verdict.QUARANTINE: _("The filter “%(name)s” set it aside.", name=self.name),
            Verdict.IGNORE: _("The filter “%(name)s” ignores it.", name=self.name),
            Verdict.REJECT: _("The filter “%(name)s” rejects it.", name=self.name),
        }.get(self.verdict, "")


def in_order() -> Sequence[MailFilter]:
    wanted = select(MailFilter).order_by(MailFilter.position, MailFilter.id)
    return db.session.scalars(wanted).all()


def judge(facts: Facts, answer: bool) -> Outcome:
    """`answer`: it belongs to a ticket that is there already."""
    outcome = Outcome()
    for one in in_order():
        if one.active and (one.answers or not answer) and one.fits(facts):
            outcome.add(one)
            if one.last or one.verdict is not Verdict.DELIVER:
                break
    return outcome


def refuses(facts: Facts, answer: bool) -> str:
    """The name of the filter that rejects it by its header alone, for a door that can still say no. What a filter above it wants of the
    body nobody knows yet: then the message is taken, and judged once it was read."""
    for one in in_order():
        if not one.active or (answer and not one.answers):
            continue
        if one.reads_body:
            return ""
        if one.fits(facts):
            if one.verdict is Verdict.REJECT:
                return one.name
            if one.last or one.verdict is not Verdict.DELIVER:
                return ""
    return ""
