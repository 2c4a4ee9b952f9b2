"""What mail programs and people write around a letter, in the languages that we know."""

import re
from collections.abc import Iterable


def phrases(text: str) -> tuple[str, ...]:
    """The phrases between the bars and the line ends."""
    return tuple(phrase.strip() for phrase in re.split(r"[|\n]", text) if phrase.strip())


def alternation(some: Iterable[str]) -> str:
    """A pattern for any of the phrases, longest first, so that none hides behind its own beginning."""
    escaped = (re.escape(phrase) for phrase in sorted(some, key=len, reverse=True))
    return "|".join(phrase.replace(r"\ ", r"\s{1,3}") for phrase in escaped)


WROTE = phrases("""
    wrote | writes | a wrote | schrieb | hat geschrieben | geschrieben | a écrit | a ecrit | écrit | escribió
    escribio | ha escrit | va escriure | ha escrito | ha scritto | scrisse | escreveu | schreef
    het volgende geschreven | geschreven | skrev | har skrevet | følgende | kirjoitti | napisał(a) | napisał
    napisała | napisal | napisala | pisze | napsal(a) | napsal | napsala | napísal(a) | napísal | napísala
    ezt írta | írta | a scris | yazdı | şunu yazdı | şunları yazdı | написал(а) | написал | написала | пишет | писал
    писала | написав | написав(-ла) | пише | написа | je napisao | napisao je | napisala je | je napisala | napisao | napisao/la | je napisal
    je napisal/a | έγραψε | כתב | כתבה | כתב/ה | مساهمة | كتب | كتبت | نوشت | ने लिखा | เขียนว่า | đã viết | menulis
    写道 | 寫道 | 写到 | 書きました | さんは書きました | のメール | のメッセージ | さんからのメール | 작성 | 님이 작성 | kirjutas | rakstīja | rašė | parašė
    skrifaði | idatzi zuen | escribiu | ysgrifennodd | skribis | het geskryf | dirait | viết
""")
"""Ends `On Monday, Ada wrote:`, or stands before the name in it."""

WROTE_WITHOUT_SPACES = phrases("""
    写道 | 寫道 | 写到 | 書きました | さんは書きました | のメール | のメッセージ | さんからのメール | 작성 | 님이 작성 | 님이 쓴 글
""")
"""Where words are not parted by spaces."""

QUOTING = phrases("quoting | zitat von | citando a | citando | citation de | cytowanie | citát | citerar | citat")
"""Begins `Quoting Ada <ada@…>:`."""

WROTE_BEFORE_THE_NAME = phrases("""
    schrieb | schreef | skrev | kirjoitti | napisał | skrifaði | napsal | wrote | escribió | écrit | a écrit | пишет | написал
""")
"""The verbs after which the name follows: `Am 1. Mai schrieb Ada:`."""

ON = phrases("""
    on | at | am | le | el | il | em | op | den | på | dnia | w dniu | vào | vào ngày | lúc | pada | dne | dňa | în
    în data de | in data | in date | a | la | as of | στις | ב | في | u | dana | ngày | kl | il giorno | le jour
    no dia | el día | vom | von | de | в | у | 在 | 于 | 於 | בתאריך | بتاريخ | ในวันที่ | เมื่อ | pada tanggal | lúc | le jour
""")
"""Words before a date."""

