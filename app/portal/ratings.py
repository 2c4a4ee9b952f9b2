"""How we did, by the link of a mail: one question without an account, and nothing else of its ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _

from app.accounts.viewer import CustomerActor
from app.core import limits
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.portal.frame import page, portal, typed
from app.satisfaction import giving, links, words
from app.satisfaction.giving import Answer
from app.satisfaction.links import LinkOver
from app.satisfaction.models import Rating


@portal.get("/rating/<token>")
def show_rating(token: str) -> Any:
    """`score` in the address chooses an answer and gives none: mail scanners open every link."""
    return _page(_by_link(token), values={"score": request.args.get("score", "")[:2]})


@portal.post("/rating/<token>")
def rate_by_link(token: str) -> Any:
    rating = _by_link(token)
    try:
        limits.spend(Limit.REPLY, f"customer {rating.customer_id}")
        giving.give(rating, Answer(typed("score"), typed("comment")), by=CustomerActor.of(rating.customer))
    except (Invalid, TooMany) as refusal:
        db.session.rollback()
        return _page(_by_link(token), refusal.code, request.form, giving.beside(refusal))
    db.session.commit()
    flash(_("Thank you. That helps us."))
    return redirect(request.path, 303)


def _by_link(token: str) -> Rating:
    """Whoever tries links that do not work is slowed down; a good one is never in the way."""
    try:
        return links.look_at(token)
    except LinkOver:
        limits.spend(Limit.RATING_LINK, limits.network())
        raise


def _page(
    rating: Rating, code: int = 200, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> Any:
    return page(
        "portal/rating.html", code, rating=giving.card_of(rating), question=words.question(), longest=giving.LONGEST_COMMENT, ticket=rating.ticket, values=values or {}, errors=errors or {}
    )  # fmt: skip
