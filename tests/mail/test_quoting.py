"""What of a reply is new: the sender's words, all of them, and nothing that the other side already has."""

import pytest

from app.core.html import clean
from app.mail.quoting import DELIMITER, visible, visible_html
from tests.effort import effort

ATTRIBUTIONS = """
On Thu, 5 Mar 2020 at 10:12, Ada <a@x.org> wrote:
On Thursday, March 5, 2020, 10:12:13 AM GMT+1, Ada <a@x.org> wrote:
---- On Thu, 05 Mar 2020 10:12:13 +0100 Ada <a@x.org> wrote ----
2020-03-05 10:12 GMT+01:00 Ada <a@x.org>:
Quoting Ada <a@x.org>:
Le jeu. 5 mars 2020 à 10:12, Ada <a@x.fr> a écrit :
El jue, 5 mar 2020 a las 10:12, Ada (<a@x.es>) escribió:
Em qui., 5 de mar. de 2020 às 10:12, Ada <a@x.pt> escreveu:
Il giorno gio 5 mar 2020 alle ore 10:12 Ada <a@x.it> ha scritto:
Op do 5 mrt. 2020 om 10:12 schreef Ada <a@x.nl>:
Op 5 mrt. 2020 om 10:12 heeft Ada <a@x.nl> het volgende geschreven:
Am Do., 5. März 2020 um 10:12 Uhr schrieb Ada <a@x.de>:
Ada <a@x.de> schrieb am Do., 5. März 2020, 10:12:
Ada schrieb am 05.03.2020 um 10:12:
Am Donnerstag, 5. März 2020, 10:12:13 MEZ hat Ada <a@x.de> Folgendes geschrieben:
Den tors 5 mars 2020 kl 10:12 skrev Ada <a@x.se>:
Den tor. 5. mar. 2020 kl. 10.12 skrev Ada <a@x.dk>:
to 5. maalisk. 2020 klo 10.12 Ada (a@x.fi) kirjoitti:
czw., 5 mar 2020 o 10:12 Ada <a@x.pl> napisał(a):
W dniu 05.03.2020 o 10:12, Ada pisze:
čt 5. 3. 2020 v 10:12 odesílatel Ada <a@x.cz> napsal:
Ada <a@x.hu> ezt írta (időpont: 2020. márc. 5., Cs, 10:12):
În joi, 5 mar. 2020 la 10:12, Ada <a@x.ro> a scris:
Ada <a@x.tr>, 5 Mar 2020 Per, 10:12 tarihinde şunu yazdı:
чт, 5 мар. 2020 г. в 10:12, Ада <a@x.ru>:
Четверг, 5 марта 2020, 10:12 +03:00 от Ада <a@x.ru>:
чт, 5 бер. 2020 р. о 10:12 Ада <a@x.ua> пише:
Στις Πέμ 5 Μαρ 2020 στις 10:12 π.μ., ο χρήστης Ada <a@x.gr> έγραψε:
\u202bבתאריך יום ה׳, 5 במרץ 2020 ב-10:12 מאת \u202aAda\u202c\u200f <\u202aa@x.il\u202c\u200f>:\u202c
في الخميس، 5 مارس 2020 في 10:12 ص تمت كتابة ما يلي بواسطة Ada <a@x.sa>:
2020年3月5日(木) 10:12 Ada <a@x.jp>:
Ada <a@x.cn> 于2020年3月5日周四 上午10:12写道：
2020년 3월 5일 (목) 오전 10:12, Ada <a@x.kr>님이 작성:
Vào Th 5, 5 thg 3, 2020 vào lúc 10:12 Ada <a@x.vn> đã viết:
Pada tanggal Kam, 5 Mar 2020 pukul 10.12 Ada <a@x.id> menulis:
ในวันที่ พฤ. 5 มี.ค. 2020 เวลา 10:12 Ada <a@x.th> เขียนว่า:
On Thu, 5 Mar 2020 at 10:12, A person with a name that is really long <⏎a.very.long.address@department.example.org>⏎wrote:
""".strip().splitlines()


@pytest.mark.parametrize(
    "attribution", [line.replace("⏎", "\n") for line in ATTRIBUTIONS], ids=range(len(ATTRIBUTIONS))
)
@pytest.mark.parametrize("history", ["> Old\n> words", "Old\n\nwords"], ids=["marked", "unmarked"])
def test_history_below_an_attribution_is_hidden(attribution: str, history: str):
    assert visible(f"My answer\n\n{attribution}\n\n{history}\n", "") == "My answer"


