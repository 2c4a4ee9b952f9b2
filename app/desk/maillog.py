"""The mail log: what became of each mail, with the server's own words, and a resend."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from app.core import clock
from app.core.audit import What, note
from app.core.extensions import db
from app.mail import outgoing, quarantine, sent
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.mail.wordable import LABELS

ROWS = 100
OUT = {
    DeliveryState.QUEUED: _l("Waiting"),
    DeliveryState.SENT: _l("Sent"),
    DeliveryState.CAPTURED: _l("In the built-in mailbox"),
    DeliveryState.FAILED: _l("Failed"),
    DeliveryState.SUPPRESSED: _l("Held back"),
}
BECAME = {"later": _l("Tried, later again")} | {state.value: label for state, label in OUT.items()}
IN = {
    RawState.NEW: _l("Not read yet"),
    RawState.DELIVERED: _l("Delivered"),
    RawState.QUARANTINED: _l("Quarantined"),
    RawState.IGNORED: _l("Ignored"),
    RawState.DUPLICATE: _l("Came twice"),
}


class MailLogView(BaseView):
    route_base = "/admin/mail-log"
    default_view = "index"
    class_permission_name = "MailLog"
    base_permissions = ["can_list", "can_show", "can_retry"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        """Newest first; the search form narrows it."""
        wanted = sent.Wanted.of(request.args)
        rows = wanted.rows()
        older = "?" + urlencode({**wanted.narrowed, "before": rows[-1].id}) if len(rows) == sent.ROWS else None
        return self.render_template(
            "desk/maillog.html", rows=rows, wanted=wanted, older=older, states=OUT, kinds=LABELS
        )

    @expose("/<int:delivery_id>")
    @has_access
    @permission_name("show")
    def show(self, delivery_id: int) -> Any:
        """Each of its tries, with the server's own words."""
        delivery = _mail(delivery_id)
        tries = [(dt.datetime.fromisoformat(line["at"]), BECAME.get(line["became"], line["became"]), line["said"]) for line in delivery.story]  # fmt: skip
        return self.render_template(
            "desk/mail.html", mail=delivery, tries=tries, states=OUT, kinds=LABELS, at=clock.now()
        )

    @expose("/incoming")
    @has_access
    @permission_name("list")
    def incoming(self) -> Any:
        wanted = select(RawMail).order_by(RawMail.id.desc()).limit(ROWS)
        state = request.args.get("state", "")
        if state in {each.value for each in RawState}:
            wanted = wanted.where(RawMail.state == RawState(state))
        return self.render_template(
            "desk/maillog_incoming.html",
            rows=db.session.scalars(wanted).all(),
            state=state,
            states=IN,
            set_aside=quarantine.count(),
        )

    @expose("/<int:delivery_id>/resend", methods=["POST"])
    @has_access
    @permission_name("retry")
    def resend(self, delivery_id: int) -> Any:
        delivery = _mail(delivery_id)
        outgoing.resend(delivery)
        note(What.RESENT, f"{delivery.kind} {delivery.id}")
        db.session.commit()
        flash(_("The mail is on its way again."), "success")
        return redirect(f"/admin/mail-log/{delivery_id}")

    @expose("/resend", methods=["POST"])
    @has_access
    @permission_name("retry")
    def resend_failed(self) -> Any:
        """All that failed among those the search shows."""
        wanted = sent.Wanted.of(request.form)
        again, gone = sent.send_failed_again(wanted)
        note(What.RESENT, f"failed {again}")
        db.session.commit()
        said = ngettext("%(num)d mail is on its way again.", "%(num)d mails are on their way again.", again)
        if gone:
            more = ngettext(
                "%(num)d held a link that was forgotten: its reader has to ask for a new one.", "%(num)d held links that were forgotten: their readers have to ask for new ones.", gone
            )  # fmt: skip
            said = f"{said} {more}"
        flash(said, "success" if again else "warning")
        return redirect("/admin/mail-log/" + ("?" + urlencode(wanted.narrowed) if wanted.narrowed else ""))


def _mail(delivery_id: int) -> Delivery:
    found: Delivery = db.session.get(Delivery, delivery_id) or abort(404)
    return found
