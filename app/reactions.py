"""What else happens when something happens to a ticket. Read it top to bottom: it is the product on one page."""

from app.core.events import Reaction
from app.search import index as search
from app.tickets.timeline import Did

REACTIONS: dict[Did, tuple[Reaction, ...]] = {
    Did.OPENED: (search.index_opening,),
    Did.RECEIVED: (search.index_message,),
    Did.REPLIED: (search.index_message,),
    Did.NOTED: (search.index_message,),
    Did.SUBJECT_CHANGED: (search.index_header,),
}
