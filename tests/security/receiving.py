"""The desk's own SMTP door on a free port of this machine, for as long as a test knocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from app.mail import receiver


@contextmanager
def listening(app: Flask, lmtp: bool = False) -> Iterator[int]:
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), []

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(receiver.listen(app, "127.0.0.1", 0, lmtp=lmtp))
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
