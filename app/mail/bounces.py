"""Mail that says that other mail did not arrive."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.mail.headers import Headers, split
from app.mail.mime import Leaf, structured
from app.mail.people import Address
from app.mail.phrases import phrases

MAX_TEXT = 50_000
MAX_RECIPIENTS = 50

_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|mail[-_.]delivery[-_.](?:sub)?system|double-bounce|bounced?[-_.]notification)(?:@|$)",
    re.I,
)
_POSTMASTER = re.compile(
    r"(?:post_?master|poostmaster|sysadmin|no-?reply|system|administrator|root|admin)(?:@|$)", re.I
)
_DAEMON_NAME = re.compile(
    r"mail delivery (?:sub)?system|mail deliver(?:y)? system|mailer[- ]daemon|(?:pmdf|mail) .{0,20}interconnect|ndr administrator",
    re.I,
)
_SUBJECT = re.compile(
    r"undeliver(?:able|ed)|returned mail|mail delivery fail|delivery (?:status notification|failure|has failed|notification|report|error|problem)|failure notice|delivery[- ]fail|mail system error"
    r"|message delivery has failed|mail failure|could not be delivered|not delivered|delivery delayed|delayed mail|delivery incomplete|nicht zustellbar|unzustellbar|zustellung fehlgeschlagen|nicht zugestellt"
    r"|non remis|non distribu|échec de (?:la )?remise|impossible de remettre|no se pudo entregar|no entregado|no se puede entregar|mensagem não entregue|não entregue|não foi entregue|mancato recapito|non recapitabil"
    r"|onbestelbaar|niet bezorgd|niet afgeleverd|oleverera|kan inte levereras|kan ikke leveres|ikke levert|toimittaminen epäonnistui|niedostarczon|nie dostarczono|nedoručiteln|kézbesíthetetlen|nelivrabil"
    r"|iletilemedi|teslim edilemedi|не доставлено|не может быть доставлено|недоставлен|недоставка|無法傳遞|无法(?:送达|投递)|退信|配信不能|送信できません|エラー通知|반송|there was an error sending your mail|postfix smtp server: errors",
    re.I,
)
_BODY = re.compile(
    r"(?:could not be|was not|were not|cannot be|can't be|couldn't be) delivered|wasn't able to deliver|unable to deliver|delivery (?:to the following|has failed|failed)|undeliverable|permanent(?: fatal)? error"
    r"|transcript of session follows|returned to sender|did not reach|message you sent|user unknown|no such user|invalid user address|配信できません|届けできません|送信できませんでした",
    re.I,
)
_GONE = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address|person|account)|user (?:does not|doesn't) exist|user not found|recipient not found|recipient unknown|unknown recipient|unknown local part|unknown address"
    r"|address (?:unknown|does not exist|not found)|(?:mailbox|account|address|recipient)[^.\n]{0,60}(?:does not|doesn't|did not) exist|mailbox (?:not found|unavailable|unknown)|invalid (?:recipient|mailbox|address)|not a valid (?:recipient|mailbox|user)"
    r"|not our customer|no mailbox here|(?:host|domain) (?:unknown|not found|name lookup failure)|unknown host|unrouteable|name or service not known|no such domain|has moved|user[^.\n]{0,40}not (?:listed|known)|recipient address rejected: undeliverable"
    r"|isn't listed|not listed in|address not present|nullmx|null mx|does not accept mail|doesn't have a .{0,30}account",
    re.I,
)
_FULL = re.compile(
    r"mailbox (?:is )?full|over ?quota|quota exceeded|exceed(?:ed|s) .{0,30}quota|insufficient .{0,12}storage", re.I
)
_STILL_THERE = re.compile(
    r"spam|blocked|blacklist|blocklist|reputation|policy|too large|message size|dmarc|\bspf\b|\bdkim\b|relay(?:ing)? (?:access )?denied|temporar|deferred"
    r"|suspended|disabled|inactive|greylist|try again|rate limit|virus|access denied",
    re.I,
)
_GONE_STATUS = re.compile(r"5\.1\.(?:1|2|3|6|10)$|5\.4\.4$")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.-])([45][0-5]\d)[ -]")
_ADDRESS = re.compile(r"<([^\s<>@]{1,100}@[^\s<>@]{1,200})>\s{0,3}:?|(?:^|[\s:])([\w.+-]{1,64}@[\w.-]{1,200}\w)")
_COPY_FOLLOWS = re.compile(
    r"^[\s>]{0,5}(?:-{2,}.{0,60}(?:copy|original|message|header|transcript)|(?:received|return-path|message-id|date|x-[\w-]{1,40}):\s)",
    re.I | re.M,
)
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient")
_COPIED_FIELD = re.compile(
    r"^[ >]{0,4}(message-id|references|in-reply-to|to):[ \t]{0,10}([^\r\n]{1,900}(?:\r?\n[ \t]{1,20}<[^<>\s]{1,900}>){0,20})",
    re.I | re.M,
)
_RETURNED = frozenset(phrases("message/rfc822 | message/global | text/rfc822-headers | message/rfc822-headers"))


@dataclass(frozen=True)
class Bounce:
    """What did not arrive, where, and whether it ever will. Message-IDs are without brackets."""

    recipients: tuple[str, ...]
    permanent: bool
    """The address itself is no good: user or host unknown, moved, or takes no mail. A full mailbox is not that."""
    status: str
    message_id: str
    references: tuple[str, ...]


def bounce_of(headers: Headers, sender: Address, leaves: Sequence[Leaf]) -> Bounce | None:
    """What the message reports as undelivered; None for any other mail."""
    reports = [leaf for leaf in leaves if leaf.type in ("message/delivery-status", "message/global-delivery-status")]
    text = "\n".join(leaf.text[:MAX_TEXT] for leaf in leaves if leaf.type.startswith("text/"))[:MAX_TEXT]
    fields = [field for leaf in reports for field in _report_fields(leaf.text[:MAX_TEXT])]
    if not _reports_failure(headers, sender, fields, text):
        return None
    told = " ".join((*(f"{name}: {value}" for name, value in fields), text))[:MAX_TEXT]
    returned = _returned(leaves, text)
    status = next(
        (value.split()[0] for name, value in fields if name == "status" and _STATUS.match(value)), ""
    ) or _status_in(told)
    recipients = _recipients(headers, sender, fields, text) or _only_addresses(returned.addresses("to"))
    return Bounce(
        recipients=recipients,
        permanent=_gone(status, fields, told),
        status=status,
        message_id=next(iter(returned.message_ids("message-id")), ""),
        references=tuple(dict.fromkeys((*returned.message_ids("references"), *returned.message_ids("in-reply-to")))),
    )


def _only_addresses(people: Sequence[Address]) -> tuple[str, ...]:
    return tuple(person.address.lower() for person in people)[:MAX_RECIPIENTS]


def _report_fields(text: str) -> list[tuple[str, str]]:
    """The fields of a delivery report, but those about recipients who got their copy."""
    blocks = [_fields(block) for block in re.split(r"\r?\n[ \t]{0,20}\r?\n", text)]
    failed = [block for block in blocks if not any(name == "action" and _arrived(value) for name, value in block)]
    return [
        field for block in (failed if any(_names_a_recipient(block) for block in failed) else blocks) for field in block
    ]


def _names_a_recipient(block: list[tuple[str, str]]) -> bool:
    return any(name in _RECIPIENT_FIELDS for name, _ in block)


def _arrived(action: str) -> bool:
    return action.lower().startswith(("delivered", "relayed", "expanded"))


def _fields(block: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in block.splitlines()[:2_000]:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}"[:2_000])
        elif colon and " " not in name.strip():
            found.append((name.strip().lower(), value.strip()))
    return found


def _reports_failure(headers: Headers, sender: Address, fields: list[tuple[str, str]], text: str) -> bool:
    actions = [value for name, value in fields if name == "action" and value]
    kind, parameters = structured(headers.get("content-type"))
    report = parameters.get("report-type", "").lower()
    if actions:
        return not all(_arrived(action) for action in actions)
    if fields or "x-failed-recipients" in headers or (kind == "multipart/report" and report == "delivery-status"):
        return True
    if report in ("feedback-report", "disposition-notification"):
        return False
    return _from_daemon(headers, sender, text)


def _from_daemon(headers: Headers, sender: Address, text: str) -> bool:
    subject = headers.text("subject")[:500]
    if _DAEMON.match(sender.address) or _DAEMON.match(sender.name) or _DAEMON_NAME.search(sender.name):
        return True
    return_path = headers.get("return-path").replace(" ", "")
    nobody = return_path == "<>" or _DAEMON.match(return_path.strip("<>")) is not None
    known = _POSTMASTER.match(sender.address) is not None
    if _SUBJECT.search(subject):
        return known or nobody or not sender.address
    told = _BODY.search(text[:5_000]) is not None
    return told and ((known and nobody) or sender.address.lower().startswith(("postmaster@", "post_master@")))


def _recipients(headers: Headers, sender: Address, fields: list[tuple[str, str]], text: str) -> tuple[str, ...]:
    named = [address.address for address in headers.addresses("x-failed-recipients")]
    named += [value.rpartition(";")[2].strip(" <>") for name, value in fields if name in _RECIPIENT_FIELDS]
    found = [address.lower() for address in named if "@" in address] or _in_letter(headers, sender, text)
    return tuple(dict.fromkeys(found))[:MAX_RECIPIENTS]


def _in_letter(headers: Headers, sender: Address, text: str) -> list[str]:
    """Addresses in what the daemon wrote itself, without its own and ours."""
    letter = _COPY_FOLLOWS.split(text[:5_000], maxsplit=1)[0]
    own = {sender.address.lower(), *(address.address.lower() for address in headers.addresses("to"))}
    found = ((one or other).lower() for one, other in _ADDRESS.findall(letter))
    return [address for address in found if address not in own]


def _status_in(text: str) -> str:
    for pattern in (_STATUS, _CODE):
        match = pattern.search(text)
        if match:
            return match.group(1)
    return ""


def _gone(status: str, fields: list[tuple[str, str]], told: str) -> bool:
    """Codes are often wrong, so the words decide where there are any."""
    diagnosis = " ".join(value for name, value in fields if name == "diagnostic-code") or told[:5_000]
    if status.startswith("4") or any(
        name == "action" and value.lower().startswith("delayed") for name, value in fields
    ):
        return False
    if _FULL.search(diagnosis):
        return False
    if _GONE.search(diagnosis):
        return True
    return _GONE_STATUS.match(status) is not None and not _STILL_THERE.search(diagnosis)


def _returned(leaves: Sequence[Leaf], text: str) -> Headers:
    """The header of the mail that came back: attached, or copied below the report."""
    for leaf in leaves:
        if leaf.type in _RETURNED:
            headers, _ = split(leaf.content)
            if "message-id" in headers or "to" in headers:
                return headers
    return Headers((name.lower(), value) for name, value in _COPIED_FIELD.findall(text))
