"""run.py before there is an environment: what it says to whom it cannot help, and that its lists fit together."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.run import words
from tests.run.desks import PROJECT, end_all, processes_of, until

RUN = PROJECT / "run.py"
LISTS = [PROJECT / "requirements.txt", PROJECT / "tests" / "requirements.txt", PROJECT / "app/run/requirements-uv.txt"]
TOO_NEW_FOR_PYTHON_2 = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.AsyncFunctionDef, ast.Nonlocal, ast.Match)


def run(*arguments: str, before: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    """run.py in this Python, after `before` has changed that Python."""
    program = f"import sys, runpy; sys.argv[:] = {['run.py', *arguments]!r}; {before or 0}; runpy.run_path({str(RUN)!r}, run_name='__main__')"
    surroundings = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(
        [sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, timeout=100
    )


def test_an_old_python_is_told_so() -> None:
    told = run(before="sys.version_info = (3, 9, 2)")

    assert told.returncode == 1
    assert told.stderr.startswith("Deskhand needs Python 3.11 or newer. This is 3.9")


def test_an_old_python_can_read_run_py_as_far_as_that_sentence() -> None:
    tree = ast.parse(RUN.read_text(), feature_version=(3, 4))

    found = [node for node in ast.walk(tree) if isinstance(node, TOO_NEW_FOR_PYTHON_2)]
    typed = [node for node in ast.walk(tree) if isinstance(node, ast.arg) and node.annotation]
    spread = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(isinstance(each, ast.Starred) for each in node.args[:-1])
    ]
    assert not found + typed + spread


def test_a_word_it_does_not_know_is_answered_with_those_it_knows() -> None:
    told = run("strat")

    assert told.returncode == 1
    assert "no word 'strat'" in told.stderr
    assert "receiver" in told.stderr


def test_every_word_of_the_usage_does_something_and_every_other_is_listed() -> None:
    listed = {line.split()[0] for line in run("--help").stdout.splitlines()[1:]}

    assert listed == {"up", *words.WORDS, *words.WITH_ARGUMENTS}


def test_a_python_without_ensurepip_is_told_the_package(tmp_path: Path) -> None:
    told = run("up", before="sys.modules['ensurepip'] = None", DESKHAND_VENV=str(tmp_path / "venv"))

    assert told.returncode == 1
    assert (
        told.stderr == "This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv\n"
    )


def test_without_a_package_index_it_says_so_without_a_traceback(tmp_path: Path) -> None:
    told = run("up", PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", DESKHAND_VENV=str(tmp_path / "venv"))

    assert told.returncode == 1
    assert "Is a package index reachable from here?" in told.stderr
    assert "Traceback" not in told.stderr


def test_where_the_environment_cannot_be_written_it_names_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    told = run("up", DESKHAND_VENV=str(file / "venv"))

    assert told.returncode == 1
    assert "Set DESKHAND_VENV to a folder where this user may write." in told.stderr
    assert "Traceback" not in told.stderr


def test_a_folder_that_is_no_environment_is_not_deleted(tmp_path: Path) -> None:
    mine = tmp_path / "letters"
    mine.write_text("dear")

    told = run("up", DESKHAND_VENV=str(tmp_path))

    assert told.returncode == 1
    assert "not a virtual environment" in told.stderr
    assert mine.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_stop_while_it_installs_ends_the_installer_too(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "DESKHAND_VENV": str(tmp_path / "venv"), "DESKHAND_DATA": str(tmp_path)}
    starting = subprocess.Popen(
        [sys.executable, str(RUN)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: len(processes_of(tmp_path)) > 2, "the installer and its own child to run")
        starting.terminate()

        assert starting.wait(10) == 0
        until(lambda: not processes_of(tmp_path), "the installer to end", within_seconds=5)
    finally:
        end_all(tmp_path)
        starting.wait()


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[^]]*])?==([^\s;\\]+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_package_is_pinned_and_hashed_and_no_index_is_named(path: Path) -> None:
    text = path.read_text()
    packages = re.split(r"\n(?=[\w-])", re.sub(r"#.*", "", text).strip())

    assert all(re.match(r"[\w.-]+(\[[^]]*])?==\S+", package) for package in packages)
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_what_is_installed_for_the_tests_is_enough_to_run() -> None:
    assert pins(LISTS[0]).items() <= pins(LISTS[1]).items()


def test_what_pyproject_names_is_what_the_lists_hold() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    direct = {re.match(r"[\w-]+", each)[0].lower() for each in project["project"]["dependencies"]}  # type: ignore[index]
    dev = dict(re.match(r"([\w-]+)(?:\[.*])?==(.+)", each).groups() for each in project["dependency-groups"]["dev"])  # type: ignore[union-attr,misc]

    assert direct <= pins(LISTS[0]).keys()
    assert dev.items() <= pins(LISTS[1]).items()
