"""Staff write the articles here; customers read them in the portal's help pages."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import TextArea

from app.core.fab import DeskInterface, DeskView
from app.core.html import MAX_MARKDOWN_LENGTH
from app.kb.models import LONGEST_SLUG, LONGEST_TITLE, Article


class ArticleView(DeskView):
    datamodel = DeskInterface(Article)
    route_base = "/admin/articles"
    class_permission_name = "Article"
    list_title, add_title, edit_title, show_title = _l("Articles"), _l("New article"), _l("Edit article"), _l("Article")
    list_columns = ["title", "category", "published", "position", "updated_at"]
    order_columns = ["title", "published", "position", "updated_at"]
    base_order = ("position", "asc")
    search_columns = ["title", "published"]
    show_columns = [
        "title",
        "slug",
        "category",
        "published",
        "asked_often",
        "position",
        "shown",
        "created_at",
        "updated_at",
    ]
    add_columns = edit_columns = ["title", "category", "body", "published", "asked_often", "position", "slug"]
    label_columns = {
        "title": _l("Title"), "slug": _l("Address"), "category": _l("Category"), "body": _l("Text"), "shown": _l("Text"), "published": _l("Published"),
        "asked_often": _l("Asked often"), "position": _l("Position"), "created_at": _l("Created"), "updated_at": _l("Updated"),
    }  # fmt: skip
    description_columns = {
        "slug": _l("The end of its address; empty: made from the title."),
        "body": _l("Markdown: # heading, **bold**, - list, [link](https://…)."),
        "published": _l("Customers may read it."),
        "asked_often": _l("Its answer is shown beside the form of a new ticket in its category."),
        "position": _l("Lower numbers stand first."),
    }
    validators_columns = {"title": [Length(max=LONGEST_TITLE)]}
    add_form_extra_fields = edit_form_extra_fields = {
        "slug": StringField(
            _l("Address"),
            validators=[Optional(), Length(max=LONGEST_SLUG)],
            description=description_columns["slug"],
            widget=BS3TextFieldWidget(),
        ),
        "body": TextAreaField(
            _l("Text"),
            validators=[DataRequired(), Length(max=MAX_MARKDOWN_LENGTH)],
            description=description_columns["body"],
            widget=TextArea(),
            render_kw={"rows": 18, "class": "form-control"},
        ),
    }

    def pre_add(self, article: Article) -> None:
        article.settle()

    def pre_update(self, article: Article) -> None:
        article.settle()


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(
        ArticleView,
        "Articles",
        label=_l("Articles"),
        icon="fa-book",
        category="Help center",
        category_label=_l("Help center"),
    )
