"""What every response of the desk has to say about itself. tests/conftest.py holds each response of the whole suite to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie

FRAMED = ("/html", "/pdf")
"""Ends of the addresses that are shown in a frame of ours: the bodies of mails, files to look at."""
LOOSE = {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:", "blob:"}
FOR_SCRIPTS = ("theme",)
"""Cookies that a page's script may read."""
Environ = dict[str, Any]


def troubles(path: str, status: int, headers: Headers) -> list[str]:
    """What this response fails to say; empty when it is fine."""
    framed = path.endswith(FRAMED) and status == 200
    policy = read_policy(headers.get("Content-Security-Policy", ""))
    scripts = set(policy.get("script-src", policy.get("default-src", "*")).split())
    wanted = {
        "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
        "the old frame header": headers.get("X-Frame-Options") == ("SAMEORIGIN" if framed else "DENY"),
        "frame-ancestors": policy.get("frame-ancestors") == ("'self'" if framed else "'none'"),
        "a policy for scripts": not LOOSE & scripts,
        "a referrer policy": headers.get("Referrer-Policy") in ("same-origin", "no-referrer"),
        "an opener policy": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "no-store": path.startswith("/static/") or headers.get("Cache-Control") == "no-store",
        "Vary: Cookie": path.startswith("/static/") or "cookie" in headers.get("Vary", "").lower(),
        "no sandbox for a mail's body": not framed or ("sandbox" in policy and not policy["sandbox"].count("script")),
        "its cookies kept from scripts": all(guarded(cookie) for cookie in headers.getlist("Set-Cookie")),
    }
    return [name for name, fine in wanted.items() if not fine]


def read_policy(text: str) -> dict[str, str]:
    return {name: rest for name, _blank, rest in (part.strip().partition(" ") for part in text.split(";")) if name}


def guarded(cookie: str) -> bool:
    """For our pages alone, and no script reads it."""
    name = next(iter(parse_cookie(cookie.partition(";")[0])), "")
    return "SameSite=Lax" in cookie and "Domain=" not in cookie and ("HttpOnly" in cookie or name in FOR_SCRIPTS)


class Checked:
    """A WSGI application whose every response is looked at: a bad one fails the test that got it."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]]) -> None:
        self.wsgi = wsgi

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        def look(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            path = environ.get("PATH_INFO", "")
            found = troubles(path, int(status[:3]), Headers(headers))
            assert not found, f"{environ['REQUEST_METHOD']} {path} ({status}) lacks: {', '.join(found)}"
            return start_response(status, headers, *more)

        return self.wsgi(environ, look)
