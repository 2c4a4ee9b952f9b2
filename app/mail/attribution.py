"""The lines by which mail programs announce what they quote, in the languages that people write in.

Every pattern looks at a bounded stretch of a bounded number of lines, so that no text can hold a worker.
"""

import re
from collections.abc import Sequence

MAX_LINE = 500
MAX_ATTRIBUTION_LINES = 5
MAX_HEADER_LINES = 24


def _words(text: str) -> str:
    """An alternation of the phrases between the bars, longest first, so that none hides behind its own beginning."""
    phrases = sorted((re.escape(phrase.strip()) for phrase in text.split("|") if phrase.strip()), key=len, reverse=True)
    return "|".join(phrase.replace(r"\ ", r"\s{1,3}") for phrase in phrases)


_VERBS = _words(
    "wrote|writes|a wrote|schrieb|hat geschrieben|geschrieben|a écrit|a ecrit|écrit|escribió|escribio|ha escrit|va escriure"
    "|ha escrito|ha scritto|scrisse|escreveu|schreef|het volgende geschreven|geschreven|skrev|har skrevet|følgende"
    "|kirjoitti|napisał(a)|napisał|napisała|napisal|napisala|pisze|napsal(a)|napsal|napsala|napísal(a)|napísal|napísala"
    "|ezt írta|írta|a scris|yazdı|şunu yazdı|şunları yazdı|написал(а)|написал|написала|пишет|писал|писала|написав|написала"
    "|написав(-ла)|пише|написа|je napisao|je napisala|napisao|napisao/la|je napisal|je napisal/a|έγραψε|כתב|כתבה|כתב/ה|مساهمة|كتب|كتبت|نوشت|ने लिखा"
    "|เขียนว่า|đã viết|menulis|写道|寫道|写到|書きました|さんは書きました|のメール|のメッセージ|さんからのメール|작성|님이 작성|kirjutas|rakstīja|rašė|parašė|skrifaði"
    "|idatzi zuen|escribiu|ysgrifennodd|skribis|het geskryf|dirait|viết"
)
_VERBS_BEFORE_THE_NAME = _words("schrieb|schreef|skrev|napisał|skrifaði|napsal|wrote|escribió|écrit|a écrit|пишет|написал")
_ON_WORDS = _words(
    "on|at|am|le|el|il|em|op|den|på|dnia|w dniu|vào|vào ngày|lúc|pada|dne|dňa|în|în data de|in data|in date|a|la|as of|στις|ב|في|u|dana|dne"
    "|ngày|kl|il giorno|le jour|no dia|el día|vom|von|de|в|у|在|于|於"
)
_DAYS = _words(
    "mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mo|di|mi|do|fr|sa|so|montag|dienstag"
    "|mittwoch|donnerstag|freitag|samstag|sonntag|lun|mar|mer|jeu|ven|sam|dim|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    "|mié|mie|jue|vie|sáb|sab|dom|lunes|martes|miércoles|jueves|viernes|sábado|domingo|gio|lunedì|martedì|mercoledì|giovedì|venerdì"
    "|seg|ter|qua|qui|sex|ma|wo|vr|za|zo|tir|ons|tor|tors|fre|lør|lör|søn|sön|man|mån|tis|ke|to|pe|la|su|ti|pon|wt|śr|czw|pt|sob|niedz"
    "|po|út|st|čt|pá|ne|пн|вт|ср|чт|пт|сб|вс|нд|hét|kedd|sze|csüt|pén|szo|vas|pzt|sal|çar|per|cum|cmt|paz"
)
_TIME_OR_DATE = re.compile(
    r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}|\b\d{1,2}[:.h]\d{2}(?!\d)|\b(?:19|20)\d\d\b|\d{1,2}\s?[月时時点點]|\d\s?(?:AM|PM)\b", re.I
)
_PROPER_START = re.compile(
    rf"[^<@\n]{{1,60}}<\s?$|(?:{_ON_WORDS})\s[^\n]{{0,40}}\d|\d|(?:{_DAYS})[.,]{{0,2}}\s[^\n]{{0,15}}\d|[\"'<(\[]|[在于於]", re.I
)
_DATED_START = re.compile(rf"(?:{_ON_WORDS})\s[^\n]{{0,25}}\d|\d{{1,4}}[\s./:年-]|(?:{_DAYS})[.,]{{0,2}}\s[^\n]{{0,15}}\d", re.I)
_VERB_AT_END = re.compile(rf"(?:^|[\s>)\]\"'，,，])\s*(?:{_VERBS})\s?(?:\:|：|-{{2,}})?$", re.I)
_AFTER_ADDRESS = re.compile(rf"@[^\s<>@]{{1,200}}[>)\]]{{1,3}}\s{{0,3}}(?:{_VERBS})\s?$", re.I)
_VERB_THEN_NAME = re.compile(rf"\s(?i:{_VERBS_BEFORE_THE_NAME})\s{{1,3}}(?=[^\W_a-zà-ÿа-яё]|[\"'<(])")
_NAMED_AT_END = re.compile(r"@[^\s<>@]{1,200}\s?[>)\]]{1,3}$")
_ISO_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:GMT|UTC)[+-]\d{1,2}:?\d\d \S.{0,200}$"
    r"|\d{4}/\d{1,2}/\d{1,2} \S.{0,200}<\s?[^\s<>@]{1,100}@[^\s<>@]{1,200}>$"
)
_IN_MID_LINE = re.compile(
    rf"(?<=\S)[\s-]{{1,10}}\b(?=(?:On|Am|Le|El|Il|Em|Op|Den|W dniu|Dnia)\s(?:(?i:{_DAYS})\b|\w{{0,9}}\.?\s?\d))"
)


