"""Where a message ends and its signature begins."""

import re
from collections.abc import Sequence

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

_SIGN_OFFS = frozenset(
    "regards|best regards|kind regards|warm regards|warmest regards|kindest regards|with regards|with kind regards|with best regards|many regards|best|all the best|best wishes"
    "|with best wishes|yours|yours truly|yours sincerely|yours faithfully|sincerely|sincerely yours|cordially|respectfully|cheers|thanks|many thanks|thank you|thanks a lot|thank you very much"
    "|thanks and regards|thanks & regards|thanks and best regards|thanks in advance|thx|rgds|br|kr|brgds|ciao|take care|with thanks|thanks again|thanks so much|warmly|greetings|love|xoxo"
    "|mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichem gruß|mit freundlichem gruss|freundliche grüße|freundliche grüsse|viele grüße|viele grüsse|liebe grüße|liebe grüsse"
    "|beste grüße|beste grüsse|schöne grüße|herzliche grüße|herzliche grüsse|grüße|grüsse|gruß|gruss|lg|vg|mfg|danke|vielen dank|besten dank|hochachtungsvoll|bis dann|mit besten grüßen|mit besten grüssen|mit herzlichen grüßen"
    "|cordialement|bien cordialement|très cordialement|bien à vous|bien à toi|amicalement|sincères salutations|meilleures salutations|salutations|merci|merci d'avance|cdlt|cdt|bonne journée|bonne réception|salutations distinguées"
    "|saludos|un saludo|saludos cordiales|un cordial saludo|atentamente|gracias|muchas gracias|atte|cordialmente|abrazos|un abrazo"
    "|atenciosamente|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|obrigado|obrigada|muito obrigado|abraços|abraço|att|grato|grata"
    "|cordiali saluti|distinti saluti|saluti|un saluto|grazie|grazie mille|a presto|buona giornata"
    "|met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|groet|groeten|groetjes|mvg|bedankt|alvast bedankt|dank je wel|hartelijke groet|hartelijke groeten|met groet|gr"
    "|med venlig hilsen|venlig hilsen|de bedste hilsner|bedste hilsner|mange hilsner|hilsen|kærlig hilsen|mvh|vh|kh|tak|på forhånd tak|hilsner|mange tak|med venlige hilsner|dbh"
    "|med vennlig hilsen|vennlig hilsen|beste hilsen|takk|på forhånd takk|hilsen fra|med hilsen"
    "|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|hälsningar|hälsning|bästa hälsningar|tack|tack på förhand|med vänlig hälsningar|allt gott|vh"
    "|ystävällisin terveisin|terveisin|terv|kiitos|parhain terveisin|t"
    "|pozdrawiam|pozdrowienia|z poważaniem|z powazaniem|serdecznie pozdrawiam|pozdrawiam serdecznie|z wyrazami szacunku|dziękuję|dzięki|z pozdrowieniami|łączę pozdrowienia|dziekuje"
    "|s pozdravem|s přáním hezkého dne|děkuji|díky|zdravím|s úctou|s pozdravom|ďakujem|hezký den|lp|lep pozdrav|hvala|srdačan pozdrav|lijep pozdrav|pozdrav|s poštovanjem"
    "|üdvözlettel|tisztelettel|köszönöm|üdv|cu stimă|cu respect|mulțumesc|multumesc|cu drag|saygılarımla|saygılar|iyi çalışmalar|teşekkürler|sevgiler"
    "|с уважением|с наилучшими пожеланиями|спасибо|всего доброго|с найкращими побажаннями|з повагою|дякую|поздрави|с поздрав|με εκτίμηση|ευχαριστώ|φιλικά|בברכה|תודה|مع التحية|شكرا|تحياتي"
    "|以上|敬具|よろしくお願いします|よろしくお願いいたします|以上、よろしくお願いいたします|以上、よろしくお願いします|此致|谢谢|謝謝|祝好|감사합니다|trân trọng|thân|cảm ơn|salam|terima kasih|hormat saya|salutacions|atentament|gràcies|tervitades|parimate soovidega|pagarbiai|ar cieņu".split("|")
)


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
    return ", " not in words and ". " not in words and len(words.split()) <= (14 if known else 7) and (known or line.rstrip()[-1:] not in ".?:")


def _sign_off(lines: Sequence[str], least: int, end: int) -> int:
    below = 0
    for number in range(end - 1, least - 1, -1):
        line = lines[number].strip()
        if not line:
            continue
        if len(line) < 60 and line.lower().strip(" ,.!;:*_~-–—") in _SIGN_OFFS:
            closed = line[-1] in ",.!" or lines[number + 1].strip() != ""
            return number if below and closed and _reads_as_name(lines, number + 1, end) else end
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
    if end <= least or len(above) < 2 or above[-2].rstrip().endswith(":") or any(_BULLET.match(line) for line in above[-4:-1]):
        return end
    line = lines[end - 1]
    spaced = line[1:2] == " "
    alone = end >= 2 and not lines[end - 2].strip()
    if _DASHED_NAME.match(line.rstrip(" .!")) and (not spaced or (alone and len(line.split()) <= 3)):
        return end - 1
    return end
