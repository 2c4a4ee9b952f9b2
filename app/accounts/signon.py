"""How staff sign in, as the environment says it: by the desk's own passwords, or by LDAP, OAuth, SAML or a proxy's word.

Standard library only: config.py reads this before anything else is there. docs/sign-in.md has an example of each.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TYPES = {"db": 1, "ldap": 2, "remote_user": 3, "oauth": 4, "saml": 5}
"""Flask-AppBuilder's numbers."""
LDAP_WORDS = (
    "SERVER", "SEARCH", "SEARCH_FILTER", "BIND_USER", "BIND_PASSWORD", "APPEND_DOMAIN", "USERNAME_FORMAT", "UID_FIELD", "GROUP_FIELD",
    "FIRSTNAME_FIELD", "LASTNAME_FIELD", "EMAIL_FIELD", "TLS_CACERTDIR", "TLS_CACERTFILE", "TLS_CERTFILE", "TLS_KEYFILE",
)  # fmt: skip
LDAP_SWITCHES = {"USE_TLS": False, "TLS_DEMAND": True, "ALLOW_SELF_SIGNED": False}
"""With their defaults: a certificate that nobody vouches for is refused."""
NEEDS = {"ldap": ("ldap", "python-ldap"), "saml": ("onelogin", "python3-saml")}
"""Packages that need system libraries and so are not among the pinned ones: (module, what to install)."""
TIMEOUT_SECONDS = 10


