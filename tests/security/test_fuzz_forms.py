"""Every form of the desk as its pages show it, with one or two of its fields bent: a sentence comes back, never a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Rule

from app.core.extensions import db
from tests.security import forms, sweep, writes
from tests.security import world as worlds
from tests.security.forms import Form
from tests.security.fuzz import bounded
from tests.security.test_generated_views import generated
from tests.security.world import Who, World

pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)
A_FORM = 5
BENT: st.SearchStrategy[Any] = st.sampled_from(
    ["", " ", "0", "-1", "9" * 20, "9" * 400, "1.5", "NaN", "a\x00b", "a\r\nBcc: x@evil.test", "ä" * 3000, "<script>x</script>", "{{7*7}}", "%s%n", "' OR 1=1--", "../../etc/passwd", "null", "[]", "true",
     "2026-13-45", "2026-11-02T25:61", "0001-01-01", "9999-12-31T23:59", "a@b", "a@b.c", "@", "🙂", "\u202ex", "１２", "on", "javascript:alert(1)", "//evil.test"]
) | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)  # fmt: skip
PLAIN = {
    "/admin/time/timers/<int:timer_id>", "/admin/mail-lab/deliver",
    "/admin/tickets/<int:number>/macroruns/<int:run_id>/undo", "/admin/tickets/<int:number>/macros/<int:macro_id>",
    "/admin/canned/edit/<pk>", "/admin/tags/edit/<pk>", "/admin/environments/edit/<pk>", "/admin/skills/edit/<pk>", "/admin/pools/edit/<pk>", "/admin/statuses/steps/<int:role_id>/all", "/admin/statuses/<int:status_id>/move", "/admin/statuses/moves/<int:move_id>/again", "/admin/settings/general/vocabulary", "/admin/tickets/add", "/login/code",
    "/admin/my-day/<int:number>/snooze", "/admin/my-day/<int:number>/done",
    "/admin/me/second-factor/codes", "/admin/me/second-factor/confirm", "/admin/me/second-factor/off", "/portal/account/sessions/<int:session_id>", "/admin/me/sessions/<int:session_id>/end",
    "/portal/account/sessions", "/admin/me/sessions/end-others", "/admin/mail-templates/<kind>/reset", "/admin/notifications/read", "/admin/notifications/<int:notification_id>/open",
    "/admin/tickets/<int:number>/take", "/admin/tickets/<int:number>/undo", "/admin/settings/email/test", "/admin/jobs/<int:outbox_id>/retry", "/portal/files",
    "/admin/tickets/<int:number>/draft", "/admin/tickets/<int:number>/files", "/admin/tickets/<int:number>/here", "/admin/tickets/<int:number>/preview", "/admin/tickets/<int:number>/drafts/<int:draft_id>/discard",
    "/admin/tickets/<int:number>/departures/<int:draft_id>/now", "/admin/tickets/<int:number>/unmerge", "/admin/tickets/<int:number>/links/remove", "/admin/tickets/<int:number>/tasks", "/admin/bulk/<int:change_id>/undo", "/admin/views/<int:view_id>/list",
    "/admin/tickets/<int:number>/documents/<int:request_id>/review", "/admin/tickets/<int:number>/documents/<int:request_id>/withdraw", "/admin/tickets/<int:number>/documents/<int:request_id>/link",
    "/admin/tickets/<int:number>/seen", "/admin/tickets/<int:number>/resend", "/admin/customers/<int:customer_id>/notes/<int:note_id>/pin", "/admin/customers/<int:customer_id>/notes/<int:note_id>/remove",
    "/admin/customers/<int:customer_id>/notes/<int:note_id>", "/admin/tickets/<int:number>/documents/<int:request_id>/end-links", "/portal/upload/<secret>", "/portal/rating/<token>", "/portal/tickets/<int:number>/rating",
    "/admin/tickets/<int:number>/no-spam", "/admin/tickets/<int:number>/ban", "/admin/tickets/<int:number>/wishes", "/admin/banned-senders/edit/<pk>", "/admin/rules/<int:rule_id>/versions/<int:version>",
    "/admin/team/move", "/admin/team/assign", "/notices/stop/<token>", "/admin/me/absences/<int:absence_id>/delete", "/admin/tickets/<int:number>/watch",
    "/admin/mail-templates/<kind>/html", "/admin/mail-log/resend", "/portal/say/<word>", "/admin/mail-signing/switch", "/admin/mail-signing/<int:key_id>/look-up", "/admin/mail-signing/<int:key_id>/remove",
    "/admin/mailboxes/<int:pk>/test-in", "/admin/mailboxes/<int:pk>/pause", "/admin/mailboxes/<int:pk>/resume", "/admin/mailboxes/<int:pk>/fetch", "/admin/mailboxes/<int:pk>/sign-in", "/hooks/mail/<int:pk>",
    "/admin/calendars/<int:calendar_id>/holidays",
    "/admin/tickets/<int:number>/incident/end", "/admin/tickets/<int:number>/incident/banner", "/portal/incidents/<int:banner_id>/affected", "/admin/tickets/<int:number>/incident/update", "/admin/tickets/<int:number>/incident/leave", "/admin/tickets/<int:number>/incident/join", "/admin/tickets/<int:number>/incident/add", "/admin/tickets/incident",
}  # fmt: skip
"""Shown only after something happened or to somebody else, sent by a script, or a button without a field: they are tried with odd fields
all the same."""


def test_no_form_fails_with_a_field_bent(app: Flask) -> None:
    world = worlds.build(app)
    db.session.remove()
    snapshot = writes.Snapshot(app)
    known = sweep.apart(lambda: forms.of_desk(app, world))
    failed: list[str] = []
    for rule in sweep.rules(app, "POST"):
        if not rule.rule.startswith("/api/"):
            failed += sweep.apart(lambda rule=rule: bend(app, world, rule, known.get(rule.rule), snapshot))

    assert failed == []


def test_every_page_with_a_form_is_found(app: Flask) -> None:
    """What no page shows must be known to be a script's own, or a form would go untried."""
    world = worlds.build(app)
    db.session.remove()
    known = sweep.apart(lambda: forms.of_desk(app, world))
    posts = {rule.rule for rule in sweep.rules(app, "POST") if not rule.rule.startswith("/api/")}
    without = {rule for rule in posts - set(known) if "action" not in rule and "/delete/" not in rule and "secret" not in rule}  # fmt: skip

    assert len(known) > 40
    untold = without - PLAIN - closed(app)
    assert untold == set(), f"No page shows a form for {untold}: say so in PLAIN, or mend the reader."


