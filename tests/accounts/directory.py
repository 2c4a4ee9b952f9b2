"""A stand-in of the package python-ldap: a directory with people and their passwords, as much as a sign-in asks of one."""

from __future__ import annotations

import re
from types import ModuleType, SimpleNamespace
from typing import Any


class LDAPError(Exception):
    pass


class InvalidCredentials(LDAPError):
    pass


class Directory:
    """`passwords` by distinguished name; the desk's own is there. Like a real one it says yes to an empty password."""

    def __init__(self) -> None:
        self.passwords = {"cn=desk": "of the desk"}
        self.options: dict[str, object] = {}
        self.away = False

    def simple_bind_s(self, name: str, password: str) -> None:
        if self.away:
            raise LDAPError("Can't contact LDAP server")
        if password.strip("\0 ") and self.passwords.get(name) != password:
            raise InvalidCredentials

    def search_s(
        self, base: str, _scope: int, question: str, _fields: list[str]
    ) -> list[tuple[str, dict[str, list[bytes]]]]:
        asked = re.fullmatch(r"\(uid=(.*)\)", question)
        name = f"uid={asked[1] if asked else ''},{base}"
        return [(name, {"givenName": [b"Kim"], "sn": [b"Berg"]})] if name in self.passwords else []

    def set_option(self, *_: Any) -> None:
        """Of the connection."""

    def modules(self) -> dict[str, ModuleType]:
        top, below = ModuleType("ldap"), ModuleType("ldap.filter")
        names = ("OPT_NETWORK_TIMEOUT", "OPT_TIMEOUT", "OPT_REFERRALS", "OPT_X_TLS_REQUIRE_CERT", "OPT_X_TLS_DEMAND", "OPT_X_TLS_NEWCTX", "OPT_X_TLS_ALLOW")  # fmt: skip
        known = {name: name for name in names}
        top.__dict__.update(
            known, LDAPError=LDAPError, INVALID_CREDENTIALS=InvalidCredentials, SCOPE_SUBTREE=2, filter=below,
            initialize=lambda _address: self, set_option=self.options.__setitem__,
        )  # fmt: skip
        below.__dict__.update(vars(SimpleNamespace(escape_filter_chars=lambda text: re.sub(r"[\\*()\0]", "?", text))))
        return {"ldap": top, "ldap.filter": below}
