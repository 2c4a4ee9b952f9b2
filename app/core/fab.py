"""Flask-AppBuilder's generated pages, hardened: scoped rows, filters of this request only, checked orders and pages,
actions that re-read their rows, forms that keep what was typed when a rule refuses."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from flask import abort, flash, g, has_request_context, request
from flask_appbuilder import AppBuilder, ModelView, expose, has_access
from flask_appbuilder.baseviews import get_order_args, get_page_args, get_page_size_args
from flask_appbuilder.fields import QuerySelectField
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security import decorators
from flask_appbuilder.urltools import get_filter_args
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Query
from werkzeug.datastructures import ImmutableMultiDict
from wtforms.fields.core import UnboundField

from app.core import fabdates
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db

decorators.FLAMSG_ERR_SEC_ACCESS_DENIED = _l("Please sign in first.")
"""Flask-AppBuilder tells an anonymous visitor "Access is Denied"; who is signed in and lacks a right gets a 403 page."""
fabdates.install()
COUNT_CAP = 10_000
PAGE_SIZE_CAP = 200
LONGEST_PAGE = 6
"""Digits of a page's number."""


class DeskBuilder(AppBuilder):
    """Without FAB's own REST doors: our API has keys of its own. And without its links that set a language by a GET."""

    def _add_admin_views(self) -> None:
        if self.indexview:
            self._indexview = self.add_view_no_menu(self.indexview)
        from flask_appbuilder.views import UtilView

        self.add_view_no_menu(UtilView)
        self.sm.register_views()

    def add_api(self, baseview: Any) -> Any:
        """None of FAB's: its security API signs people in by JSON, past the CSRF check and our rate limits."""
        return None


class DeskInterface(SQLAInterface):
    """Pages over ids, loads the page's rows once, never counts past a cap. Its own `visible` cuts every read."""

    row_options: tuple[Any, ...] = ()

    def visible(self, query: Any) -> Any:
        """Override: the row rule of this model for g.user. None of the settings tables has one."""
        return query

    def apply_filters(self, query: Any, filters: Any) -> Any:
        query = super().apply_filters(query, filters)
        return self.visible(query) if has_request_context() else query

    def query_count(self, query: Any, filters: Any = None, select_columns: Any = None) -> int:
        ids = self.apply_filters(query, filters).with_entities(self._id()).order_by(None).limit(COUNT_CAP)
        return int(self.session.scalar(select(func.count()).select_from(ids.subquery())) or 0)

    def query(
        self,
        filters: Any = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        **_more: Any,
    ) -> tuple[int, list[Any]]:
        base: Query[Any] = self.session.query(self.obj)
        ids = self.apply_filters(base, filters).with_entities(self._id())
        ids = self.apply_pagination(self.apply_order_by(ids, order_column, order_direction), page, page_size)
        wanted = [row[0] for row in ids.all()]
        rows = (
            {
                getattr(row, self.get_pk_name()): row
                for row in base.options(*self.row_options).filter(self._id().in_(wanted))
            }
            if wanted
            else {}
        )
        return self.query_count(base, filters), [rows[key] for key in wanted if key in rows]

    def get(self, id: Any, filters: Any = None, select_columns: Any = None) -> Any:  # FAB's name
        """Every single row too goes through the row rule; a malformed id is nobody's."""
        try:
            wanted = int(id)
        except (TypeError, ValueError):
            return None
        if not 0 < wanted < 2**62:
            return None
        return self.apply_filters(self.session.query(self.obj), filters).filter(self._id() == wanted).first()

    def is_nullable(self, col_name: str) -> bool:
        """A box that is not ticked sends nothing, and an empty text is as good as any where it is the default: FAB would call both missing."""
        empty_is_fine = (
            col_name in self.list_columns
            and getattr(getattr(self.list_columns[col_name], "default", None), "arg", None) == ""
        )
        return bool(self.is_boolean(col_name) or empty_is_fine or super().is_nullable(col_name))

    def get_related_interface(self, col_name: str) -> DeskInterface:
        """What a picker offers: plain rows of the other model. Our row options and row rule are this model's alone."""
        return DeskInterface(self.get_related_model(col_name), self.session)

    def _id(self) -> Any:
        return getattr(self.obj, self.get_pk_name())


class FiltersOfThisRequest:
    """FAB keeps one mutable Filters object a view instance, shared by all threads: hand out a copy a request."""

    def __get__(self, view: Any, owner: type) -> Any:
        if view is None:
            return self
        shared = view.__dict__.get("_shared_filters")
        if shared is None or not has_request_context():
            return shared
        copies = g.setdefault("_filters_by_view", {})
        if id(view) not in copies:
            copies[id(view)] = copy.copy(shared)
            copies[id(view)].clear_filters()
        return copies[id(view)]

    def __set__(self, view: Any, value: Any) -> None:
        view.__dict__["_shared_filters"] = value


