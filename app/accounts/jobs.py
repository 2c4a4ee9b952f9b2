"""What people leave to a worker: forgetting, absences, and mails with links, so that a page takes as long for a name nobody has."""

from __future__ import annotations

from app.accounts import absences, availability, secondfactor, sessions, staff


def forget_over() -> None:
    """Daily: sessions and half-done sign-ins that open nothing any more."""
    sessions.forget_over()
    secondfactor.forget_over()


def mail_password_reset(login: str) -> None:
    """To whoever has this name or address; to nobody when nobody does."""
    staff.ask_reset(login)


def follow_absences() -> None:
    """Every minute: planned absences begin, and absences end."""
    absences.begin_due()
    availability.come_back()
