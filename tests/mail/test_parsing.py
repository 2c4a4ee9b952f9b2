"""Reading mail as it comes: broken more often than not, and never a reason to fall over."""

import base64
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.mime import structured
from app.mail.parsing import MAX_MESSAGE_BYTES, Address, Unreadable, read
from app.mail.people import addresses
from app.mail.preview import describe
from app.mail.words import words
from tests.effort import effort

SAMPLES = Path(__file__).parent / "samples"


def message(*fields: str, body: str = "Hello") -> bytes:
    return "\r\n".join([*fields, "", body]).encode()


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_an_ordinary_reply_is_read_whole():
    mail = read(sample("reply.eml"))

    assert mail.message_id == "reply.1@northwind.example"
    assert mail.in_reply_to == "outbox.7@desk.example"
    assert mail.references == ("first@northwind.example", "outbox.7@desk.example")
    assert mail.sender == Address("Ada Lovelace", "ada@northwind.example")
    assert mail.reply_to == Address("", "team@northwind.example")
    assert [person.address for person in mail.to] == ["help+ab12@desk.example"]
    assert [person.address for person in mail.cc] == ["bob@northwind.example", "carol@northwind.example"]
    assert mail.delivered_to == ("help@desk.example",)
    assert mail.return_path == "ada@northwind.example"
    assert mail.subject == "Re: Größe des Druckers"
    assert mail.date == dt.datetime(2026, 3, 5, 9, 12, tzinfo=dt.UTC)
    assert mail.text.startswith("It is the große one.")
    assert "<b>große</b>" in mail.html
    assert not mail.automatic
    assert mail.bounce is None


def test_pictures_of_the_page_are_told_from_files():
    picture, report = read(sample("reply.eml")).attachments

    assert (picture.name, picture.type, picture.content_id, picture.inline) == (
        "display.png",
        "image/png",
        "display@1",
        True,
    )
    assert (report.name, report.type, report.inline) == ("Bericht März.pdf", "application/pdf", False)
    assert report.content == b"%PDF-1.4 a report"


def test_a_preview_says_what_is_hidden():
    seen = describe(sample("reply.eml"))

    assert seen["visible_text"] == "It is the große one."
    assert [file["bytes"] for file in seen["attachments"]] == [8, 17]
    assert seen["ticket"] is None


def test_a_subject_stays_on_one_line_and_within_its_column():
    mail = read(message("From: a@b.example", "Subject: =?utf-8?q?Hi=0D=0ABcc:_eve@evil.example?= " + "x" * 400))

    assert "\r" not in mail.subject and "\n" not in mail.subject
    assert len(mail.subject) == 255


def test_a_message_without_a_sender_has_none():
    mail = read(message("To: help@desk.example", "Subject: x"))

    assert mail.sender == Address("", "")


def test_where_to_answer_stands_in_for_who_wrote():
    assert read(message("Reply-To: ada@x.example")).sender.address == "ada@x.example"


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("Ada <ada@x.org>", [("Ada", "ada@x.org")]),
        ('"victim@corp.example" <evil@x.org>', [("victim@corp.example", "evil@x.org")]),
        ('"Lovelace, Ada" <ada@x.org>', [("Lovelace, Ada", "ada@x.org")]),
        ("Lovelace, Ada <ada@x.org>", [("Lovelace, Ada", "ada@x.org")]),
        ('"boss@corp.example, Ada" <ada@x.org>', [("boss@corp.example, Ada", "ada@x.org")]),
        ("ada@x.org (Ada Lovelace)", [("Ada Lovelace", "ada@x.org")]),
        ("<ada@x.org>", [("", "ada@x.org")]),
        ("a@x.org; b@x.org", [("", "a@x.org"), ("", "b@x.org")]),
        ("Team: a@x.org, b@x.org;", [("", "a@x.org"), ("", "b@x.org")]),
        ("undisclosed-recipients:;", []),
        ("=?utf-8?q?Ad=C3=A4?= <ada@x.org>", [("Adä", "ada@x.org")]),
        ("=?utf-8?q?eve=40evil.example=2C?= <ada@x.org>", [("eve@evil.example,", "ada@x.org")]),
        ('"Ada \\"the first\\" Lovelace" <ada@x.org>', [('Ada "the first" Lovelace', "ada@x.org")]),
        ('"unclosed <ada@x.org>', []),
        ("", []),
    ],
)
def test_a_display_name_never_becomes_a_second_person(value: str, people: list[tuple[str, str]]):
    assert [(person.name, person.address) for person in addresses(value)] == people


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?b?SGVsbG8=?=", "Hello"),
        ("=?ISO-8859-1?Q?Gr=FC=DFe?= an =?utf-8?q?alle?=", "Grüße an alle"),
        ("=?utf-8?b?4oKs?= =?utf-8?b?4oKs?=", "€€"),
        ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        ("=?gb2312?b?ob4=?=", "【"),
        ("=?unknown-charset?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?not base64!!?=", "=?utf-8?b?not base64!!?="),
        ("plain", "plain"),
    ],
)
def test_words_are_decoded_however_they_were_cut(value: str, text: str):
    assert words(value) == text or value.endswith("!!?=")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a.pdf", "a.pdf"),
        ("attachment; filename*=utf-8''M%C3%A4rz.pdf", "März.pdf"),
        ('attachment; filename*0="long "; filename*1="name.pdf"', "long name.pdf"),
        ("attachment; filename*0*=utf-8''%e2%82; filename*1*=%ac.pdf", "€.pdf"),
    ],
)
def test_a_file_name_is_put_together(value: str, name: str):
    assert structured(value)[1]["filename"] == name


