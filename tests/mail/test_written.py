"""The bytes of a mail say what they were made of: the standard library reads them back letter for letter."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail import composing, written

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=250).map(composing.one_line)


def read(head: str, body: bytes = b"") -> EmailMessage:
    return message_from_bytes(head.encode("ascii") + b"\r\n" + body, policy=policy.default)  # type: ignore[return-value]


def lines(text: str) -> list[int]:
    return [len(line) for line in text.split("\r\n")]


@given(WORDS)
@example("Re: =?utf-8?q?no?= it stands as it is")
@example("x" * 250)
@example("a  b " + "word " * 40)
@example("Grüße aus Köln, " * 12)
@example("👩‍👩‍👧‍👧" * 30)
@example("")
def test_a_subject_comes_back_as_it_was(words: str) -> None:
    head = written.text("Subject", words)

    assert max(lines(head)) <= 78
    assert read(head)["Subject"] == words


@given(WORDS.map(lambda words: words[:100]))
@example('Jonas "the wall" \\ Lind, jr.')
@example("Élodie Müller (Deskhand)")
@example("support@bank.example")
@example("a" * 100)
def test_a_name_comes_back_and_never_changes_the_address(name: str) -> None:
    head = written.header("To", written.mailbox(name, "ada@northwind.example"))

    (address,) = read(head)["To"].addresses
    assert address.addr_spec == "ada@northwind.example"
    assert without_blanks(address.display_name) == without_blanks(name)  # the library puts one between encoded words
    assert max(lines(head)) <= 200


def without_blanks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    "text",
    ["Hello\n", ".\n..\nFrom here\n", "a" * 3000 + "\n", "trailing \t\nüöä€ 👋 = equals\n", "--=_0123\n", "one\rtwo\r\nthree\n", "\x0b\x0c\x1f"],
    ids=["plain", "dots", "a long line", "blanks and signs", "a mark between parts", "odd line ends", "controls"],
)  # fmt: skip
def test_a_body_comes_back_in_lines_that_any_server_takes(text: str) -> None:
    raw = written.multipart("alternative", (written.body("plain", text), written.body("html", f"<p>{text}</p>")))

    mail = message_from_bytes(b"MIME-Version: 1.0\r\n" + raw, policy=policy.default)  # type: ignore[assignment]
    plain, html = mail.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert in_lines(plain.get_content()) == in_lines(text)
    assert html.get_content().startswith("<p>")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 100 and b"\n" not in raw.replace(b"\r\n", b"")
    assert mail.defects == [] and plain.defects == []


def in_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
