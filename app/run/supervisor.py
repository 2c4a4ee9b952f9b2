"""Runs the desk as one: starts its processes in order, starts again what falls, stops them in order on one signal."""

import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from app.run import announce, console, loaded, parent, queue_server, words
from app.run.children import Child

STOPPING = (("ticker", "receiver", "web", "ready", "setup"), ("worker",), ("queue",))
"""First nothing new comes in, then what runs ends, the queue last."""
GRACE_SECONDS = 5.5
"""For each of the three steps; 20 s together is what a person and a service manager wait."""
GLANCE_SECONDS = 0.1


class Desk:
    def __init__(self, data: Path, with_queue: bool) -> None:
        self.began_at = time.monotonic()
        self.data = data
        self.stopping = False
        self.children: dict[str, Child] = {}
        self.with_queue = with_queue

    def run(self) -> int:
        """Returns when everything is gone; 0 when a signal asked for it."""
        self._listen_for_signals()
        parent.adopt_orphans()
        os.environ["DESKHAND_SUPERVISOR"] = str(os.getpid())
        failed = 0
        try:
            failed = self._start() or self._keep_running()
        except console.Gone:
            failed = 1
            console.close()
        finally:
            self._stop()
        self._say_at_last("stopped")
        return failed

    def _start(self) -> int:
        if self.with_queue:
            console.say("starting the queue ...")
            self.children["queue"] = queue_server.QueueServer(self.data)
            self.children["queue"].start()
        console.say("loading the desk ...")
        loaded.the_app()
        self._wait_for_the_queue()
        return self._set_up()

    def _wait_for_the_queue(self) -> None:
        queue = self.children.get("queue")
        while queue is not None and not self.stopping and not queue_server.answers(self.data):
            self._glance()
            queue.start_when_due()

    def _set_up(self) -> int:
        """Bring the database up to date. Its refusal, a sentence on its stderr, is ours."""
        if self.stopping:
            return 0
        console.say("setting up the database (the first start loads a small demo) ...")
        setup = self.children["setup"] = Child("setup", words.setup)
        setup.start()
        while setup.running and not self.stopping:
            self._glance()
        if self.stopping or not setup.returned:
            return 0
        sys.stderr.write(f"Deskhand could not set up its database: {_last_sentence(setup)}\n")
        return 1

    def _keep_running(self) -> int:
        if not self.stopping:
            console.say("starting the pages, the worker, the ticker and the mail receiver ...")
            del self.children["setup"]
            for name in ("web", "worker", "ticker", "receiver"):
                self.children[name] = Child(name, words.WORDS[name])
            self.children["ready"] = Child("ready", lambda: announce.when_ready(self.data, self.began_at), prefix="")
            self.children["ready"].start()
        while not self.stopping:
            for child in self.children.values():
                if child.name != "ready":
                    child.start_when_due()
            self._glance()
        return 0

    def _glance(self) -> None:
        """Say what was said, notice who ended."""
        said = [child for child in self.children.values() if child.output >= 0]
        heard = select.select([child.output for child in said], [], [], GLANCE_SECONDS)[0]
        for child in said:
            if child.output in heard:
                child.relay()
        self._reap()

    def _reap(self) -> None:
        for pid, status in _ended():
            child = next((each for each in self.children.values() if each.pid == pid), None)
            if child is not None:
                child.ended(status)
                self._end_strays()
                if not self.stopping and child.name not in ("ready", "setup"):
                    child.plan_restart()

    def _stop(self) -> None:
        """In order, and whatever happens: also after an error of our own."""
        self.stopping = True
        self._say_at_last("stopping ...")
        for step in STOPPING:
            ending = [self.children[name] for name in step if name in self.children]
            for child in ending:
                child.signal(signal.SIGTERM)
            if not self._gone(ending, GRACE_SECONDS):
                for child in ending:
                    if child.running:
                        self._say_at_last(f"{child.name} did not stop within {GRACE_SECONDS} s: killed")
                        child.signal(signal.SIGKILL)
                self._gone(ending, 1)
        self._end_strays()

    def _gone(self, ending: Iterable[Child], within_seconds: float) -> bool:
        give_up_at = time.monotonic() + within_seconds
        while any(child.running for child in ending) and time.monotonic() < give_up_at:
            try:
                self._glance()
            except console.Gone:
                console.close()
        return not any(child.running for child in ending)

    def _end_strays(self) -> None:
        """Whatever a dead child left behind outside its group has become our own child."""
        known = {child.pid for child in self.children.values()}
        for stray in parent.children() - known:
            try:
                os.kill(stray, signal.SIGKILL)
                os.waitpid(stray, 0)
            except OSError:
                pass

    def _say_at_last(self, text: str) -> None:
        try:
            console.say(text)
        except console.Gone:
            console.close()

    def _listen_for_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._ask_to_stop)

    def _ask_to_stop(self, *_: object) -> None:
        self.stopping = True


def _last_sentence(child: Child) -> str:
    """What a refusal says to a person. An error nobody foresaw says nothing to one: it stands above, whole."""
    if any(line.startswith((" ", "Traceback", "[SQL", "(Background")) for line in child.last_lines):
        return "it met an error nobody foresaw, see the lines above."
    return next((line for line in reversed(child.last_lines) if line), f"it ended with {child.returned}")


def _ended() -> list[tuple[int, int]]:
    ended = []
    try:
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(one)
    except ChildProcessError:
        pass
    return ended
