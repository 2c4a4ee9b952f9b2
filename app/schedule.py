"""The jobs a worker may run, and those that run by the clock."""

from app.accounts import jobs as accounts
from app.api import jobs as api
from app.assignment import jobs as assignment
from app.automation import jobs as automation
from app.core import slots
from app.core.queue import JobFunction
from app.desk import jobs as desk
from app.mail import incoming
from app.mail import jobs as mail
from app.notifications import jobs as notifications
from app.portal import jobs as portal
from app.reports import jobs as reports
from app.satisfaction import jobs as satisfaction
from app.search import jobs as search
from app.sla import jobs as sla
from app.tickets import jobs as tickets

JOBS: dict[str, JobFunction] = {
    "accounts.follow_absences": accounts.follow_absences,
    "accounts.forget_over": accounts.forget_over,
    "accounts.mail_password_reset": accounts.mail_password_reset,
    "api.forget_answers": api.forget_answers,
    "assignment.assign": assignment.assign,
    "assignment.drain": assignment.drain,
    "assignment.hand_back": assignment.hand_back,
    "automation.forget_old": automation.forget_old,
    "automation.run": automation.run,
    "automation.tick": automation.tick,
    "desk.change_many": desk.change_many,
    "desk.mail_summaries": desk.mail_summaries,
    "mail.forget_hooks": mail.forget_hooks,
    "mail.forget_old": mail.forget_old,
    "mail.send_due": mail.send_due,
    "mail.deliver": incoming.deliver,
    "mail.keep_files": incoming.keep_files,
    "notifications.forget_old": notifications.forget_old,
    "notifications.send_digests": notifications.send_digests,
    "notifications.tell_department": notifications.tell_department,
    "notifications.tell_due_tasks": notifications.tell_due_tasks,
    "portal.forget_unsent": portal.forget_unsent,
    "portal.mail_password_reset": portal.mail_password_reset,
    "portal.mail_sign_in_link": portal.mail_sign_in_link,
    "reports.file_ended": reports.file_ended,
    "reports.find_trends": reports.find_trends,
    "reports.recount": reports.recount,
    "reports.sum_up": reports.sum_up,
    "satisfaction.ask": satisfaction.ask,
    "search.index_customer": search.index_customer,
    "search.index_fields": search.index_fields,
    "search.notice_surges": search.notice_surges,
    "search.rebuild": search.rebuild,
    "sla.act": sla.act,
    "sla.check": sla.check,
    "sla.enforce": sla.enforce,
    "slots.forget_old": slots.forget_old,
    "tickets.close_resolved": tickets.close_resolved,
    "tickets.close_waiting": tickets.close_waiting,
    "tickets.forget_drafts": tickets.forget_drafts,
    "tickets.leave": tickets.leave,
    "tickets.move_status": tickets.move_status,
    "tickets.recount_tally": tickets.recount_tally,
    "tickets.remind": tickets.remind,
    "tickets.remind_documents": tickets.remind_documents,
    "tickets.remind_waiting": tickets.remind_waiting,
    "tickets.recount_time": tickets.recount_time,
    "tickets.stop_timers": tickets.stop_timers,
    "tickets.sweep_files": tickets.sweep_files,
    "tickets.wake": tickets.wake,
}
"""Name -> function of ids. Nothing else ever runs in a worker."""

PERIODIC: dict[str, tuple[int, str]] = {
    "accounts.follow_absences": (60, "bulk"),
    "accounts.forget_over": (86400, "bulk"),
    "api.forget_answers": (86400, "bulk"),
    "assignment.drain": (60, "bulk"),
    "automation.forget_old": (86400, "bulk"),
    "automation.tick": (60, "bulk"),
    "desk.mail_summaries": (3600, "reports"),
    "mail.forget_hooks": (3600, "bulk"),
    "mail.forget_old": (86400, "bulk"),
    "mail.send_due": (30, "urgent"),
    "notifications.forget_old": (86400, "bulk"),
    "notifications.send_digests": (60, "bulk"),
    "notifications.tell_due_tasks": (300, "bulk"),
    "sla.check": (86400, "bulk"),
    "sla.enforce": (30, "bulk"),
    "reports.find_trends": (86400, "reports"),
    "reports.recount": (86400, "reports"),
    "reports.sum_up": (3600, "reports"),
    "portal.forget_unsent": (86400, "bulk"),
    "search.notice_surges": (60, "bulk"),
    "slots.forget_old": (86400, "bulk"),
    "tickets.close_resolved": (300, "bulk"),
    "tickets.close_waiting": (300, "bulk"),
    "tickets.forget_drafts": (86400, "bulk"),
    "tickets.recount_tally": (86400, "bulk"),
    "tickets.remind_documents": (3600, "bulk"),
    "tickets.remind_waiting": (300, "bulk"),
    "tickets.recount_time": (86400, "bulk"),
    "tickets.stop_timers": (300, "bulk"),
    "tickets.sweep_files": (86400, "bulk"),
}
"""Job -> (every so many seconds, its queue)."""
