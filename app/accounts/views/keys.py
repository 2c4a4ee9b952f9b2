"""Generated page for API keys; the secret is shown once, after making it."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g
from flask_appbuilder.fieldwidgets import Select2ManyWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload
from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from app.accounts import bounds, keys
from app.accounts.models import ApiKey
from app.accounts.viewer import viewer
from app.core import audit, clock
from app.core.audit import What
from app.core.errors import Forbidden
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView


class KeyInterface(DeskInterface):
    row_options = (joinedload(ApiKey.user),)


class ApiKeyView(DeskView):
    datamodel = KeyInterface(ApiKey)
    route_base = "/admin/api-keys"
    class_permission_name = "ApiKey"
    base_permissions = ["can_list", "can_show", "can_add", "can_delete"]
    list_title, add_title, show_title = _l("API keys"), _l("New API key"), _l("API key")
    list_columns = ["name", "user", "prefix", "scopes", "created_at", "last_used_at", "revoked_at"]
    show_columns = list_columns
    add_columns = ["name", "user", "scope_list"]
    edit_columns = ["name"]
    order_columns = ["name", "created_at", "last_used_at"]
    base_order = ("created_at", "desc")
    label_columns = {
        "name": _l("Name"), "user": _l("May do what this person may"), "prefix": _l("Begins with"), "scopes": _l("Scopes"), "scope_list": _l("Scopes"),
        "created_at": _l("Made"), "last_used_at": _l("Last used"), "revoked_at": _l("Revoked"),
    }  # fmt: skip
    add_form_extra_fields = {
        "scope_list": SelectMultipleField(
            _l("Scopes"),
            [DataRequired()],
            choices=[SelectChoice(scope, scope) for scope in keys.SCOPES],
            description=_l("Of what this person may do, a program with this key does only these. * is all."),
            widget=Select2ManyWidget(),
        )
    }

    def pre_add(self, key: ApiKey) -> None:
        owner = viewer(key.user.id)
        if owner is None or not bounds.covers(g.user, owner):
            raise Forbidden(
                _(
                    "A key may do and see what its owner may; you can make one only for people who may do and see no more than you."
                )
            )
        secret = keys.fill(key, list(getattr(key, "scope_list", [])), owner)
        audit.note(What.KEY_MADE, key.name)
        flash(_("The key, shown only now: %(secret)s", secret=secret), "success")

    def _delete(self, pk: Any) -> None:
        """A key is revoked, so that the list still says whose it was."""
        key = self.datamodel.get(pk, self._base_filters) or abort(404)
        key.revoked_at = key.revoked_at or clock.now()
        audit.note(What.KEY_REVOKED, key)
        db.session.commit()
        flash(_("The key is revoked."), "success")
