"""Jobs on mail."""

from app.mail import hooks, incoming, outgoing, transport


def send_due() -> None:
    """Send every mail that waits, over one connection."""
    transport.deliver_due()


def forget_hooks() -> None:
    hooks.forget_seen()


def forget_old() -> None:
    """The bytes of old mails, of both ways."""
    outgoing.forget_old()
    incoming.forget_old()