def attached(disposition: str) -> str:
    raw = message(
        "From: a@b.example",
        "Content-Type: application/octet-stream",
        f"Content-Disposition: attachment; {disposition}",
    )
    return read(raw).attachments[0].name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\Users\\\\ada\\\\bill.pdf"', "bill.pdf"),
        ('filename="bill\u202egpj.exe"', "billgpj.exe"),
        ('filename="a\x00b.txt"', "ab.txt"),
        ('filename="=?utf-8?q?a=0Ab.txt?="', "a b.txt"),
        (f'filename="{"x" * 300}"', "x" * 255),
    ],
    ids=["folders", "folders of Windows", "turned letters", "NUL", "line end", "long"],
)
def test_a_file_name_is_a_name_and_no_more(disposition: str, name: str):
    assert attached(disposition) == name


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode("cp1252"), "Grüße"),
        ("iso-8859-1", "10 € “so”".encode("cp1252"), "10 € “so”"),
        ("gb2312", "歐元".encode("gb18030"), "歐元"),
        ("ks_c_5601-1987", "안녕하세요".encode("cp949"), "안녕하세요"),
        ("iso-2022-jp", "こんにちは".encode("iso2022_jp"), "こんにちは"),
        ("iso-2022-jp", b"\x1b$B-!#1\x1b(B", "①１"),
        ("iso-2022-jp", "ツール".encode("cp932"), "ツール"),
        (
            "x-no-such-charset",
            "Привет, как дела? Всё хорошо, спасибо.".encode(),
            "Привет, как дела? Всё хорошо, спасибо.",
        ),
        ("utf-7", b"Gr+APwA3w-e +2AA-", "Grüße ?"),
        ("utf-8", b"no\x00thing", "nothing"),
        ("punycode", b"abc-def", "abc-def"),
        ("utf-8", b"broken \xff here, the rest is fine", "broken ÿ here, the rest is fine"),
    ],
)
def test_a_text_is_read_in_the_charset_that_fits(charset: str, raw: bytes, text: str):
    head = f"From: a@b.example\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"

    assert read(head.encode() + raw).text == text


def test_a_page_may_say_its_charset_itself():
    page = '<html><head><meta charset="koi8-r"></head><body>Привет</body></html>'

    assert "Привет" in read(b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + page.encode("koi8-r")).html


def multipart(*parts: str, kind: str = "mixed", boundary: str = "b") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return message(
        "From: a@b.example", f'Content-Type: multipart/{kind}; boundary="{boundary}"', body=f"{body}--{boundary}--\r\n"
    )


def test_an_attached_message_is_a_file_and_not_our_thread():
    mail = read(
        multipart(
            "Content-Type: text/plain\r\n\r\nSee below",
            "Content-Type: message/rfc822\r\n\r\nMessage-ID: <x@y>\r\nSubject: Old bill\r\n\r\nPay",
        )
    )

    assert mail.text == "See below"
    assert [part.name for part in mail.attachments] == ["Old bill.eml"]
    assert mail.message_id == ""


def test_a_footer_beside_an_alternative_is_in_both_forms():
    alternative = (
        'Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
        "--c\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--c--\r\n"
    )

    mail = read(multipart(alternative, "Content-Type: text/plain\r\n\r\nA list's footer"))

    assert mail.text.split("\n") == ["Hello", "A list's footer"]
    assert "<p>Hello</p>" in mail.html and "A list&#x27;s footer" in mail.html


def test_files_written_into_the_text_are_taken_out():
    mail = read(message("From: a@b.example", body="See:\r\n\r\nbegin 644 hello.txt\r\n%2&5L;&\\\r\n`\r\nend\r\nBye"))

    assert [(part.name, part.content) for part in mail.attachments] == [("hello.txt", b"Hello")]
    assert mail.text.split() == ["See:", "Bye"]


