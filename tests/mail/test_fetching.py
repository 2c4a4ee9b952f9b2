"""Mail from IMAP servers: nothing is lost and nothing comes twice, whatever breaks in between."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock, sealing
from app.core.extensions import db
from app.mail import fetching, incoming, watch
from app.mail.boxes import After, Mailbox, Security
from app.mail.imap import Failed
from app.mail.models import RawMail, RawState
from app.tickets.models import Ticket
from tests.factories import run_jobs
from tests.mail.imap import PASSWORD, Scripted, dovecot, dropped, scripted


def a_mail(number: int = 1, text: str = "The printer is on fire", to: str = "billing@desk.test") -> bytes:
    return (
        f"From: Ada <ada{number}@customer.test>\r\nTo: {to}\r\nSubject: Fire {number}\r\nMessage-ID: <fire-{number}@customer.test>\r\n"
        f"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\n\r\n{text}\r\n"
    ).encode()


def a_mailbox(port: int = 0, **given: Any) -> Mailbox:
    box = Mailbox(
        name=given.pop("name", "Billing"), address=given.pop("address", "billing@desk.test"), user="box", secret=sealing.seal("mailbox", given.pop("password", PASSWORD)),
        imap_host="127.0.0.1" if port else "", imap_port=port or None, imap_security=Security.PLAIN, **given,
    )  # fmt: skip
    db.session.add(box)
    db.session.commit()
    return box


@pytest.fixture
def folder() -> Scripted:
    return Scripted()


@pytest.fixture
def box(app, folder) -> Iterator[Mailbox]:
    with scripted(folder) as port:
        yield a_mailbox(port)


def again(box: Mailbox) -> fetching.Round:
    """After whatever pause there is."""
    with time_machine.travel(clock.now() + dt.timedelta(hours=1)):
        assert fetching.due() == [box.id]
    return fetching.fetch(box.id)


def subjects() -> list[str]:
    run_jobs()
    return sorted(db.session.scalars(select(Ticket.subject)))


def test_what_lies_there_becomes_tickets_of_that_mailbox_and_is_marked_as_read_only_then(box, folder, monkeypatch):
    folder.put(a_mail(1), a_mail(2))
    read_when_kept = []
    store = incoming.store
    monkeypatch.setattr(incoming, "store", lambda *given, **more: (read_when_kept.append(set(folder.seen)), store(*given, **more))[1])  # fmt: skip

    assert fetching.fetch(box.id) == fetching.Round(2, False)

    assert read_when_kept == [set(), set()]
    assert folder.seen == {1, 2}
    assert subjects() == ["Fire 1", "Fire 2"]
    assert set(db.session.scalars(select(Ticket.mailbox_id))) == {box.id}
    assert set(db.session.scalars(select(RawMail.mailbox_id))) == {box.id}


def test_a_second_round_takes_what_came_since_and_nothing_else(box, folder):
    folder.put(a_mail(1))
    fetching.fetch(box.id)
    folder.put(a_mail(2))
    folder.seen.add(2)  # somebody read it on their phone first

    assert again(box).taken == 1
    assert again(box).taken == 0
    assert subjects() == ["Fire 1", "Fire 2"]


def test_what_was_read_before_the_desk_came_is_left_alone(box, folder):
    folder.put(a_mail(1), a_mail(2), a_mail(3))
    folder.seen |= {1, 3}

    assert fetching.fetch(box.id).taken == 1
    assert subjects() == ["Fire 2"]


def test_a_line_cut_in_the_middle_of_a_message_loses_nothing_and_doubles_nothing(box, folder):
    folder.put(a_mail(1), a_mail(2, text="x" * 5000), a_mail(3))
    folder.cut_after = 40

    with pytest.raises(Failed):
        fetching.fetch(box.id)
    assert not folder.seen
    assert fetching.due() == []  # not at once
    again(box)

    assert subjects() == ["Fire 1", "Fire 2", "Fire 3"]
    db.session.refresh(box)
    assert box.error is None and box.failures == 0


def test_a_death_between_keeping_and_marking_makes_no_second_ticket(box, folder, monkeypatch):
    folder.put(a_mail(1), a_mail(2))
    monkeypatch.setattr(fetching, "_write", lambda *_given, **_more: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit), fetching.connect(box.id) as line:
        fetching.fetch_by(line, box.id)
    monkeypatch.undo()
    assert not folder.seen

    fetching.fetch(box.id)

    assert folder.seen == {1, 2}
    assert subjects() == ["Fire 1", "Fire 2"]


def test_numbers_that_begin_anew_bring_what_is_unread_and_no_second_ticket(box, folder):
    folder.put(a_mail(1), a_mail(2))
    fetching.fetch(box.id)
    folder.validity, folder.mails, folder.next_uid, folder.seen = 8, {}, 1, set()
    folder.put(a_mail(9), a_mail(2), a_mail(3))  # restored from a copy: nothing is marked any more, one was read

    folder.seen = {1}
    again(box)

    assert subjects() == ["Fire 1", "Fire 2", "Fire 3"]
    states = sorted(db.session.scalars(select(RawMail.state)))
    assert states == [RawState.DELIVERED] * 3 + [RawState.DUPLICATE]
    folder.put(a_mail(4))
    assert again(box).taken == 1


def test_the_same_number_twice_is_one_message(box, folder):
    folder.put(a_mail(1))
    folder.twice = True

    fetching.fetch(box.id)

    assert subjects() == ["Fire 1"]
    assert len(db.session.scalars(select(RawMail)).all()) == 1


@pytest.mark.parametrize("after, refused", [(After.DELETE, "EXPUNGE"), (After.MOVE, "MOVE"), (After.KEEP, "STORE")])
def test_a_server_that_does_not_tidy_up_costs_no_mail_and_is_said(box, folder, after, refused):
    box.after, box.after_folder = after, "Done"
    db.session.commit()
    folder.put(a_mail(1))
    folder.refuse = {refused}

    fetching.fetch(box.id)
    assert again(box).taken == 0

    assert subjects() == ["Fire 1"]
    folder.put(a_mail(2))
    again(box)
    db.session.refresh(box)
    assert f"{refused} is refused here" in box.error
    assert subjects() == ["Fire 1", "Fire 2"]


def test_taken_mails_are_moved_or_deleted_on_demand(box, folder):
    box.after, box.after_folder = After.MOVE, "Done"
    db.session.commit()
    folder.put(a_mail(1))
    fetching.fetch(box.id)
    assert folder.moved == {"Done": [1]}

    box.after = After.DELETE
    db.session.commit()
    folder.put(a_mail(2))
    again(box)
    assert folder.mails == {}
    assert subjects() == ["Fire 1", "Fire 2"]


def test_a_mail_larger_than_the_desk_takes_is_told_by_its_header_and_stays_there(box, folder, monkeypatch):
    monkeypatch.setattr(incoming, "MOST_BYTES", 4000)
    folder.put(a_mail(1, text="y" * 5000), a_mail(2))

    fetching.fetch(box.id)

    assert subjects() == ["Fire 1", "Fire 2"]
    large = db.session.scalars(select(Ticket).where(Ticket.subject == "Fire 1")).one()
    assert "more than the desk takes" in large.messages[0].text
    assert not any(command.startswith("FETCH 1 (UID BODY.PEEK[])") for command in folder.commands)


def test_a_round_takes_so_many_and_the_next_goes_on(box, folder, monkeypatch):
    monkeypatch.setattr(fetching, "MOST_A_ROUND", 5)
    monkeypatch.setattr(fetching, "BATCH", 2)
    folder.put(*(a_mail(number) for number in range(8)))

    assert fetching.fetch(box.id) == fetching.Round(6, True)
    assert again(box) == fetching.Round(2, False)


def test_a_wrong_password_is_told_in_the_servers_words_and_asked_again_after_growing_pauses(box, folder):
    box.secret = sealing.seal("mailbox", "not it")
    db.session.commit()
    at, pauses = clock.now(), []
    for _ in range(4):
        with time_machine.travel(at, tick=False):
            with pytest.raises(Failed):
                fetching.fetch(box.id)
            db.session.refresh(box)
            pauses.append((box.due_at - at).total_seconds())
            at = box.due_at

    assert "Wrong user or password, says the script" in box.error
    assert "not it" not in box.error
    assert pauses == [15, 30, 60, 120]


def test_a_paused_mailbox_is_left_alone(box, folder):
    folder.put(a_mail(1))
    box.paused = True
    db.session.commit()

    assert fetching.due() == []
    with pytest.raises(fetching.NotOurs):
        fetching.fetch(box.id)
    assert folder.commands == [] or "FETCH" not in " ".join(folder.commands)


def test_a_mailbox_in_anothers_hands_is_left_to_them_until_their_lease_ends(box):
    fetching.take(box.id)

    assert fetching.due() == []
    with pytest.raises(fetching.NotOurs):
        fetching.take(box.id)
    with time_machine.travel(clock.now() + fetching.LEASE + dt.timedelta(seconds=1)):
        fetching.take(box.id)


def test_the_same_mail_in_two_mailboxes_is_one_entry(box, folder):
    other = Scripted()
    with scripted(other) as port:
        second = a_mailbox(port, name="Sales", address="sales@desk.test")
        folder.put(a_mail(1))
        other.put(a_mail(1))
        fetching.fetch(box.id)
        fetching.fetch(second.id)

    assert subjects() == ["Fire 1"]


def test_looking_whether_it_works_changes_nothing_and_says_what_is_there(box, folder):
    folder.put(a_mail(1))

    assert fetching.try_out(box) == "The server let the desk in: 1 message in INBOX. It has to be asked for new ones."
    assert not any(command.startswith(("STORE", "FETCH")) for command in folder.commands)
    box.after, box.after_folder = After.MOVE, "Nowhere"
    with pytest.raises(Failed, match="no folder Nowhere"):
        fetching.try_out(box)


def until(true: Any, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        db.session.rollback()
        if true():
            return True
        db.session.rollback()  # or this would hold up whoever writes
        time.sleep(0.1)
    return False


def came() -> int:
    return len(db.session.scalars(select(RawMail.id)).all())


def test_a_server_that_hangs_holds_up_no_other_mailbox(app, box, folder, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(watch, "END_SECONDS", 0.2)
    hanging = Scripted()
    hanging.hang.set()
    with scripted(hanging) as port:
        a_mailbox(port, name="Aaa", address="aaa@desk.test")
        folder.put(a_mail(1))
        watching = watch.Watch(app)
        watching.start()
        try:
            assert until(lambda: came() == 1, 10)
        finally:
            hanging.hang.clear()
            watching.stop()


def test_dovecot_tells_at_once_and_a_mail_is_marked_when_it_is_here(app, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.2)
    with dovecot() as (port, maildir):
        dropped(maildir, "1.one.desk", a_mail(1))
        box = a_mailbox(port, poll_seconds=3600)
        watching = watch.Watch(app)
        watching.start()
        try:
            assert until(lambda: came() == 1)
            assert until(lambda: any(":2,S" in file.name for file in (maildir / "cur").iterdir()))
            dropped(maildir, "2.two.desk", a_mail(2))
            assert until(lambda: came() == 2), db.session.get_one(Mailbox, box.id).error
        finally:
            watching.stop()
        assert subjects() == ["Fire 1", "Fire 2"]


def test_dovecot_moves_deletes_and_refuses_in_its_own_words(app):
    with dovecot() as (port, maildir):
        box = a_mailbox(port, after=After.MOVE, after_folder="Done")
        with pytest.raises(Failed, match="no folder Done"):
            fetching.try_out(box)
        for name in ("cur", "new", "tmp"):
            place = maildir / ".Done" / name
            place.mkdir(parents=True)
        for place in (maildir / ".Done", *(maildir / ".Done").iterdir()):
            os.chown(place, maildir.stat().st_uid, maildir.stat().st_gid)
        dropped(maildir, "1.one.desk", a_mail(1))
        fetching.fetch(box.id)
        assert len(list((maildir / ".Done" / "cur").iterdir())) == 1
        box.after, box.secret = After.DELETE, sealing.seal("mailbox", PASSWORD)
        db.session.commit()
        dropped(maildir, "2.two.desk", a_mail(2))
        again(box)
        assert not [file for name in ("cur", "new") for file in (maildir / name).iterdir()]
        box.secret = sealing.seal("mailbox", "wrong")
        db.session.commit()
        with pytest.raises(Failed, match="AUTHENTICATIONFAILED"):
            fetching.try_out(box)
    assert subjects() == ["Fire 1", "Fire 2"]


def test_eight_that_take_the_same_mail_at_once_make_one_entry(app):
    raw, errors = a_mail(1), []

    def store() -> None:
        try:
            with app.app_context():
                incoming.store(raw, "imap")
                db.session.remove()
        except Exception as problem:  # told in the test's own thread
            errors.append(problem)

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert subjects() == ["Fire 1"]
