"""What a password must be, for staff and customers alike: long, and not easy to guess."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from zxcvbn import zxcvbn

from app.core.errors import Invalid

SHORTEST, LONGEST = 12, 128
EASY = 2
"""zxcvbn's score, 0 to 4: below this a guesser with common words and names needs too few tries."""
ZXCVBN_READS = 72
"""Characters it looks at; more would make it slow, and no longer password is easy."""


def check(password: str, *known_words: str) -> None:
    """Raise Invalid naming the field `password`. `known_words`: names and addresses of the person, which make it easier to guess."""
    wrong = None
    if len(password) < SHORTEST:
        wrong = _("At least %(least)s characters. A few words in a row are easy to keep in mind.", least=SHORTEST)
    elif len(password) > LONGEST:
        wrong = _("At most %(most)s characters.", most=LONGEST)
    elif (
        zxcvbn(
            password[:ZXCVBN_READS],
            user_inputs=[part for word in known_words for part in (word, *re.split(r"[\W_]+", word)) if part],
        )["score"]
        < EASY
    ):
        wrong = _("This one is easy to guess. Add a word or two.")
    if wrong:
        raise Invalid(_("The password was not changed."), {"password": wrong})
