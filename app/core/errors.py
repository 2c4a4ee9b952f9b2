"""Errors that a person caused and can understand. Doors turn them into a flash message or a 4xx; nothing else catches them."""

from collections.abc import Mapping


class HelpdeskError(Exception):
    """Base of every rule's refusal in the present state (409); str(error) is the sentence shown to the person."""

    code = 409


class Forbidden(HelpdeskError):
    """The person may not do this (403)."""

    code = 403


class NotThere(HelpdeskError):
    """It does not exist, or this person may not know that it does (404)."""

    code = 404


class TooLarge(HelpdeskError):
    """More bytes than the desk takes (413)."""

    code = 413


class Invalid(HelpdeskError):
    """What was given is wrong (422); `fields` names each wrong field with its sentence."""

    code = 422

    def __init__(self, sentence: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = dict(fields or {})
