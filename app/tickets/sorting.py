"""What a ticket is filed under: priority, category, department, tags, subject, hidden or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.customers import JOINERS
from app.accounts.models import Department
from app.accounts.viewer import Actor
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets.choices import Category, Priority, Tag
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand

LONGEST_SUBJECT = 200
LONGEST_TAG = 40


def clean_line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """One line without control characters, cut to `longest`: a subject may end up in a mail's header."""
    return " ".join("".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in text).split())[
        :longest
    ].strip()


def _whole(text: str, longest: int, field: str) -> str:
    """One line, as a person typed it: what is too long is refused, for cutting it would lose words unseen."""
    line = clean_line(text, len(text))
    if len(line) > longest:
        sentence = _("At most %(most)s characters.", most=longest)
        raise Invalid(sentence, {field: sentence})
    return line


class Sorted(Timeline):
    if TYPE_CHECKING:  # columns and relations of the whole ticket
        subject: str
        hidden_from_client: bool
        department: Department
        category: Category | None
        priority: Priority
        tags: list[Tag]

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), active_history=True)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), active_history=True)
    priority_id: Mapped[int] = mapped_column(ForeignKey("priority.id"), active_history=True)
    priority_rank: Mapped[int] = mapped_column(default=2)
    """Kept from the priority, for "urgent" and for sorting."""

    def set_priority(self, priority: Priority, by: Actor) -> None:
        demand(by, "priority", self)
        if priority.id != self.priority_id:
            was: Priority = self.priority
            self.priority, self.priority_id, self.priority_rank = priority, priority.id, priority.rank
            self.record(
                Did.PRIORITY_CHANGED,
                by,
                was=was.name,
                now=priority.name,
                was_id=was.id,
                now_id=priority.id,
                rank_was=was.rank,
                rank=priority.rank,
            )

    def set_category(self, category: Category | None, by: Actor) -> None:
        demand(by, "category", self)
        if (category.id if category else None) != self.category_id:
            was: Category | None = self.category
            self.category, self.category_id = category, category.id if category else None
            self.record(
                Did.CATEGORY_CHANGED, by, was=was.name if was else None, now=category.name if category else None,
                was_id=was.id if was else None, now_id=category.id if category else None,
            )  # fmt: skip
            self.release_if_lost()  # type: ignore[attr-defined]

    def move_to(self, department: Department, by: Actor) -> None:
        """Transfer: the new department sees it from now on; an assignee without access loses it."""
        demand(by, "department", self)
        if department.id != self.department_id:
            was: Department = self.department
            self.department, self.department_id = department, department.id
            self.record(
                Did.DEPARTMENT_CHANGED, by, was=was.name, now=department.name, was_id=was.id, now_id=department.id
            )
            self.release_if_lost()  # type: ignore[attr-defined]

    def rename(self, subject: str, by: Actor) -> None:
        demand(by, "status", self)
        subject = _whole(subject, LONGEST_SUBJECT, "subject")
        if not subject:
            raise Invalid(_("A ticket needs a subject."), {"subject": _("Please write a few words.")})
        if subject != self.subject:
            was, self.subject = self.subject, subject
            self.record(Did.SUBJECT_CHANGED, by, was=was, now=subject)

    def tag(self, name: str, by: Actor) -> None:
        demand(by, "tag", self)
        name = _whole(name, LONGEST_TAG, "tag").casefold()
        if not name:
            raise Invalid(_("A tag needs a name."), {"tag": _("Please write a word.")})
        if name not in {tag.name for tag in self.tags}:
            tag = db.session.scalar(select(Tag).where(Tag.name == name)) or Tag(name=name)
            self.tags.append(tag)
            self.record(Did.TAGGED, by, tag=name, tag_id=tag.id)

    def untag(self, name: str, by: Actor) -> None:
        demand(by, "tag", self)
        for tag in [tag for tag in self.tags if tag.name == name.strip().casefold()]:
            self.tags.remove(tag)
            self.record(Did.UNTAGGED, by, tag=tag.name, tag_id=tag.id)

    def hide(self, by: Actor, hidden: bool = True) -> None:
        """Hidden from the client: neither portal nor mail shows it to customers."""
        demand(by, "hide", self)
        if hidden != self.hidden_from_client:
            self.hidden_from_client = hidden
            self.record(Did.HIDDEN if hidden else Did.SHOWN, by)
