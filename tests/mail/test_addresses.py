"""Addresses and Message-IDs prove what they name, and survive what mail programs do to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.extensions import db
from app.mail import addresses
from app.mail.addresses import Recipient, RecipientKind, Token
from tests.factories import setting

IDS = st.integers(min_value=1, max_value=2**63 - 1)


@pytest.mark.parametrize("kind", list(RecipientKind))
def test_a_reply_address_says_ticket_and_recipient(app, kind):
    address = addresses.reply_address(1042, Recipient(kind, 7))

    assert addresses.read_token(address) == Token(1042, kind, 7)


def test_letter_case_does_not_matter(app):
    address = addresses.reply_address(1042, Recipient(RecipientKind.CUSTOMER, 7))

    assert addresses.read_token(f"<{address.upper()}>") == Token(1042, RecipientKind.CUSTOMER, 7)


@given(ticket=IDS, person=IDS)
def test_every_id_fits_into_a_local_part(app, ticket, person):
    address = addresses.reply_address(ticket, Recipient(RecipientKind.STAFF, person))

    assert len(address.partition("@")[0]) <= 64
    assert addresses.read_token(address) == Token(ticket, RecipientKind.STAFF, person)


def test_one_changed_letter_makes_a_token_worthless(app):
    address = addresses.reply_address(1042, Recipient(RecipientKind.CUSTOMER, 7))
    local, _, host = address.partition("@")
    prefix, _, word = local.partition("+")

    forged = [
        f"{prefix}+{word[:at]}{'a' if letter != 'a' else 'b'}{word[at + 1 :]}@{host}"
        for at, letter in enumerate(word[:-1])
    ]

    assert {addresses.read_token(one) for one in forged} == {None}


@pytest.mark.parametrize("address", ["support@deskhand.example", "support+@deskhand.example", "support+sales@deskhand.example", "", "@", "+", "support+" + "a" * 40 + "@x", "support+" + "é" * 40 + "@x"])  # fmt: skip
def test_an_address_without_a_token_proves_nothing(app, address):
    assert addresses.read_token(address) is None


def test_a_token_of_another_desk_is_not_read(app):
    address = addresses.reply_address(1042, Recipient(RecipientKind.CUSTOMER, 7))
    app.config["SECRET_KEY"], before = "another desk's key", app.config["SECRET_KEY"]
    try:
        assert addresses.read_token(address) is None
        app.config["SECRET_KEY_FALLBACKS"] = [before]
        assert addresses.read_token(address) == Token(1042, RecipientKind.CUSTOMER, 7)
    finally:
        app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] = before, None


def test_our_message_id_names_its_delivery_whatever_the_domain_is_called_today(app):
    message_id = addresses.message_id_for(815)
    setting(mail_from="help@elsewhere.example")
    db.session.commit()

    assert addresses.read_message_id(message_id) == 815
    assert addresses.read_message_id(message_id.strip("<>").upper()) == 815
    assert addresses.message_id_for(815) != message_id


@pytest.mark.parametrize(
    "message_id",
    [
        "<816.{mac}@deskhand.example>",
        "<815.aaaaaaaaaaaaaaaaaaaaaaaaaa@deskhand.example>",
        "<815@deskhand.example>",
        "",
        "<>",
    ],
)
def test_a_message_id_we_did_not_make_names_nothing(app, message_id):
    mac = addresses.message_id_for(815).partition(".")[2].partition("@")[0]

    assert addresses.read_message_id(message_id.replace("{mac}", mac)) is None


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("support@deskhand.example", True),
        ("SUPPORT+abc@deskhand.example", True),
        ("support@elsewhere.example", False),
        ("supporter@deskhand.example", False),
    ],
)
def test_the_desk_knows_its_own_addresses(app, address, own):
    assert addresses.ours(address) is own
