"""Every page a person can open, by who opens it. A route that is neither here nor said to be no page fails its test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask
from werkzeug.exceptions import HTTPException

PAGES = {
    "stranger": [
        "/portal/login", "/portal/contact", "/portal/password", "/portal/link/none", "/portal/prove/none", "/portal/password/none", "/portal/upload/none", "/portal/rating/none", "/portal/say/none", "/help/", "/help/all", "/help/topic/1", "/help/none", "/login/",
        "/login/code", "/forgotten/", "/welcome/none", "/nowhere", "/notices/stop/none",
    ],
    "ada": [
        "/portal/tickets", "/portal/tickets?tab=all&q=nothing-has-this", "/portal/tickets/1001", "/portal/tickets/1001/close", "/portal/tickets/1001/keep", "/portal/tickets/new", "/portal/account", "/portal/tickets/1001/documents/1",
        "/portal/tickets/999999",
    ],
    "agent": [
        "/admin/my-day/", "/admin/tickets/", "/admin/tickets/?view=everything&priority=4", "/admin/tickets/1001", "/admin/tickets/new", "/admin/tickets/message", "/admin/tickets/1001/documents", "/admin/tickets/1001/documents/1", "/admin/notifications/", "/admin/notifications/preferences", "/admin/me/",
        "/admin/me/second-factor/", "/admin/tickets/999999", "/admin/views/", "/admin/views/columns", "/admin/bulk/", "/admin/macros/", "/admin/macros/new", "/admin/tickets/1001/macros", "/admin/tasks/?view=all", "/admin/tasks/board?view=all", "/admin/tasks/new", "/admin/reports/", "/admin/reports/time/?by=ticket&span=year", "/admin/tickets/1001/time", "/admin/tickets/1001/why",
    ],
    "supervisor": [
        "/admin/tickets/1001/timeline", "/admin/tickets/1001/ledger", "/admin/reports/turns", "/admin/tickets/1001/similar", "/admin/tickets/1001/print", "/admin/tickets/1001?only=notes&find=the", "/admin/tickets/1001?only=suppliers", "/admin/customers/1/notes", "/admin/tickets/1001/merge", "/admin/tickets/merge?with=1001&with=1002", "/admin/tickets/1001/links", "/admin/tickets/1001/incident", "/admin/tickets/1001/incident/similar", "/admin/tickets/1001/incident/update", "/admin/tickets/1001/incident/join", "/admin/tickets/incident?with=1001&with=1002", "/admin/tasks/1", "/admin/tickets/1001/time/1", "/admin/tickets/1001/tasks/new", "/admin/tickets/1001/tasks/link", "/admin/tickets/1001/messages/1/move",
        "/admin/macros/1", "/admin/views/1", "/admin/views/shared/", "/admin/bulk/1", "/admin/dashboard/", "/admin/reports/volume?period=range&from=never", "/admin/reports/team", "/admin/team/", "/admin/team/?agent=4", "/admin/reports/satisfaction", "/admin/reports/month", "/admin/canned/list/", "/admin/customers/list/",
    ],
    "admin": [
        "/admin/settings/general", "/admin/settings/email", "/admin/settings/sign-in", "/admin/settings/satisfaction", "/admin/jobs/?state=done", "/admin/mail-log/", "/admin/mail-log/incoming", "/admin/quarantine/", "/admin/quarantine/1", "/admin/mail-filters/", "/admin/mail-filters/new", "/admin/mail-filters/1", "/admin/mail-lab/", "/admin/mail-lab/1", "/admin/mail-lab/in/", "/admin/mail-lab/in/1",
        "/admin/notices/defaults/", "/admin/mail-templates/", "/admin/mail-templates/ticket_created", "/admin/mail-signing/", "/admin/mail-log/1", "/admin/statuses/edit/1", "/admin/statuses/4/move", "/admin/statuses/2/move?to=5", "/admin/statuses/moves/1", "/admin/statuses/steps/", "/admin/sla-policies/", "/admin/sla-policies/?number=1001", "/admin/sla-policies/new", "/admin/sla-policies/1", "/admin/tickets/1001/promises", "/admin/rules/", "/admin/rules/new", "/admin/rules/1", "/admin/rules/import", "/admin/rules/runs", "/admin/tickets/1001/rules",
        "/admin/calendars/", "/admin/calendars/new", "/admin/calendars/1", "/admin/calendars/1/holidays?country=DE&region=BY",
    ],
}  # fmt: skip
GENERATED = re.compile(r"/admin/[\w/-]+/(list/|add|show/<pk>|edit/<pk>)")
"""Flask-AppBuilder's pages, of which the walk of each list finds the others."""
NO_PAGES = (
    (r"/(static|appbuilder|users/static)/.*", "files of the face"),
    (r"/api/.*|/metrics|/healthz|/readyz", "for programs"),
    (r"/|/portal/|/admin/settings/|/back|/admin/mailboxes/signed-in", "leads on"),
    (
        r".*/download/.*|/admin/mail-lab/.*/download|/admin/files/.*|/portal/files/.*|.*\.(csv|xlsx|zip|svg|eml)|/admin/rules/export",
        "files",
    ),
    (r".*/html", "a frame for what was mailed"),
    (r".*/(passage|new/similar)", "parts of pages"),
    (r".*/first-unread", "leads on"),
    (
        r".*/(timepart|bell|unread|thread|canned|customers|people|faq|suggest|asking|news|numbers|palette/)",
        "parts of pages",
    ),
    (r"/signon/.*|/login/.*", "leads to a sign-in elsewhere"),
)
"""Patterns of whole rules, and what they answer instead of a page."""


def forgotten(app: Flask) -> list[str]:
    """Rules that answer a GET with a page nobody looks at."""
    seen = set(_seen(app))
    rules = [
        rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set()) and rule.endpoint not in seen
    ]
    return sorted(
        rule.rule
        for rule in rules
        if not GENERATED.fullmatch(rule.rule)
        and not any(re.fullmatch(pattern, rule.rule) for pattern, _why in NO_PAGES)
    )


def _seen(app: Flask) -> Iterator[str]:
    addresses = app.url_map.bind("localhost")
    for paths in PAGES.values():
        for path in paths:
            try:
                yield str(addresses.match(path.partition("?")[0])[0])
            except HTTPException:
                continue  # a page that is not there is a page, too


def generated_lists(app: Flask) -> list[str]:
    return sorted(rule.rule for rule in app.url_map.iter_rules() if re.fullmatch(r"/admin/[\w/-]+/list/", rule.rule))
