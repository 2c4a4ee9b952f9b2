"""Jobs on mail."""

from app.mail import outgoing, transport


def send_due() -> None:
    """Send every mail that waits, over one connection."""
    transport.deliver_due()


def forget_old() -> None:
    outgoing.forget_old()