DAYS = phrases("""
    mon | tue | wed | thu | fri | sat | sun | monday | tuesday | wednesday | thursday | friday | saturday | sunday
    mo | di | mi | do | fr | sa | so | montag | dienstag | mittwoch | donnerstag | freitag | samstag | sonntag | lun
    mar | mer | jeu | ven | sam | dim | lundi | mardi | mercredi | jeudi | vendredi | samedi | dimanche | mié | mie
    jue | vie | sáb | sab | dom | lunes | martes | miércoles | jueves | viernes | sábado | domingo | gio | lunedì
    martedì | mercoledì | giovedì | venerdì | seg | ter | qua | qui | sex | ma | wo | vr | za | zo | tir | ons | tor
    tors | fre | lør | lör | søn | sön | man | mån | tis | ke | to | pe | la | su | ti | pon | wt | śr | czw | pt
    понедельник | вторник | среда | четверг | пятница | суббота | воскресенье | poniedziałek | wtorek | środa | czwartek
    mandag | tirsdag | onsdag | torsdag | fredag | lørdag | søndag | måndag | tisdag | lördag | söndag | št | so | ne
    donderdag | maandag | dinsdag | woensdag | vrijdag | zaterdag | zondag | segunda | terça | quarta | quinta | sexta
    sob | niedz | po | út | st | čt | pá | ne | пн | вт | ср | чт | пт | сб | вс | нд | hét | kedd | sze | csüt
    pén | szo | vas | pzt | sal | çar | per | cum | cmt | paz
""")
"""Days of the week, and how they are shortened."""

ORIGINAL_MESSAGE = phrases("""
    original message | original appointment | reply message | ursprüngliche nachricht | urspruengliche nachricht
    originalnachricht | original-nachricht | antwort nachricht | ursprüngliche mail | message d'origine
    message d’origine | message original | message initial | mensaje original | messaggio originale
    messaggio originario | mensagem original | oorspronkelijk bericht | origineel bericht | originalmeddelande
    ursprungligt meddelande | ursprungligt | oprindelig meddelelse | oprindelig besked | original besked
    original meddelelse | opprinnelig melding | alkuperäinen viesti | oryginalna wiadomość | wiadomość oryginalna
    wiadomość pierwotna | původní zpráva | puvodni zprava | pôvodná správa | eredeti üzenet | mesaj original
    mesajul original | исходное сообщение | оригинальное сообщение | оригинал сообщения | вихідне повідомлення
    原始邮件 | 原始郵件 | 原邮件 | 原件 | 元のメッセージ | 원본 메시지 | 원본 메일 | orijinal ileti | orijinal mesaj | özgün ileti
    αρχικό μήνυμα | הודעה מקורית | الرسالة الأصلية | tin nhắn gốc | thư gốc | pesan asli | izvorna poruka
    izvirno sporočilo | missatge original | mensaxe orixinal
""")
"""Between dashes above the history."""

FORWARDED_MESSAGE = phrases("""
    forwarded message | begin forwarded message | weitergeleitete nachricht | anfang der weitergeleiteten nachricht
    weitergeleitete mail | message transféré | message transmis | message réexpédié | courriel transféré
    début du message transféré | début du message réexpédié | mensaje reenviado | inicio del mensaje reenviado
    mensagem encaminhada | mensagem reencaminhada | início da mensagem encaminhada | messaggio inoltrato
    inizio messaggio inoltrato | doorgestuurd bericht | begin doorgestuurd bericht | vidarebefordrat meddelande
    vidarebefordrat brev | videresendt meddelelse | videresendt besked | videresendt melding
    start på videresendt besked | välitetty viesti | edelleenlähetetty viesti | przekazana wiadomość
    wiadomość przekazana | treść przekazanej wiadomości | přeposlaná zpráva | preposlaná správa | továbbított üzenet
    mesaj redirecționat | пересылаемое сообщение | пересланное сообщение | переадресованное сообщение
    начало переадресованного сообщения | переслане повідомлення | 转发的邮件 | 转发邮件 | 轉寄郵件 | 轉寄的郵件 | 転送メッセージ | 転送されたメッセージ
    전달된 메시지 | 전달된 메일 | iletilen ileti | yönlendirilen ileti | yönlendirilmiş mesaj | προωθημένο μήνυμα
    הודעה שהועברה | الرسالة المعاد توجيهها | missatge reenviat
""")
"""Above a forward."""

