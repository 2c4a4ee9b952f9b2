"""A mail server that is played while no real one is set: it refuses, puts off or hangs, so that a team can see what the desk does then."""

from __future__ import annotations

import datetime as dt
import enum
import json
import time
from typing import NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import update

from app.core import clock
from app.core.audit import What, note
from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import boxes, outgoing
from app.mail.line import Broken, Refused
from app.mail.models import Delivery, DeliveryState
from app.settings import desk

LASTS = dt.timedelta(minutes=30)
"""A play that is forgotten ends by itself."""
HANGS_SECONDS = 2
"""A real one is waited for longer (line.py): the worker has other mails to carry."""


class Play(enum.StrEnum):
    REFUSES = "refuses"
    UNKNOWN = "unknown"
    FULL = "full"
    GREYLISTS = "greylists"
    HANGS = "hangs"


class Played(NamedTuple):
    play: Play
    address: str
    """Of one recipient, or empty: of all."""
    until: dt.datetime


SAYS = {
    Play.REFUSES: (554, "5.7.1 Message rejected by policy"),
    Play.UNKNOWN: (550, "5.1.1 User unknown"),
    Play.FULL: (452, "4.2.2 Mailbox full"),
    Play.GREYLISTS: (451, "4.7.1 Greylisted, please try again later"),
}


def real() -> bool:
    """Whether mails leave the house: then what is tried in the mail lab sends none unless somebody says so."""
    return bool(current_app.config["MAIL_URL"]) or any(box.sends and box.active for box in boxes.in_force().all)


def present() -> Played | None:
    """What is played now, if anything."""
    try:
        given = json.loads(desk.current().played_server or "{}")
        found = Played(Play(given["play"]), str(given["address"]), dt.datetime.fromisoformat(given["until"]))
    except (ValueError, KeyError, TypeError):
        return None
    return found if found.until > clock.now() and not real() else None


def begin(play: str, address: str, by: str) -> None:
    """From now on for half an hour. Raises Invalid. Does not commit."""
    if real():
        raise Invalid(_("This desk has a real mail server: nothing is played in its place."), {})
    if play not in set(Play):
        raise Invalid(_("Choose one of the list."), {"play": _("Choose one of the list.")})
    given = {"play": play, "address": address.strip().casefold()[:200], "until": (clock.now() + LASTS).isoformat()}
    desk.change({"played_server": json.dumps(given)}, by=by)
    note(What.LAB_SERVER, "played_server", play=play)


def end(by: str) -> None:
    """The server is back, and what it put off is tried at once. Does not commit."""
    desk.change({"played_server": "{}"}, by=by)
    note(What.LAB_SERVER, "played_server", play="")
    waiting = update(Delivery).where(Delivery.state == DeliveryState.QUEUED, Delivery.due_at > clock.now())
    db.session.execute(waiting.values(due_at=clock.now()), execution_options={"synchronize_session": False})
    outgoing.wake()


def take(recipient: str, tries: int) -> None:
    """The built-in mailbox takes a mail, unless it plays. Raises Refused or Broken as a line to a real server would."""
    played = present()
    if played is None or played.address not in ("", recipient.casefold()):
        return
    if played.play is Play.HANGS:
        time.sleep(HANGS_SECONDS)
        raise Broken("TimeoutError: timed out")
    if played.play is Play.GREYLISTS and tries > 1:
        return
    raise Refused(*SAYS[played.play])