HEADERS = {
    "English": "From: Ada <a@x.org>\nSent: Thursday, March 5, 2020 10:12\nTo: Desk\nSubject: RE: Printer",
    "bold": "*From:* Ada <a@x.org>\n*Sent:* Thursday\n*To:* Desk <d@x.org>\n*Subject:* RE: Printer",
    "German": "Von: Ada <a@x.de>\nGesendet: Donnerstag, 5. März 2020 10:12\nAn: Desk\nBetreff: AW: Drucker",
    "French": "De : Ada <a@x.fr>\nEnvoyé : jeudi 5 mars 2020 10:12\nÀ : Desk\nObjet : RE: Imprimante",
    "Spanish": "De: Ada <a@x.es>\nEnviado: jueves, 5 de marzo de 2020 10:12\nPara: Desk\nAsunto: RE: Impresora",
    "Polish": "Od: Ada <a@x.pl>\nWysłano: czwartek, 5 marca 2020 10:12\nDo: Desk\nTemat: RE: Drukarka",
    "Russian": "От: Ада <a@x.ru>\nОтправлено: 5 марта 2020 г. 10:12\nКому: Desk\nТема: RE: Принтер",
    "Chinese": "发件人: Ada <a@x.cn>\n发送时间: 2020年3月5日 10:12\n收件人: Desk\n主题: RE: 打印机",
    "Japanese": "差出人: Ada <a@x.jp>\n送信日時: 2020年3月5日 10:12\n宛先: Desk\n件名: RE: プリンター",
    "below a ruler": "________________________________\nFrom: Ada <a@x.org>\nSent: Thursday\nTo: Desk\nSubject: RE: Printer",
    "below a title": "-----Ursprüngliche Nachricht-----\nVon: Ada <a@x.de>\nGesendet: Donnerstag\nAn: Desk\nBetreff: AW",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_history_below_a_copied_header_is_hidden(header: str):
    assert visible(f"My answer\n\n{header}\n\nOld words\n", "") == "My answer"


def test_our_own_line_ends_the_reply_in_any_language():
    assert visible(f"My answer\n{DELIMITER}\nOld", "") == "My answer"
    assert visible("Meine Antwort\n##- Bitte schreiben Sie oberhalb dieser Zeile -##\nAlt", "") == "Meine Antwort"


def test_the_line_of_another_desk_ends_the_reply():
    assert visible("My answer\n\n===== Reply above this line =====\n\nOld", "") == "My answer"


def test_a_name_is_enough_above_a_marked_quote():
    assert visible("My answer\n\nAda wrote:\n> Old", "") == "My answer"
    assert visible("My answer\n\nIn article <1@x.org>, Ada wrote:\n> Old", "") == "My answer"


def test_answers_between_quoted_lines_stay():
    text = "On Thu, 5 Mar 2020, Ada wrote:\n> Which printer?\n\nThe red one.\n\n> Since when?\n\nMonday.\n"

    assert [line for line in visible(text, "").splitlines() if line] == ["The red one.", "Monday."]


def test_an_answer_below_the_history_stays():
    assert visible("On Thu, 5 Mar 2020, Ada wrote:\n> Which printer?\n\nThe red one.", "") == "The red one."


def test_a_broken_quoted_line_is_still_a_quote():
    quoted = "> Please tell us which of the three printers in the hall it was, and what\nit said on its display\n> when it stopped."

    assert visible(f"The red one\n\nOn Thu, 5 Mar 2020, Ada wrote:\n{quoted}", "") == "The red one"


@pytest.mark.parametrize(
    "text",
    [
        "See this.\n\n---------- Forwarded message ---------\nFrom: Eve <e@x.org>\nDate: Thu, 5 Mar 2020\nSubject: Bill\nTo: a@x.org\n\nPay now",
        "See this.\n\nBegin forwarded message:\n\nFrom: Eve <e@x.org>\nSubject: Bill\nTo: a@x.org\n\nPay now",
        "Siehe unten.\n\n-------- Weitergeleitete Nachricht --------\nBetreff: Rechnung\nVon: Eve <e@x.org>\n\nPay now",
    ],
    ids=["Gmail", "Apple Mail", "Thunderbird in German"],
)
def test_a_forward_is_what_its_sender_wants_to_show(text: str):
    assert visible(text, "") == text


@pytest.mark.parametrize(
    "line",
    [
        "As I wrote on 2024-05-01 the following problems exist:",
        "On 3 May at 10:30 these things happened:",
        "Please contact Bob <bob@x.org> before 10:30:",
        "I got this error at 12:30 from server1@example.com:",
        "Steps to reproduce on 2020-01-01:",
        "Date: 2024-05-01",
        "Something wrote:",
        "The notification was sent from my iPhone app to all users.",
        "Sent from my desk, which is easier than the phone.",
        "------------- Enter your feedback below -------------",
        ">>> >>> http://www.example.com <<<",
    ],
)
def test_ordinary_lines_that_look_like_history_stay(line: str):
    text = f"Hello,\n\n{line}\n\nfirst thing\nsecond thing"

    assert visible(text, "").split() == text.split()


SIGNATURES = {
    "two dashes": "-- \nAda Lovelace\nAnalyst",
    "two dashes without a space": "--\nAda",
    "underscores": "__________\nExample list\nhttps://lists.example.org",
    "a telephone": "Sent from my iPhone",
    "a program with a link": "Get Outlook for Android<https://aka.ms/AAb9ysg>",
    "a telephone in French": "Envoyé de mon iPhone",
    "a telephone in German": "Von meinem iPhone gesendet",
    "a telephone in Japanese": "iPhoneから送信",
    "regards": "Best regards,\nAda Lovelace",
    "regards in German": "Mit freundlichen Grüßen\nAda Lovelace",
    "regards in Danish": "Med venlig hilsen\nAda",
    "a dashed name": "-Ada",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_is_hidden(signature: str):
    assert visible(f"The printer is on fire.\n\n{signature}\n", "") == "The printer is on fire."


@pytest.mark.parametrize(
    "text",
    [
        "--\nAda",
        "Thanks,\n\nit works now",
        "We need:\n- milk",
        "- one\n- two",
        "Thanks,\nplease call me tomorrow",
        "```\nx = 1\n-- \ny = 2\n```",
        "> Only a quote, which nobody announced",
        "It works\n\nthanks",
        "It works\n\nBest regards",
    ],
    ids=[
        "nothing else",
        "first words",
        "a list of one",
        "a list",
        "a request",
        "code",
        "a citation",
        "thanks",
        "no name",
    ],
)
def test_words_that_only_resemble_a_signature_stay(text: str):
    assert visible(text, "") == text


CONTAINERS = {
    "Gmail": '<div class="gmail_quote"><div class="gmail_attr">Ada:</div><blockquote class="gmail_quote">OLD</blockquote></div>',
    "Apple Mail": '<blockquote type="cite"><div>OLD</div></blockquote>',
    "Thunderbird": '<div class="moz-cite-prefix">Ada:</div><blockquote type="cite" cite="mid:1@x">OLD</blockquote>',
    "Outlook on the web": '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ada</div><div>OLD</div>',
    "Outlook passed on by Outlook": '<div id="x_divRplyFwdMsg"><b>From:</b> Ada</div><div>OLD</div>',
    "Outlook": '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm"><p><b>From:</b> Ada</p></div><p>OLD</p>',
    "Yahoo": '<div id="yahoo_quoted_1234567" class="yahoo_quoted"><div>Ada:</div>OLD</div>',
    "Proton": '<div class="protonmail_quote">Ada<blockquote>OLD</blockquote></div>',
    "web.de": '<div name="quote">OLD</div>',
    "Zimbra": '<hr id="zwchr" data-marker="__DIVIDER__"><div>OLD</div>',
    "an unmarked quote": "<blockquote>OLD</blockquote>",
    "an attribution": "<div>On Thu, 5 Mar 2020 at 10:12, Ada &lt;a@x.org&gt; wrote:</div><div>OLD</div>",
    "a Gmail signature": '<div class="gmail_signature">OLD</div>',
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_the_containers_of_mail_programs_are_hidden_in_both_forms(container: str):
    page = f"<html><body><div>My <b>answer</b></div>{container}</body></html>"

    assert visible("", page) == "My answer"
    assert "<b>answer</b>" in clean(visible_html(page))
    assert "OLD" not in visible_html(page)


def test_words_below_a_container_stay():
    page = '<div>Above</div><blockquote type="cite">OLD</blockquote><div>Below</div>'

    assert visible("", page).split() == ["Above", "Below"]


def test_a_reply_that_is_only_a_picture_keeps_it():
    page = (
        '<div><img src="cid:screenshot"></div><blockquote type="cite"><div>OLD <img src="cid:old"></div></blockquote>'
    )

    assert "cid:screenshot" in visible_html(page)
    assert "cid:old" not in visible_html(page)


def test_marked_html_helps_where_the_text_says_nothing():
    page = '<div>My answer</div><div class="gmail_quote">Something in Klingon<div>OLD</div></div>'

    assert visible("My answer\n\nSomething in Klingon\n\nOLD", page) == "My answer"


def test_a_long_log_stays_whole():
    log = "Here is the log:\n" + "\n".join(f"line {number}" for number in range(200_000))

    assert visible(log, "") == log


HOSTILE = [
    ">", "> ", "> a\n", "- ", "-- \n", "_", " ", "\n", "\xa0", "On ", "On \n", "On 1:00 x\n", "On 2020-01-01, <\n", "1:00 ", "a@b ", "<",
    "From: a@b\n", "From: a\n\n", "Regards,\nJo\n", "Sent from my ", "wrote:", "wrote:\n", "```\n", "---- Original", "> " + "y" * 70 + "\nz\n", "|\n",
]  # fmt: skip
HOSTILE_HTML = [
    "<div>",
    "<blockquote>",
    "<br>",
    "<hr>",
    "<p>x</p>",
    '<div class="gmail_quote">x</div>',
    '<div class="',
    "<!--",
    "&#",
    "<b>x</p>",
]


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_a_megabyte_of_hostile_text_is_read_with_little_work(piece: str):
    text = "Hello\n" + piece * (1_000_000 // len(piece))

    assert effort(lambda: visible(text, ""), enough=30) < 30


@pytest.mark.parametrize("piece", HOSTILE_HTML, ids=repr)
def test_a_megabyte_of_hostile_html_is_read_with_bounded_work(piece: str):
    page = "<p>Hello</p>" + piece * (1_000_000 // len(piece))

    assert effort(lambda: visible("", page), enough=60) < 60
    assert visible("", page).startswith("Hello")
