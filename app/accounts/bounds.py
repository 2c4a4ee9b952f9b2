"""What an API key was given when it was made: what its owner gained since it does not have, what they lost it has lost."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import json
from functools import lru_cache

from app.accounts.models import Scope
from app.accounts.viewer import Viewer

OPEN = frozenset({Scope.ALL, Scope.OWN_DEPARTMENTS})


@dc.dataclass(frozen=True)
class Bounds:
    """Rights, and which tickets. No department means every one."""

    permissions: frozenset[tuple[str, str]]
    scopes: frozenset[Scope]
    departments: frozenset[int]
    categories: frozenset[int]

    @classmethod
    def of(cls, person: Viewer) -> Bounds:
        return cls(person.permissions, person.scopes, person.departments, person.categories)

    def both(self, other: Bounds) -> Bounds:
        """What each of the two has. Of two ways to see tickets that have nothing in common nothing is left."""
        scopes = self._scopes(other)
        departments = self.departments & other.departments or self.departments | other.departments
        if self.departments and other.departments and not self.departments & other.departments:
            scopes = frozenset()
        categories = self.categories if not other._by_category else other.categories
        if self._by_category and other._by_category:
            categories = self.categories & other.categories
        return Bounds(self.permissions & other.permissions, scopes, departments, categories)

    def _scopes(self, other: Bounds) -> frozenset[Scope]:
        if other.scopes & OPEN:
            return self.scopes
        return other.scopes if self.scopes & OPEN else self.scopes & other.scopes

    @property
    def _by_category(self) -> bool:
        """An open scope makes the categories beside it meaningless."""
        return Scope.CATEGORIES in self.scopes and not self.scopes & OPEN


def written(person: Viewer) -> str:
    """For the key's row."""
    has = Bounds.of(person)
    rows = {
        "permissions": sorted(has.permissions), "scopes": sorted(has.scopes), "departments": sorted(has.departments), "categories": sorted(has.categories),
    }  # fmt: skip
    return json.dumps(rows)


@lru_cache(1024)
def within(person: Viewer, given: str) -> Viewer:
    """The owner as the key stands for them. Kept, as a program calls often; each change of the person makes a new Viewer."""
    if not given:
        return person
    left = Bounds.of(person).both(_read(given))
    digest = hashlib.sha256(repr(sorted(left.permissions)).encode()).hexdigest()[:16]
    return dc.replace(
        person, permissions=left.permissions, scopes=left.scopes, departments=left.departments, categories=left.categories, digest=digest,
    )  # fmt: skip


def covers(maker: Viewer, owner: Viewer) -> bool:
    """Whether the owner may do and see nothing that the maker may not."""
    has = Bounds.of(owner)
    return has.both(Bounds.of(maker)) == has


def _read(given: str) -> Bounds:
    rows = json.loads(given)
    return Bounds(
        frozenset((name, view) for name, view in rows["permissions"]),
        frozenset(Scope(name) for name in rows["scopes"]),
        frozenset(rows["departments"]),
        frozenset(rows["categories"]),
    )
