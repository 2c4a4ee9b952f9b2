"""The OpenAPI document taken at its word: whatever it permits and much that it forbids is asked, and each answer is held against it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.accounts import keys
from app.core.extensions import db
from app.tickets.models import Ticket
from tests.factories import (
    a_category,
    a_customer,
    a_supervisor,
    a_ticket,
    an_agent,
    an_organization,
)
from tests.security.fuzz import bounded

AN_ADDRESS = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def secrets() -> list[str]:
    """Keys of several people and scopes: the answers 401 and 403 are held against the document, too."""
    chief, agent = a_supervisor(), an_agent()
    made = [keys.make("all", chief.id, ["*"]), keys.make("part", chief.id, ["tickets:read", "customers:write"]), keys.make("agent", agent.id, ["*"])]  # fmt: skip
    return [secret for _key, secret in made] + [made[0][1]] * 2 + ["dsk_wrong"]


def there(ticket: Ticket) -> dict[str, int]:
    """What stands in an address, every second time."""
    return {"number": ticket.number, "customer_id": ticket.requester_id, "organization_id": ticket.requester.organization_id or 0, "attachment_id": 1, "task_id": 1, "entry_id": 1, "supplier_id": 1}  # fmt: skip


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_every_address_of_the_document_keeps_its_word(app: Flask) -> None:
    a_category(), an_organization()
    ticket = a_ticket(requester=a_customer(organization=an_organization()), tags=("a",))
    chosen, ids = secrets(), there(ticket)
    db.session.commit()
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    document.config.update(base_url="http://localhost/api/v1")
    asked = 0
    for result in document.get_all_operations():
        asked += ask(result.ok(), itertools.cycle(chosen), ids)

    assert asked >= 20


def ask(operation: Any, turns: Any, ids: dict[str, int]) -> int:
    @bounded(AN_ADDRESS)
    @given(case=operation.as_strategy())
    def tried(case: Any) -> None:
        secret = next(turns)
        if case.path_parameters and len(secret) % 2 == 0:
            case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
        answer = case.call(headers={"Authorization": f"Bearer {secret}"})
        case.validate_response(answer, checks=CHECKS)

    tried()
    return 1
