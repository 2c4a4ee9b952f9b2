"""`desk sla …`: what-if answers about working time and promises."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.core import commands
from app.core.errors import HelpdeskError
from app.sla import evaluate

sla = AppGroup("sla", help="Working time and promises, as they would be counted.")


def register(app: Flask) -> None:
    commands.desk.add_command(sla)


@sla.command("evaluate")
def answer_cases() -> None:
    """Read one case a line on stdin; print one JSON answer a line. Nothing is read from or written to the desk."""
    for line in sys.stdin:
        if line.strip():
            click.echo(json.dumps(_answered(line), ensure_ascii=False))


def _answered(line: str) -> dict[str, Any]:
    case: Any = None
    try:
        case = json.loads(line)
        return dict(evaluate.answer(case))
    except (ArithmeticError, AttributeError, HelpdeskError, LookupError, TypeError, ValueError) as problem:
        named = case.get("id") if isinstance(case, dict) else None
        return {"id": named, "error": f"{type(problem).__name__}: {problem}"}
