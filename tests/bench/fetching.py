"""Ten thousand small mails from one IMAP folder: how many a second, and that memory stays flat. `python -m tests.bench.fetching [COUNT]`."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DESKHAND_DATA", tempfile.mkdtemp(prefix="desk-fetching-"))
os.environ.setdefault("SECRET_KEY", "a key for the bench alone, never for a desk")

from sqlalchemy import func, select  # config.py reads the environment when it is imported

from tests.mail.imap import PASSWORD, Scripted, scripted


def mail(uid: int) -> bytes:
    head = f"From: Person {uid} <person{uid % 100}@mail.test>\r\nTo: many@desk.test\r\nSubject: Mail {uid}\r\nMessage-ID: <{uid}@mail.test>\r\n\r\n"
    return (head + "The router stopped working since this morning.\r\n" * 20).encode()


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def main(count: int) -> None:
    from app import create_app
    from app.core import sealing
    from app.core.extensions import db
    from app.desk.setup import set_up
    from app.mail import fetching
    from app.mail.boxes import Mailbox, Security
    from app.mail.models import RawMail

    folder = Scripted()
    folder.make, folder.silent, folder.next_uid = mail, True, count + 1
    folder.mails = dict.fromkeys(range(1, count + 1), b"")
    app = create_app(QUEUE_OFF=True)
    with app.app_context(), scripted(folder) as port:
        set_up()
        box = Mailbox(name="Many", address="many@desk.test", user="box", secret=sealing.seal("mailbox", PASSWORD), imap_host="127.0.0.1", imap_port=port, imap_security=Security.PLAIN)  # fmt: skip
        db.session.add(box)
        db.session.commit()
        box_id, began, taken, more = box.id, time.monotonic(), 0, True
        with fetching.connect(box_id) as line:
            while more:
                found = fetching.fetch_by(line, box_id)
                taken, more = taken + found.taken, found.more
                if taken % 2000 < found.taken or not more:
                    seconds = time.monotonic() - began
                    print(f"{taken} mails, {taken / seconds:.0f} a second, {resident_mib():.0f} MiB resident", flush=True)  # fmt: skip
        kept = db.session.scalar(select(func.count()).select_from(RawMail))
        print(f"kept {kept}, marked as read {len(folder.seen)}, of {count}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
