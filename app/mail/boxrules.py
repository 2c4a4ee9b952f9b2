"""What a mailbox may be, which are in trouble, and what an admin does with one."""

from __future__ import annotations

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.accounts import customers
from app.core import clock, sealing
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail import boxes, oauth, servers
from app.mail.boxes import After, Health, Mailbox, Security, SignIn
from app.mail.models import RawMail
from app.settings import desk

MOST_ALIASES = 50
HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?|\[?[0-9a-fA-F:.]{2,45}\]?")


class Typed(NamedTuple):
    """What a form brings besides the columns. Empty secrets leave those that are there."""

    address: str
    password: str = ""
    client_secret: str = ""


def keep(box: Mailbox, typed: Typed) -> None:
    """Check it and seal its secrets. Raises Invalid naming each wrong field. What failed before is tried again at once."""
    wrong: dict[str, str] = {}
    _addresses(box, typed.address, wrong)
    _servers(box, wrong)
    _sign_in(box, typed, wrong)
    if box.after is After.MOVE and not (box.after_folder or "").strip():
        wrong["after_folder"] = _("Say to which folder.")
    if box.for_department and box.department_id is None and box.department is None:
        wrong["for_department"] = _("Choose the department first.")
    if not 10 <= (box.poll_seconds or 0) <= 86_400:
        wrong["poll_seconds"] = _("Between 10 seconds and a day.")
    if wrong:
        raise Invalid(_("The mailbox is not complete yet."), wrong)
    if typed.password:
        box.secret = sealing.seal(servers.PURPOSE, typed.password)
    if typed.client_secret:
        box.client_secret = sealing.seal(oauth.PURPOSE, typed.client_secret)
    box.folder = (box.folder or "").strip() or "INBOX"
    box.failures, box.due_at = 0, None


def remove(box: Mailbox) -> None:
    """Raises when something would belong to nobody."""
    if box.main:
        raise HelpdeskError(_("The main mailbox stays. Give it another address instead."))
    if db.session.scalar(select(RawMail.id).where(RawMail.mailbox_id == box.id).limit(1)) is not None:
        raise HelpdeskError(_("Mail came in by this mailbox. Switch it off instead."))


def pause(box: Mailbox, paused: bool) -> None:
    box.paused, box.failures, box.due_at = paused, 0, None


def ask_now(box: Mailbox) -> None:
    """At the receiver's next look. Counted as a change, so that a line that is held is begun anew."""
    box.due_at = None
    boxes.forget_kept()


def in_trouble() -> list[Mailbox]:
    """For whoever watches over the desk."""
    rows = db.session.scalars(select(Mailbox).where(Mailbox.imap_host != "").order_by(Mailbox.id))
    return [row for row in rows if row.health in (Health.TROUBLE, Health.FORGOTTEN)]


def came_today() -> dict[int, int]:
    """Mailbox → mails since midnight of the desk's zone."""
    here = clock.now().astimezone(ZoneInfo(desk.current().time_zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = select(RawMail.mailbox_id, func.count()).where(
        RawMail.received_at >= midnight, RawMail.mailbox_id.is_not(None)
    )
    return {row[0]: row[1] for row in db.session.execute(counted.group_by(RawMail.mailbox_id))}


def _addresses(box: Mailbox, typed: str, wrong: dict[str, str]) -> None:
    others = [other for other in boxes.in_force().all if other.id != box.id and (not box.main or not other.main)]
    taken = {boxes.without_plus(other.address) for other in others} | {one for other in others for one in other.aliases}
    address = _address(typed, "own_address", taken, wrong)
    aliases = list(dict.fromkeys(_address(line, "aliases", taken, wrong) for line in (box.aliases or "").split()))
    if len(aliases) > MOST_ALIASES:
        wrong["aliases"] = _("At most %(most)s addresses.", most=MOST_ALIASES)
    box.aliases = "\n".join(aliases)
    if box.main and "own_address" not in wrong:
        box.address = None
        if address != desk.current().mail_from.casefold():
            desk.change({"mail_from": typed.strip()})
    elif not box.main:
        box.address = address


def _address(typed: str, field: str, taken: set[str], wrong: dict[str, str]) -> str:
    try:
        address = customers.checked_address(typed.strip()).casefold()
    except Invalid:
        wrong[field] = _("“%(address)s” is no mail address.", address=typed.strip()[:100])
        return ""
    if "+" in address.partition("@")[0]:
        wrong[field] = _("Without a plus: what stands behind it are the desk's own signs.")
    elif address in taken:
        wrong[field] = _("%(address)s belongs to another mailbox.", address=address)
    return address


def _servers(box: Mailbox, wrong: dict[str, str]) -> None:
    for way in ("smtp", "imap"):
        host = (getattr(box, f"{way}_host") or "").strip()
        setattr(box, f"{way}_host", host)
        port, security = getattr(box, f"{way}_port"), getattr(box, f"{way}_security")
        if host and not HOST.fullmatch(host):
            wrong[f"{way}_host"] = _("The name of a server alone, such as mail.example.com.")
        elif host and security is Security.PLAIN and not servers.may_be_plain(host):
            wrong[f"{way}_security"] = _("Passwords and customers' words would travel readable. Choose TLS.")
        if port is not None and not 0 < port < 65_536:
            wrong[f"{way}_port"] = _("A port is a number from 1 to 65535.")


def _sign_in(box: Mailbox, typed: Typed, wrong: dict[str, str]) -> None:
    box.user = (box.user or "").strip()
    if box.imap_host and not box.user:
        wrong["user"] = _("The IMAP server wants to know who comes.")
    if box.sign_in is SignIn.OAUTH2:
        _client(box, wrong)
    elif box.user and not (typed.password or box.secret):
        wrong["password"] = _("Please type the password.")


def _client(box: Mailbox, wrong: dict[str, str]) -> None:
    if not box.client_id:
        wrong["client_id"] = _("The provider gave it when you registered the desk there.")
    for name in ("authorize_url", "token_url"):
        given = getattr(box, name) or ""
        try:
            setattr(box, name, oauth.checked_url(given) if given else "")
        except ValueError:
            wrong[name] = _("Please use an address with TLS (https).")
        if not given and box.provider == "other":
            wrong[name] = _("Please enter the provider's address.")
