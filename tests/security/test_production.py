"""What a desk in production refuses to start with, and that nothing of the demo reaches it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAFE = {
    "DESKHAND_PROFILE": "production",
    "SECRET_KEY": "5f0e1c2d3b4a59687766554433221100",
    "PUBLIC_URL": "https://desk.example.com",
}


def started(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, since config.py reads the environment when it is imported."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DESKHAND")
        and name not in ("SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "MAIL_URL", "STORAGE_URL")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**plain, "DESKHAND_DATA": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_safe_configuration_is_taken(tmp_path: Path) -> None:
    done = started(
        "import config; print(config.SESSION_COOKIE_NAME, config.SESSION_COOKIE_SECURE, *config.TRUSTED_HOSTS)",
        tmp_path,
        **SAFE,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["__Host-deskhand", "True", "desk.example.com"]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY"),
        ({"SECRET_KEY": "please-change-me-please-change-me-1"}, "SECRET_KEY"),
        ({"SECRET_KEY": "0123456701234567012345670123456701234567"}, "SECRET_KEY"),
        ({"PUBLIC_URL": "http://desk.example.com"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "desk.example.com"}, "PUBLIC_URL"),
        ({"MAIL_URL": "smtp://mail.example.com"}, "MAIL_URL"),
        ({"MAIL_URL": "smtp://mail.example.com:587?starttls=0"}, "MAIL_URL"),
        ({"MAIL_URL": "http://mail.example.com"}, "MAIL_URL"),
        ({"REDIS_URL": "redis://queue.example.com:6379/0"}, "REDIS_URL"),
        ({"REDIS_URL": "rediss://10.0.0.7:6379/0"}, "REDIS_URL"),
        ({"REDIS_URL": "http://queue.example.com"}, "REDIS_URL"),
    ],
    ids=[
        "no key",
        "a short key",
        "a key out of a manual",
        "a long key out of a manual",
        "a pattern",
        "pages without TLS",
        "no address",
        "plain SMTP to another host",
        "plain SMTP, said so",
        "no mail protocol",
        "a queue for everybody",
        "a queue for everybody on the network, by TLS",
        "no queue's protocol",
    ],
)
def test_what_is_unsafe_is_refused_with_a_sentence_that_names_it(
    tmp_path: Path, environment: dict[str, str], named: str
) -> None:
    done = started("import config", tmp_path, **{**SAFE, **environment})

    assert done.returncode != 0
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not environment.get("SECRET_KEY") or environment["SECRET_KEY"] not in done.stderr.replace("SECRET_KEY", "")


@pytest.mark.parametrize(
    "address",
    [
        "smtps://u:p@mail.example.com",
        "smtp://mail.example.com?starttls=1",
        "smtp://u:p@mail.example.com",
        "smtp://127.0.0.1:25",
        "smtp://localhost",
    ],
)
def test_mail_that_nobody_on_the_way_reads_is_taken(tmp_path: Path, address: str) -> None:
    assert started("import config", tmp_path, **SAFE, MAIL_URL=address).returncode == 0


@pytest.mark.parametrize(
    "address",
    ["redis://:secret@queue.example.com/0", "rediss://u:p@10.0.0.7/1", "redis://127.0.0.1/0", "unix:///run/x"],
)
def test_a_queue_with_a_password_or_of_this_machine_is_taken(tmp_path: Path, address: str) -> None:
    assert started("import config", tmp_path, **SAFE, REDIS_URL=address).returncode == 0


COOKIES = """
from app import create_app
app = create_app(QUEUE_OFF=True, WTF_CSRF_ENABLED=False)
client = app.test_client()
for path, data in (("/login/", {"username": "nobody", "password": "x"}), ("/portal/preferences", {"theme": "dark", "locale": "en"}), ("/lang/de", None)):
    answer = client.open(path, base_url="https://desk.example.com", method="POST" if data else "GET", data=data)
    print(*answer.headers.getlist("Set-Cookie"), sep="\\n")
"""


def test_every_cookie_in_production_is_for_this_host_by_https_alone(tmp_path: Path) -> None:
    set_up(tmp_path, **SAFE)
    done = started(COOKIES, tmp_path, **SAFE)
    cookies = [line for line in done.stdout.splitlines() if line.strip()]

    assert done.returncode == 0, done.stderr
    assert any(cookie.startswith("__Host-deskhand=") for cookie in cookies), done.stdout
    for cookie in cookies:
        words = cookie.split("; ")
        assert {"Secure", "Path=/", "SameSite=Lax"} <= set(words), cookie
        assert "HttpOnly" in words or cookie.startswith("theme="), cookie
        assert not any(word.startswith("Domain") for word in words), cookie


def set_up(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return started(
        "from flask.cli import main; import sys; sys.argv = ['flask', '--app', 'app', 'desk', 'setup']; main()",
        folder,
        **environment,
    )


def staff_of(folder: Path) -> int:
    with sqlite3.connect(folder / "desk.sqlite3") as database:
        found = int(database.execute("SELECT count(*) FROM ab_user").fetchone()[0])
    database.close()
    return found


def test_the_demo_is_never_loaded_in_production(tmp_path: Path) -> None:
    done = set_up(tmp_path, **SAFE)

    assert done.returncode == 0, done.stderr
    assert staff_of(tmp_path) == 0
    assert not (tmp_path / "sign-ins.txt").exists()


def test_production_does_not_start_on_a_database_with_the_demos_people(tmp_path: Path) -> None:
    set_up(tmp_path, **SAFE)
    with sqlite3.connect(tmp_path / "desk.sqlite3") as database:
        database.execute(
            "INSERT INTO ab_user (id, first_name, last_name, username, email, active) VALUES (1, 'Signe', 'Holm', 'super', 'super@deskhand.example', 1)"
        )
    database.close()

    done = set_up(tmp_path, **SAFE)

    assert done.returncode != 0
    assert "holds the demo" in done.stderr
