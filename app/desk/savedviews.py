"""Pages of saved views: keep a list under a name, order, open first, share and delete; and the columns somebody wants."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from app.accounts.models import Department
from app.core.database import insert_new
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk import asked, columns, ordering, viewcounts
from app.desk.columns import Shown
from app.desk.listing import Listing, is_id
from app.tickets.lists import Audience, ListChoice, SavedView, views_of
from app.tickets.sorting import clean_line

MOST_VIEWS = 50
LONGEST_NAME = 60
HERE = "/admin/views/"


class SavedViewsView(BaseView):
    """One's own views. Whoever may list tickets has some; to share them takes can_add on SavedView."""

    route_base = "/admin/views"
    class_permission_name = "Ticket"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        found = _mine()
        counts = viewcounts.of([(view.id, view.query) for view in found], g.user)
        return self.render_template("desk/views.html", views=found, counts=counts, choice=_choice())

    @expose("/add", methods=["POST"])
    @has_access
    @permission_name("list")
    def add(self) -> Any:
        if len([view for view in _mine() if view.owner_id == g.user.id]) >= MOST_VIEWS:
            raise Invalid(_("You have %(most)s views already. Delete one first.", most=MOST_VIEWS))
        listing = asked.plainly(Listing.posted(request.form))
        last = db.session.scalar(select(func.max(SavedView.position)).where(SavedView.owner_id == g.user.id))
        view = SavedView(name=_name(), owner_id=g.user.id, query=_query(listing), position=(last or 0) + 1)
        db.session.add(view)
        db.session.commit()
        flash(_("“%(name)s” is among your tabs now.", name=view.name), "success")
        return redirect(_address(view))

    @expose("/<int:view_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def edit(self, view_id: int) -> Any:
        view = _changeable(view_id)
        deed = request.form.get("deed", "")
        if request.method == "POST" and not deed:
            view.name, view.columns = _name(), _columns_of_form() if "own-columns" in request.form else ""
            _share(view)
            db.session.commit()
            flash(_("Saved."), "success")
            return redirect(HERE)
        return self.render_template(
            "desk/view.html", view=view, ordered=_moved(deed) if deed else columns.ordered(columns.read(view.columns)), labels=columns.labels(),
            roles=db.session.scalars(select(Role).order_by(Role.name)).all(), departments=db.session.scalars(select(Department).order_by(Department.position)).all(),
        )  # fmt: skip

    @expose("/<int:view_id>/list", methods=["POST"])
    @has_access
    @permission_name("list")
    def keep_list(self, view_id: int) -> Any:
        """The filters and the order of a view as the list has them now."""
        view = _changeable(view_id)
        view.query = _query(asked.plainly(Listing.posted(request.form)))
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(_address(view))

    @expose("/<int:view_id>/delete", methods=["POST"])
    @has_access
    @permission_name("list")
    def delete(self, view_id: int) -> Any:
        db.session.delete(_changeable(view_id))
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect(HERE)

    @expose("/<int:view_id>/move", methods=["POST"])
    @has_access
    @permission_name("list")
    def move(self, view_id: int) -> Any:
        """One place up or down among those of its owner."""
        view = _changeable(view_id)
        ordering.move(db.session.scalars(_of_owner(view.owner_id)).all(), view)
        db.session.commit()
        return redirect(HERE)

    @expose("/first", methods=["POST"])
    @has_access
    @permission_name("list")
    def first(self) -> Any:
        """What the bare address of the list opens: a view, or the open tickets."""
        value = request.form.get("view", "")
        _own_choice().default_view_id = _seen(int(value)).id if is_id(value) and int(value) else None
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(HERE)

    @expose("/columns", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def choose_columns(self) -> Any:
        choice, back = _choice(), Listing.posted(request.values)
        shown = columns.ordered(columns.read(choice.columns))
        if request.method == "POST":
            deed = request.form.get("deed", "")
            if deed not in ("", "usual"):
                shown = _moved(deed)
            else:
                _own_choice().columns = "" if deed else _columns_of_form()
                db.session.commit()
                flash(_("Saved."), "success")
                return redirect("/admin/tickets/" + back.address())
        return self.render_template("desk/columns.html", ordered=shown, labels=columns.labels(), back=back.address())


class SharedViewsView(BaseView):
    """The rights on views that others have too; their pages are those of one's own."""

    route_base = "/admin/views/shared"
    class_permission_name = "SavedView"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        """Everything that is shared, with anybody."""
        shared = db.session.scalars(
            select(SavedView).where(SavedView.audience != Audience.OWNER).order_by(SavedView.name, SavedView.id)
        ).all()
        return self.render_template("desk/views.html", views=shared, counts={}, choice=None)


def _mine() -> list[SavedView]:
    wanted = select(SavedView).where(views_of(g.user)).order_by(SavedView.position, func.lower(SavedView.name))
    return list(db.session.scalars(wanted))


def _of_owner(staff_id: int) -> Select[SavedView]:
    wanted = select(SavedView).where(SavedView.owner_id == staff_id)
    return wanted.order_by(SavedView.position, func.lower(SavedView.name))


def _seen(view_id: int) -> SavedView:
    return db.session.scalar(select(SavedView).where(SavedView.id == view_id, views_of(g.user))) or abort(404)


def _changeable(view_id: int) -> SavedView:
    """A view nobody shared with them does not exist; one they only read is not theirs to change."""
    view = db.session.get(SavedView, view_id)
    if view is None:
        abort(404)
    if not view.may_be_changed_by(g.user):
        _seen(view_id)
        raise Forbidden(_("Only its owner, or whoever keeps the desk's views, changes it."))
    return view


def _choice() -> ListChoice:
    """A new one is kept when something is chosen: reading a page writes nothing."""
    return db.session.get(ListChoice, g.user.id) or ListChoice(staff_id=g.user.id, columns="")


def _own_choice() -> ListChoice:
    """To be changed; of two at once that are the first to choose, one makes it."""
    insert_new(ListChoice, {"staff_id": g.user.id, "columns": ""})
    return db.session.get_one(ListChoice, g.user.id)


def _name() -> str:
    name = clean_line(request.form.get("name", ""), LONGEST_NAME)
    if not name:
        raise Invalid(_("A view needs a name."), {"name": _("Please write a word.")})
    return name


def _query(listing: Listing) -> str:
    """Without page and view: those are of the moment."""
    return listing.address(page=1, saved=None).lstrip("?")


def _address(view: SavedView) -> str:
    return f"/admin/tickets/?{view.query}{'&' if view.query else ''}saved={view.id}"


def _share(view: SavedView) -> None:
    """Who has it besides its owner. A role or a department is named with it."""
    kind, _colon, named = request.form.get("audience", Audience.OWNER).partition(":")
    wanted = Audience(kind) if kind in set(Audience) else Audience.OWNER
    target = int(named) if is_id(named) else None
    if (wanted, view.role_id or view.department_id) == (view.audience, target):
        return
    if not g.user.can("add", "SavedView"):
        raise Forbidden(_("Your role does not share views."))
    found = db.session.get(Role if wanted is Audience.ROLE else Department, target) if target else None
    if wanted in (Audience.ROLE, Audience.DEPARTMENT) and found is None:
        raise Invalid(_("This choice does not exist (any more)."), {"audience": _("Please choose again.")})
    view.audience = wanted
    view.role_id = target if wanted is Audience.ROLE else None
    view.department_id = target if wanted is Audience.DEPARTMENT else None


def _columns_of_form() -> str:
    wide = set(request.form.getlist("wide"))
    order = [name for name in request.form.getlist("order") if name in columns.labels()]
    chosen = set(request.form.getlist("show")) | {columns.FIXED}
    return columns.written(Shown(name, name in wide) for name in order if name in chosen)


def _moved(deed: str) -> list[tuple[Shown, bool]]:
    """The form with one column a place up or down, nothing kept yet."""
    way, _colon, name = deed.partition(":")
    order = [one for one in request.form.getlist("order") if one in columns.labels()]
    chosen, wide = set(request.form.getlist("show")) | {columns.FIXED}, set(request.form.getlist("wide"))
    names = columns.moved(list(dict.fromkeys(order)), name, 1 if way == "down" else -1)
    return [(Shown(one, one in wide), one in chosen) for one in names]
