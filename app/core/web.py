"""What every response carries and every page may call: headers, the nonce, times, numbers, words."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import flask_appbuilder
import jinja2
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import Flask, Response, current_app, g, request
from flask_babel import ngettext
from markupsafe import Markup, escape
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.routing import IntegerConverter

from app.core import clock, templates
from app.core.words import catalogue, language
from app.core.words import said as _

STRICT = (
    "default-src 'self'; script-src 'self'{nonce}; style-src 'self'; style-src-elem 'self'; style-src-attr 'none'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'"
)


LARGEST_ID = 2**63 - 1
"""What a database keeps in a column; a driver fails at more."""


class IdConverter(IntegerConverter):
    """`<int:…>` in an address: a larger number is the largest one, which no row ever has."""

    def to_python(self, value: str) -> int:
        return min(int(super().to_python(value)), LARGEST_ID)


def install(app: Flask) -> None:
    """Headers, addresses, Jinja globals and the loader through which our templates extend Flask-AppBuilder's originals."""
    app.url_map.converters["int"] = IdConverter
    app.before_request(_drop_zero_bytes)
    app.after_request(_headers)
    fab = Path(flask_appbuilder.__file__).parent / "templates"
    app.jinja_loader = jinja2.ChoiceLoader(
        [app.jinja_loader or jinja2.DictLoader({}), jinja2.PrefixLoader({"fab": jinja2.FileSystemLoader(fab)})]
    )
    app.jinja_env.globals.update(
        csp_nonce=csp_nonce,
        csrf_token=templates.csrf_token,
        ago=ago,
        day=day,
        absolute=absolute,
        initials=initials,
        hue=hue,
        filesize=filesize,
        decimal=decimal,
        static=functools.partial(static, app.static_folder or ""),
        kept=Kept,
        time_tag=time_tag,
        now=clock.now,
    )


def _drop_zero_bytes() -> None:
    """No person types one and PostgreSQL stores none. The API reads its bodies itself and says which field is wrong."""
    if request.path.startswith("/api/"):
        return
    if "%00" in request.query_string.decode("latin-1"):
        request.args = _without_zero_bytes(request.args)
    if request.form and any("\0" in value for _name, value in request.form.items(multi=True)):
        request.form = _without_zero_bytes(request.form)


def _without_zero_bytes(given: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict((name, value.replace("\0", "")) for name, value in given.items(multi=True))


def csp_nonce() -> str:
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(12)
    return str(g.nonce)


def _headers(response: Response) -> Response:
    """Every response, errors included. A route that serves people's files sets its own policy first; it is kept."""
    headers = response.headers
    # A page that asked for no nonce permits none: a fixed one could be guessed.
    nonce = f" 'nonce-{g.nonce}'" if "nonce" in g else ""
    headers.setdefault("Content-Security-Policy", STRICT.format(nonce=nonce))
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if request.path.startswith("/static/"):
        headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if request.args.get("v") else "public, max-age=300"
        )
    else:
        headers["Cache-Control"] = "no-store"
        response.vary.add("Cookie")
    return response


