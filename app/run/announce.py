"""Tells the person when the desk can be used, where, and as whom."""

import http.client
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from app.run import ports

SOON_SECONDS = 20
"""After this long without being ready we say what is missing, once, and go on asking."""


def when_ready(data: Path, since: float) -> None:
    """Runs as a child of its own. `since` is a reading of the monotonic clock, which all processes share."""
    told, asking_since = False, time.monotonic()
    while missing := _what_is_missing():
        if not told and time.monotonic() - asking_since > SOON_SECONDS:
            told = True
            print(f"Deskhand is not ready yet: {missing}")
        time.sleep(0.05)
    print(f"Deskhand is ready after {time.monotonic() - since:.1f} s: {address()}/   (data in {data})")
    sign_ins = data / "sign-ins.txt"
    if sign_ins.exists():
        print(sign_ins.read_text().rstrip())
    if not _public() and ports.host() not in ("127.0.0.1", "localhost", "::1"):
        print("It answers to no name but 127.0.0.1: set PUBLIC_URL to the address that people will type.")
    print("Stop it with Ctrl-C.")


def address() -> str:
    place, port = ports.address(ports.web())
    default = f"http://[{place}]:{port}" if ":" in place else f"http://{place}:{port}"
    return _public() or default


def _public() -> str:
    return os.environ.get("PUBLIC_URL", "").rstrip("/")


def _what_is_missing() -> str:
    """Asked of our own address, but under the public name: the desk answers to no other in production."""
    name = urlsplit(_public()).netloc or f"127.0.0.1:{ports.web()}"
    line = http.client.HTTPConnection(*ports.address(ports.web()), timeout=5)
    try:
        line.request("GET", "/readyz", headers={"Host": name})
        answer = line.getresponse()
        said = answer.read(2000).decode(errors="replace").strip()
        return "" if answer.status == 200 else f"{answer.status} {said}"
    except (OSError, http.client.HTTPException) as problem:
        return str(problem) or type(problem).__name__
    finally:
        line.close()
