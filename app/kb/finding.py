"""Published articles: by shelf, by words, and those that may answer what somebody is about to ask.

They are few, so they are read as they are and matched here; tickets, which are many, have an index of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.extensions import db
from app.kb.models import Article
from app.kb.words import UNSPACED, fold, stands_in, words

MOST = 2000
"""Articles a search looks at."""
IN_TITLE, IN_TEXT = 4, 1
LONG_ENOUGH = 4
"""Letters of a word that says something: shorter ones stand in every sentence."""


def published() -> Sequence[Article]:
    """All that customers may read, in the order of their shelves."""
    shelves = select(Article).where(Article.published.is_(True)).options(joinedload(Article.category))
    return db.session.scalars(shelves.order_by(Article.position, Article.title, Article.id).limit(MOST)).all()


def named(slug: str) -> Article | None:
    return db.session.scalar(
        select(Article).where(Article.slug == slug, Article.published.is_(True)).options(joinedload(Article.category))
    )


def asked_often(category_id: int | None, limit: int = 5) -> Sequence[Article]:
    wanted = select(Article).where(
        Article.published.is_(True), Article.asked_often.is_(True), Article.category_id == category_id
    )
    return db.session.scalars(wanted.order_by(Article.position, Article.title).limit(limit)).all()


def matching(query: str, limit: int = 20) -> list[Article]:
    """Articles that hold every word of the query, the last one as a beginning; best first."""
    wanted = words(query, most=20)
    if not wanted:
        return []
    scored = [(sum(points), article) for article in published() if all(points := _points(article, wanted))]
    return _best(scored, limit)


def suggestions(query: str, limit: int = 3) -> list[Article]:
    """Articles that share telling words with a subject somebody types; none rather than a wild guess."""
    wanted = [word for word in words(query, most=30) if len(word) >= LONG_ENOUGH or UNSPACED.search(word)]
    if not wanted:
        return []
    scored = [
        (points, article)
        for article in published()
        if (points := sum(_points(article, wanted))) >= min(IN_TITLE, 2 * len(wanted))
    ]
    return _best(scored, limit)


def _points(article: Article, wanted: list[str]) -> list[int]:
    title, text = fold(article.title), fold(article.text)
    last = len(wanted) - 1
    return [
        IN_TITLE if stands_in(word, title, place == last) else IN_TEXT if stands_in(word, text, place == last) else 0
        for place, word in enumerate(wanted)
    ]


def _best(scored: list[tuple[int, Article]], limit: int) -> list[Article]:
    return [article for _points, article in sorted(scored, key=lambda pair: -pair[0])[:limit]]