class DeskView(ModelView):
    """The base of every generated page: a settings table is a model, a dozen declarations and a migration."""

    _filters = FiltersOfThisRequest()
    search_columns: ClassVar[list[str]] = ["name"]
    """Scalar columns only: a relation would put each of its rows into the page."""
    titles: ClassVar[tuple[str, str, str]]
    """Over many, over a new one, over one: FAB has a title for each page."""
    page_size = 50
    add_row_message = _l("Added.")
    edit_row_message = _l("Saved.")
    delete_row_message = _l("Deleted.")
    delete_integrity_error_message = _l("This is still used somewhere. Switch it off instead of deleting it.")

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "titles" in vars(cls):
            cls.list_title, cls.add_title, cls.edit_title = cls.titles
            cls.show_title = cls.edit_title

    def _init_forms(self) -> None:
        """No choice reads as a dash: Flask-AppBuilder leaves its words empty, and WTForms then shows the value it is known by."""
        super()._init_forms()
        for field in (*vars(self.add_form).values(), *vars(self.edit_form).values()):
            if isinstance(field, UnboundField) and field.field_class is QuerySelectField:
                field.kwargs["blank_text"] = "–"

    def _get_list_widget(
        self,
        filters: Any,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        **more: Any,
    ) -> Any:
        if order_column not in self.order_columns:
            order_column = order_direction = ""
        size = min(max(page_size or self.page_size, 1), PAGE_SIZE_CAP)
        return super()._get_list_widget(
            filters=filters,
            order_column=order_column,
            order_direction=order_direction,
            page=max(page or 0, 0),
            page_size=size,
            **more,
        )

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        offered = self.actions.get(name)
        if offered is None or not offered.single or self.datamodel.get(pk, self._base_filters) is None:
            abort(404)
        return super().action(name, pk)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        offered = self.actions.get(request.form.get("action", ""))
        if offered is None or not offered.multiple:
            abort(404)
        if any(self.datamodel.get(pk, self._base_filters) is None for pk in request.form.getlist("rowid")):
            abort(404)
        return super().action_post()

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        self._delete(pk)
        return self.post_delete_redirect()

    @expose("/download/<string:filename>")
    def download(self, filename: str) -> Any:
        """Files are served by their own, guarded address alone."""
        abort(404)

    def _add(self) -> Any:
        """As FAB's, but what a rule refuses is said beside the form, and the form keeps what was typed."""
        form = self.add_form.refresh()
        if request.method == "POST" and form.validate():
            self.process_form(form, True)
            row = self.datamodel.obj()
            if self._store(form, row, is_created=True):
                return None
        elif request.method == "GET":
            self.update_redirect()
        return self._get_add_widget(form=form)

    def _edit(self, pk: Any) -> Any:
        _forget_absurd_pages()
        row = self.datamodel.get(pk, self._base_filters)
        if row is None:
            abort(404)
        pk = self.datamodel.get_pk_value(row)
        form = self.edit_form.refresh(request.form) if request.method == "POST" else self.edit_form.refresh(obj=row)
        form._id = pk
        if request.method == "POST" and form.validate():
            self.process_form(form, False)
            if self._store(form, row, is_created=False):
                return None
            row = self.datamodel.get(pk, self._base_filters)
        elif request.method == "GET":
            self.prefill_form(form, pk)
            self.update_redirect()
        widgets = self._get_edit_widget(form=form)
        return self._get_related_views_widgets(
            row,
            filters={},
            orders=get_order_args(),
            pages=get_page_args(),
            page_sizes=get_page_size_args(),
            widgets=widgets,
        )

    def _store(self, form: Any, row: Any, is_created: bool) -> bool:
        """Write the row; False when it was refused, with the reason on the page."""
        try:
            with db.session.no_autoflush:
                form.populate_obj(row)
                (self.pre_add if is_created else self.pre_update)(row)
            db.session.add(row)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            self._say(form, refusal)
            return False
        except IntegrityError:
            db.session.rollback()
            flash(_("There is already one with this name, or something it needs is missing."), "danger")
            return False
        except (DataError, OverflowError):
            db.session.rollback()
            flash(_("A number or a text here is larger than the desk keeps."), "danger")
            return False
        (self.post_add if is_created else self.post_update)(row)
        flash(str(self.add_row_message if is_created else self.edit_row_message), "success")
        return True

    def _say(self, form: Any, refusal: HelpdeskError) -> None:
        beside = {
            name: text
            for name, text in (refusal.fields if isinstance(refusal, Invalid) else {}).items()
            if name in form
        }
        for name, text in beside.items():
            form[name].errors = [*form[name].errors, text]
        if not beside:
            flash(str(refusal), "danger")

    def _show(self, pk: Any) -> Any:
        _forget_absurd_pages()
        return super()._show(pk)

    def _list(self, **more: Any) -> Any:
        """As FAB's, but an absurd filter or page is ignored instead of failing the page."""
        _forget_absurd_pages()
        try:
            get_filter_args(self._filters)
        except Exception:  # FAB raises whatever a malformed filter trips over
            self._filters.clear_filters()
        return super()._list(**more)


def _forget_absurd_pages() -> None:
    """FAB reads each page_… and psize_… of an address with int(): what is no number is as if it had not been given."""
    given = request.args.items(multi=True)
    request.args = ImmutableMultiDict(
        (name, value)
        for name, value in given
        if not name.startswith(("page_", "psize_")) or (value.isdecimal() and len(value) <= LONGEST_PAGE)
    )