REPLY_ABOVE = phrases("""
    reply above this line | please reply above this line | please type your reply above this line | write above this line
    type your reply above this line | write your reply above this line | reply above this line to add a comment
    bitte antworten sie oberhalb dieser linie | bitte oberhalb dieser zeile antworten | antworten sie über dieser zeile
    bitte geben sie ihre antwort über dieser zeile ein | répondez au-dessus de cette ligne | responda acima desta linha
    veuillez répondre au-dessus de cette ligne | responda por encima de esta línea | rispondi sopra questa riga
    antwoord boven deze regel | svara ovanför denna rad | skriv dit svar over denne linje | odpowiedz powyżej tej linii
    пишите ответ выше этой строки
""")
"""What other desks ask of those who answer them."""

HEADER_LABELS = {
    "from": phrases("""
    from | von | de | da | van | från | fra | od | lähettäjä | от | от кого | від | від кого | 发件人 | 寄件者 | 寄件人 | 差出人
    送信者 | 送信元 | 보낸 사람 | 보낸사람 | kimden | gönderen | feladó | de la | από | מאת | من | expéditeur | afsender
    avsender | mittente | remitente | odesílatel | odosielateľ | saatja | nuo | từ | dari | จาก | šalje
    pošiljatelj
    """),
    "date": phrases("""
    sent | date | gesendet | datum | envoyé | envoyé le | envoyée | date d'envoi | enviado | enviado el | enviada em
    enviado em | enviada | fecha | data | inviato | verzonden | skickat | sendt | dato | lähetetty | päivämäärä
    päiväys | отправлено | дата | надіслано | 发送时间 | 发送日期 | 傳送時間 | 寄件日期 | 送信日時 | 送信日 | 日時 | 日期 | 날짜 | 보낸 날짜 | 보낸날짜
    wysłano | wysłane | odesláno | odeslané | odoslané | elküldve | küldve | dátum | trimis | gönderildi
    gönderilen | gönderme tarihi | tarih | ngày | đã gửi | dikirim | tanggal | ημερομηνία | στάλθηκε | נשלח | תאריך
    تاريخ | تم الإرسال | saadetud | kuupäev | poslano | enviat | when
    """),
    "to": phrases("""
    to | an | à | a | para | per | aan | til | till | do | vastaanottaja | кому | 收件人 | 宛先 | 받는 사람 | 받는사람 | kime
    alıcı | címzett | către | catre | komu | pro | προς | אל | إلى | destinataire | destinatario | ontvanger | đến
    kepada | saaja | za | prima | i
    """),
    "cc": phrases("""
    cc | kopie | copie | cópia | copia | kopia | kopi | копия | копія | 抄送 | 副本 | 참조 | bilgi | másolatot kap | kópia
    kópie | κοιν | bcc | c.c | cópia para | copia para
    """),
    "subject": phrases("""
    subject | betreff | objet | asunto | oggetto | assunto | onderwerp | ämne | emne | aihe | temat | předmět
    predmet | tema | тема | 主题 | 主旨 | 件名 | 标题 | 제목 | konu | tárgy | subiect | θέμα | נושא | الموضوع | chủ đề
    perihal | subjek | assumpte | zadeva | teema | sujet
    """),
    "reply": phrases("""
    reply-to | antwort an | répondre à | risposta | rispondi a | responder a | antwoord aan | svar til | reply to
    """),
    "other": phrases("""
    importance | priority | wichtigkeit | priorität | attachments | anlagen | pièces jointes | allegati | adjuntos
    """),
}
"""The fields of a copied mail header, by what they say."""

