"""The receiver takes a bounded number of connections, and nobody finds out by trying which addresses are the desk's."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator

import pytest
from flask import Flask

from app.mail import receiver
from tests.security.receiving import listening

DESK = "support@deskhand.example"


@pytest.fixture
def port(app: Flask) -> Iterator[int]:
    """A receiver on loopback."""
    with listening(app) as port:
        yield port


def test_one_address_holds_only_so_many_lines_and_gets_in_again_when_one_ends(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MOST_LINES_OF_ONE", 3)
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(smtplib.SMTP("127.0.0.1", port, timeout=10)) for _ in range(3)]

        with pytest.raises(smtplib.SMTPConnectError) as refusal:
            smtplib.SMTP("127.0.0.1", port, timeout=10)

        assert refusal.value.smtp_code == 421
        assert all(line.noop()[0] == 250 for line in lines)
        lines[0].quit()
        assert until_admitted(port) == 250


def until_admitted(port: int) -> int:
    """The end of a line is noticed a moment later."""
    for _ in range(50):
        with contextlib.suppress(smtplib.SMTPConnectError), smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
            return line.noop()[0]
    return 421


def test_whoever_tries_out_addresses_is_cut_off(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.ehlo("guesser.test")
        line.mail("a@guesser.test")
        codes = [line.rcpt(f"guess{n}@deskhand.example")[0] for n in range(receiver.MOST_WRONG)]
        right = line.rcpt(DESK)[0]

        assert codes == [550] * (receiver.MOST_WRONG - 1) + [421]
        assert right == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            for _ in range(100_000):
                line.noop()


def test_a_message_has_only_so_many_recipients(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MOST_RECIPIENTS", 2)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.ehlo("sender.test")
        line.mail("a@sender.test")

        assert [line.rcpt(DESK)[0] for _ in range(3)] == [250, 250, 452]
