"""IMAP servers for tests, on loopback: Dovecot itself, and a small one whose answers a test chooses."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "canary-of-the-mail-account"


class Scripted:
    """A folder that any number of lines may read. `cut_after`: bytes of a message after which the line is cut, once.

    `refuse` holds commands that are answered NO, `twice` gives each message two times, `hang` never answers.
    """

    def __init__(self) -> None:
        self.validity = 7
        self.mails: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.folders = {"INBOX": True, "Done": True}
        self.moved: dict[str, list[int]] = {}
        self.next_uid = 1
        self.cut_after: int | None = None
        self.refuse: set[str] = set()
        self.twice = False
        self.hang = threading.Event()
        self.commands: list[str] = []
        self.silent = False
        self.token = ""
        """What opens it in a password's stead; empty: nothing but the password does."""
        self.make: Callable[[int], bytes] | None = None
        """Instead of what `mails` holds: what a message is, when it is asked for."""

    def put(self, *mails: bytes) -> list[int]:
        uids = list(range(self.next_uid, self.next_uid + len(mails)))
        self.mails.update(zip(uids, mails, strict=True))
        self.next_uid += len(mails)
        return uids

    def content(self, uid: int) -> bytes:
        return self.make(uid) if self.make is not None else self.mails[uid]


class _Line(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            name, _, more = rest.partition(" ")
            if name.upper() == "UID":
                name, _, more = more.partition(" ")
            folder = self.server.folder
            if not folder.silent:
                folder.commands.append(f"{name.upper()} {more}")
            if name.upper() in folder.refuse:
                self.say(f"{tag} NO [CANNOT] {name.upper()} is refused here")
            elif not getattr(self, f"do_{name.lower()}", self.unknown)(tag, more):
                return

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def unknown(self, tag: str, more: str) -> bool:
        self.say(f"{tag} BAD unknown")
        return True

    def do_capability(self, tag: str, more: str) -> bool:
        self.say("* CAPABILITY IMAP4rev1 UIDPLUS MOVE", f"{tag} OK done")
        return True

    def do_login(self, tag: str, more: str) -> bool:
        if self.server.folder.hang.is_set():
            time.sleep(60)
        right = more.endswith(f'"{PASSWORD}"')
        self.say(
            f"{tag} OK in" if right else f"{tag} NO [AUTHENTICATIONFAILED] Wrong user or password, says the script"
        )
        return True

    def do_authenticate(self, tag: str, more: str) -> bool:
        """XOAUTH2. A wrong token is answered with the reason, which the other side has to take note of by an empty line."""
        self.say("+ ")
        given = base64.b64decode(self.rfile.readline()).decode()
        token = self.server.folder.token
        if more == "XOAUTH2" and token and given == f"user=billing@desk.test\x01auth=Bearer {token}\x01\x01":
            self.say(f"{tag} OK in")
            return True
        self.say("+ " + base64.b64encode(b'{"status":"400"}').decode())
        words = "no" if self.rfile.readline().strip() else "The token is not good, says the script"
        self.say(f"{tag} NO [AUTHENTICATIONFAILED] {words}")
        return True

    def do_select(self, tag: str, more: str) -> bool:
        folder = self.server.folder
        self.say(f"* {len(folder.mails)} EXISTS", f"* OK [UIDVALIDITY {folder.validity}]", f"* OK [UIDNEXT {folder.next_uid}]", f"{tag} OK [READ-WRITE]")  # fmt: skip
        return True

    def do_search(self, tag: str, more: str) -> bool:
        folder = self.server.folder
        first, last = map(int, re.search(r"UID (\d+):(\d+)", more).groups())  # type: ignore[union-attr]
        unseen = "UNSEEN" in more
        found = [uid for uid in sorted(folder.mails) if first <= uid <= last and not (unseen and uid in folder.seen)]
        self.say("* SEARCH" + "".join(f" {uid}" for uid in found), f"{tag} OK done")
        return True

    def do_fetch(self, tag: str, more: str) -> bool:
        folder = self.server.folder
        names, _, what = more.partition(" ")
        for uid in map(int, names.split(",")):
            if uid not in folder.mails:
                continue
            content = folder.content(uid)
            if "RFC822.SIZE" in what:
                self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(content)})")
                continue
            if "HEADER.FIELDS" in what:
                content = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            for _time in range(2 if folder.twice else 1):
                self.say(f"* {uid} FETCH (UID {uid} BODY[] {{{len(content)}}}")
                if folder.cut_after is not None:
                    self.wfile.write(content[: folder.cut_after])
                    folder.cut_after = None
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return False
                self.wfile.write(content + b")\r\n")
        self.say(f"{tag} OK done")
        return True

    def do_store(self, tag: str, more: str) -> bool:
        names = more.partition(" ")[0]
        if "Seen" in more:
            self.server.folder.seen |= set(map(int, names.split(",")))
        self.say(f"{tag} OK done")
        return True

    def do_move(self, tag: str, more: str) -> bool:
        names, _, target = more.partition(" ")
        for uid in map(int, names.split(",")):
            self.server.folder.mails.pop(uid, None)
            self.server.folder.moved.setdefault(target.strip('"'), []).append(uid)
        self.say(f"{tag} OK done")
        return True

    def do_expunge(self, tag: str, more: str) -> bool:
        for uid in map(int, more.split(",")):
            self.server.folder.mails.pop(uid, None)
        self.say(f"{tag} OK done")
        return True

    def do_list(self, tag: str, more: str) -> bool:
        wanted = more.rpartition(" ")[2].strip('"')
        self.say(
            *(f'* LIST () "/" "{name}"' for name in self.server.folder.folders if name == wanted), f"{tag} OK done"
        )
        return True

    def do_logout(self, tag: str, more: str) -> bool:
        self.say("* BYE", f"{tag} OK done")
        return False


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    folder: Scripted


