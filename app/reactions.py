"""What else happens when something happens to a ticket. Read it top to bottom: it is the product on one page."""

import enum

from app.accounts.announcements import Announced
from app.accounts.availability import Presence
from app.assignment import queue as assignment
from app.automation import running as rules
from app.automation.deeds import Automated
from app.core.events import Reaction
from app.hours.calendars import Changed
from app.mail.failed import Went
from app.notifications import automated, documents, ratings, surges, tasks, undelivered
from app.notifications import rules as notices
from app.notifications import suppliers as asked
from app.reports import daily as reports
from app.reports import ledgers
from app.satisfaction import asking as satisfaction
from app.satisfaction.asking import Asking
from app.search import held
from app.search import index as search
from app.sla import clocks as sla
from app.tickets import banners, requests, suppliers, timefigures
from app.tickets.actions import Wish
from app.tickets.timeline import Did

REACTIONS: dict[enum.StrEnum, tuple[Reaction, ...]] = {
    Did.OPENED: (
        search.index_opening,
        held.index_opening,
        reports.count,
        sla.follow,
        assignment.assign_new,
        notices.tell_of_opening,
        rules.hear,
    ),
    Did.RECEIVED: (search.index_message, sla.follow, notices.tell_of_message, rules.hear),
    Did.REPLIED: (
        search.index_message,
        reports.count,
        sla.follow,
        suppliers.settle_answered,
        notices.tell_of_reply,
        notices.tell_followers,
        rules.hear,
    ),
    Did.NOTED: (search.index_message, notices.tell_followers, rules.hear),
    Did.STATUS_CHANGED: (ledgers.book_ended, sla.follow, notices.tell_followers, satisfaction.plan, rules.hear),
    Did.RESOLVED: (
        banners.withdraw_ended,
        reports.count,
        ledgers.book,
        sla.follow,
        assignment.fill_room,
        notices.tell_of_end,
        notices.tell_followers,
        satisfaction.plan,
        rules.hear,
    ),
    Did.CLOSED: (
        banners.withdraw_ended,
        reports.count,
        ledgers.book,
        sla.follow,
        assignment.fill_room,
        notices.tell_of_end,
        notices.tell_followers,
        satisfaction.plan,
        rules.hear,
    ),
    Did.REOPENED: (
        reports.count,
        ledgers.book,
        sla.follow,
        assignment.assign_again,
        notices.tell_followers,
        rules.hear,
    ),
    Did.SURGED: (surges.tell,),
    Did.RESTATED: (banners.withdraw_ended, reports.count, ledgers.book, sla.follow, assignment.fill_room),
    Did.INCIDENT_CALLED_OFF: (banners.withdraw_ended,),
    Did.MARKED_SPAM: (banners.withdraw_ended, reports.count, ledgers.book, sla.follow, assignment.fill_room),
    Did.UNMARKED_SPAM: (reports.count, ledgers.book, sla.follow),
    Did.SENDER_ACCEPTED: (sla.follow,),
    Did.MERGED: (banners.withdraw_ended, reports.count, ledgers.book, sla.follow, assignment.fill_room),
    Did.UNMERGED: (requests.count_anew, suppliers.count_anew, reports.count, ledgers.book, sla.follow),
    Did.GAVE_BACK: (requests.count_anew, suppliers.count_anew, sla.follow),
    Did.MOVED_OUT: (sla.follow,),
    Did.MOVED_IN: (sla.follow,),
    Did.PRIORITY_CHANGED: (sla.follow, notices.tell_of_priority, rules.hear),
    Did.ASSIGNED: (ledgers.refile, notices.tell_of_assignment, rules.hear),
    Did.MENTIONED: (notices.tell_of_mention,),
    Did.HELD_BACK: (notices.tell_of_held_reply,),
    Did.REMINDED: (notices.tell_of_reminder,),
    Did.FOLLOW_UP_DUE: (notices.tell_of_date,),
    Did.ACTION_DUE: (notices.tell_of_date,),
    Did.WOKE: (notices.tell_of_waking,),
    Did.BREACHED: (notices.tell_of_promise, rules.hear),
    Did.PROMISE_NEAR: (notices.tell_of_promise, rules.hear),
    Did.PROMISE_LATE: (notices.tell_of_promise,),
    Did.TASK_ASSIGNED: (tasks.tell_of_assignment,),
    Did.TASK_DELETED: (tasks.forget,),
    Did.BUDGET_REACHED: (notices.tell_of_budget,),
    Did.TIMER_STOPPED: (notices.tell_of_timer,),
    Did.DEPARTMENT_CHANGED: (timefigures.move, sla.follow, ledgers.book_ended, assignment.assign_moved, rules.hear),
    Did.CATEGORY_CHANGED: (held.index_change, ledgers.refile, sla.follow, rules.hear),
    Did.FIELD_CHANGED: (held.index_change, rules.hear),
    Did.TAGGED: (sla.follow, rules.hear),
    Did.UNTAGGED: (sla.follow, rules.hear),
    Did.DOCUMENTS_ASKED: (documents.tell_of_request,),
    Did.DOCUMENTS_REVIEWED: (documents.tell_of_request,),
    Did.DOCUMENTS_REMINDED: (documents.tell_of_missing,),
    Did.LINK_SENT: (documents.tell_of_missing,),
    Did.DOCUMENTS_DONE: (documents.tell_of_end,),
    Did.TOOK_IN: (requests.count_anew, suppliers.count_anew),
    Did.SUPPLIER_ASKED: (search.index_message, asked.tell_supplier),
    Did.SUPPLIER_ANSWERED: (search.index_message, asked.tell_of_answer),
    Did.SUPPLIER_ACCEPTED: (asked.tell_of_answer,),
    Did.PERSON_ADDED: (asked.tell_added,),
    Did.SUBJECT_CHANGED: (search.index_header,),
    Did.RATED: (notices.tell_of_rating,),
    Changed.CALENDARS: (sla.follow_calendars,),
    Asking.DUE: (ratings.ask,),
    Wish.ASSIGN: (assignment.assign_on_wish,),
    Presence.CAME: (assignment.fill_room,),
    Presence.LEFT: (assignment.hand_back,),
    Went.FAILED: (undelivered.tell_of_mail,),
    Went.UNTRUSTED: (undelivered.tell_of_server,),
    Went.GAVE_UP: (undelivered.tell_of_end,),
    Automated.TELL: (automated.tell,),
    Automated.STOPPED: (automated.tell_of_stop,),
    Announced.INVITED: (notices.tell_invited,),
    Announced.RESET_ASKED: (notices.tell_reset,),
    Announced.FACTOR_RESET: (notices.tell_factor_reset,),
}
