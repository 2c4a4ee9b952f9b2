"""The CSV files of another helpdesk's export, row by row and checked."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from flask_babel import gettext as _

from app.core.errors import HelpdeskError

LONGEST_FIELD = 16 * 1024 * 1024


class GivenDepartment(NamedTuple):
    id: str
    name: str
    email: str


class GivenCategory(NamedTuple):
    id: str
    department_id: str
    name: str


class GivenStaff(NamedTuple):
    id: str
    username: str
    email: str
    first_name: str
    last_name: str
    department_id: str
    role: str


class GivenCustomer(NamedTuple):
    id: str
    email: str
    first_name: str
    last_name: str
    company: str
    created_at: str


class GivenTicket(NamedTuple):
    id: str
    number: str
    customer_id: str
    department_id: str
    category_id: str
    assignee_id: str
    status: str
    priority: str
    channel: str
    subject: str
    created_at: str
    updated_at: str
    resolved_at: str


class GivenMessage(NamedTuple):
    ticket_id: str
    author_type: str
    author_id: str
    is_public: str
    created_at: str
    message_id: str
    body: str


Given = TypeVar("Given", GivenDepartment, GivenCategory, GivenStaff, GivenCustomer, GivenTicket, GivenMessage)


class NotReadable(HelpdeskError):
    """The files are not what they should be; the sentence names file and line."""


def rows(folder: Path, name: str, kind: type[Given]) -> Iterator[Given]:
    """The rows of one file. Its columns are found by the names in its first line; it may have others too."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            head = next(reader, [])
            missing = [column for column in kind._fields if column not in head]
            if missing:
                raise NotReadable(_("%(file)s lacks the columns %(names)s.", file=name, names=", ".join(missing)))
            places = [head.index(column) for column in kind._fields]
            for row in reader:
                yield kind._make([row[place] for place in places])
    except FileNotFoundError:
        raise NotReadable(_("There is no file %(file)s in this folder.", file=name))
    except (IndexError, UnicodeDecodeError, csv.Error) as problem:
        raise NotReadable(_("%(file)s cannot be read: %(problem)s.", file=name, problem=problem))


def instant(given: str) -> dt.datetime:
    """`2026-11-01 12:00:00+00`; without an offset it is UTC."""
    try:
        at = dt.datetime.fromisoformat(given)
    except ValueError:
        raise NotReadable(_("“%(text)s” is no time.", text=given[:40]))
    return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