@contextmanager
def scripted(folder: Scripted) -> Iterator[int]:
    """The port of a server that has this folder."""
    with _Server(("127.0.0.1", 0), _Line) as server:
        server.folder = folder
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
mail_location = maildir:{home}/mail
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
"""


@contextmanager
def dovecot() -> Iterator[tuple[int, Path]]:
    """The port of a Dovecot of our own, as an ordinary user, and its Maildir. Without one the test is skipped; on CI it fails."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to have Dovecot (dovecot-imapd)")
        pytest.skip("no Dovecot on this machine")
    import grp
    import pwd

    who = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    home = Path(tempfile.mkdtemp(prefix="dovecot-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("cur", "new", "tmp"):
        (home / "mail" / name).mkdir(parents=True)
    given = {"user": who.pw_name, "group": grp.getgrgid(who.pw_gid).gr_name, "uid": who.pw_uid, "gid": who.pw_gid}
    configuration = home / "dovecot.conf"
    configuration.write_text(CONFIGURATION.format(home=home, port=port, password=PASSWORD, **given))
    for place in (home, *home.rglob("*")):
        os.chown(place, who.pw_uid, who.pw_gid)
    other = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    process = subprocess.Popen([program, "-F", "-c", str(configuration)], stdout=subprocess.DEVNULL, **other)  # type: ignore[call-overload]
    try:
        _answers(port, home)
        yield port, home / "mail"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def _answers(port: int, home: Path) -> None:
    for _ in range(40):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                if line.recv(100).startswith(b"* OK"):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    log = home / "log"
    pytest.fail(f"Dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


def dropped(maildir: Path, name: str, raw: bytes) -> None:
    """As a mail server delivers it: written beside, then moved in."""
    beside = maildir / "tmp" / name
    beside.write_bytes(raw)
    os.chown(beside, maildir.stat().st_uid, maildir.stat().st_gid)
    beside.rename(maildir / "new" / name)
