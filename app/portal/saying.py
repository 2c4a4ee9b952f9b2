"""Where the two buttons of a mail lead: one question and one button, without signing in."""

from __future__ import annotations

from typing import Any

from app.core.extensions import db
from app.mail import saying
from app.portal.frame import page, portal


@portal.get("/say/<word>")
def show_saying(word: str) -> Any:
    """Mail scanners open every link: nothing changes before the press."""
    return page("portal/say.html", said=saying.look_at(word), done=False)


@portal.post("/say/<word>")
def say(word: str) -> Any:
    said = saying.say(word)
    db.session.commit()
    return page("portal/say.html", said=said, done=True)
