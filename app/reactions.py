"""What else happens when something happens to a ticket. Read it top to bottom: it is the product on one page."""

from app.core.events import Reaction
from app.tickets.timeline import Did

REACTIONS: dict[Did, tuple[Reaction, ...]] = {}
