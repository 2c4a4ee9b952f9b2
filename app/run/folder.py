"""The data folder belongs to one running desk at a time; here is where it lies and where its queue listens."""

import fcntl
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_SOCKET_BYTES = 100
"""sockaddr_un holds 107 bytes on Linux, 103 on macOS."""
LAST_BREATH_SECONDS = 10
"""How long the processes of a desk that was killed may need to end."""


def path() -> Path:
    """DESKHAND_DATA, relative to the project wherever the command is called from."""
    return ROOT / (os.environ.get("DESKHAND_DATA") or "var")


def socket(data: Path) -> Path:
    """Where the queue listens: in the data folder, or, when that path is too long for a socket, in a private folder in /tmp.

    A path with a space or an = goes there too: the server repeats it in its CLIENT INFO, which redis-py then cannot read.
    """
    near = data / "queue.sock"
    if len(os.fsencode(near)) <= LONGEST_SOCKET_BYTES and re.fullmatch(r"[\w./+,@~-]+", str(near), re.ASCII):
        return near
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    private = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir(), f"deskhand-{os.getuid()}-{digest}")
    private.mkdir(mode=0o700, exist_ok=True)
    if private.is_symlink() or private.stat().st_uid != os.getuid() or private.stat().st_mode & 0o077:
        sys.exit(f"{private} is not a private folder of this user. Remove it, or set DESKHAND_DATA to a shorter path.")
    return private / "queue.sock"


def tidy(data: Path) -> None:
    """After the queue has ended: nothing of ours stays outside the data folder."""
    listening = socket(data)
    listening.unlink(missing_ok=True)
    if listening.parent != data:
        listening.parent.rmdir()


def claim(data: Path) -> None:
    """Every child inherits the open lock: the folder is free again only when the last process of the last desk has gone."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        probe = data / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        sys.exit(
            f"Deskhand cannot write to its data folder {data}: {problem.strerror}. Set DESKHAND_DATA to a folder of this user."
        )
    give_up_at = time.monotonic() + LAST_BREATH_SECONDS
    while not _locked(lock):
        owner = os.pread(lock, 20, 0).decode()
        if _alive(owner) or time.monotonic() > give_up_at:
            sys.exit(
                f"A desk already runs in {data} (process {owner or 'unknown'}). Stop it, or set DESKHAND_DATA to another folder."
            )
        time.sleep(0.1)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    os.set_inheritable(lock, True)


def claim_queue(data: Path) -> None:
    """Kept over exec by the queue's server: a second one would take its socket away."""
    lock = os.open(data / "queue.lock", os.O_RDWR | os.O_CREAT, 0o600)
    give_up_at = time.monotonic() + LAST_BREATH_SECONDS
    while not _locked(lock):
        if time.monotonic() > give_up_at:
            sys.exit(f"A queue already runs in {data}. Stop it, or set DESKHAND_DATA to another folder.")
        time.sleep(0.1)
    os.set_inheritable(lock, True)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    """The supervisor that wrote its number here; when it was killed, its children are about to end and worth waiting for."""
    try:
        os.kill(int(pid), 0)
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ValueError, ProcessLookupError):
        return False
    except OSError:  # somebody else's process, or no /proc
        return True
