"""Jobs of the API."""

from app.api import models


def forget_answers() -> None:
    """What repeated requests were answered two days ago."""
    models.forget_old()
