"""Where a message ends and its signature begins."""

import re
from collections.abc import Sequence

from app.mail import phrases

MAX_SIGNATURE_LINES = 15
"""More lines than that below a row of dashes are text: the dashes were a ruler."""
MAX_SIGN_OFF_LINES = 5
"""Name, role, company, telephone and one more."""

_DASHES = re.compile(r"^\s{0,3}(?:--\s?|_{2,})\s*$")
_RULER = re.compile(r"^[\s]*(?:[-_=*#~+—–]{2,}|ᐧ)?[\s]*$")
_BULLET = re.compile(r"^\s*(?:[-*•+]|\d+[.)])\s")
_DASHED_NAME = re.compile(r"^-{1,2}\s?([^\W\d_][\w.'’]*)((?: [^\W\d_][\w.'’]*){0,2})$")

_DEVICE = re.compile(
    r"iphone|ipad|ipod|android|blackberry|samsung|galaxy|htc|huawei|xiaomi|oneplus|nokia|sony|pixel|wiko|motorola|windows|outlook"
    r"|mail|gmail|yahoo|proton|thunderbird|smartphone|phone|mobile|móvil|mobil|handy|tablet|app|telefon|télé|phone|mobiel|celular|cell",
    re.I,
)
_SENT_FROM = re.compile(
    r"^[\s*_\[(]{0,5}(?:sent (?:from|via|with|using|wirelessly|by|on)\b|get outlook for\b|envoyé (?:de|depuis|à partir|avec|via|sans|par)\b|télécharge[rz] outlook\b"
    r"|enviado (?:desde|do|de|a partir|via|por|com|con)\b|gesendet (?:von|mit|über|aus)\b|von meinem .{1,40} gesendet|outlook für .{1,20} beziehen"
    r"|diese nachricht wurde von meinem .{1,80} gesendet|inviato (?:da|con|dal)\b|verzonden (?:vanaf|met|via|vanuit|door)\b|verstuurd (?:vanaf|met|via)\b"
    r"|skickat (?:från|med|via)\b|skickades från\b|sendt (?:fra|med|via)\b|hent outlook til\b|hämta outlook för\b|lähetetty \S|wysłan[eoy] (?:z|ze|przez)\b|pobierz aplikację\b"
    r"|odesláno (?:z|ze|přes)\b|odoslané z\b|trimis (?:de pe|din|de la)\b|elküldve\b|küldve\b|отправлено (?:с|из|от|через)\b|надіслано (?:з|із|від)\b"
    r"|enviat (?:des|amb)\b|poslano (?:s|sa|iz|z)\b|στάλθηκε από\b|dikirim dari\b|được gửi từ\b|gửi từ\b|发自我的|發自我的|从我的.{1,20}发送|從我的.{1,20}傳送|나의 .{1,20}에서 보냄|(?:iphone|ipad|android).{0,12}(?:から送信|'(?:um)?dan gönderildi))"
    r"|^.{0,20}(?:iphone|ipad|android)から送信",
    re.I,
)

_SIGN_OFFS = frozenset(phrases.SIGN_OFFS)


def without_signature(lines: Sequence[str], *, first_words: bool, sign_offs: bool, dashes: bool) -> int:
    """How many of the lines are the message itself; no signature begins with the `first_words` of a message.

    `sign_offs`: also hide `Regards,` and the name below. HTML mail marks its signature with an element of its own,
    and guessing there would only eat words. `dashes`: the message ends here; above history that was cut, a row of
    dashes is too often part of the letter.
    """
    least = 1 + next((number for number, line in enumerate(lines) if line.strip()), 0) if first_words else 0
    end = _after_last(lines, len(lines))
    if dashes:
        end = _after_last(lines, _dashes(lines, least, end))
    if dashes or not any(_DASHES.match(line[:200]) for line in lines[least:end]):
        end = _after_last(lines, _sent_from(lines, least, end))
    if sign_offs:
        end = _after_last(lines, _sign_off(lines, least, end))
        end = _after_last(lines, _dashed_name(lines, least, end))
    return end


def _after_last(lines: Sequence[str], end: int) -> int:
    """Empty lines and rulers at the end say nothing."""
    cut = end
    while cut > 0 and _RULER.match(lines[cut - 1][:200]) and len(lines[cut - 1]) <= 200:
        cut -= 1
    return cut or end


def _dashes(lines: Sequence[str], least: int, end: int) -> int:
    found, below = end, 0
    for number in range(end - 1, least - 1, -1):
        line = lines[number]
        if line.strip():
            if line.startswith("```"):
                break
            if len(line) < 200 and _DASHES.match(line):
                found = number
            elif (below := below + 1) > MAX_SIGNATURE_LINES:
                break
    return found


def _sent_from(lines: Sequence[str], least: int, end: int) -> int:
    return next((number for number in range(least, end) if _says_sent_from(lines[number])), end)


def _says_sent_from(line: str) -> bool:
    if len(line) > 250 or not _SENT_FROM.match(line):
        return False
    words = re.sub(r"[<(\[]\s?(?:https?:|mailto:)[^\s>)\]]{1,200}[>)\]]?", "", line).strip(" .!*_")
    known = _DEVICE.search(words) is not None
    return (
        ", " not in words
        and ". " not in words
        and len(words.split()) <= (14 if known else 7)
        and (known or line.rstrip()[-1:] not in ".?:")
    )


def _sign_off(lines: Sequence[str], least: int, end: int) -> int:
    below = 0
    for number in range(end - 1, least - 1, -1):
        line = lines[number].strip()
        if not line:
            continue
        if len(line) < 60 and line.lower().strip(" ,.!;:*_~-–—") in _SIGN_OFFS:
            closed = below and (line[-1] in ",.!" or lines[number + 1].strip() != "")
            return number if closed and _reads_as_name(lines, number + 1, end) else end
        below += 1
        if below > MAX_SIGN_OFF_LINES or len(line) > 60:
            return end
    return end


def _reads_as_name(lines: Sequence[str], start: int, end: int) -> bool:
    name = next(line.strip() for line in lines[start:end] if line.strip())
    words = name.strip(".,*_-–— ").split()
    if not words or len(words) > 5 or name[-1] in "?:;!":
        return False
    return not words[0][0].islower() or len(words) == 1


def _dashed_name(lines: Sequence[str], least: int, end: int) -> int:
    """`-Roman` as the last line; not the last of a list."""
    above = [line for line in lines[:end] if line.strip()]
    if (
        end <= least
        or len(above) < 2
        or above[-2].rstrip().endswith(":")
        or any(_BULLET.match(line) for line in above[-4:-1])
    ):
        return end
    line = lines[end - 1]
    spaced = line[1:2] == " "
    alone = end >= 2 and not lines[end - 2].strip()
    if _DASHED_NAME.match(line.rstrip(" .!")) and (not spaced or (alone and len(line.split()) <= 3)):
        return end - 1
    return end