def attribution_end(lines: Sequence[str], at: int) -> int | None:
    """The line after an attribution such as `On …, … wrote:` that begins at line `at`."""
    first = _bare(lines[at])
    if not first or not _may_begin(first):
        return None
    if _ISO_STAMP.match(first):
        return at + 1
    joined, last = "", at
    for last in range(at, min(at + MAX_ATTRIBUTION_LINES + 1, len(lines))):
        line = _bare(lines[last])
        if not line and not _goes_on_below(lines, last):
            return None
        joined = f"{joined} {line}".strip()
        if len(joined) > MAX_LINE:
            return None
        if joined.endswith((":", "：")) or (last == at and lines[at].rstrip().endswith("--")):
            begins_here = _announces(joined, last - at) and not _begins_below(lines, at, last + 1)
            return last + 1 if begins_here else None
    return None


def _begins_below(lines: Sequence[str], at: int, end: int) -> bool:
    """Whether what ends there begins at a line further below: the sender's own last line also had a number."""
    return any(
        _DATED_START.match(_bare(lines[number])) and attribution_end(lines, number) == end for number in range(at + 1, end)
    )


def _bare(line: str) -> str:
    return line[:MAX_LINE].strip(" \t*_-\xa0\u200e\u202f")


def _may_begin(first: str) -> bool:
    return any(mark.isdigit() for mark in first) or "@" in first or "<" in first or first.endswith((":", "："))


def _goes_on_below(lines: Sequence[str], blank: int) -> bool:
    """Some programs put the address two lines below the name."""
    return blank + 1 < len(lines) and lines[blank + 1].lstrip().startswith("<")


def _announces(text: str, lines_below: int) -> bool:
    body = text.rstrip(":： -")
    dated = _TIME_OR_DATE.search(body) is not None
    begins_well = _PROPER_START.match(body) is not None
    if _VERB_AT_END.search(body):
        return (begins_well or lines_below == 0) and (dated or _AFTER_ADDRESS.search(body) is not None)
    if not (dated and begins_well):
        return False
    if _NAMED_AT_END.search(body):
        return True
    verb = _VERB_THEN_NAME.search(body)
    return verb is not None and len(body) - verb.end() < 80


def attribution_within(line: str) -> int | None:
    """Where an attribution begins that shares its line with the end of the reply."""
    if len(line) > MAX_LINE or not line.rstrip().endswith((":", "：")) or _PROPER_START.match(line.strip()):
        return None
    found = _IN_MID_LINE.search(line)
    if found is None or not _announces(_bare(line[found.end() :]), 0):
        return None
    return found.start()


_ORIGINAL = re.compile(
    r"^[\s>*_]{0,10}[-_=—–]{2,}\s{0,3}(?:"
    + _words(
        "original message|original appointment|reply message|ursprüngliche nachricht|urspruengliche nachricht|originalnachricht|original-nachricht|antwort nachricht"
        "|ursprüngliche mail|message d'origine|message d’origine|message original|message initial|mensaje original|messaggio originale|messaggio originario|mensagem original"
        "|oorspronkelijk bericht|origineel bericht|originalmeddelande|ursprungligt meddelande|ursprungligt|oprindelig meddelelse|oprindelig besked|original besked|original meddelelse"
        "|opprinnelig melding|alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna|wiadomość pierwotna|původní zpráva|puvodni zprava|pôvodná správa"
        "|eredeti üzenet|mesaj original|mesajul original|исходное сообщение|оригинальное сообщение|оригинал сообщения|вихідне повідомлення|原始邮件|原始郵件|原邮件|原件|元のメッセージ"
        "|원본 메시지|원본 메일|orijinal ileti|orijinal mesaj|özgün ileti|αρχικό μήνυμα|הודעה מקורית|الرسالة الأصلية|tin nhắn gốc|thư gốc|pesan asli|izvorna poruka|izvirno sporočilo"
        "|missatge original|mensaxe orixinal"
    )
    + r")\b",
    re.I,
)
_FORWARD_WORDS = _words(
    "forwarded message|begin forwarded message|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|weitergeleitete mail|message transféré|message transmis|message réexpédié|courriel transféré"
    "|début du message transféré|début du message réexpédié|mensaje reenviado|inicio del mensaje reenviado|mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada"
    "|messaggio inoltrato|inizio messaggio inoltrato|doorgestuurd bericht|begin doorgestuurd bericht|vidarebefordrat meddelande|vidarebefordrat brev|videresendt meddelelse|videresendt besked|videresendt melding"
    "|start på videresendt besked|välitetty viesti|edelleenlähetetty viesti|przekazana wiadomość|wiadomość przekazana|treść przekazanej wiadomości|přeposlaná zpráva|preposlaná správa"
    "|továbbított üzenet|mesaj redirecționat|пересылаемое сообщение|пересланное сообщение|переадресованное сообщение|начало переадресованного сообщения|переслане повідомлення|转发的邮件|转发邮件|轉寄郵件|轉寄的郵件"
    "|転送メッセージ|転送されたメッセージ|전달된 메시지|전달된 메일|iletilen ileti|yönlendirilen ileti|yönlendirilmiş mesaj|προωθημένο μήνυμα|הודעה שהועברה|الرسالة المعاد توجيهها|missatge reenviat"
)
_FORWARD = re.compile(rf"^[\s*_]{{0,10}}(?:[-_=—–]{{2,}}\s{{0,3}}(?:{_FORWARD_WORDS})\b|(?:{_FORWARD_WORDS})\s?[:：]\s{{0,3}}$)", re.I)


