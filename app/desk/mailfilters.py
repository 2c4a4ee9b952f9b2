"""Pages of the filters of mail: made, ordered, tried on mail that came, switched off and deleted."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import mailfilterforms, ordering
from app.desk.mailfilterforms import Typed
from app.mail import facts, filters, incoming, parsing, reading
from app.mail.facts import Facts
from app.mail.filters import MailFilter
from app.mail.models import RawMail

HERE = "/admin/mail-filters/"
MOST = 200
TRIED = 200
LARGEST_READ = 1_000_000
"""Bytes. Of larger ones a trial reads the header alone, so that two hundred take seconds."""


class MailFilterView(BaseView):
    route_base = "/admin/mail-filters"
    default_view = "index"
    class_permission_name = "MailFilter"
    base_permissions = ["can_list", "can_add", "can_edit", "can_delete"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return self.render_template("desk/mailfilters.html", title=_("Mail filters"), filters=filters.in_order(), said=mailfilterforms.said)  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        return self._answer(None) if request.method == "POST" else self._page(Typed(), None)

    @expose("/<int:filter_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, filter_id: int) -> Any:
        one = _filter(filter_id)
        return self._answer(one) if request.method == "POST" else self._page(Typed.of(one), one)

    @expose("/<int:filter_id>/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self, filter_id: int) -> Any:
        _filter(filter_id).active = request.form.get("active") == "1"
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:filter_id>/move", methods=["POST"])
    @has_access
    @permission_name("edit")
    def move(self, filter_id: int) -> Any:
        ordering.move(filters.in_order(), _filter(filter_id))
        db.session.commit()
        return redirect(HERE, code=303)

    @expose("/<int:filter_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, filter_id: int) -> Any:
        db.session.delete(_filter(filter_id))
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect(HERE, code=303)

    def _answer(self, one: MailFilter | None) -> Any:
        typed, deed = Typed.read(request.form), request.form.get("deed", "")
        if deed == "more":
            return self._page(typed.longer, one)
        wrong = mailfilterforms.errors(typed, naming=not deed)
        if wrong:
            return self._page(typed, one, wrong), Invalid.code
        if deed:
            return self._tried(typed, one)
        if one is None:
            if len(filters.in_order()) >= MOST:
                raise Invalid(_("There are %(most)s filters already. Delete one first.", most=MOST))
            one = MailFilter(position=_last() + 1)
            db.session.add(one)
        mailfilterforms.write(typed, one)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(HERE, code=303)

    def _tried(self, typed: Typed, one: MailFilter | None) -> Any:
        """Nothing is stored, and no mail is touched."""
        trial = MailFilter()
        mailfilterforms.write(typed, trial)
        file = request.files.get("eml")
        raw = file.read(parsing.MAX_MESSAGE_BYTES + 1) if file else b""
        try:
            found = _on_message(trial, raw) if raw else _on_latest(trial)
        except HelpdeskError as refusal:
            return self._page(typed, one, {"eml": str(refusal)}), refusal.code
        return self._page(typed, one, found=found)

    def _page(self, typed: Typed, one: MailFilter | None, wrong: dict[str, str] | None = None, found: dict[str, Any] | None = None) -> Any:  # fmt: skip
        return self.render_template(
            "desk/mailfilter.html", title=one.name if one else _("New filter"), address=f"{HERE}{one.id if one else 'new'}", typed=typed, errors=wrong or {},
            offers=mailfilterforms.offers(), found=found, most=filters.MOST_CONDITIONS,
        )  # fmt: skip


def _on_latest(trial: MailFilter) -> dict[str, Any]:
    """Which of the mails that came last it would have fitted."""
    wanted = select(RawMail).where(func.length(RawMail.content) > 0).options(undefer(RawMail.content))
    rows = db.session.scalars(wanted.order_by(RawMail.id.desc()).limit(TRIED).execution_options(yield_per=20))
    looked, fitting = 0, []
    for row in rows:
        looked += 1
        known = _facts(row, trial.reads_body)
        if trial.fits(known):
            fitting.append((row.received_at, known.sender, row.subject))
        db.session.expunge(row)
    return {"looked": looked, "fitting": fitting}


def _facts(row: RawMail, whole: bool) -> Facts:
    if whole and len(row.content) <= LARGEST_READ:
        try:
            return facts.of_mail(row, reading.read(row.content))
        except HelpdeskError:  # it lies in quarantine: nothing but its header is known
            pass
    return facts.of_head(row.content, row.recipient, row.mailbox_id)


def _on_message(trial: MailFilter, raw: bytes) -> dict[str, Any]:
    row = RawMail(content=raw, recipient="")
    incoming.describe(row, raw)
    mail = reading.read(raw)
    fits = trial.fits(facts.of_mail(row, mail))
    return {"looked": 1, "fitting": [(mail.date, mail.sender.address, mail.subject)] if fits else []}


def _filter(filter_id: int) -> MailFilter:
    return db.session.get(MailFilter, filter_id) or abort(404)


def _last() -> int:
    return db.session.scalar(select(func.max(MailFilter.position))) or 0
