"""The one command. `python3 run.py` starts the desk, `python3 run.py test` tests it. Needs Python 3.11 and a package index.

This file makes the virtual environment and hands over to app/run/ inside it, so it uses the standard library only
and no syntax that an old Python cannot read: it must get as far as the sentence that says it is old.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.realpath(__file__))  # a release folder behind a link: who runs keeps reading its own
VENV = os.path.abspath(os.environ.get("DESKHAND_VENV") or os.path.join(ROOT, ".venv"))
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed")
RUNS_WITH = "requirements.txt"
TESTS_WITH = os.path.join("tests", "requirements.txt")
UV_LIST = os.path.join("app", "run", "requirements-uv.txt")
WORDS = (
    ("up", "start the desk and run it until Ctrl-C (the default)"),
    ("test", "run the tests; words after it go to pytest"),
    ("check", "lint, formatting and types"),
    ("bench", "measure the pages; run.py bench --help"),
    ("desk", "the command line of the desk: python3 run.py desk --help"),
    ("setup", "bring the database up to date, once"),
    ("web", "one process of its own, for production: the pages and the API"),
    ("worker", "one process: sends mail, runs jobs"),
    ("ticker", "one process: starts periodic work"),
    ("receiver", "one process: takes mail by SMTP"),
    ("queue", "one process: the built-in queue"),
)


def main():
    if sys.version_info < (3, 11):
        sys.exit(
            "Deskhand needs Python 3.11 or newer. This is %d.%d (%s)."
            % (sys.version_info[0], sys.version_info[1], sys.executable)
        )
    words = sys.argv[1:] or ["up"]
    if words[0] in ("-h", "--help", "help"):
        print(usage())
    elif words[0] not in dict(WORDS):
        sys.exit("run.py has no word %r.\n%s" % (words[0], usage()))
    else:
        wanted = TESTS_WITH if words[0] in ("test", "check", "bench") else RUNS_WITH
        prepare(wanted, words[0])
        hand_over(words)


def usage():
    return "\n".join(["python3 run.py [word]"] + ["  %-9s %s" % pair for pair in WORDS])


def hand_over(words):
    """-P and our own path: a folder from which somebody calls `run.py desk` may hold another `app`."""
    outside = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = ROOT + (os.pathsep + outside if outside else "")
    if words[0] != "desk":  # its file names are relative to where the person stands
        os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, [PYTHON, "-P", "-m", "app.run"] + words)


def prepare(wanted, word):
    """Make or mend the environment when it is not what the lists say. One at a time: two first starts would undo each other."""
    if installed(wanted):
        return
    say = Saying(sys.stdout if word in ("up", "test", "check", "bench") else sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if word == "up" else 143))
    try:
        with one_at_a_time(say):
            if not installed(wanted):
                install(wanted, say)
    except KeyboardInterrupt:
        sys.exit(0 if word == "up" else 130)
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(why_not(problem))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def installed(wanted):
    """What is installed for the tests is enough to run, so that the two words do not undo each other."""
    have = stamped()
    return len(have) > 1 and have[0] == environment() and fingerprint(wanted) in have[1:]


def stamped():
    try:
        with open(STAMP) as stamp:
            return stamp.read().split()
    except OSError:
        return []


def environment():
    """Changes when the environment was moved or the Python under it was replaced: then it is made anew."""
    try:
        version = subprocess.run(
            [PYTHON, "-ISc", "import sys; print(sys.version)"], check=True, stdout=subprocess.PIPE
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        version = b"none"
    return hashlib.sha256(version + os.fsencode(VENV)).hexdigest()


def fingerprint(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def install(wanted, say):
    have = stamped()
    if not have or have[0] != environment():
        say("making a virtual environment in %s ..." % VENV)
        make_venv()
    elif os.path.exists(STAMP):
        os.remove(STAMP)
    say("installing the packages of %s (once; this needs a package index) ..." % wanted)
    fill_venv(os.path.join(ROOT, wanted))
    with open(STAMP + ".new", "w") as stamp:
        stamp.write("\n".join([environment()] + [fingerprint(each) for each in sorted({RUNS_WITH, wanted})]))
    os.rename(STAMP + ".new", STAMP)


def make_venv():
    """Debian without python3-venv has venv but no ensurepip."""
    if os.path.isdir(VENV):
        if os.listdir(VENV) and not os.path.exists(os.path.join(VENV, "pyvenv.cfg")):
            sys.exit(
                "%s holds something that is not a virtual environment. Set DESKHAND_VENV to another folder." % VENV
            )
        shutil.rmtree(VENV)
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit("This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv")
    run((sys.executable, "-m", "venv", VENV))


def fill_venv(wanted):
    """uv takes 3 s where pip takes 16; where it has no wheel or cannot reach the index, pip reads the same list."""
    flags = ("--quiet", "--require-hashes")
    pip = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input") + flags
    uv = (os.path.join(VENV, "bin", "uv"), "pip", "install", "--python", PYTHON, "--compile-bytecode") + flags
    if not has_a_home():
        pip, uv = pip + ("--no-cache-dir",), uv + ("--no-cache",)
    try:
        run(pip + ("-r", os.path.join(ROOT, UV_LIST)))
        run(uv + ("--link-mode=copy", "-r", wanted), env=index_of_pip())
    except (OSError, subprocess.CalledProcessError):
        run(pip + ("-r", wanted))


def has_a_home():
    """Service users often have none that exists; installers would keep their downloads there."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~")
    return os.path.isdir(cache) and os.access(cache, os.W_OK)


def index_of_pip():
    """uv does not read pip's settings, and a company's index stands there."""
    env = dict(os.environ)
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout
    for line in listed.decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        setting, value = name.split(".")[-1].lower(), value.strip("'\"")
        for ours, theirs in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
            if setting == ours and value:
                env.setdefault(theirs, value)
    return env


def run(command, env=None):
    """What installers print goes to stderr: stdout belongs to the word's own answer. When we are stopped, they and their children are."""
    installer = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=os.setpgrp
    )
    try:
        failed = installer.wait()
    except BaseException:
        os.killpg(installer.pid, signal.SIGKILL)
        installer.wait()
        raise
    if failed:
        raise subprocess.CalledProcessError(failed, command)


class one_at_a_time:
    def __init__(self, say):
        self.say = say

    def __enter__(self):
        import fcntl

        if os.path.dirname(VENV) != ROOT:
            os.makedirs(os.path.dirname(VENV), exist_ok=True)
        self.lock = open(VENV + ".lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.say("another run.py is installing into the same environment; waiting for it ...")
            fcntl.flock(self.lock, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.lock.close()


def why_not(problem):
    if isinstance(problem, OSError):
        return (
            "Deskhand cannot write its environment %s: %s. Set DESKHAND_VENV to a folder where this user may write."
            % (VENV, problem.strerror)
        )
    return (
        "Deskhand could not install its packages (see above). Is a package index reachable from here?\n(%s)" % problem
    )


class Saying:
    def __init__(self, stream):
        self.stream = stream

    def __call__(self, text):
        self.stream.write("deskhand: " + text + "\n")
        self.stream.flush()


if __name__ == "__main__":
    main()
