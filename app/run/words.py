"""What each word of run.py does. `up` runs the others as its children; production runs one word a unit."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

from app.run import folder, loaded, parent, ports


def run(word: str, *arguments: str) -> int:
    """The process's exit status."""
    if word in WITH_ARGUMENTS:
        return WITH_ARGUMENTS[word](*arguments)
    if arguments:
        sys.exit(f"run.py {word} takes no more words, but got: {' '.join(arguments)}")
    if word == "up":
        return up()
    WORDS[word]()
    return 0


def up() -> int:
    from app.run import supervisor

    os.umask(0o077)  # what the desk keeps is for its own user alone
    data = folder.path()
    folder.claim(data)
    ports.must_be_free()
    given = os.environ.get("REDIS_URL")
    os.environ["REDIS_URL"] = given or f"unix://{folder.socket(data)}"
    try:
        return supervisor.Desk(data, with_queue=not given).run()
    finally:
        if not given:
            folder.tidy(data)


def queue() -> None:
    from app.run import queue_server

    queue_server.become_server()


def web() -> None:
    """The pages and the API."""
    serve("app.run.loaded:the_app()")


def serve(app: str) -> None:
    """gthread: a slow request holds one thread, not the process. Keep the database's connections in mind before raising the numbers."""
    parent.bind_descendants()
    from gunicorn.app.wsgiapp import WSGIApplication

    place = f"[{ports.host()}]" if ":" in ports.host() else ports.host()
    settings = {
        "bind": f"{place}:{ports.web()}",
        "workers": os.environ.get("DESKHAND_WEB_WORKERS") or "2",
        "threads": os.environ.get("DESKHAND_WEB_THREADS") or "4",
        "worker-class": "gthread",
        "graceful-timeout": os.environ.get("DESKHAND_WEB_GRACE") or "5",
        "timeout": "60",
        "log-level": "warning",
        "config": "python:app.run.gunicorn_hooks",
    }
    if os.path.isdir("/dev/shm"):
        settings["worker-tmp-dir"] = "/dev/shm"
    flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
    sys.argv = ["gunicorn", *flags, "--preload", "--no-control-socket", app]
    WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").run()


def worker() -> None:
    parent.bind_descendants()
    app = loaded.the_app()
    from app.core import queue

    queue.work(app)


def ticker() -> None:
    app = loaded.the_app()
    from app.core import ticker

    ticker.run(app)


def receiver() -> None:
    app = loaded.the_app()
    from app.mail import receiver

    receiver.run(app)


def setup() -> None:
    desk("setup")


def desk(*arguments: str) -> NoReturn:
    """`flask --app app desk …`, from any folder."""
    from flask.cli import FlaskGroup

    group = FlaskGroup(create_app=loaded.the_app, load_dotenv=False, set_debug_flag=False)
    group.main(args=["desk", *arguments], prog_name="run.py")


def test(*arguments: str) -> NoReturn:
    """Without words of the caller's own: the whole suite on all cores, a file never split, as its tests share what they started."""
    spread = (
        ()
        if arguments
        else ("-n", str(min(os.cpu_count() or 1, MOST_TEST_PROCESSES)), "--dist", "loadfile", "--no-loadscope-reorder")
    )
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *spread, *arguments])


def check(*arguments: str) -> int:
    """All of them, so that one run shows everything there is to mend."""
    tools = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
    failed = [tool for tool in tools if subprocess.run([sys.executable, "-m", *tool, *arguments]).returncode]
    print("check: " + (", ".join(" ".join(tool) for tool in failed) + " failed" if failed else "all passed"))
    return 1 if failed else 0


def bench(*arguments: str) -> int:
    """Imported here alone: it needs the packages of the tests."""
    from app.bench import command

    return command.run(*arguments)


MOST_TEST_PROCESSES = 4
"""Each starts a PostgreSQL and a browser of its own."""

WORDS: dict[str, Callable[[], None]] = {word.__name__: word for word in (queue, web, worker, ticker, receiver, setup)}
WITH_ARGUMENTS: dict[str, Callable[..., int]] = {word.__name__: word for word in (desk, test, check, bench)}
