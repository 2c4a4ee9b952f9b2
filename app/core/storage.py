"""Where files lie: a folder or an S3 bucket, behind one small interface. Keys are ours and random."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from flask import current_app
from obstore.store import LocalStore, ObjectStore, S3Store

from app.core import clock


def store() -> ObjectStore:
    """file:///folder or s3://bucket/prefix (credentials as AWS_… in the environment), made once an app."""
    kept = current_app.extensions.get("deskhand_store")
    if kept is None:
        address = urlsplit(current_app.config["STORAGE_URL"])
        if address.scheme == "s3":
            kept = S3Store(address.netloc, prefix=address.path.strip("/") or None)
        else:
            Path(address.path).mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = LocalStore(address.path)
        current_app.extensions["deskhand_store"] = kept
    return kept


def save(content: bytes) -> str:
    """Keep the bytes and return their key. Nothing of a person's goes into the key."""
    key = f"{clock.now():%Y/%m}/{secrets.token_hex(16)}"
    obstore.put(store(), key, content)
    return key


def load(key: str) -> bytes:
    """The bytes; FileNotFoundError when they are gone."""
    return bytes(obstore.get(store(), key).bytes())


def remove(key: str) -> None:
    obstore.delete(store(), key)