SIGN_OFFS = phrases("""
    regards | best regards | kind regards | warm regards | warmest regards | kindest regards | with regards
    with kind regards | with best regards | many regards | best | all the best | best wishes | with best wishes
    yours | yours truly | yours sincerely | yours faithfully | sincerely | sincerely yours | cordially
    respectfully | cheers | thanks | many thanks | thank you | thanks a lot | thank you very much
    thanks and regards | thanks & regards | thanks and best regards | thanks in advance | thx | rgds | br | kr
    brgds | ciao | take care | with thanks | thanks again | thanks so much | warmly | greetings | love | xoxo
    mit freundlichen grüßen | mit freundlichen grüssen | mit freundlichem gruß | mit freundlichem gruss
    freundliche grüße | freundliche grüsse | viele grüße | viele grüsse | liebe grüße | liebe grüsse | beste grüße
    beste grüsse | schöne grüße | herzliche grüße | herzliche grüsse | grüße | grüsse | gruß | gruss | lg | vg | mfg
    danke | vielen dank | besten dank | hochachtungsvoll | bis dann | mit besten grüßen | mit besten grüssen
    mit herzlichen grüßen | cordialement | bien cordialement | très cordialement | bien à vous | bien à toi
    amicalement | sincères salutations | meilleures salutations | salutations | merci | merci d'avance | cdlt | cdt
    bonne journée | bonne réception | salutations distinguées | saludos | un saludo | saludos cordiales
    un cordial saludo | atentamente | gracias | muchas gracias | atte | cordialmente | abrazos | un abrazo
    atenciosamente | cumprimentos | com os melhores cumprimentos | melhores cumprimentos | obrigado | obrigada
    muito obrigado | abraços | abraço | att | grato | grata | cordiali saluti | distinti saluti | saluti | un saluto
    grazie | grazie mille | a presto | buona giornata | met vriendelijke groet | met vriendelijke groeten
    vriendelijke groet | vriendelijke groeten | groet | groeten | groetjes | mvg | bedankt | alvast bedankt
    dank je wel | hartelijke groet | hartelijke groeten | met groet | gr | med venlig hilsen | venlig hilsen
    de bedste hilsner | bedste hilsner | mange hilsner | hilsen | kærlig hilsen | mvh | vh | kh | tak
    på forhånd tak | hilsner | mange tak | med venlige hilsner | dbh | med vennlig hilsen | vennlig hilsen
    beste hilsen | takk | på forhånd takk | hilsen fra | med hilsen | med vänlig hälsning | med vänliga hälsningar
    vänliga hälsningar | vänlig hälsning | hälsningar | hälsning | bästa hälsningar | tack | tack på förhand
    med vänlig hälsningar | allt gott | ystävällisin terveisin | terveisin | terv | kiitos | parhain terveisin | t
    pozdrawiam | pozdrowienia | z poważaniem | z powazaniem | serdecznie pozdrawiam | pozdrawiam serdecznie
    z wyrazami szacunku | dziękuję | dzięki | z pozdrowieniami | łączę pozdrowienia | dziekuje | s pozdravem
    s přáním hezkého dne | děkuji | díky | zdravím | s úctou | s pozdravom | ďakujem | hezký den | lp | lep pozdrav
    hvala | srdačan pozdrav | lijep pozdrav | pozdrav | s poštovanjem | üdvözlettel | tisztelettel | köszönöm | üdv
    cu stimă | cu respect | mulțumesc | multumesc | cu drag | saygılarımla | saygılar | iyi çalışmalar | teşekkürler
    sevgiler | с уважением | с наилучшими пожеланиями | спасибо | всего доброго | с найкращими побажаннями
    з повагою | дякую | поздрави | с поздрав | με εκτίμηση | ευχαριστώ | φιλικά | בברכה | תודה | مع التحية | شكرا
    تحياتي | 以上 | 敬具 | よろしくお願いします | よろしくお願いいたします | 以上、よろしくお願いいたします | 以上、よろしくお願いします | 此致 | 谢谢 | 謝謝 | 祝好 | 감사합니다
    trân trọng | thân | cảm ơn | salam | terima kasih | hormat saya | salutacions | atentament | gràcies
    tervitades | parimate soovidega | pagarbiai | ar cieņu
""")
"""Words above the name at the end of a letter, without their punctuation."""
