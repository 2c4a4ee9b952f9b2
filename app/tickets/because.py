"""What made something happen, besides whoever did it: kept with every event of that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_cause: ContextVar[Mapping[str, str]] = ContextVar("cause", default=MappingProxyType({}))


@contextmanager
def because(**cause: str) -> Iterator[None]:
    """`macro` or `rule` with its name, as sentences.WAYS says them."""
    token = _cause.set({**_cause.get(), **cause})
    try:
        yield
    finally:
        _cause.reset(token)


def cause() -> Mapping[str, str]:
    return _cause.get()