def closed(app: Flask) -> set[str]:
    """Doors of generated pages that nobody has a right to."""
    doors = (("add", "can_add"), ("edit/<pk>", "can_edit"))
    return {
        f"{view.route_base}/{door}"
        for view in generated(app)
        for door, right in doors
        if right not in view.base_permissions
    }


def bend(app: Flask, world: World, rule: Rule, form: Form | None, snapshot: writes.Snapshot) -> list[str]:
    whose, path = next(sweep.addresses(rule, world))
    who = form.who if form else Who.CUSTOMER if rule.rule.startswith("/portal") and rule.rule not in ("/portal/login", "/portal/contact") else Who.SUPER  # fmt: skip
    usual = dict(form.filled()) if form else dict(writes.TYPED.get(rule.rule, {}))
    names = st.sampled_from(form.names if form and form.names else [*usual, "value", "message"])
    failed: list[str] = []

    @bounded(A_FORM)
    @given(bent=st.dictionaries(names, BENT, min_size=1, max_size=2))
    def send(bent: dict[str, str]) -> None:
        came = sweep.visit(app, world, who, rule.rule, whose, path, "POST", data={**usual, **bent})
        if came.wrote:
            snapshot.put_back()
        if came.status >= 500:
            failed.append(f"{path} {bent}: {came.status}")

    send()
    return failed[:1]
