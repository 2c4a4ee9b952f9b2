"""The OpenAPI document: what the table of routes says, without a word about anybody's tickets."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

from app.api.fields import LARGEST_BODY_BYTES
from app.api.routes import FILE, ROUTES, Route
from app.api.schema import SCHEMAS, WHOLE, Schema, ref

REFUSALS = {
    "400": "The body is not JSON, or not an object.",
    "401": "No key, or a wrong, revoked or ended one.",
    "403": "The key lacks the scope, or its owner the right.",
    "404": "It is not there, or the key's owner may not see it.",
    "409": "Refused in the present state, or this Idempotency-Key was used for another request.",
    "413": f"Larger than the desk takes ({LARGEST_BODY_BYTES // 1024**2} MB of JSON; a file's limit is a setting).",
    "415": "An upload that is not multipart/form-data.",
    "422": "A field is unknown or wrong; `fields` names it.",
    "429": "Too many calls; the header `Retry-After` says in how many seconds to go on.",
}
INTRODUCTION = (
    "Send `Authorization: Bearer <key>`. A key acts as its owner, within its scopes. Times are ISO 8601 in UTC. "
    "Lists answer `{items, next}`; `next` is the `cursor` of the following page. Every refusal is `{error: {code, message, fields}}`. "
    "A POST with an `Idempotency-Key` that comes again within two days has its effect once and gets the same answer."
)


@cache
def document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in ROUTES:
        paths[route.path][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Deskhand", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": dict(paths),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
            "responses": {
                code: {"description": sentence, "content": {"application/json": {"schema": ref("Error")}}}
                for code, sentence in REFUSALS.items()
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    written: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{route.handler.__doc__ or ''} Scope: `{route.scope}`.".strip(),
        "parameters": _parameters(route),
        "responses": {
            str(route.status): {"description": route.summary, "content": _content(route.gives)},
            **_refusals(route),
        },
    }
    if route.takes:
        written["requestBody"] = {
            "required": not route.bare,
            "content": _upload() if route.takes == FILE else _content(route.takes),
        }
    return written


def _parameters(route: Route) -> list[Schema]:
    in_path = [{"name": name, "in": "path", "required": True, "schema": WHOLE} for name in route.variables]
    in_query = [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
    repeat = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}}
    return [*in_path, *in_query, *([repeat] if route.method == "POST" else [])]


def _content(name: str) -> Schema:
    if name == FILE:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": ref(name)}}


def _upload() -> Schema:
    file = {
        "type": "object",
        "required": [FILE],
        "properties": {FILE: {"type": "string", "format": "binary"}},
        "additionalProperties": False,
    }
    return {"multipart/form-data": {"schema": file}}


def _refusals(route: Route) -> dict[str, Schema]:
    """Which of them can come from this address."""
    codes = {"401", "403", "429"}
    if route.variables:
        codes.add("404")
    if route.method == "GET":
        codes |= {"422"} if route.gives not in (FILE,) and not route.variables else set()
    else:
        codes |= {"400", "409", "413", "422"} | ({"415"} if route.takes == FILE else set())
    return {code: {"$ref": f"#/components/responses/{code}"} for code in sorted(codes)}