@functools.cache
def static(folder: str, path: str) -> str:
    """The address of a static file with a digest of its bytes, so that browsers may keep it for ever."""
    file = Path(folder, path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"
    return f"/static/{path}?v={digest}"


class Kept:
    """A macro whose words depend on nothing but its arguments and the language: said once for each of them. A list says the same ones hundreds of times,
    and each time costs Jinja as much as a whole row of the database."""

    PLAIN = (str, int, type(None))
    """What can be told apart for ever: a lazy word, for instance, is another one in each language."""

    def __init__(self, macro: Callable[..., Markup]) -> None:
        self.macro = macro
        self.kept = functools.lru_cache(maxsize=4096, typed=True)(self._say)

    def __call__(self, *given: object, **named: object) -> Markup:
        """typed: the same signs as text and as finished HTML are two different arguments."""
        plain = all(isinstance(value, self.PLAIN) for value in (*given, *named.values()))
        return self.kept(catalogue(), *given, **named) if plain else self.macro(*given, **named)

    def _say(self, _catalogue: object, *given: object, **named: object) -> Markup:
        """The catalogue only tells the languages apart."""
        return self.macro(*given, **named)


def ago(at: dt.datetime | None) -> str:
    """How long since, short: now, 5m, 3h, 2d, then the day, of another year with it."""
    return instants()(at)[2] if at is not None else "–"


@functools.lru_cache(1024)
def _lapse(_catalogue: object, seconds: int) -> str:
    """Kept, as `_written` below; `seconds`: whole minutes, hours or days. The catalogue tells the languages apart."""
    if seconds < 60:
        return _("now")
    if seconds < 3600:
        return _("%(n)sm", n=seconds // 60)
    if seconds < 86400:
        return _("%(n)sh", n=seconds // 3600)
    return _("%(n)sd", n=seconds // 86400)


def day(at: dt.date) -> str:
    """A day of this year, short."""
    return _day(at, language(), _("d MMM"))


@functools.lru_cache(10_000)
def _day(day: dt.date, language: str, pattern: str) -> str:
    """Kept, as `_written` below."""
    return str(format_date(day, pattern, locale=language))


def time_tag(at: dt.datetime | None) -> Markup:
    """An instant for a page: short, with day and time for whoever points at it. In Python, since a list says fifty of them."""
    if at is None:
        return Markup("–")
    machine, whole, short = instant(at)
    return Markup(f'<time datetime="{machine}" title="{escape(whole)}">{escape(short)}</time>')


def instants() -> Callable[[dt.datetime], tuple[str, str, str]]:
    """An instant in plain words: the machine's, the whole and the short form. For dozens of them, what they share is looked up once."""
    words, tongue, there, now, pattern = catalogue(), language(), zone(), clock.now(), _("EEE d MMM yyyy, HH:mm")

    def whole(at: dt.datetime) -> str:
        return _written(at.replace(second=0, microsecond=0), there, tongue, pattern)

    def short(at: dt.datetime) -> str:
        seconds = int((now - at).total_seconds())
        if seconds < 0:
            return whole(at)
        if seconds < 14 * 86400:
            unit = 60 if seconds < 3600 else 3600 if seconds < 86400 else 86400
            return _lapse(words, seconds - seconds % unit)
        here = at.astimezone(ZoneInfo(there))
        this_year = here.year == now.astimezone(ZoneInfo(there)).year
        return _day(here.date(), tongue, _("d MMM") if this_year else _("d MMM yyyy"))

    return lambda at: (at.isoformat(), whole(at), short(at))


def instant(at: dt.datetime) -> tuple[str, str, str]:
    return instants()(at)


def absolute(at: dt.datetime | None) -> str:
    """Day and time with the zone's name, in the reader's language."""
    if at is None:
        return "–"
    pattern = _("EEE d MMM yyyy, HH:mm")
    return _written(at.replace(second=0, microsecond=0), zone(), language(), pattern)


@functools.lru_cache(10_000)
def _written(minute: dt.datetime, zone: str, language: str, pattern: str) -> str:
    """Kept by the minute: a page shows dozens of times, and Babel takes its time for each."""
    there = minute.astimezone(ZoneInfo(zone))
    return f"{format_datetime(there.replace(tzinfo=None), pattern, locale=language)} {there.tzname()}"


def local(at: dt.datetime) -> dt.datetime:
    """In the reader's time zone."""
    return at.astimezone(ZoneInfo(zone()))


def desk_day(at: dt.datetime) -> dt.date:
    """In the desk's time zone, whoever asks: what is due on a day is due there."""
    return at.astimezone(ZoneInfo(str(current_app.extensions["deskhand_zone"]()))).date()


def zone() -> str:
    """The name of the reader's time zone, else the desk's; the factory says where that is kept. Looked up once a request, as the settings are."""
    if "zone" not in g:
        g.zone = str(getattr(g.get("user"), "time_zone", None) or current_app.extensions["deskhand_zone"]())
    return str(g.zone)


def initials(name: object) -> str:
    return "".join(part[0] for part in str(name or "?").split()[:2]).upper()


def hue(name: object) -> int:
    """One of six avatar colours, the same for the same name."""
    return sum(ord(letter) * (place + 7) for place, letter in enumerate(str(name))) % 6


def filesize(count: int) -> str:
    if count < 1024:
        return str(ngettext("%(num)d byte", "%(num)d bytes", count))
    small = count < 1024**2
    return f"{decimal(count / (1024 if small else 1024**2), 0 if small else 1)} {_('kB') if small else _('MB')}"


def decimal(number: float, places: int = 1) -> str:
    """As the reader writes it: 1.5 or 1,5."""
    return str(format_decimal(number, f"#,##0.{'0' * places}" if places else "#,##0", locale=language()))


def wants_json() -> bool:
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"