def original_follows(line: str) -> bool:
    """`-----Original Message-----` in many languages."""
    return _ORIGINAL.match(line[:MAX_LINE]) is not None


def forward_follows(line: str) -> bool:
    """`---------- Forwarded message ---------` in many languages."""
    return _FORWARD.match(line[:MAX_LINE]) is not None


_LABELS = {
    "from": "from|von|de|da|van|från|fra|od|lähettäjä|от|от кого|від|від кого|发件人|寄件者|寄件人|差出人|送信者|送信元|보낸 사람|보낸사람|kimden|gönderen|feladó|de la|από|מאת|من|expéditeur"
    "|afsender|avsender|mittente|remitente|odesílatel|odosielateľ|saatja|nuo|từ|dari|จาก|šalje|pošiljatelj",
    "date": "sent|date|gesendet|datum|envoyé|envoyé le|envoyée|date d'envoi|enviado|enviado el|enviada em|enviado em|enviada|fecha|data|inviato|verzonden|skickat|sendt|dato|lähetetty|päivämäärä|päiväys"
    "|отправлено|дата|надіслано|发送时间|发送日期|傳送時間|寄件日期|送信日時|送信日|日時|日期|날짜|보낸 날짜|보낸날짜|wysłano|wysłane|odesláno|odeslané|odoslané|elküldve|küldve|dátum|trimis|gönderildi|gönderilen"
    "|gönderme tarihi|tarih|ngày|đã gửi|dikirim|tanggal|ημερομηνία|στάλθηκε|נשלח|תאריך|تاريخ|تم الإرسال|saadetud|kuupäev|poslano|enviat|when",
    "to": "to|an|à|a|para|per|aan|til|till|do|vastaanottaja|кому|收件人|宛先|받는 사람|받는사람|kime|alıcı|címzett|către|catre|komu|pro|προς|אל|إلى|destinataire|destinatario|ontvanger|đến|kepada|saaja|za|prima|i",
    "cc": "cc|kopie|copie|cópia|copia|kopia|kopi|копия|копія|抄送|副本|참조|bilgi|másolatot kap|kópia|kópie|κοιν|bcc|c.c|cópia para|copia para",
    "subject": "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|predmet|tema|тема|主题|主旨|件名|标题|제목|konu|tárgy|subiect|θέμα|נושא|الموضوع|chủ đề|perihal|subjek|assumpte"
    "|zadeva|teema|sujet",
    "reply": "reply-to|antwort an|répondre à|risposta|rispondi a|responder a|antwoord aan|svar til|reply to",
    "other": "importance|priority|wichtigkeit|priorität|attachments|anlagen|pièces jointes|allegati|adjuntos",
}
_KINDS = {label: kind for kind, labels in _LABELS.items() for label in labels.split("|")}
_LABEL = re.compile(r"^[*_\s\xa0>]{0,10}([^\W\d_][^:：*\n]{0,24}?)[\s\xa0]{0,3}[*_]{0,3}[\s\xa0]{0,3}[:：]")


def header_block_end(lines: Sequence[str], at: int) -> int | None:
    """The line after a copied mail header (`From: … Sent: … To: … Subject: …`) that begins at line `at`."""
    if _label(lines[at]) in (None, "cc", "other"):
        return None
    kinds: set[str] = set()
    last, misses, address = at, 0, False
    for number in range(at, min(at + MAX_HEADER_LINES, len(lines))):
        line = lines[number][:MAX_LINE]
        kind = _label(line)
        if kind is None:
            misses += 1
            if misses > 2:
                break
        else:
            misses, last = 0, number
            kinds.add(kind)
        address = address or ("@" in line and misses < 2)
    complete = ("from" in kinds and len(kinds) >= 2) or len(kinds - {"other"}) >= 3
    return last + 1 if complete and (address or "subject" in kinds) else None


def _label(line: str) -> str | None:
    match = _LABEL.match(line[:60])
    return _KINDS.get(match.group(1).strip().lower()) if match else None
