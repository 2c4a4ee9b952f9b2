"""The generated page of the desk's own fields: what an admin may ask for with a ticket."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, count
from typing import Any

from flask import abort, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.validators import Unique
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect, select
from sqlalchemy.orm import selectinload
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.core.errors import Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.tickets import fields
from app.tickets.fieldkinds import OFFERED
from app.tickets.fieldmodels import (
    KIND_LABELS,
    LONGEST_KEY,
    READER_LABELS,
    REQUIRED_LABELS,
    CustomField,
    FieldKind,
    Readers,
    Required,
)

MOST_CHOICES, LONGEST_CHOICE = 200, 100
LONGEST_NAME = 60
_key, _foreign = re.compile(r"[a-z][a-z0-9_]*"), re.compile(r"[^a-z0-9]+")


class CustomFieldInterface(DeskInterface):
    row_options = (selectinload(CustomField.categories),)


def _select(label: Any, kind: Any, labels: Any) -> SelectField:
    choices = [SelectChoice(each.value, words) for each, words in labels.items()]
    return SelectField(label, [DataRequired()], choices=choices, coerce=kind)


class CustomFieldView(DeskView):
    datamodel = CustomFieldInterface(CustomField)
    route_base = "/admin/fields"
    class_permission_name = "CustomField"
    titles = _l("Custom fields"), _l("New custom field"), _l("Custom field")
    list_columns = ["name", "key", "kind", "categories", "required", "readers", "active", "position"]
    show_columns = add_columns = edit_columns = [
        "name", "key", "help", "kind", "choices", "categories", "required", "readers", "active", "position",
    ]  # fmt: skip
    order_columns = ["name", "key", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "key": _l("Key"), "help": _l("Help text"), "kind": _l("Kind"), "choices": _l("Choices"), "categories": _l("Categories"),
        "required": _l("Has to be filled in"), "readers": _l("Who sees it"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    description_columns = {
        "key": _l("Small letters, digits and _: the search box finds field.key:value, and the API calls it so."),
        "choices": _l("One a line. A choice you take away stays readable where somebody chose it."),
        "categories": _l("None: it belongs to tickets of every category."),
        "required": _l("Automatic closing never waits for it; mails open a ticket without it."),
        "active": _l("Switched off it is not shown, and tickets keep what they hold."),
    }  # fmt: skip
    formatters_columns = {
        "kind": lambda kind: str(KIND_LABELS[FieldKind(kind)]),
        "required": lambda required: str(REQUIRED_LABELS[Required(required)]),
        "readers": lambda readers: str(READER_LABELS[Readers(readers)]),
        "categories": lambda categories: ", ".join(map(str, categories)) or _("All"),
    }
    validators_columns = {"name": [Length(max=LONGEST_NAME)], "key": [Length(max=LONGEST_KEY)]}
    edit_form_extra_fields = {
        "kind": _select(_l("Kind"), FieldKind, KIND_LABELS),
        "required": _select(_l("Has to be filled in"), Required, REQUIRED_LABELS),
        "readers": _select(_l("Who sees it"), Readers, READER_LABELS),
    }
    add_form_extra_fields = {
        **edit_form_extra_fields,
        "key": StringField(
            _l("Key"),
            [Optional(), Length(max=LONGEST_KEY), Unique(datamodel, "key")],
            description=_l("The search box and the API call it so: field.key. Empty: made of the name."),
        ),
    }

    def pre_add(self, field: CustomField) -> None:
        field.key = (field.key or "").strip().casefold() or _key_of(field.name)
        field.help, field.choices = field.help or "", "\n".join(fields.lines(field.choices or ""))
        wrong = {**_wrong_key(field), **_wrong_choices(field)}
        if wrong:
            raise Invalid(next(iter(wrong.values())), wrong)

    def pre_update(self, field: CustomField) -> None:
        """What tickets hold was read as the kind it had."""
        changed = inspect(field).attrs.kind.history.has_changes()
        if changed and (held := fields.tickets_with(field.id)):
            sentence = _("Tickets hold values in it (%(held)s), so its kind stays. Add another field.", held=held)
            raise Invalid(sentence, {"kind": sentence})
        self.pre_add(field)

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        """Asks first when tickets hold values in it: they go with it."""
        field = self.datamodel.get(pk, self._base_filters) or abort(404)
        held = fields.tickets_with(field.id)
        if held and not request.form.get("sure"):
            return self.render_template("desk/field_delete.html", field=field, held=held)
        return super().delete(pk)


def _key_of(name: str) -> str:
    """The name in small plain letters; with a number where another field has it. Empty where it has none of those."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    key = _foreign.sub("_", plain).strip("_0123456789")[: LONGEST_KEY - 3].rstrip("_")
    with db.session.no_autoflush:
        taken = set(db.session.scalars(select(CustomField.key)))
    return next(each for each in chain((key,), (f"{key}_{number}" for number in count(2))) if each not in taken)


def _wrong_key(field: CustomField) -> dict[str, str]:
    if not _key.fullmatch(field.key):
        return {"key": _("Small letters, digits and _, with a letter first.")}
    return {}


def _wrong_choices(field: CustomField) -> dict[str, str]:
    if field.kind not in OFFERED:
        return {}
    choices = fields.lines(field.choices)
    if not choices:
        return {"choices": _("Please write at least one choice.")}
    if len(choices) > MOST_CHOICES or max(map(len, choices)) > LONGEST_CHOICE:
        return {
            "choices": _("At most %(most)s choices of %(long)s characters.", most=MOST_CHOICES, long=LONGEST_CHOICE)
        }
    if len({choice.casefold() for choice in choices}) < len(choices):
        return {"choices": _("Two choices differ in nothing but capitals.")}
    return {}


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(CustomFieldView, "Custom fields", label=_l("Custom fields"), category="Settings")
