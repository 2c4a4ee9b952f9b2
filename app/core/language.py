"""Which language a page speaks: what its reader chose, else what their browser asks for, else the desk's."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import secrets
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, has_request_context, request, session
from flask_babel import get_locale
from sqlalchemy.exc import SQLAlchemyError

from app.core.shipped import shown

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Before AppBuilder, which adds its own catalogues in front of ours."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(
        catalogues(Path(app.config["ROOT"], "translations"), Path(app.config["DATA"], "translations"))
    )
    app.jinja_env.globals.update(language=of_this_page, shown=shown)


def take_over(app: Flask) -> None:
    """After AppBuilder, which would write its default into every visitor's session."""
    app.extensions["babel"].locale_selector = chosen


def catalogues(sources: Path, kept: Path) -> Path:
    """The folder of this code's words in the form gettext reads: made once for each wording, so it is never old and nothing binary is kept with the code."""
    texts = {path.parent.parent.name: path.read_bytes() for path in sorted(sources.glob("*/LC_MESSAGES/messages.po"))}
    folder = kept / hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    try:
        for language, text in texts.items():
            _compile(text, folder / language / "LC_MESSAGES" / "messages.mo")
    except OSError as problem:
        log.warning("the translations cannot be kept in %s: %s; pages are English", folder, problem)
    return folder


def _compile(text: bytes, compiled: Path) -> None:
    """Several processes may do it at once: each puts the same whole file there."""
    if compiled.exists():
        return
    compiled.parent.mkdir(parents=True, exist_ok=True)
    unfinished = compiled.with_name(secrets.token_hex(8))
    with unfinished.open("wb") as file:
        write_mo(file, read_po(io.BytesIO(text)))
    os.replace(unfinished, compiled)


def chosen() -> str:
    """A job has no reader: it takes the language of whoever its words are for."""
    known = current_app.config["LANGUAGES"]
    if has_request_context():
        own = session.get("locale")
        wanted = own if own in known else request.accept_languages.best_match(list(known))
        if wanted:
            return str(wanted)
    return of_desk()


def of_desk() -> str:
    """The factory says where it is kept. A page that tells of a broken database needs words, too."""
    try:
        return str(current_app.extensions["deskhand_language"]())
    except SQLAlchemyError:
        return str(current_app.config["BABEL_DEFAULT_LOCALE"])


def of_this_page() -> str:
    """As an HTML document names it."""
    return str(get_locale() or "en").replace("_", "-")


def known(language: str | None) -> str | None:
    """The language when the desk speaks it."""
    return language if language in current_app.config["LANGUAGES"] else None
