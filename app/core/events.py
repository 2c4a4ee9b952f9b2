"""Tells the higher floors what happened on a lower one, within the same transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Reaction = Callable[[Any], None]

_reactions: dict[Any, list[Reaction]] = defaultdict(list)


def react(table: Mapping[Any, Iterable[Reaction]]) -> None:
    """Replace the reactions by those of `table`: kind of event -> functions, called in the order written."""
    _reactions.clear()
    for kind, functions in table.items():
        _reactions[kind].extend(functions)


def publish(kind: Any, event: Any) -> None:
    """Call what listens to `kind`. An error in a reaction ends the transaction: a change comes with all its effects or not at all."""
    for function in _reactions[kind]:
        function(event)