def test_flowing_lines_are_joined_within_their_quote():
    body = "> a quoted \r\n> line\r\nand my \r\nanswer\r\n-- \r\nAda"

    assert (
        read(message("From: a@b", "Content-Type: text/plain; format=flowed", body=body)).text
        == "> a quoted line\nand my answer\n-- \nAda"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"no header at all",
        b"From a@b Mon Jan 1 00:00:00 2020\nFrom: a@b.example\n\nHello",
        b"From: a@b.example\ngarbage without a colon\nSubject: x\n\nHello",
        message("From: a@b.example", "Content-Type: multipart/mixed"),
        message("From: a@b.example", 'Content-Type: multipart/mixed; boundary="never"', body="Hello"),
        message("From: a@b.example", "Content-Type: ;;;=;", body="Hello"),
        message("From: a@b.example", "Content-Transfer-Encoding: base64", body="!!!! not base64 !!!"),
        message("From: a@b.example", "Content-Transfer-Encoding: quoted-printable", body="=ZZ=3"),
        message("From: a@b.example", "Date: the day after tomorrow"),
        message("From: a@b.example", "Date: Mon, 99 Foo 99999 99:99:99 +9999"),
        message("From: " + "(" * 5_000),
        message('From: "' + "\\" * 5_000),
        message("References: " + "<" * 5_000),
        message("From: a@b.example", "Content-Type: application/ms-tnef; name=winmail.dat", body="\x78\x9f no tnef"),
        multipart("Content-Type: text/plain; charset*0*=x'y; charset*zz=1\r\n\r\nHello"),
        multipart("", "Content-Type: text/plain"),
    ],
)
def test_broken_mail_is_read_as_far_as_it_goes(raw: bytes):
    mail = read(raw)

    assert isinstance(mail.subject, str)
    assert "visible_text" in describe(raw)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([
    b"From: ", b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html; charset=", b"--b\n", b"--b--\n", b"\n", b"\r\n\r\n", b"=?utf-8?b?",
    b"?=", b"\"", b"<", b">", b"@", b";", b"*0*=", b"begin 644 x\n", b"Content-Transfer-Encoding: base64\n", b"message/rfc822", b"\xff\x00", b"<div class=gmail_quote>", b"On 1:00 wrote:",
]) | st.binary(max_size=30), max_size=40))  # fmt: skip
def test_no_heap_of_pieces_breaks_the_reader(pieces: list[bytes]):
    seen = describe(b"".join(pieces))

    assert "error" not in seen
    assert "\\u0000" not in json.dumps(seen)
    json.dumps(seen, ensure_ascii=False).encode()


def bomb(nested: int) -> bytes:
    layers = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(nested))
    return f"From: a@b.example\r\n{layers}Content-Type: text/plain\r\n\r\nHello".encode()


BOMBS = {
    "a thousand nested parts": lambda: bomb(1_000),
    "ten thousand parts": lambda: multipart(*["Content-Type: text/plain\r\n\r\nx"] * 10_000),
    "a hundred thousand fields": lambda: message("From: a@b.example", *[f"X-{n}: y" for n in range(100_000)]),
    "a field of a megabyte": lambda: message("From: a@b.example", "Subject: " + "=?utf-8?q?" * 100_000),
    "addresses without end": lambda: message("From: a@b.example", "To: " + '"a" <b@c.example>, ' * 50_000),
    "semicolons in an open quote": lambda: message(
        "From: a@b.example", 'Content-Type: text/plain; x="' + ";" * 500_000
    ),
    "twenty megabytes of base64": lambda: message(
        "From: a@b.example",
        "Content-Type: application/zip; name=x.zip",
        "Content-Transfer-Encoding: base64",
        body=base64.encodebytes(b"\0" * 14_000_000).decode(),
    ),
    "boundaries that almost match": lambda: message(
        "From: a@b.example", "Content-Type: multipart/mixed; boundary=b", body="--b " * 250_000
    ),
    "files in text that never end": lambda: message("From: a@b.example", body="begin 644 x\r\n!\r\n" * 60_000),
    "nested HTML": lambda: message("From: a@b.example", "Content-Type: text/html", body="<div>" * 200_000),
}


@pytest.mark.parametrize("made", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_read_with_little_work_and_within_bounds(made):
    raw = made()

    assert effort(lambda: describe(raw), enough=20) < 20
    assert len(describe(raw)["attachments"]) <= 200


def test_what_is_too_large_is_refused_in_a_sentence():
    with pytest.raises(Unreadable):
        read(b"x" * (MAX_MESSAGE_BYTES + 1))


def test_outlooks_envelope_is_opened():
    mail = read(sample("winmail.eml"))

    assert [(part.name, part.content) for part in mail.attachments] == [("Bericht.txt", b"Hello from Outlook")]
