"""The help center: articles by topic and by words, open to everybody unless the desk says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, redirect, request
from flask_login import current_user
from sqlalchemy import select

from app.core.extensions import db
from app.kb import finding
from app.kb.models import Article
from app.portal.frame import help_center, page, signed_in_customer
from app.settings import desk
from app.tickets.choices import Category

FEATURED, RELATED = 6, 3
LONGEST_QUERY = 200


@help_center.before_request
def _readers_only() -> Any:
    """Customers and staff read in any case, visitors when the setting says so."""
    if desk.current().help_public or signed_in_customer() is not None or current_user.is_authenticated:
        return None
    return redirect("/portal/login?next=/help/")


@help_center.get("/")
def home() -> Any:
    query = " ".join(request.args.get("q", "").split())[:LONGEST_QUERY]
    if query:
        return page("kb/list.html", title=None, q=query, category=None, articles=finding.matching(query))
    articles = finding.published()
    return page("kb/help.html", topics=_topics(articles), articles=articles[:FEATURED])


def _topics(articles: Sequence[Article]) -> list[Category]:
    """Categories that have something to read."""
    shelves = {
        article.category.id: article.category
        for article in articles
        if article.category is not None and article.category.public and article.category.active
    }
    return sorted(shelves.values(), key=lambda category: (category.position, category.name))


@help_center.get("/all")
def everything() -> Any:
    articles = sorted(finding.published(), key=lambda article: article.title.casefold())
    return page("kb/list.html", q="", category=None, articles=articles)


@help_center.get("/topic/<int:category_id>")
def topic(category_id: int) -> Any:
    shown = select(Category).where(Category.id == category_id, Category.active.is_(True), Category.public.is_(True))
    category = db.session.scalar(shown)
    if category is None:
        abort(404)
    return page(
        "kb/list.html",
        q="",
        category=category,
        articles=[article for article in finding.published() if article.category_id == category.id],
    )


@help_center.get("/<slug>")
def article(slug: str) -> Any:
    found = finding.named(slug) if slug.isprintable() else None
    if found is None:
        abort(404)
    related = [
        other for other in finding.published() if other.category_id == found.category_id and other.id != found.id
    ]
    return page("kb/article.html", article=found, body=found.shown, related=related[:RELATED])
