"""The generated page of banned senders."""

from __future__ import annotations

from flask import g
from flask_babel import lazy_gettext as _l

from app.core.fab import DeskInterface, DeskView
from app.mail import banned
from app.mail.banned import BannedSender


class BannedSenderView(DeskView):
    datamodel = DeskInterface(BannedSender)
    route_base = "/admin/banned-senders"
    class_permission_name = "BannedSender"
    titles = _l("Banned senders"), _l("Ban a sender"), _l("Banned sender")
    list_columns = ["sender", "reason", "by_name", "created_at"]
    show_columns = list_columns
    add_columns = edit_columns = ["sender", "reason"]
    search_columns = ["sender", "reason"]
    order_columns = ["sender", "created_at"]
    base_order = ("created_at", "desc")
    label_columns = {
        "sender": _l("Sender"),
        "reason": _l("Reason"),
        "by_name": _l("Banned by"),
        "created_at": _l("Since"),
    }
    description_columns = {"sender": _l("An address, or a domain such as @example.com with all below it. Their mail is ignored; it stays in the mail log.")}  # fmt: skip

    def pre_add(self, row: BannedSender) -> None:
        banned.demand_right(row.sender or "", g.user)
        row.by_name = g.user.name
        self.pre_update(row)

    def pre_update(self, row: BannedSender) -> None:
        row.sender = banned.checked(row.sender or "")
        row.reason = row.reason or ""
