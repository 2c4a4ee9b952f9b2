"""Signs the desk's mails (DKIM) where no mail server on their way does: the keys, their records in the DNS, and the signature."""

from __future__ import annotations

import base64
import logging
import re
from typing import NamedTuple

import dkim
import dns.exception
import dns.resolver
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock, sealing
from app.core.errors import Invalid
from app.core.extensions import db
from app.mail.models import SigningKey
from app.settings import desk

log = logging.getLogger(__name__)

PURPOSE = "mail signing"
BITS = 2048
ASKED_SECONDS = 5
"""For the whole answer of the DNS."""
DOMAIN = re.compile(r"(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SENDER = re.compile(rb"^From:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*?@([A-Za-z0-9.-]+)>?\r\n(?![ \t])", re.M)


class Found(NamedTuple):
    """What the DNS says of a key's record."""

    right: bool
    sentence: str


def make(domain: str, selector: str) -> SigningKey:
    """A new key; from now on mails of this domain are signed by it. Raises Invalid naming each wrong field."""
    domain, selector = domain.strip().rstrip(".").lower(), selector.strip().lower()
    wrong = {}
    if not DOMAIN.fullmatch(domain):
        wrong["domain"] = _("Please write a domain such as example.com.")
    if not SELECTOR.fullmatch(selector):
        wrong["selector"] = _("Please write letters and digits, such as deskhand1.")
    elif db.session.scalar(select(SigningKey.id).where(SigningKey.domain == domain, SigningKey.selector == selector)):
        wrong["selector"] = _("There is a key of this name: a new key takes a new one, as mails on their way still need the old.")  # fmt: skip
    if wrong:
        raise Invalid(_("The key could not be made."), wrong)
    secret = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    key = SigningKey(domain=domain, selector=selector, sealed=sealing.seal(PURPOSE, _pem(secret)), public=_public(secret))  # fmt: skip
    db.session.add(key)
    db.session.flush()
    return key


def every() -> list[SigningKey]:
    """The newest first."""
    return list(db.session.scalars(select(SigningKey).order_by(SigningKey.id.desc())))


def record(key: SigningKey) -> str:
    """What has to stand in the DNS under the key's name, as TXT."""
    return f"v=DKIM1; k=rsa; p={key.public}"


def look_up(key: SigningKey) -> Found:
    """Ask the DNS, and note when it was right."""
    try:
        answer = dns.resolver.resolve(str(key), "TXT", lifetime=ASKED_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Found(False, _("The DNS has no such record yet. It may take an hour until it is seen everywhere."))
    except dns.exception.DNSException as problem:
        return Found(False, _("The DNS could not be asked: %(why)s", why=str(problem)[:200]))
    texts = [b"".join(row.strings).decode("ascii", "replace") for row in answer]
    if key.public not in [_tags(text).get("p") for text in texts]:
        return Found(False, _("The DNS has another record there: %(text)s", text=" · ".join(texts)[:200]))
    key.found_at = clock.now()
    return Found(True, _("The record is there, and it is the right one."))


def signed(raw: bytes) -> bytes:
    """The mail with its signature in front, as it leaves; as it is where signing is off or there is no key for its sender."""
    key = _key_for(raw) if desk.current().mail_sign else None
    secret = sealing.opened(PURPOSE, key.sealed) if key is not None else None
    if key is None or secret is None:
        return raw
    try:
        header: bytes = dkim.sign(
            raw,
            key.selector.encode(),
            key.domain.encode(),
            secret.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
        )
    except dkim.DKIMException:  # an unsigned mail is better than none
        log.exception("mail could not be signed")
        return raw
    return header + raw


def _key_for(raw: bytes) -> SigningKey | None:
    """The newest of its sender's domain, or of one above it."""
    match = _SENDER.search(raw[: raw.find(b"\r\n\r\n") + 2])
    sender = match.group(1).decode().lower() if match else ""
    return next((key for key in every() if ("." + sender).endswith("." + key.domain)), None)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _sign, value in pairs}


def _pem(secret: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return secret.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public(secret: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(secret.public_key().public_bytes(serialization.Encoding.DER, form)).decode()
