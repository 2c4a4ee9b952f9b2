"""Every value the desk takes from its environment, typed, with its unit and default. Production refuses unsafe ones."""

import contextlib
import os
import re
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from app.accounts import signon
from app.run import folder

ROOT = Path(__file__).resolve().parent
DATA: Path = folder.path()
PROFILE: str = os.environ.get("DESKHAND_PROFILE", "demo")
PRODUCTION: bool = PROFILE == "production"
HOST: str = os.environ.get("DESKHAND_HOST", "127.0.0.1")
PORT: int = int(os.environ.get("DESKHAND_PORT", "8080"))
RECEIVER_PORT: int = int(os.environ.get("DESKHAND_RECEIVER_PORT", "8025"))
LMTP_PORT: int = int(os.environ.get("DESKHAND_LMTP_PORT") or "0")
"""0: the receiver speaks SMTP alone."""

if PROFILE not in ("demo", "production"):
    sys.exit(f"DESKHAND_PROFILE is {PROFILE!r}: it is demo or production.")


def public_url() -> str:
    """Without TLS the session's cookie would travel readable, and a browser takes it for any host that answers: refused in production."""
    given = os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        sys.exit(f"PUBLIC_URL is the address people type, such as https://desk.example.com, not {given!r}.")
    if PRODUCTION and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        sys.exit(
            "PUBLIC_URL is plain http to another host: sign-ins would travel readable. Put the desk behind TLS and use https://."
        )
    return given


PUBLIC_URL = public_url()


def make_folder() -> None:
    """A folder that cannot be made is said by whoever needs it first, with its name."""
    with contextlib.suppress(OSError):
        DATA.mkdir(mode=0o700, parents=True, exist_ok=True)


def secret_key() -> str:
    """The given one, or one made once and kept in the data folder, readable by this user alone."""
    given = os.environ.get("SECRET_KEY", "")
    if PRODUCTION and len(given) < 32:
        sys.exit(
            "Production needs SECRET_KEY, 32 characters or more, the same on every host: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if PRODUCTION and (
        len(set(given)) < 10 or re.search("change.?me|placeholder|your.?secret|secret.?key", given, re.I)
    ):
        sys.exit("SECRET_KEY is an example or a pattern: everybody knows it. Make one of your own.")
    if given:
        return given
    kept = DATA / "secret-key"
    try:
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return kept.read_text()


def database_url() -> str:
    """PostgreSQL by psycopg 3 whatever the address says, as hosts give `postgres://`."""
    given = os.environ.get("DATABASE_URL", "")
    scheme, separator, rest = given.partition("://")
    if scheme.split("+")[0] in ("postgres", "postgresql"):
        return f"postgresql+psycopg{separator}{rest}"
    return given or f"sqlite:///{DATA / 'desk.sqlite3'}"


def mail_url() -> str:
    """Plain SMTP over a network is refused in production: passwords and customers' words would travel readable."""
    given = os.environ.get("MAIL_URL", "")
    parts = urlsplit(given)
    if given and parts.scheme not in ("smtp", "smtps"):
        sys.exit(f"MAIL_URL starts with smtp:// or smtps://, not {parts.scheme!r}.")
    plain = parts.scheme == "smtp" and not parts.username and "starttls=1" not in parts.query
    if PRODUCTION and plain and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        sys.exit("MAIL_URL is plain SMTP to another host. Use smtps:// or add ?starttls=1.")
    return given


def redis_url() -> str:
    """A queue that everybody on the network may write to is refused in production: what lies in it is carried out."""
    given = os.environ.get("REDIS_URL", "")
    parts = urlsplit(given)
    if given and parts.scheme not in ("redis", "rediss", "unix"):
        sys.exit(f"REDIS_URL starts with redis://, rediss:// or unix://, not {parts.scheme!r}.")
    here = parts.scheme == "unix" or parts.hostname in ("127.0.0.1", "::1", "localhost")
    if PRODUCTION and given and not here and not parts.password and "password=" not in parts.query:
        sys.exit("REDIS_URL leads to another host without a password. Give it one: rediss://:PASSWORD@host:6379/0.")
    return given or f"unix://{folder.socket(DATA)}"


def bound(name: str, usual: str) -> tuple[int, int]:
    """How many in how many seconds, written as 10/15m (s, m or h)."""
    given = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,4})([smh])", usual.strip())
    if given is None:
        sys.exit(f"{name} is {usual!r}: write how many in how long, such as 10/15m.")
    return int(given[1]), int(given[2]) * {"s": 1, "m": 60, "h": 3600}[given[3]]


def limits_on() -> bool:
    """Off for measuring a desk of one's own; production keeps them."""
    given = os.environ.get("DESKHAND_LIMITS", "on")
    if given not in ("on", "off") or (PRODUCTION and given == "off"):
        sys.exit(f"DESKHAND_LIMITS is {given!r}: it is on or off, and on in production.")
    return given == "on"


