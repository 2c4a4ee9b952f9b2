"""For which tickets a policy holds: lists of what a ticket may be, all of which it has to meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.tickets.models import Ticket
from app.tickets.timeline import Did

Values = frozenset[Any]
FIELDS = ("department", "category", "kind", "channel", "organization", "tag")
WORDS = ("kind", "channel")
"""Asked by their words; all others by ids."""
MOVES = {
    Did.DEPARTMENT_CHANGED: "department",
    Did.CATEGORY_CHANGED: "category",
    Did.TAGGED: "tag",
    Did.UNTAGGED: "tag",
}
"""What changes a fact; the kind and the channel of a ticket stay, and of a customer's organization no event of theirs tells."""


@dataclass(frozen=True)
class Facts:
    """What of a ticket policies ask."""

    rank: int
    asked: Mapping[str, Values] = field(default_factory=dict)

    def changed(self, what: Did, given: Mapping[str, Any]) -> Facts:
        """After this deed."""
        return self._moved(what, given, forwards=True)

    def before(self, what: Did, given: Mapping[str, Any]) -> Facts:
        """As they were until this deed."""
        return self._moved(what, given, forwards=False)

    def _moved(self, what: Did, given: Mapping[str, Any], forwards: bool) -> Facts:
        if what is Did.PRIORITY_CHANGED and "rank" in given:
            return replace(self, rank=given["rank" if forwards else "rank_was"])
        name = MOVES.get(what, "")
        if name not in self.asked:
            return self
        if name == "tag":
            there = (what is Did.TAGGED) is forwards
            tag = frozenset({given.get("tag_id")} - {None})
            values = self.asked[name] | tag if there else self.asked[name] - tag
        else:
            values = frozenset({given.get("now_id" if forwards else "was_id")})
        return replace(self, asked={**self.asked, name: values})


def facts_of(ticket: Ticket, asks: frozenset[str]) -> Facts:
    """As it is now; what no policy asks is not read."""
    return Facts(ticket.priority_rank, {name: frozenset(_values(ticket, name)) for name in FIELDS if name in asks})


def _values(ticket: Ticket, name: str) -> Iterator[Any]:
    if name == "tag":
        yield from (tag.id for tag in ticket.tags)
    elif name == "organization":
        yield ticket.requester.organization_id
    elif name in WORDS:
        yield getattr(ticket, name).value
    else:
        yield getattr(ticket, f"{name}_id")


def asked_of(conditions: Mapping[str, Any]) -> dict[str, Values]:
    return {name: frozenset(conditions[name]) for name in FIELDS if conditions.get(name)}


def misses(asked: Mapping[str, Values], facts: Facts) -> str | None:
    """The first thing in which the ticket is not what is asked; None when it fits."""
    return next((name for name, wanted in asked.items() if not wanted & facts.asked[name]), None)


def covers(wider: Mapping[str, Values], narrower: Mapping[str, Values]) -> bool:
    """Whether every ticket that meets the second meets the first. Of tags a ticket may have many: still true, for one of them is enough."""
    return all(name in narrower and narrower[name] <= wanted for name, wanted in wider.items())
