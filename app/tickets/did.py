"""What can happen to a ticket or a task, and which of it stands between the messages."""

from __future__ import annotations

import enum


class Did(enum.StrEnum):
    """Deeds. docs/events.md says each in a sentence; reactions.py says who listens."""

    OPENED = "opened"
    RECEIVED = "received"
    REPLIED = "replied"
    NOTED = "noted"
    ASSIGNED = "assigned"
    STATUS_CHANGED = "status_changed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    RESTATED = "restated"
    PRIORITY_CHANGED = "priority_changed"
    CATEGORY_CHANGED = "category_changed"
    DEPARTMENT_CHANGED = "department_changed"
    SUBJECT_CHANGED = "subject_changed"
    FIELD_CHANGED = "field_changed"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    HIDDEN = "hidden"
    SHOWN = "shown"
    MENTIONED = "mentioned"
    LINKED = "linked"
    VERIFIED = "verified"
    SCHEDULED = "scheduled"
    UNSENT = "unsent"
    HELD_BACK = "held_back"
    COPIED = "copied"
    COPY_REFUSED = "copy_refused"
    REMINDED = "reminded"
    KEPT_OPEN = "kept_open"
    BREACHED = "breached"
    PROMISE_NEAR = "promise_near"
    PROMISE_LATE = "promise_late"
    MERGED = "merged"
    TOOK_IN = "took_in"
    UNMERGED = "unmerged"
    GAVE_BACK = "gave_back"
    MOVED_OUT = "moved_out"
    MOVED_IN = "moved_in"
    UNLINKED = "unlinked"
    INCIDENT_DECLARED = "incident_declared"
    INCIDENT_CALLED_OFF = "incident_called_off"
    INCIDENT_JOINED = "incident_joined"
    INCIDENT_LEFT = "incident_left"
    INCIDENT_GREW = "incident_grew"
    INCIDENT_SHRANK = "incident_shrank"
    INCIDENT_UPDATED = "incident_updated"
    INCIDENT_PUBLISHED = "incident_published"
    INCIDENT_WITHDRAWN = "incident_withdrawn"
    SURGED = "surged"
    DOCUMENTS_ASKED = "documents_asked"
    DOCUMENT_SENT = "document_sent"
    DOCUMENT_ACCEPTED = "document_accepted"
    DOCUMENT_REFUSED = "document_refused"
    DOCUMENTS_REVIEWED = "documents_reviewed"
    DOCUMENTS_DONE = "documents_done"
    DOCUMENTS_WITHDRAWN = "documents_withdrawn"
    DOCUMENTS_REMINDED = "documents_reminded"
    LINK_SENT = "upload_link_sent"
    LINKS_ENDED = "upload_links_ended"
    TASK_CREATED = "task_created"
    TASK_LINKED = "task_linked"
    TASK_UNLINKED = "task_unlinked"
    TASK_CHANGED = "task_changed"
    TASK_ASSIGNED = "task_assigned"
    TASK_DUE_CHANGED = "task_due_changed"
    TASK_STARTED = "task_started"
    TASK_PUT_BACK = "task_put_back"
    TASK_DONE = "task_done"
    TASK_REOPENED = "task_reopened"
    TASK_DELETED = "task_deleted"
    FOLLOW_UP_CHANGED = "follow_up_changed"
    FOLLOW_UP_DUE = "follow_up_due"
    ACTION_CHANGED = "action_changed"
    ACTION_DUE = "action_due"
    SNOOZED = "snoozed"
    WOKE = "woke"
    TIME_LOGGED = "time_logged"
    TIME_CHANGED = "time_changed"
    TIME_REMOVED = "time_removed"
    TIMER_STOPPED = "timer_stopped"
    BUDGET_CHANGED = "budget_changed"
    BUDGET_REACHED = "budget_reached"
    SUPPLIER_ADDED = "supplier_added"
    SUPPLIER_REMOVED = "supplier_removed"
    SUPPLIER_ASKED = "supplier_asked"
    SUPPLIER_ANSWERED = "supplier_answered"
    SUPPLIER_ACCEPTED = "supplier_accepted"
    SUPPLIER_SETTLED = "supplier_settled"
    PERSON_ADDED = "person_added"
    PERSON_REMOVED = "person_removed"
    DEPARTMENT_ADDED = "department_added"
    DEPARTMENT_REMOVED = "department_removed"
    ENVIRONMENT_CHANGED = "environment_changed"
    MARKED_SPAM = "marked_spam"
    UNMARKED_SPAM = "unmarked_spam"
    SENDER_ACCEPTED = "sender_accepted"
    MACRO_RAN = "macro_ran"
    MACRO_UNDONE = "macro_undone"
    RATING_ASKED = "rating_asked"
    RATED = "rated"


PUBLIC = frozenset(
    {
        Did.ASSIGNED,
        Did.STATUS_CHANGED,
        Did.RESOLVED,
        Did.CLOSED,
        Did.REOPENED,
        Did.KEPT_OPEN,
        Did.PRIORITY_CHANGED,
        Did.DEPARTMENT_CHANGED,
        Did.LINKED,
        Did.DOCUMENT_ACCEPTED,
        Did.DOCUMENT_REFUSED,
        Did.DOCUMENTS_DONE,
        Did.DOCUMENTS_WITHDRAWN,
    }
)
"""What customers read in the thread as "System"."""

IN_THREAD = PUBLIC | {
    Did.RESTATED,
    Did.CATEGORY_CHANGED,
    Did.SUBJECT_CHANGED,
    Did.FIELD_CHANGED,
    Did.TAGGED,
    Did.UNTAGGED,
    Did.HIDDEN,
    Did.SHOWN,
    Did.REMINDED,
    Did.BREACHED,
    Did.VERIFIED,
    Did.MERGED,
    Did.TOOK_IN,
    Did.UNMERGED,
    Did.GAVE_BACK,
    Did.MOVED_OUT,
    Did.MOVED_IN,
    Did.UNLINKED,
    Did.INCIDENT_DECLARED,
    Did.INCIDENT_CALLED_OFF,
    Did.INCIDENT_JOINED,
    Did.INCIDENT_LEFT,
    Did.INCIDENT_UPDATED,
    Did.INCIDENT_PUBLISHED,
    Did.INCIDENT_WITHDRAWN,
    Did.SCHEDULED,
    Did.UNSENT,
    Did.HELD_BACK,
    Did.COPIED,
    Did.COPY_REFUSED,
    Did.FOLLOW_UP_CHANGED,
    Did.FOLLOW_UP_DUE,
    Did.ACTION_CHANGED,
    Did.ACTION_DUE,
    Did.SNOOZED,
    Did.WOKE,
    Did.SUPPLIER_ADDED,
    Did.SUPPLIER_REMOVED,
    Did.SUPPLIER_ACCEPTED,
    Did.SUPPLIER_SETTLED,
    Did.PERSON_ADDED,
    Did.PERSON_REMOVED,
    Did.DEPARTMENT_ADDED,
    Did.DEPARTMENT_REMOVED,
    Did.ENVIRONMENT_CHANGED,
    Did.MARKED_SPAM,
    Did.UNMARKED_SPAM,
    Did.SENDER_ACCEPTED,
    Did.MACRO_RAN,
    Did.MACRO_UNDONE,
    Did.RATED,
}
"""What staff read between the messages; a message is its own entry."""
