"""The question as a reader's language has it: the admin's words, or ours."""

from app.core.words import language
from app.core.words import said as _
from app.settings import desk


def question() -> str:
    own: str = getattr(desk.current(), f"satisfaction_question_{language()}", "")
    return own or _("How did we do?")
