"""Whether the desk may listen where it is told to; asked before anything starts, because a taken port may be another desk's."""

import errno
import os
import socket
import sys


def host() -> str:
    return os.environ.get("DESKHAND_HOST") or "127.0.0.1"


def web() -> int:
    return _number("DESKHAND_PORT", 8080)


def receiver() -> int:
    return _number("DESKHAND_RECEIVER_PORT", 8025)


def lmtp() -> int:
    """0: none."""
    return 0 if os.environ.get("DESKHAND_LMTP_PORT", "") in ("", "0") else _number("DESKHAND_LMTP_PORT", 8026)


def must_be_free() -> None:
    wanted = (("DESKHAND_PORT", web()), ("DESKHAND_RECEIVER_PORT", receiver()), ("DESKHAND_LMTP_PORT", lmtp()))
    for name, port in wanted:
        if not port:
            continue
        try:
            _try_to_listen(port)
        except OSError as problem:
            sys.exit(_sentence(name, port, problem))


def address(port: int) -> tuple[str, int]:
    """Where a process of this machine reaches what listens on `port`."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    return everywhere.get(host(), host()), port


def _number(name: str, default: int) -> int:
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or not 0 < int(given) < 65536:
        sys.exit(f"{name} is {given!r}: a port is a number from 1 to 65535.")
    return int(given)


def _try_to_listen(port: int) -> None:
    family, kind, protocol, _, place = socket.getaddrinfo(
        host(), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)
        probe.listen(1)


def _sentence(name: str, port: int, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"Port {port} on {host()} is taken by another program. Stop it, or set {name} to a free port."
    if problem.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Set {name} to a port above 1023."
    return f"Deskhand cannot listen on {host()}, port {port}: {problem.strerror}. Set DESKHAND_HOST to an address of this machine."
