"""Where files lie: a folder or an S3 bucket, behind one small interface. Keys are ours and random."""

import datetime as dt
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from flask import current_app
from flask_babel import gettext as _
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.core import clock
from app.core.errors import HelpdeskError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

log = logging.getLogger(__name__)

BUCKET_ANSWERS: "ClientConfig" = {
    "connect_timeout": "3s",
    "timeout": "15s",
    "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
}
BUCKET_RETRIES: "RetryConfig" = {"max_retries": 1, "retry_timeout": dt.timedelta(seconds=10)}
"""A person waits for the answer: the library's own three minutes would hold up the whole page."""
OURS = re.compile(r"\d{4}/\d{2}/[0-9a-f]{32}")
"""A key as `save` makes it."""
AWAITED = "awaited/"
"""Begins the key of a file whose bytes are not here yet."""


_tried: ContextVar[dict[str, bytes] | None] = ContextVar("tried", default=None)


class StorageAway(HelpdeskError):
    """The place for files does not answer, or is full."""

    code = 503

    def __init__(self) -> None:
        super().__init__(_("Files can be neither saved nor read at the moment. Please try again in a few minutes."))


def store() -> ObjectStore:
    """file:///folder or s3://bucket/prefix (credentials as AWS_… in the environment), made once an app."""
    kept = current_app.extensions.get("deskhand_store")
    if kept is None:
        address = urlsplit(current_app.config["STORAGE_URL"])
        if address.scheme == "s3":
            kept = S3Store(
                address.netloc,
                prefix=address.path.strip("/") or None,
                client_options=BUCKET_ANSWERS,
                retry_config=BUCKET_RETRIES,
            )
        else:
            Path(address.path).mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = LocalStore(address.path)
        current_app.extensions["deskhand_store"] = kept
    return kept


@contextmanager
def tried() -> Iterator[None]:
    """Inside, what is saved can be loaded and is kept nowhere: the rows that name it are taken back, too."""
    token = _tried.set({})
    try:
        yield
    finally:
        _tried.reset(token)


@contextmanager
def _answering() -> Iterator[None]:
    """What the library calls an error of any kind is one sentence here; a file that is not there stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as problem:
        log.warning("the storage does not answer: %s", problem)
        raise StorageAway from problem


def save(content: bytes) -> str:
    """Keep the bytes and return their key. Nothing of a person's goes into the key. Raises StorageAway."""
    key = f"{clock.now():%Y/%m}/{secrets.token_hex(16)}"
    held = _tried.get()
    if held is not None:
        held[key] = content
        return key
    with _answering():
        obstore.put(store(), key, content)
    return key


def await_bytes() -> str:
    """A key for a file whose bytes come later."""
    return AWAITED + secrets.token_hex(16)


def load(key: str) -> bytes:
    """The bytes; FileNotFoundError when they are gone, StorageAway when they cannot be had now."""
    if key.startswith(AWAITED):
        raise StorageAway
    held = _tried.get() or {}
    if key in held:
        return held[key]
    with _answering():
        return bytes(obstore.get(store(), key).bytes())


def remove(key: str) -> None:
    with _answering():
        obstore.delete(store(), key)


def kept_before(instant: dt.datetime) -> Iterator[list[str]]:
    """The keys of what was saved before `instant`, in handfuls. A bucket may hold other people's files: theirs are not among them."""
    with _answering():
        for handful in obstore.list(store(), chunk_size=500):
            old = [meta["path"] for meta in handful if meta["last_modified"] < instant]
            yield [key for key in old if OURS.fullmatch(key)]
