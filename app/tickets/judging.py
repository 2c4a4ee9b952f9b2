"""Judging documents that came: a round of verdicts, told to the customer in one mail."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Sequence

from flask_babel import force_locale
from flask_babel import gettext as _

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core import clock, language
from app.core.errors import Invalid
from app.tickets import requests
from app.tickets.collecting import NotNow, read_anew, slot_of, waiting_for
from app.tickets.conversation import Then, storable
from app.tickets.requests import LONGEST_REASON, DocumentRequest, RequestState, Slot, SlotState
from app.tickets.thread import Channel, Message, Words
from app.tickets.timeline import Did


@dc.dataclass(frozen=True)
class Verdict:
    """About the file that stood in a slot when somebody looked at it."""

    slot_id: int
    file_id: int
    accepted: bool
    reason: str = ""


def review(request: DocumentRequest, verdicts: Sequence[Verdict], by: Actor) -> Message | None:
    """One round: each verdict, and one mail with all of them. With the last required document accepted the request is done."""
    place = request.ticket.place_in_turn()
    rights.demand(by, "documents", place)
    read_anew(request)
    if not request.open:
        raise NotNow(_("This request has ended."))
    judged = [(_judged(request, verdict), verdict) for verdict in verdicts]
    if not judged:
        raise Invalid(_("Please accept or refuse at least one document."))
    for slot, verdict in judged:
        _settle(request, slot, verdict, by)
    done = request.complete
    text = _told(request, judged)
    then = Then.KEEP if done else waiting_for(by, place)
    message = place.reply(Words(text, via=Channel.STAFF, asks=not done), by, then)
    if done:
        request.state, request.ended_at = RequestState.DONE, clock.now()
        request.ticket.record(Did.DOCUMENTS_DONE, by, request_id=request.id)
    else:
        request.ticket.record(Did.DOCUMENTS_REVIEWED, by, request_id=request.id, message_id=message.id)
    requests.count(request.ticket)
    return message


def _judged(request: DocumentRequest, verdict: Verdict) -> Slot:
    """The slot, still holding the file that was looked at."""
    slot = slot_of(request, verdict.slot_id)
    if slot.state is not SlotState.RECEIVED or slot.attachment_id != verdict.file_id:
        raise NotNow(_("“%(name)s” changed in the meantime. Please look at it again.", name=slot.name))
    reason = verdict.reason.strip()
    if not verdict.accepted and not reason:
        raise Invalid(
            _("Please say why “%(name)s” is refused: the customer reads it.", name=slot.name),
            {f"reason-{slot.id}": _("Please say why.")},
        )
    if len(reason) > LONGEST_REASON:
        raise Invalid(
            _("At most %(most)s characters.", most=LONGEST_REASON),
            {f"reason-{slot.id}": _("At most %(most)s characters.", most=LONGEST_REASON)},
        )
    return slot


def _settle(request: DocumentRequest, slot: Slot, verdict: Verdict, by: Actor) -> None:
    if verdict.accepted:
        slot.state, slot.reason = SlotState.ACCEPTED, None
        request.ticket.record(Did.DOCUMENT_ACCEPTED, by, name=slot.name)
    else:
        slot.state, slot.reason = SlotState.REFUSED, storable(verdict.reason).strip()
        request.ticket.record(Did.DOCUMENT_REFUSED, by, name=slot.name, reason=slot.reason)


def _told(request: DocumentRequest, judged: Sequence[tuple[Slot, Verdict]]) -> str:
    """The round as the customer reads it, in their language."""
    with force_locale(language.known(request.ticket.requester.language) or language.of_desk()):
        lines = [
            _("Accepted: %(name)s", name=slot.name)
            if verdict.accepted
            else _("Please send again: %(name)s. %(reason)s", name=slot.name, reason=slot.reason)
            for slot, verdict in judged
        ]
        first = _("Thank you, your documents are complete.") if request.complete else _("We looked at your documents.")
        open_ones = [slot.name for slot in request.missing if slot.state is SlotState.REQUESTED]
        last = [_("Still missing: %(names)s", names=", ".join(open_ones))] if open_ones else []
        return "\n".join([first, "", *lines, *last])
