"""What a password must be, and whether a typed one is right: the one place for staff and customers, for every door."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from flask_babel import gettext as _
from werkzeug.security import check_password_hash, generate_password_hash
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.core.errors import Invalid
from app.settings import desk

LONGEST = 128
PRODUCT = "deskhand"
ZXCVBN_READS = 72
"""Characters it looks at; more would make it slow, and no longer password is easy."""
SHORTEST_NAME = 4
"""A name of three letters stands inside many a good sentence."""
COMMON = frozenset(FREQUENCY_LISTS["passwords"])
"""The thirty thousand commonest ones of known breaches; they come with zxcvbn and are read from there, offline."""
DRESS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
LEET = str.maketrans("04@31!5$7", "oaaeiisst")


class Policy(NamedTuple):
    """`score` is zxcvbn's, 0 to 4: below it a guesser who knows words and names needs too few tries."""

    shortest: int
    score: int


STAFF = Policy(shortest=12, score=3)
CUSTOMERS = Policy(shortest=10, score=2)


def check(password: str, policy: Policy, names: tuple[str, ...], further: tuple[str, ...] = ()) -> None:
    """Raise Invalid naming the field `password`.

    `names`: the person's user name and address, which it must not hold. `further`: words that make it easier to guess.
    """
    wrong = _wrong_length(password, policy) or _too_well_known(password, names)
    if wrong is None and _score(password, (*names, *further)) < policy.score:
        wrong = _("This one is easy to guess. Add a word or two.")
    if wrong:
        raise Invalid(_("The password was not changed."), {"password": wrong})


def _wrong_length(password: str, policy: Policy) -> str | None:
    """First of all, so that a megabyte costs nothing."""
    if len(password) > LONGEST:
        return _("At most %(most)s characters.", most=LONGEST)
    if len(password) < policy.shortest:
        return _("At least %(least)s characters. A few words in a row are easy to keep in mind.", least=policy.shortest)
    return None


def _too_well_known(password: str, names: tuple[str, ...]) -> str | None:
    plain = password.casefold()
    bare = DRESS.sub("", plain)
    if {plain, bare, plain.translate(LEET), DRESS.sub("", plain.translate(LEET))} & COMMON:
        return _("This one is on the lists that guessers begin with. Choose another.")
    own = [name.casefold() for name in (*names, *(name.partition("@")[0] for name in names), PRODUCT)]
    own.append(desk.current().desk_name.casefold())
    if any(len(name) >= SHORTEST_NAME and name in plain for name in own):
        return _("It holds your name, your address or the name of this desk. Choose another.")
    return None


def _score(password: str, words: tuple[str, ...]) -> int:
    known = [part for word in (*words, PRODUCT) for part in (word, *re.split(r"[\W_]+", word)) if part]
    return int(zxcvbn(password[:ZXCVBN_READS], user_inputs=known)["score"])


def matches(kept: str | None, typed: str) -> bool:
    """Whether this is the password of this hash. Every door that takes a password asks here, whoever knocks.

    Limits on wrong tries stand before it, at the doors. It takes as long for a person who has no password, or whom
    nobody knows (`kept` empty); what is longer than any password is not hashed at all.
    """
    if len(typed) > LONGEST:
        return False
    right = check_password_hash(kept or _nobodys_hash(), typed)
    return bool(kept) and bool(typed.strip("\0")) and right


def hashed(password: str) -> str:
    return generate_password_hash(password)


@functools.cache
def _nobodys_hash() -> str:
    return generate_password_hash("nobody has this password")
