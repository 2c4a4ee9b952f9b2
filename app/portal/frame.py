"""What every page of the portal shares: who is signed in, the frame around the page, dates in the desk's zone."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from babel.dates import format_date, format_datetime
from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request, session
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.accounts import customers, sessions
from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core import clock, language
from app.core.extensions import db
from app.core.web import local
from app.settings import desk
from app.tickets import banners
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

portal = Blueprint("portal", __name__, url_prefix="/portal")
help_center = Blueprint("help", __name__, url_prefix="/help")

WITHIN = re.compile(r"/(?:portal|help)(?:/[^\\\x00-\x20]*)?")
"""Where a sign-in may lead: a path of these two faces, never another host."""
Page = Callable[..., Any]


@portal.before_request
@help_center.before_request
def _begin() -> None:
    g.pop("portal_customer", None)
    g.time_zone = desk.current().time_zone


def signed_in_customer() -> Customer | None:
    """Read once a request. A staff session is nobody here."""
    if "portal_customer" not in g:
        kept = session.get("customer")
        g.portal_customer = customers.of_session(kept) if kept else None
    return g.portal_customer


def me() -> CustomerActor:
    """The signed-in customer as an actor; only behind `signed_in`."""
    customer = signed_in_customer()
    assert customer is not None
    return CustomerActor.of(customer)


def myself() -> Customer:
    customer = signed_in_customer()
    assert customer is not None
    return customer


def signed_in(view: Page) -> Page:
    """Anybody else is led to the sign-in page, and from there back to where they wanted to go."""

    @functools.wraps(view)
    def guarded(*args: Any, **given: Any) -> Any:
        if signed_in_customer() is not None:
            return view(*args, **given)
        wanted = request.full_path.rstrip("?") if request.method == "GET" else "/portal/tickets"
        return redirect(f"/portal/login?next={_quoted(wanted)}")

    return guarded


def start_session(customer: Customer) -> None:
    """A new session for a new sign-in, so that a cookie planted before it is worth nothing. From the first one on, mails speak their language."""
    spoken = language.known(customer.language) or language.chosen()
    if customer.language is None:
        customers.remember_language(customer.id, spoken)
    sessions.end(current_secret())
    secret = sessions.begin(customer.generation, customer_id=customer.id)
    db.session.commit()
    session.clear()
    session["locale"] = spoken
    session.permanent = True
    session["customer"] = [customer.id, secret]
    g.portal_customer = customer


def end_session() -> None:
    """For good: a copy of the cookie opens nothing either."""
    sessions.end(current_secret())
    db.session.commit()
    session.clear()


def current_secret() -> str:
    """What the cookie of this request says of its session; empty without one."""
    kept = session.get("customer")
    return str(kept[1]) if isinstance(kept, list) and len(kept) == 2 else ""


def page(template: str, code: int = 200, **context: Any) -> Response:
    """The page in its frame. `waiting_for_you` is counted unless the page knows it already."""
    customer = signed_in_customer()
    settings = desk.current()
    if customer is not None and "waiting_for_you" not in context:
        context["waiting_for_you"] = _waiting()
    frame = {
        "desk_name": settings.desk_name,
        "desk_email": settings.mail_from,
        "customer": customer,
        "settings": settings,
        "incidents": banners.shown(),
        "day": day,
        "day_time": day_time,
    }
    return make_response(render_template(template, **frame, **context), code)


def _waiting() -> int:
    waiting = select(func.count()).select_from(Ticket).where(visible_to(me()), Ticket.state == State.WAITING)
    return int(db.session.scalar(waiting) or 0)


def within(target: str | None, otherwise: str = "/portal/tickets") -> str:
    """The wanted address when it is one of ours, else a safe one."""
    return target if target and "//" not in target and WITHIN.fullmatch(target) else otherwise


def _quoted(path: str) -> str:
    return quote(path, safe="/")


def typed(field: str) -> str:
    """What was typed into a text field, without the one character that PostgreSQL keeps in no text."""
    return request.form.get(field, "").replace("\x00", "")


def link(path: str) -> str:
    """An address for a mail: from the configured public one, never from the request's Host."""
    return f"{current_app.config['PUBLIC_URL']}{path}"


def day(at: dt.datetime) -> str:
    """Such as `Mon 3 Dec`, in the desk's zone and the reader's language; the year when it is another one."""
    here = local(at)
    return str(
        format_date(
            here.date(),
            _("EEE d MMM") if here.year == local(clock.now()).year else _("EEE d MMM yyyy"),
            locale=get_locale() or "en",
        )
    )


def day_time(at: dt.datetime) -> str:
    """Day and time; within the coming days the name of the day says enough."""
    near = dt.timedelta(0) <= at - clock.now() < dt.timedelta(days=6)
    here = local(at)
    return str(
        format_datetime(
            here, _("EEE HH:mm") if near else _("EEE d MMM, HH:mm"), locale=get_locale() or "en", tzinfo=here.tzinfo
        )
    )
