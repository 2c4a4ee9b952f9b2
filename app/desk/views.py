"""The staff's pages."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.desk.answering import ComposerView
from app.desk.assigned import AssignedView
from app.desk.assisting import AssistingView
from app.desk.bulkpages import BulkView
from app.desk.conversing import WorkspaceView
from app.desk.dashboard import DashboardView
from app.desk.files import FilesView
from app.desk.incidents import IncidentView
from app.desk.joining import MergeView
from app.desk.ledger import LedgerView
from app.desk.menu import menu
from app.desk.messaging import MessagingView
from app.desk.movepages import StatusMoveView
from app.desk.moving import MovingView
from app.desk.myday import MyDayView
from app.desk.noting import CustomerNotesView
from app.desk.opening import NewTicketView
from app.desk.properties import PropertiesView
from app.desk.reports import ReportsView
from app.desk.requests import RequestsView
from app.desk.resending import ResendView
from app.desk.savedviews import SavedViewsView, SharedViewsView
from app.desk.similar import SimilarView
from app.desk.spamming import SpammingView
from app.desk.suppliering import SupplieringView
from app.desk.tasks import TasksView
from app.desk.taskslinked import LinkedTasksView
from app.desk.teampages import TeamLoadView
from app.desk.telling import RecordView
from app.desk.tickets import TicketView
from app.desk.undoing import just_done
from app.desk.updating import UpdateView
from app.desk.watching import WatchingView


def register(appbuilder: AppBuilder) -> None:
    current_app.jinja_env.globals.update(just_done=just_done)
    appbuilder.add_view(MyDayView, "My day", label=_l("My day"), icon="fa-sun")
    appbuilder.add_view(DashboardView, "Dashboard", label=_l("Dashboard"), icon="fa-chart-simple")
    appbuilder.add_view(TicketView, "Tickets", label=_l("Tickets"), icon="fa-inbox")
    appbuilder.add_view(TasksView, "Tasks", label=_l("Tasks"), icon="list-checks")
    appbuilder.add_view(TeamLoadView, "Team load", label=_l("Team load"), icon="users")
    appbuilder.add_view(ReportsView, "Reports", label=_l("Reports"), icon="fa-bar-chart-o")
    for view in (
        WorkspaceView,
        ComposerView,
        AssistingView,
        AssignedView,
        PropertiesView,
        NewTicketView,
        MessagingView,
        RequestsView,
        FilesView,
        MergeView,
        MovingView,
        IncidentView,
        UpdateView,
        SpammingView,
        SupplieringView,
        LinkedTasksView,
        SavedViewsView,
        SharedViewsView,
        BulkView,
        StatusMoveView,
        RecordView,
        ResendView,
        CustomerNotesView,
        SimilarView,
        LedgerView,
        WatchingView,
    ):
        appbuilder.add_view_no_menu(view)
    current_app.jinja_env.globals.update(menu=menu)
