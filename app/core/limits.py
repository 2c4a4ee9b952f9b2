"""How often somebody may do what: counted in the queue's Redis, so that all processes count together, and never in the database."""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
import logging
import os
import threading
import time
from typing import NamedTuple

import redis
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import ngettext
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.core import clock
from app.core.errors import HelpdeskError
from app.core.queue import NotAnswering

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
"""Redis is on this machine or near: a page does not wait longer for it."""
REST_SECONDS = 5
"""After it did not answer it is not asked for so long, or every page would wait."""
TOLD_EVERY_SECONDS = 60
LONGEST_MEMORY = 10_000
COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {count, left}
"""
"""The first one begins the window; refused tries do not lengthen it."""


class Limit(enum.StrEnum):
    """What is counted and for whom; how often is config.LIMITS."""

    SIGN_IN_ACCOUNT = "sign_in_account"
    SIGN_IN_NETWORK = "sign_in_network"
    LINK_ADDRESS = "link_address"
    LINK_NETWORK = "link_network"
    GUEST_ADDRESS = "guest_address"
    GUEST_NETWORK = "guest_network"
    NEW_TICKET = "new_ticket"
    REPLY = "reply"
    UPLOAD = "upload"
    UPLOAD_LINK = "upload_link"
    RATING_LINK = "rating_link"
    DRAFT = "draft"
    API_KEY = "api_key"
    API_NETWORK = "api_network"


GUESSES = (Limit.SIGN_IN_ACCOUNT, Limit.SIGN_IN_NETWORK)
"""Counted in this process while Redis is away: whoever can stop it gets no free guesses. All else is let through."""


class Bound(NamedTuple):
    attempts: int
    seconds: int


class Counted(NamedTuple):
    number: int
    seconds_left: int


class TooMany(HelpdeskError):
    """More than the bound of a limit (429)."""

    code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(self.sentence(-(-seconds // 60)))
        g.retry_after = max(seconds, 1)  # for the header, also where a door shows its form again

    @staticmethod
    def sentence(minutes: int) -> str:
        return str(
            ngettext(
                "That was a lot at once. Please wait a minute and try again.",
                "That was a lot at once. Please wait %(num)d minutes and try again.",
                minutes,
            )
        )


def install(app: Flask) -> None:
    app.extensions["deskhand_limits"] = _Counters(app)
    app.after_request(_say_when)


def _say_when(response: Response) -> Response:
    if response.status_code == TooMany.code and reached():
        response.headers["Retry-After"] = str(g.retry_after)
    return response


def spend(limit: Limit, who: object, shown: str = "", refusal: type[TooMany] = TooMany) -> None:
    """Count one more, or raise `refusal`. `shown` is how the log calls them when `who` should not stand there."""
    if not current_app.config["LIMITS_ON"]:
        return
    bound = Bound(*current_app.config["LIMITS"][limit])
    counted = _counters().add(limit, who, 1, bound)
    if counted.number == bound.attempts + 1:
        log.warning("limit %s reached by %r: refused for %s s", limit, shown or str(who), counted.seconds_left)
    if counted.number > bound.attempts:
        raise refusal(counted.seconds_left)


def give_back(limit: Limit, who: object) -> None:
    """What was counted before it was known to be right."""
    if current_app.config["LIMITS_ON"]:
        _counters().add(limit, who, -1, Bound(*current_app.config["LIMITS"][limit]))


def reached() -> bool:
    """Whether a bound refused something in this request."""
    return "retry_after" in g


def network() -> str:
    """Where this request comes from. Of IPv6 the first 64 bits: a single home has all addresses below them."""
    try:
        address = ipaddress.ip_address((has_request_context() and request.remote_addr) or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def forget_all() -> None:
    """For tests that begin anew."""
    _counters().memory.clear()


def _counters() -> _Counters:
    counters: _Counters = current_app.extensions["deskhand_limits"]
    return counters


class _Counters:
    """Redis where there is one; this process's memory for guesses while it is away, and for all in a desk without a queue."""

    def __init__(self, app: Flask) -> None:
        self.memory = Memory()
        self._app = app
        self._kept: tuple[int, redis.Redis] | None = None
        self._rests_until = self._told_at = float("-inf")

    def add(self, limit: Limit, who: object, number: int, bound: Bound) -> Counted:
        key = self._key(limit, who)
        if self._app.config.get("QUEUE_OFF"):
            return self.memory.add(key, number, bound)
        if time.monotonic() >= self._rests_until:
            try:
                count, left = self._redis().eval(COUNT, 1, key, number, bound.seconds * 1000)
                return Counted(int(count), -(-int(left) // 1000))
            except NotAnswering as problem:
                self._rest(problem)
        return self.memory.add(key, number, bound) if limit in GUESSES else Counted(0, 0)

    def _key(self, limit: Limit, who: object) -> str:
        """Names and addresses do not lie about in the queue: it keeps a file."""
        secret = str(self._app.config["SECRET_KEY"]).encode()
        digest = hmac.new(secret, f"{limit}|{who}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return f"deskhand:limit:{limit}:{digest[:32]}"

    def _redis(self) -> redis.Redis:
        """One client a process, less patient than the queue's."""
        if self._kept is None or self._kept[0] != os.getpid():
            client = redis.Redis.from_url(
                self._app.config["REDIS_URL"],
                socket_connect_timeout=PATIENCE_SECONDS,
                socket_timeout=PATIENCE_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
            self._kept = (os.getpid(), client)
        return self._kept[1]

    def _rest(self, problem: Exception) -> None:
        now = time.monotonic()
        self._rests_until = now + REST_SECONDS
        if now - self._told_at >= TOLD_EVERY_SECONDS:
            self._told_at = now
            log.warning("limits are not shared, the queue does not answer: %s", problem)


class Memory:
    """The same count in this process alone."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def add(self, key: str, number: int, bound: Bound) -> Counted:
        now = clock.now().timestamp()
        with self._lock:
            if len(self._windows) >= LONGEST_MEMORY:
                self._windows = {name: window for name, window in self._windows.items() if window[1] > now}
            count, ends_at = self._windows.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + bound.seconds
            self._windows[key] = (count + number, ends_at)
        return Counted(count + number, max(1, round(ends_at - now)))

    def clear(self) -> None:
        self._windows.clear()
