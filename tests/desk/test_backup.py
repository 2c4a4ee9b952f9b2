"""A backup holds the whole desk; restored, on either database, it is the same desk, and does nothing a second time."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.accounts.viewer import SYSTEM
from app.core import audit, clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.storage import load
from app.desk import backup, backupaside, backupformat, backuprestore
from app.desk.backupformat import TABLES, Damaged, Manifest
from app.mail import outgoing, transport
from app.mail.models import Delivery, DeliveryState
from app.search import find
from app.tickets.files import keep
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel, Words
from tests import setups
from tests.conftest import a_desk
from tests.factories import a_customer, a_ticket, acting, an_agent, run_jobs

CHANGED = {
    "staff_profile",
    "customer",
    "one_time_token",
    "rights_version",
    "outbox",
    "delivery",
    "audit",
    "signed_in",
    "half_sign_in",
}
"""Tables in which a restore holds or ends something; what stays of them is tested by itself."""


def quiet(_said: object) -> None:
    pass


@pytest.fixture
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Flask]]:
    """A second, fresh desk, on SQLite or PostgreSQL."""
    made: list[Flask] = []

    def make(kind: str) -> Flask:
        server = request.getfixturevalue("postgresql") if kind == "postgresql" else ""
        home = tmp_path / "second"
        made.append(a_desk(setups.ready(server, home, f"second_{os.getpid()}"), home))
        return made[-1]

    yield make
    for desk in made:
        with desk.app_context():
            db.session.remove()
            db.engine.dispose()


def a_busy_desk() -> Ticket:
    """Tickets with replies, notes, files, mails sent and mails that wait, letters of all scripts and bytes of all values."""
    agent = an_agent(name="kim")
    tickets = [a_ticket(f"Drücker № {n} \u2028 „kaputt“ 打印机", text="Wörter\nund \\N mehr\t☃") for n in range(12)]
    for ticket in tickets:
        ticket.reply(Words("We look at it.", via=Channel.STAFF), by=acting(agent))
    file = keep("all bytes.bin", bytes(range(256)), by=acting(agent))
    file.ticket_id, file.message_id = tickets[0].id, tickets[0].messages[0].id
    run_jobs()
    audit.note(audit.What.EXPORTED, "tickets", by=acting(agent), rows=12)
    outgoing.put_notice("staff_replied", customer_id=tickets[0].requester_id, ticket_id=tickets[0].id, message_id=tickets[0].messages[-1].id)  # fmt: skip
    Outbox.put("search.index_customer", queue="index", customer_id=tickets[0].requester_id)
    db.session.commit()
    return tickets[0]


def rows_of(folder: Path) -> dict[str, list[list[object]]]:
    return {path.stem: list(backupformat.rows_in(path)) for path in sorted((folder / TABLES).glob("*.gz"))}


def restored_into(desk: Flask, folder: Path, **more: object) -> backuprestore.Restored:
    with desk.app_context():
        return backuprestore.restore(folder, bool(more.get("replace")), more.get("next_number"), quiet)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_row_and_file_comes_back_on_either_database(app, another, tmp_path, kind):
    a_busy_desk()
    written = backup.back_up(tmp_path / "first", quiet)
    desk = another(kind)

    restored = restored_into(desk, tmp_path / "first")
    with desk.app_context():
        backup.back_up(tmp_path / "again", quiet)

    first, again = rows_of(tmp_path / "first"), rows_of(tmp_path / "again")
    assert {name: rows for name, rows in first.items() if name not in CHANGED} == {
        name: rows for name, rows in again.items() if name not in CHANGED
    }
    assert {name: len(rows) for name, rows in again.items() if name != "audit"} == {
        name: len(rows) for name, rows in first.items() if name != "audit"
    }
    assert again["audit"][: len(first["audit"])] == first["audit"] and len(first["audit"]) > 0
    assert restored.rows == written.rows == sum(len(rows) for rows in first.values())
    files = [sorted(path.name for path in (tmp_path / folder / "files").rglob("*") if path.is_file()) for folder in ("first", "again")]  # fmt: skip
    assert files[0] == files[1] and len(files[0]) == 1
    with desk.app_context():
        assert load(db.session.scalars(select(Attachment.storage_key)).one()) == bytes(range(256))
        assert audit.first_broken()[1] is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restored_desk_goes_on_where_it_was(app, another, tmp_path, kind):
    """The next number, new rows beside the old ones, and words found again."""
    ticket = a_busy_desk()
    last = db.session.scalar(select(func.max(Ticket.number)))
    number, subject = ticket.number, ticket.subject
    backup.back_up(tmp_path / "kept", quiet)
    desk = another(kind)
    restored_into(desk, tmp_path / "kept")

    with desk.app_context():
        assert a_ticket("One more", requester=a_customer("Somebody new")).number == last + 1
        db.session.commit()
        assert db.session.scalar(select(Ticket.subject).where(Ticket.number == number)) == subject
        assert len(find.matching("打印机", SYSTEM)) == 12


def _somebody():
    from flask_appbuilder.security.sqla.models import User

    return db.session.scalars(select(User).where(User.username == "kim")).one()


def test_nothing_that_waited_is_done_by_itself_after_a_restore(app, another, tmp_path):
    a_busy_desk()
    assert db.session.scalar(select(func.count()).where(Delivery.state == DeliveryState.QUEUED)) == 1
    sent = db.session.scalar(select(func.count()).where(Delivery.state == DeliveryState.CAPTURED))
    backup.back_up(tmp_path / "kept", quiet)
    desk = another("sqlite")

    restored = restored_into(desk, tmp_path / "kept")

    assert (restored.held.mails, restored.held.jobs) == (1, 1)
    with desk.app_context():
        assert run_jobs() == 0
        assert transport.deliver_due() == 0
        assert db.session.scalar(select(func.count()).where(Delivery.state == DeliveryState.CAPTURED)) == sent
        held = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.SUPPRESSED)).one()
        assert (held.reason or "").startswith("Held: restored from the backup of ")
        assert "Held" in (db.session.scalars(select(Outbox.error).where(Outbox.failed_at.is_not(None))).one() or "")

        outgoing.resend(held)
        run_jobs()
        assert held.state is DeliveryState.CAPTURED


def test_a_session_of_before_fits_no_restored_desk(app, another, tmp_path):
    a_busy_desk()
    person = acting(_somebody())
    backup.back_up(tmp_path / "kept", quiet)
    desk = another("sqlite")

    restored_into(desk, tmp_path / "kept")

    with desk.app_context():
        assert acting(_somebody()).generation > person.generation + 1_000_000


def test_the_next_number_can_be_given_when_later_ones_went_out(app, another, tmp_path):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    desk = another("sqlite")

    restored_into(desk, tmp_path / "kept", next_number=5000)

    with desk.app_context():
        assert a_ticket().number == 5000


def test_a_desk_with_tickets_is_not_overwritten_without_a_word(app, another, tmp_path):
    subject = a_busy_desk().subject
    backup.back_up(tmp_path / "kept", quiet)
    desk = another("sqlite")
    with desk.app_context():
        a_ticket("Ours")
        old = keep("ours.txt", b"ours", by=SYSTEM).storage_key
        db.session.commit()

    with pytest.raises(backuprestore.NotEmpty, match="--replace"):
        restored_into(desk, tmp_path / "kept")
    with desk.app_context():
        assert db.session.scalars(select(Ticket.subject)).one() == "Ours"

    restored_into(desk, tmp_path / "kept", replace=True)
    with desk.app_context():
        assert subject in set(db.session.scalars(select(Ticket.subject)))
        assert "Ours" not in set(db.session.scalars(select(Ticket.subject)))
        with pytest.raises(FileNotFoundError):
            load(old)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("tables/message.gz", lambda path: path.write_bytes(path.read_bytes()[:-40])),
        ("tables/ticket.gz", lambda path: path.write_bytes(path.read_bytes() + b"x")),
        ("tables/setting.gz", Path.unlink),
        ("manifest.json", lambda path: path.write_text(path.read_text().replace('"revision": "', '"revision": "0'))),
        ("manifest.json", lambda path: path.write_text(path.read_text()[:50])),
        ("SHA256SUMS", lambda path: path.write_text("".join(path.read_text().splitlines(True)[1:]))),
        ("SHA256SUMS", Path.unlink),
    ],
    ids=["a table cut", "a byte more", "a table missing", "another revision", "half a manifest", "a sum missing", "no sums"],
)  # fmt: skip
def test_a_damaged_backup_is_refused_by_the_name_of_its_file(app, another, tmp_path, name, spoil):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    spoil(tmp_path / "kept" / name)
    desk = another("sqlite")
    with desk.app_context():
        a_ticket("Still here")
        db.session.commit()

    with pytest.raises(Damaged) as refusal:
        restored_into(desk, tmp_path / "kept", replace=True)

    assert Path(name).name.split(".")[0] in str(refusal.value) or "SHA256SUMS" in str(refusal.value)
    with desk.app_context():
        assert db.session.scalars(select(Ticket.subject)).one() == "Still here"


def test_an_altered_file_of_a_ticket_is_refused_by_its_name(app, another, tmp_path):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    file = next(path for path in (tmp_path / "kept" / "files").rglob("*") if path.is_file())
    file.write_bytes(b"not it")

    with pytest.raises(Damaged, match=file.name):
        restored_into(another("sqlite"), tmp_path / "kept")


def _a_link_to(secret: Path, folder: Path) -> None:
    file = next(path for path in (folder / "files").rglob("*") if path.is_file())
    file.unlink()
    file.symlink_to(secret)


def _a_path_to(secret: Path, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": manifest["files"] + 1}))
    up = os.path.relpath(secret, folder / "files")
    (folder / "SHA256SUMS").unlink()
    backupformat.write_sums(folder, {})
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{backupformat.sum_of(secret)}  files/{up}\n")


def _a_statement_as_table(_secret: Path, folder: Path) -> None:
    name = "message; DELETE FROM ticket"
    shutil.copy(folder / TABLES / "message.gz", folder / TABLES / f"{name}.gz")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "tables": {**manifest["tables"], name: 0}}))


def _a_statement_as_column(_secret: Path, folder: Path) -> None:
    with gzip.open(folder / TABLES / "setting.gz", "wt") as file:
        file.write(json.dumps([["key\") FROM PROGRAM 'true' --", "words"]]) + "\n")


def _a_kind_nobody_knows(_secret: Path, folder: Path) -> None:
    with gzip.open(folder / TABLES / "setting.gz", "wt") as file:
        file.write(json.dumps([["key", "pickle"]]) + "\n")


def _a_line_without_end(_secret: Path, folder: Path) -> None:
    with gzip.open(folder / TABLES / "setting.gz", "wb") as file:
        file.write(b"[" * (backupformat.LONGEST_HEAD * 20))


@pytest.mark.parametrize(
    "forge",
    [_a_link_to, _a_path_to, _a_statement_as_table, _a_statement_as_column, _a_kind_nobody_knows, _a_line_without_end],
)
def test_a_forged_backup_reads_no_other_file_runs_nothing_and_is_refused_before_anything_is_touched(
    app, another, tmp_path, forge
):
    a_busy_desk()
    folder, secret = tmp_path / "kept", tmp_path / "secret-key"
    backup.back_up(folder, quiet)
    secret.write_text("of this machine")
    forge(secret, folder)
    if forge is not _a_path_to:
        (folder / "SHA256SUMS").unlink()
        backupformat.write_sums(folder, {})
    desk = another("sqlite")
    with desk.app_context():
        a_ticket("Still here")
        db.session.commit()

    with pytest.raises(Damaged, match=r"leads out|no desk has|does not begin"):
        restored_into(desk, folder, replace=True)

    with desk.app_context():
        assert db.session.scalars(select(Ticket.subject)).one() == "Still here"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("broken", ["a row twice", "a row that refers to none", "the last step"])
def test_a_restore_that_fails_half_way_leaves_the_desk_as_it_was(app, another, tmp_path, kind, broken, monkeypatch):
    """Of rows that are whole by every sum, and break only in the database."""
    a_busy_desk()
    folder = tmp_path / "kept"
    backup.back_up(folder, quiet)
    if broken == "the last step":
        monkeypatch.setattr(backuprestore, "_copy_files", _no_room)
    else:
        _break_row(folder, twice=broken == "a row twice")
    desk = another(kind)
    with desk.app_context():
        number = a_ticket("Still here").number
        db.session.commit()

    with pytest.raises((Damaged, OSError)):
        restored_into(desk, folder, replace=True)

    with desk.app_context():
        assert db.session.scalars(select(Ticket.subject)).one() == "Still here"
        assert a_ticket("And on it goes").number == number + 1
        assert audit.first_broken()[1] is None
        db.session.commit()


def _no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


def _break_row(folder: Path, twice: bool) -> None:
    path = folder / TABLES / "message.gz"
    with gzip.open(path, "rt") as file:
        head, *rows = file.read().splitlines()
    broken = json.loads(rows[-1])
    if not twice:
        places = [name for name, _kind in json.loads(head)]
        broken[places.index("ticket_id")] = 10**9
    rows[-1:] = [rows[-1], rows[-1]] if twice else [json.dumps(broken)]
    with gzip.open(path, "wt") as file:
        file.write("\n".join([head, *rows]) + "\n")
    told = json.loads((folder / "manifest.json").read_text())
    _retold(folder, tables={**told["tables"], "message": len(rows)})


def test_what_a_killed_restore_left_aside_is_put_back_before_the_next(app, another, tmp_path):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    desk = another("sqlite")
    with desk.app_context():
        a_ticket("Still here")
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    file = Path(desk.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    shutil.move(file, f"{file}.{backupaside.ASIDE}")
    file.write_bytes(b"")

    _break_row(tmp_path / "kept", twice=True)
    with pytest.raises(Damaged, match="message"):
        restored_into(desk, tmp_path / "kept", replace=True)

    with desk.app_context():
        assert db.session.scalars(select(Ticket.subject)).one() == "Still here"


def test_what_lies_beside_the_files_of_a_backup_is_not_restored(app, another, tmp_path):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    (tmp_path / "kept" / "files" / "beside").write_text("nobody summed this up")
    desk = another("sqlite")

    restored_into(desk, tmp_path / "kept")

    with desk.app_context(), pytest.raises(FileNotFoundError):
        load("beside")


def test_a_backup_of_a_newer_desk_is_refused(app, another, tmp_path):
    backup.back_up(tmp_path / "kept", quiet)
    manifest = Manifest.read(tmp_path / "kept")
    _retold(tmp_path / "kept", revision="9999")

    with pytest.raises(backuprestore.Newer, match="9999"):
        restored_into(another("sqlite"), tmp_path / "kept")
    assert manifest.revision != "9999"


def _retold(folder: Path, **values: object) -> None:
    told = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**told, **values}))
    (folder / "SHA256SUMS").unlink()
    backupformat.write_sums(folder, {})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_of_an_older_desk_is_brought_up_to_date(app, another, tmp_path, kind):
    """As 0002 would have written it: without the tables and columns that came later."""
    from flask_migrate import downgrade, upgrade

    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)
    desk = another(kind)
    with desk.app_context():
        downgrade(revision="0002")
        then = {name: {column["name"] for column in _columns(name)} for name in _tables()}
        upgrade()
    _as_then(tmp_path / "kept", then)

    restored_into(desk, tmp_path / "kept", replace=True)

    with desk.app_context():
        assert db.session.scalar(select(func.count()).select_from(Ticket)) == 12
        assert audit.first_broken() == (1, None)


def _tables() -> list[str]:
    from sqlalchemy import inspect

    return inspect(db.engine).get_table_names()


def _columns(name: str) -> list[dict[str, str]]:
    from sqlalchemy import inspect

    return inspect(db.engine).get_columns(name)  # type: ignore[return-value]


def _as_then(folder: Path, then: dict[str, set[str]]) -> None:
    tables = Manifest.read(folder).tables
    for name in tables:
        path = folder / TABLES / f"{name}.gz"
        columns, rows = backupformat.columns_in(path), list(backupformat.rows_in(path))
        path.unlink()
        if name in then:
            kept = [place for place, (column, _kind) in enumerate(columns) if column in then[name]]
            writer = backupformat.TableWriter(path, [columns[place] for place in kept])
            writer.write([[row[place] for place in kept] for row in rows])
            writer.close()
    _retold(folder, revision="0002", tables={name: count for name, count in tables.items() if name in then})


def test_a_backup_of_a_busy_desk_is_of_one_instant(app, tmp_path):
    """Each ticket is opened with its message and its event in one transaction: none of them stands in a backup without the others."""
    a_ticket()
    db.session.commit()
    stop = threading.Event()

    def write() -> None:
        with app.app_context():
            while not stop.is_set():
                try:
                    a_ticket("Written meanwhile")
                    db.session.commit()
                    stop.wait(0.02)  # SQLite's pen goes to whoever is there first: a moment for others
                except OperationalError:  # SQLite's one pen was in other hands for too long
                    db.session.rollback()
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            backup.back_up(tmp_path / f"kept{n}", quiet)
    finally:
        stop.set()
        writer.join()

    counts = []
    for n in range(3):
        rows = rows_of(tmp_path / f"kept{n}")
        counts.append(len(rows["ticket"]))
        assert len(rows["ticket"]) == len(rows["message"]) == len(rows["customer"])
        columns = [name for name, _kind in backupformat.columns_in(tmp_path / f"kept{n}" / TABLES / "message.gz")]
        assert {row[0] for row in rows["ticket"]} == {row[columns.index("ticket_id")] for row in rows["message"]}
        backupformat.check(tmp_path / f"kept{n}")
    assert counts[0] < counts[2]


def test_a_backup_goes_into_no_folder_that_holds_something(app, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")

    with pytest.raises(backup.Occupied):
        backup.back_up(tmp_path / "mine", quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_backup_is_for_its_owner_alone_and_can_be_checked_by_other_means(app, tmp_path):
    a_busy_desk()
    backup.back_up(tmp_path / "kept", quiet)

    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    if shutil.which("sha256sum"):
        assert os.system(f"cd {tmp_path / 'kept'} && sha256sum --quiet --check SHA256SUMS") == 0
    assert Manifest.read(tmp_path / "kept").made_at <= clock.now().isoformat()
