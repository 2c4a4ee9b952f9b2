"""Where the desk keeps its data and listens, and what it says when it may not."""

import socket
import subprocess
from pathlib import Path

import pytest

from app.run import folder
from tests.run.desks import PROJECT, command, stand_in, surroundings


def test_the_data_folder_is_relative_to_the_project_not_to_the_caller(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESKHAND_DATA", "somewhere/else")
    assert folder.path() == PROJECT / "somewhere" / "else"

    monkeypatch.delenv("DESKHAND_DATA")
    assert folder.path() == PROJECT / "var"


def test_the_queue_listens_in_the_data_folder() -> None:
    assert folder.socket(Path("/srv/desk")) == Path("/srv/desk/queue.sock")


@pytest.mark.parametrize("name", ["x" * 90, "with a space", "a=b", "naïve"], ids=["long", "space", "equals", "accent"])
def test_a_path_no_socket_can_have_gets_a_short_private_folder_and_always_the_same(name: str) -> None:
    place = folder.socket(Path("/srv", name))
    try:
        assert place.parent.parent == Path("/tmp")
        assert place == folder.socket(Path("/srv", name))
        assert place.parent.stat().st_mode & 0o777 == 0o700
    finally:
        place.parent.rmdir()


def test_two_long_paths_do_not_share_a_socket() -> None:
    places = {folder.socket(Path("/srv", "x" * 90, last)) for last in "ab"}
    for place in places:
        place.parent.rmdir()

    assert len(places) == 2


def up(project: Path, data: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    env = surroundings(project, data, **more)
    return subprocess.run(command("up"), cwd=project, env=env, capture_output=True, text=True, timeout=30)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return stand_in(tmp_path / "desk")


def test_a_data_folder_that_cannot_be_written_is_named(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    told = up(project, file / "data")

    assert told.returncode == 1
    assert told.stderr.startswith(f"Deskhand cannot write to its data folder {file / 'data'}: Not a directory.")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["DESKHAND_PORT", "DESKHAND_RECEIVER_PORT"])
def test_a_port_that_is_taken_is_named_before_anything_starts(project: Path, tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = up(project, tmp_path / "data", **{name: str(port)})

    assert told.returncode == 1
    assert (
        told.stderr == f"Port {port} on 127.0.0.1 is taken by another program. Stop it, or set {name} to a free port.\n"
    )
    assert told.stdout == ""


@pytest.mark.parametrize("given", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(project: Path, tmp_path: Path, given: str) -> None:
    told = up(project, tmp_path / "data", DESKHAND_PORT=given)

    assert told.returncode == 1
    assert told.stderr == f"DESKHAND_PORT is '{given}': a port is a number from 1 to 65535.\n"


def test_an_address_of_another_machine_is_named(project: Path, tmp_path: Path) -> None:
    told = up(project, tmp_path / "data", DESKHAND_HOST="203.0.113.7")

    assert told.returncode == 1
    assert "Set DESKHAND_HOST to an address of this machine." in told.stderr


def test_the_desks_command_line_works_from_any_folder_and_beside_another_app(project: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('the wrong app')")
    env = surroundings(project, tmp_path / "data")

    told = subprocess.run(
        command("desk", "echo", "hello"), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30
    )

    assert told.stdout == f"hello {tmp_path}\n", told.stderr


def test_a_word_too_many_is_refused(project: Path, tmp_path: Path) -> None:
    env = surroundings(project, tmp_path / "data")

    told = subprocess.run(command("up", "8080"), cwd=project, env=env, capture_output=True, text=True, timeout=30)

    assert told.stderr == "run.py up takes no more words, but got: 8080\n"
