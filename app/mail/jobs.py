"""Jobs on mail."""

from app.mail import transport


def send_due() -> None:
    """Send every mail that waits, over one connection."""
    transport.deliver_due()