make_folder()
SECRET_KEY = secret_key()
SQLALCHEMY_DATABASE_URI = database_url()
SQLALCHEMY_ENGINE_OPTIONS: dict[str, object] = (
    {} if SQLALCHEMY_DATABASE_URI.startswith("sqlite") else {"pool_use_lifo": True}
)
"""lifo: the connection that was used last has the statements prepared; the others may grow old."""
REDIS_URL: str = redis_url()
MAIL_URL = mail_url()
STORAGE_URL: str = os.environ.get("STORAGE_URL") or f"file://{DATA / 'files'}"
DEMO_PASSWORD: str = os.environ.get("DESKHAND_DEMO_PASSWORD", "")

PROXIES = int(os.environ.get("DESKHAND_PROXIES", "0"))
"""How many proxies of ours stand before the desk: so many entries of X-Forwarded-For are believed, none by default."""

# How often somebody may do what (app/core/limits.py): wrong passwords for one name and from one network, and so on.
LIMITS_ON = limits_on()
written_limits = {
    "sign_in_account": os.environ.get("DESKHAND_LIMIT_SIGN_IN_ACCOUNT", "10/15m"),
    "sign_in_network": os.environ.get("DESKHAND_LIMIT_SIGN_IN_NETWORK", "100/15m"),
    "link_address": os.environ.get("DESKHAND_LIMIT_LINK_ADDRESS", "10/15m"),
    "link_network": os.environ.get("DESKHAND_LIMIT_LINK_NETWORK", "40/15m"),
    "guest_address": os.environ.get("DESKHAND_LIMIT_GUEST_ADDRESS", "30/1h"),
    "guest_network": os.environ.get("DESKHAND_LIMIT_GUEST_NETWORK", "60/1h"),
    "new_ticket": os.environ.get("DESKHAND_LIMIT_NEW_TICKET", "60/1h"),
    "reply": os.environ.get("DESKHAND_LIMIT_REPLY", "60/15m"),
    "draft": os.environ.get("DESKHAND_LIMIT_DRAFT", "1200/15m"),
    "upload": os.environ.get("DESKHAND_LIMIT_UPLOAD", "80/15m"),
    "upload_link": os.environ.get("DESKHAND_LIMIT_UPLOAD_LINK", "30/15m"),
    "rating_link": os.environ.get("DESKHAND_LIMIT_RATING_LINK", "30/15m"),
    "api_key": os.environ.get("DESKHAND_LIMIT_API_KEY", "6000/1m"),
    "api_network": os.environ.get("DESKHAND_LIMIT_API_NETWORK", "100/15m"),
}
LIMITS = {name: bound(f"DESKHAND_LIMIT_{name.upper()}", written) for name, written in written_limits.items()}

# Flask
APP_NAME = "Deskhand"
TRUSTED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "127.0.0.1"] + ([] if PRODUCTION else ["127.0.0.1", "localhost"])
PREFERRED_URL_SCHEME = urlsplit(PUBLIC_URL).scheme
HTTPS = PREFERRED_URL_SCHEME == "https"
SESSION_COOKIE_NAME = "__Host-deskhand" if HTTPS else "deskhand"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
PERMANENT_SESSION_LIFETIME = (
    365 * 24 * 3600
)  # of the cookie; how long a session lasts is a setting, held against its row
SESSION_REFRESH_EACH_REQUEST = (
    False  # else a slow answer to an older request puts an older cookie back, and what it told is lost
)
MAX_CONTENT_LENGTH = 60 * 1024 * 1024
"""Bytes of a whole request; each file is held against the setting `max_attachment_mb` as well."""
MAX_FORM_MEMORY_SIZE = 4 * 1024 * 1024
WTF_CSRF_TIME_LIMIT = None  # a form left open over lunch still sends; the token ends with the session

# Leases, seconds: tests shorten them.
OUTBOX_LEASE_SECONDS = int(os.environ.get("DESKHAND_OUTBOX_LEASE", "60"))
MAIL_READING_SECONDS = float(os.environ.get("DESKHAND_MAIL_READING", "10"))
"""Processor time that reading one message may take; one that takes longer is quarantined."""
WORKER_TTL_SECONDS = 30

# Flask-AppBuilder: the set-up step alone makes roles and permissions (FAB_UPDATE_PERMS there).
AUTH_ROLE_ADMIN = "Super Admin"
AUTH_ROLE_PUBLIC = "Public"
globals().update(signon.configuration())  # AUTH_TYPE and what belongs to it
FAB_CREATE_DB = False
FAB_UPDATE_PERMS = False
FAB_ADD_SECURITY_API = False
FAB_ADD_SECURITY_VIEWS = True
FAB_ADD_SECURITY_PERMISSION_VIEW = False
FAB_ADD_SECURITY_VIEW_MENU_VIEW = False
FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW = False
FAB_ADD_OPENAPI_VIEWS = False
FAB_PASSWORD_COMPLEXITY_ENABLED = False
AUTH_RATE_LIMITED = False
BABEL_DEFAULT_LOCALE = "en"
LANGUAGES = {
    "en": {"flag": "gb", "name": "English"},
    "de": {"flag": "de", "name": "Deutsch"},
    "fr": {"flag": "fr", "name": "Français"},
}
