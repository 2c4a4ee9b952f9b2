"""Days in generated forms and filters: the browser's own calendar instead of FAB's, whose script is not among ours."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.forms import FieldConverter
from markupsafe import Markup
from wtforms import Field
from wtforms.widgets import DateInput


class Day(DateInput):
    """Dressed as FAB dresses its other fields."""

    def __call__(self, field: Field, **given: Any) -> Markup:
        return super().__call__(field, **{"class": "form-control", **given})


def install() -> None:
    """Every column of days, of every view."""
    FieldConverter.conversion_table = tuple(
        (marker, field, Day if marker == "is_date" else widget)
        for marker, field, widget in FieldConverter.conversion_table
    )
