"""Jinja as the desk uses it."""

from __future__ import annotations

from collections.abc import MutableMapping
from keyword import iskeyword
from typing import Any

from flask import g
from flask.templating import Environment
from flask_wtf.csrf import generate_csrf
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

PLAIN = frozenset({"_", "gettext", "ngettext", "static", "part"})
"""Functions of ours that a page calls hundreds of times. No template gives one of these names to anything else."""


class Quicker(CodeGenerator):
    """Writes the same pages with less asking: a page has some six hundred calls and nine hundred values."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Calls plain functions as Python would. Jinja asks each time whether what is called wants the context, which takes
        longer than looking up a word."""
        plain = isinstance(node.node, nodes.Name) and node.node.name in PLAIN
        spread = node.dyn_args or node.dyn_kwargs or any(iskeyword(one.key) for one in node.kwargs)
        if not plain or spread:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for given in (*node.args, *node.kwargs):
            self.visit(given, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """What is HTML already is taken as it is. `escape` would give the same, as a copy."""
        if self._escapes(frame, finalize):
            self.write("(said if (said := ")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if self._escapes(frame, finalize):
            self.write(").__class__ is Markup else escape(said))")
        else:
            super()._output_child_post(node, frame, finalize)

    @staticmethod
    def _escapes(frame: Frame, finalize: Any) -> bool:
        return frame.eval_ctx.autoescape is True and not frame.eval_ctx.volatile and finalize.src is None


class Templates(Environment):
    code_generator_class = Quicker

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals themselves for a template without its own. Jinja's chain of two mappings is asked for all hundred names
        at each import, which takes longer than what is imported."""
        return super().make_globals(d) if d else self.globals


def csrf_token() -> str:
    """Flask-WTF keeps it for the request, and asks its settings first for each of a page's twenty forms."""
    found = g.get("csrf_token")
    return str(found if found is not None else generate_csrf())
