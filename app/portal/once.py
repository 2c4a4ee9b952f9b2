"""A form that is pressed twice is sent once."""

from __future__ import annotations

from app.accounts import tokens
from app.accounts.models import Customer
from app.portal.frame import typed

MARK = "form"
"""The hidden field that tells one copy of a form from another."""


class Sending:
    """This form with this content; `became` is the id of the ticket that it already went into."""

    def __init__(self, customer: Customer, *content: str) -> None:
        mark = typed(MARK)
        self._sent = tokens.form_sent(mark, *content, customer=customer) if mark else None

    @property
    def became(self) -> int | None:
        return self._sent.became if self._sent else None

    def done(self, ticket_id: int) -> None:
        if self._sent:
            tokens.form_became(self._sent, ticket_id)
