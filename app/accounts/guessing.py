"""Passwords are guessed only so often: wrong tries count for the name that was typed and for the network they came from."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from flask import has_request_context, session
from flask_babel import ngettext

from app.accounts import passwords
from app.core import limits
from app.core.limits import Limit, TooMany

T = TypeVar("T")
PROVED = "proved_by_mail"
"""In the session of whoever came by a mail's link: the names that are theirs."""
KNOWN, MOST_KNOWN = "second_factor_proved", 5
"""In the session, also after it ended: the staff whose second factor was proved in this browser."""
LONGEST_NAME = 255
"""Nobody is called more; the letters after them cost time."""


class TooManyWrong(TooMany):
    @staticmethod
    def sentence(minutes: int) -> str:
        return str(
            ngettext(
                "Too many wrong passwords. Please wait a minute, or have a link mailed to you.",
                "Too many wrong passwords. Please wait %(num)d minutes, or have a link mailed to you.",
                minutes,
            )
        )


def bounded(name: str, check: Callable[[], T], refusal: type[TooMany] = TooManyWrong) -> T:
    """What `check` answers; when that is nothing, the try stays counted. Raises TooMany before it is asked once too often.

    Every door counts here, whoever's it is: the same name typed at another door does not begin anew. What was typed is counted
    and not whose it is, so that nobody learns from a refusal whether a name and an address belong to one person.
    """
    network, account = limits.network(), _account(name)
    limits.spend(Limit.SIGN_IN_NETWORK, network, refusal=refusal)
    limits.spend(Limit.SIGN_IN_ACCOUNT, account, shown=masked(name), refusal=refusal)
    answer = check()
    if answer:
        limits.give_back(Limit.SIGN_IN_NETWORK, network)
        limits.give_back(Limit.SIGN_IN_ACCOUNT, account)
    return answer


def right(name: str, kept: str | None, typed: str) -> bool:
    """Whether this is the password, asked for once more by whoever is signed in as `name`."""
    return bounded(name, lambda: passwords.matches(kept, typed))


def right_code(name: str, check: Callable[[], bool]) -> bool:
    """Whether a code of the second factor is right, asked for once more by whoever is signed in as `name`: a million are soon tried."""
    return bounded(f"{name}|code", check, TooMany)


def right_code_here(staff_id: int, check: Callable[[bool], bool]) -> bool:
    """Whether a code at the sign-in is right; `check` is told whether this browser is one they signed in with before.

    Such browsers are counted by themselves, so that a stranger with the password, who has none of them, keeps nobody outside.
    """
    if staff_id not in session.get(KNOWN, ()):
        return check(False)
    return bounded(f"{staff_id}|code in a known browser", lambda: check(True), TooMany)


def know_browser(staff_id: int) -> None:
    """They proved their second factor here. The mark outlives the session, and opens nothing by itself."""
    session[KNOWN] = [*(one for one in session.get(KNOWN, ()) if one != staff_id), staff_id][-MOST_KNOWN:]


def count_link(name: str) -> None:
    """A mail with a link is asked for, whether somebody has this name or not.

    The last link mailed before the bound lives longer than the bound lasts: whoever exhausts it keeps nobody outside.
    """
    limits.spend(Limit.LINK_NETWORK, limits.network())
    limits.spend(Limit.LINK_ADDRESS, spelled(name), shown=masked(name))


def _account(name: str) -> str:
    """A browser that came by a mail's link counts by itself: strangers' wrong tries do not keep the owner outside."""
    key, by_mail = spelled(name), has_request_context() and name.strip().casefold() in session.get(PROVED, ())
    return f"{key}|by mail" if by_mail else key


def spelled(name: str) -> str:
    """One name however it is written: databases and directories take a dotted capital, a wide or an accented letter for the plain one."""
    plain = unicodedata.normalize("NFKD", name.strip()[:LONGEST_NAME]).casefold()
    return "".join(letter for letter in plain if unicodedata.category(letter) not in ("Mn", "Cf"))


def proved_by_mail(*names: str) -> None:
    """A mail's link was used here, so this browser belongs to whoever has these names. The sign-in that follows begins a new session."""
    session[PROVED] = [name.strip().casefold() for name in names]


def masked(name: str) -> str:
    """For the log: enough to know whom to ask, too little to be a password typed into the wrong field."""
    local, at, host = name.strip()[:254].rpartition("@")
    return f"{local[:2]}…@{host}" if at and "." in host else f"{name.strip()[:2]}…"