def configuration() -> dict[str, Any]:
    """Flask-AppBuilder's own settings. Ends the start with a sentence when something cannot be."""
    kind = os.environ.get("AUTH_TYPE", "db").strip().lower()
    if kind not in TYPES:
        sys.exit(f"AUTH_TYPE is {kind!r}: it is one of {', '.join(TYPES)}.")
    module, package = NEEDS.get(kind, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        sys.exit(
            f"AUTH_TYPE is {kind}, which needs the package {package}. Install it beside the others: .venv/bin/pip install {package}"
        )
    return {
        "AUTH_TYPE": TYPES[kind],
        "SECOND_FACTOR_ALWAYS": kind in ("db", "ldap") or _switch(os.environ.get("AUTH_SECOND_FACTOR", ""), False),
        **_registration(),
        **{"ldap": _ldap, "oauth": _oauth, "saml": _saml, "remote_user": _remote_user, "db": dict}[kind](),
    }


def _registration() -> dict[str, Any]:
    """Nobody comes in whom no admin invited, unless it is said here, and then with the role that is said here."""
    allowed = _switch(os.environ.get("AUTH_USER_REGISTRATION", ""), False)
    mapping = _json("AUTH_ROLES_MAPPING", os.environ.get("AUTH_ROLES_MAPPING", "") or "{}")
    role = os.environ.get("AUTH_USER_REGISTRATION_ROLE", "")
    if allowed and not role and not mapping:
        sys.exit(
            "AUTH_USER_REGISTRATION lets strangers in as staff. Say as what: AUTH_USER_REGISTRATION_ROLE or AUTH_ROLES_MAPPING."
        )
    if not isinstance(mapping, dict) or not all(isinstance(names, list) for names in mapping.values()):
        sys.exit('AUTH_ROLES_MAPPING is a JSON object of lists, such as {"support": ["Support Agent"]}.')
    return {
        "AUTH_USER_REGISTRATION": allowed,
        "AUTH_USER_REGISTRATION_ROLE": role or "Public",
        "AUTH_ROLES_MAPPING": mapping,
        "AUTH_ROLES_SYNC_AT_LOGIN": _switch(os.environ.get("AUTH_ROLES_SYNC_AT_LOGIN", ""), False),
    }


def _ldap() -> dict[str, Any]:
    server = os.environ.get("AUTH_LDAP_SERVER", "")
    if not server.startswith(("ldap://", "ldaps://", "ldapi://")):
        sys.exit("AUTH_TYPE is ldap: AUTH_LDAP_SERVER is its address, such as ldaps://directory.example.com.")
    given = {f"AUTH_LDAP_{word}": os.environ.get(f"AUTH_LDAP_{word}", "") for word in LDAP_WORDS}
    switches = {
        f"AUTH_LDAP_{word}": _switch(os.environ.get(f"AUTH_LDAP_{word}", ""), default)
        for word, default in LDAP_SWITCHES.items()
    }
    if os.environ.get("DESKHAND_PROFILE") == "production":
        plain = server.startswith("ldap://") and not switches["AUTH_LDAP_USE_TLS"]
        if plain or switches["AUTH_LDAP_ALLOW_SELF_SIGNED"]:
            sys.exit(
                "Passwords would travel to AUTH_LDAP_SERVER readable. Use ldaps:// or AUTH_LDAP_USE_TLS=1, with a certificate."
            )
    return {name: value for name, value in given.items() if value} | switches


def _oauth() -> dict[str, Any]:
    providers = _list("OAUTH_PROVIDERS", os.environ.get("OAUTH_PROVIDERS", ""))
    for provider in providers:
        remote = provider.get("remote_app")
        if not provider.get("name") or not isinstance(remote, dict) or not remote.get("client_id"):
            sys.exit(
                "OAUTH_PROVIDERS: each needs a name and a remote_app with its client_id; docs/sign-in.md has examples."
            )
        remote["client_kwargs"] = {"default_timeout": TIMEOUT_SECONDS, **remote.get("client_kwargs", {})}
    return {"OAUTH_PROVIDERS": providers}


def _saml() -> dict[str, Any]:
    return {
        "SAML_PROVIDERS": _list("SAML_PROVIDERS", os.environ.get("SAML_PROVIDERS", "")),
        "SAML_CONFIG": _json("SAML_CONFIG", _text("SAML_CONFIG", os.environ.get("SAML_CONFIG", "")) or "{}"),
    }


def _remote_user() -> dict[str, Any]:
    """Whoever reaches the desk past the proxy could send the header as well: it counts from these addresses alone."""
    header = os.environ.get("AUTH_REMOTE_USER_HEADER", "X-Remote-User")
    try:
        proxies = [ipaddress.ip_network(word.strip()) for word in os.environ.get("AUTH_REMOTE_USER_PROXIES", "").split(",") if word.strip()]  # fmt: skip
    except ValueError as problem:
        sys.exit(f"AUTH_REMOTE_USER_PROXIES: {problem}.")
    if not proxies:
        sys.exit(
            "AUTH_TYPE is remote_user: AUTH_REMOTE_USER_PROXIES says from which addresses its header is believed, such as 127.0.0.1."
        )
    return {
        "AUTH_REMOTE_USER_ENV_VAR": f"HTTP_{header.upper().replace('-', '_')}",
        "AUTH_REMOTE_USER_PROXIES": proxies,
    }


def _switch(given: str, default: bool) -> bool:
    given = given.strip().lower()
    return default if not given else given in ("1", "true", "yes", "on")


def _list(name: str, given: str) -> list[dict[str, Any]]:
    """From a Python file its variable of this name, else JSON from a file or from the variable itself."""
    if given.endswith(".py") and Path(given).is_file():
        found = runpy.run_path(given).get(name)
    else:
        found = _json(name, _text(name, given))
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        sys.exit(
            f"{name} is a list of providers: JSON, or the path of a .json or .py file. docs/sign-in.md has examples."
        )
    return found


def _text(name: str, given: str) -> str:
    if given.endswith(".json"):
        try:
            return Path(given).read_text()
        except OSError as problem:
            sys.exit(f"{name}: {problem}.")
    return given


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as problem:
        sys.exit(f"{name} is not JSON: {problem}.")


def who(provider: str, claims: Mapping[str, Any], trusted: bool) -> dict[str, Any]:
    """Of an OpenID provider's claims what the desk needs.

    Elsewhere anybody can choose any name and register another's address. So a person is known by what the provider numbers
    them, and by an address that it says was proven; names and addresses of a `trusted` provider, one's own, count as they are.
    """
    name = str(claims.get("preferred_username") or "") if trusted else ""
    proven = trusted or claims.get("email_verified") in (True, "true")
    return {
        "username": name or f"{provider}_{claims.get('sub', '')}",
        "email": str(claims.get("email") or "") if proven else "",
        "first_name": str(claims.get("given_name") or claims.get("name") or ""),
        "last_name": str(claims.get("family_name") or ""),
        "role_keys": [str(key) for key in (claims.get("groups") or claims.get("roles") or ())],
    }
