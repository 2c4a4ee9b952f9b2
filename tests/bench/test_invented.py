"""The invented desk is the same on every machine: figures of two machines are figures of the same rows."""

import hashlib
from pathlib import Path

from app.bench.invented import Invention

OF_50 = "5144fa7af0d4f2ec1c581196938ed5eb4768c9f30068fe580909d4d0aa61ad56"
"""Of the bytes of all files of 50 tickets; Faker's names are part of them."""


def test_the_same_number_of_tickets_gives_the_same_bytes(tmp_path: Path) -> None:
    Invention(50).write(tmp_path)

    files = sorted(tmp_path.glob("*.csv"))
    assert [file.name for file in files] == [
        f"{name}.csv" for name in ("categories", "customers", "departments", "messages", "staff", "tickets")
    ]
    assert hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() == OF_50


def test_the_words_that_searches_are_measured_with_are_there(tmp_path: Path) -> None:
    Invention(400).write(tmp_path)

    text = (tmp_path / "messages.csv").read_text()
    assert text.count("zyzzyva") == 3
    assert 80 < text.count("ORD-") < 200
    assert "refund" in text
