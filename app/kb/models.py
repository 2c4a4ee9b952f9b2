"""Articles of the help center."""

from __future__ import annotations

import datetime as dt
import re

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock, html
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.model import Base, intpk, longtext
from app.tickets.choices import Category

LONGEST_TITLE = 200
LONGEST_SLUG = 80
WORDS_A_MINUTE = 200
TEASER = 160


class Article(Base):
    """Written by staff in Markdown, read by customers as HTML that was cleaned when it was stored."""

    __tablename__ = "article"
    __table_args__ = (Index("ix_article_shelf", "published", "category_id", "position"),)

    id: Mapped[intpk]
    title: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    """Its address under /help/."""
    body: Mapped[longtext]
    html: Mapped[longtext] = mapped_column(default="")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"), index=True)
    published: Mapped[bool] = mapped_column(default=False)
    asked_often: Mapped[bool] = mapped_column(default=False)
    """Its answer is shown beside the form of a new ticket in its category."""
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    category: Mapped[Category | None] = relationship(Category)

    def settle(self) -> None:
        """Before it is stored: title and address in order, the body turned into HTML that may be shown."""
        self.title = " ".join((self.title or "").split())[:LONGEST_TITLE]
        if not self.title:
            raise Invalid(_("The article is not complete yet."), {"title": _("An article needs a title.")})
        if not (self.body or "").strip():
            raise Invalid(_("The article is not complete yet."), {"body": _("Please write the article.")})
        self.slug = self._free_slug(slugified(self.slug or "") or slugified(self.title) or "article")
        self.html = html.from_markdown(self.body)
        self.position = self.position or 0
        self.updated_at = clock.now()

    def _free_slug(self, wanted: str) -> str:
        """Two articles may bear one title: the second address gets a number."""
        taken = set(
            db.session.scalars(
                select(Article.slug).where(
                    Article.slug.startswith(wanted, autoescape=True), Article.id != (self.id or 0)
                )
            )
        )
        number, slug = 2, wanted
        while slug in taken:
            slug, number = f"{wanted}-{number}", number + 1
        return slug

    @property
    def shown(self) -> Markup:
        """What readers see: it was cleaned when it was stored."""
        return Markup(self.html)

    @property
    def text(self) -> str:
        return html.text_of(self.html)

    @property
    def teaser(self) -> str:
        """The beginning, in one line."""
        line = " ".join(self.text.split())
        return line if len(line) <= TEASER else line[:TEASER].rsplit(" ", 1)[0] + " …"

    @property
    def minutes(self) -> int:
        return max(1, round(len(self.text.split()) / WORDS_A_MINUTE))

    @property
    def address(self) -> str:
        return f"/help/{self.slug}"

    def __str__(self) -> str:
        return self.title


def slugified(text: str) -> str:
    """Letters and digits of any script, with hyphens between the words."""
    return re.sub(r"[\W_]+", "-", text.lower())[:LONGEST_SLUG].strip("-")
