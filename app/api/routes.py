"""Every address of the API, once: the URL map and the OpenAPI document are made from this table."""

from __future__ import annotations

import dataclasses as dc
import re
from collections.abc import Callable

from app.api import customers, joining, lists, macros, ratings, suppliers, tasks, thread, tickets, time
from app.api.listing import list_tickets
from app.api.repeats import Answer
from app.api.schema import CUSTOMER_FILTERS, PAGING, TEXT, TICKET_FILTERS, Schema

FILE = "file"
"""In place of a schema's name: takes or gives bytes."""
READ, WRITE, READ_PEOPLE, WRITE_PEOPLE = "tickets:read", "tickets:write", "customers:read", "customers:write"


@dc.dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Callable[..., Answer]
    scope: str
    summary: str
    gives: str
    """The name of a schema, or FILE."""
    takes: str | None = None
    status: int = 200
    query: dict[str, Schema] = dc.field(default_factory=dict)
    bare: bool = False
    """It may come without a body."""

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def rule(self) -> str:
        """As Flask writes it; every variable is a number."""
        return re.sub(r"\{(\w+)\}", r"<int:\1>", self.path)

    @property
    def variables(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/tickets", list_tickets, READ, "Tickets you may see, the newest first", "Tickets", query=TICKET_FILTERS
    ),
    Route("POST", "/tickets", tickets.create_ticket, WRITE, "Open a ticket for a customer", "Ticket", "NewTicket", 201),
    Route("GET", "/tickets/{number}", tickets.read_ticket, READ, "A ticket with its thread", "TicketWithThread"),
    Route("PATCH", "/tickets/{number}", tickets.change_ticket, WRITE, "Change a ticket", "Ticket", "TicketChanges"),
    Route("POST", "/tickets/{number}/replies", thread.reply, WRITE, "Answer the customer", "Entry", "NewReply", 201),
    Route("POST", "/tickets/{number}/notes", thread.note, WRITE, "Write an internal note", "Entry", "NewNote", 201),
    Route("POST", "/tickets/{number}/close", thread.close, WRITE, "Close a ticket", "Ticket", "Closing", bare=True),
    Route("POST", "/tickets/{number}/reopen", thread.reopen, WRITE, "Reopen a ticket", "Ticket"),
    Route(
        "POST",
        "/tickets/{number}/attachments",
        thread.upload_to_ticket,
        WRITE,
        "Upload a file for a reply or note",
        "Attachment",
        FILE,
        201,
    ),
    Route("POST", "/tickets/{number}/merge", joining.merge, WRITE, "Merge a ticket into another", "Ticket", "Merging"),
    Route("POST", "/tickets/{number}/unmerge", joining.unmerge, WRITE, "Take a merged ticket out again", "Ticket"),
    Route("POST", "/tickets/{number}/split", joining.split, WRITE, "Split messages off", "Ticket", "Splitting", 201),
    Route("POST", "/tickets/{number}/move", joining.move, WRITE, "Move messages to another ticket", "Ticket", "Moving"),
    Route("GET", "/tickets/{number}/links", joining.list_links, READ, "Linked tickets", "Links"),
    Route("POST", "/tickets/{number}/links", joining.link, WRITE, "Link two tickets", "Links", "NewLink", 201),
    Route("DELETE", "/tickets/{number}/links/{other}", joining.unlink, WRITE, "Remove a link", "Links"),
    Route("GET", "/tickets/{number}/tasks", tasks.list_tasks, READ, "Tasks of a ticket", "Tasks"),
    Route(
        "POST", "/tickets/{number}/tasks", tasks.create_task, WRITE, "A new task of a ticket", "Task", "NewTask", 201
    ),
    Route("GET", "/tickets/{number}/ratings", ratings.list_ratings, READ, "What customers said of a ticket", "Ratings"),
    Route("GET", "/tickets/{number}/macros", macros.list_macros, READ, "Macros that you may run on a ticket", "Macros"),
    Route(
        "POST",
        "/tickets/{number}/macros/{macro_id}",
        macros.run_macro,
        WRITE,
        "Run a macro, or see what it would do",
        "MacroOutcome",
        "MacroRun",
    ),
    Route(
        "GET",
        "/tickets/{number}/suppliers",
        suppliers.list_ticket_suppliers,
        READ,
        "Suppliers of a ticket",
        "TicketSuppliers",
    ),
    Route(
        "POST",
        "/tickets/{number}/suppliers",
        suppliers.add_supplier,
        WRITE,
        "Bring in a supplier",
        "TicketSuppliers",
        "NewTicketSupplier",
        201,
    ),
    Route(
        "DELETE",
        "/tickets/{number}/suppliers/{supplier_id}",
        suppliers.remove_supplier,
        WRITE,
        "Take a supplier off a ticket",
        "TicketSuppliers",
    ),
    Route(
        "POST",
        "/tickets/{number}/questions",
        suppliers.ask_supplier,
        WRITE,
        "Ask a supplier",
        "Entry",
        "NewQuestion",
        201,
    ),
    Route("GET", "/tasks/{task_id}", tasks.read_task, READ, "A task", "Task"),
    Route("PATCH", "/tasks/{task_id}", tasks.change_task, WRITE, "Change a task", "Task", "TaskChanges"),
    Route("DELETE", "/tasks/{task_id}", tasks.delete_task, WRITE, "Delete a task", "Task"),
    Route("GET", "/tickets/{number}/time", time.list_time, READ, "Time spent on a ticket", "TimeEntries"),
    Route(
        "POST", "/tickets/{number}/time", time.log_time, WRITE, "Log time on a ticket", "TimeEntry", "NewTimeEntry", 201
    ),
    Route("GET", "/time-entries/{entry_id}", time.read_time, READ, "A time entry", "TimeEntry"),
    Route(
        "PATCH",
        "/time-entries/{entry_id}",
        time.change_time,
        WRITE,
        "Change a time entry",
        "TimeEntry",
        "TimeEntryChanges",
    ),
    Route("DELETE", "/time-entries/{entry_id}", time.remove_time, WRITE, "Remove a time entry", "TimeEntry"),
    Route("POST", "/attachments", thread.upload, WRITE, "Upload a file", "Attachment", FILE, 201),
    Route("GET", "/attachments/{attachment_id}", thread.download, READ, "The bytes of a file", FILE),
    Route(
        "GET",
        "/customers",
        customers.list_customers,
        READ_PEOPLE,
        "Customers, the newest first",
        "Customers",
        query=CUSTOMER_FILTERS,
    ),
    Route(
        "POST", "/customers", customers.create_customer, WRITE_PEOPLE, "A new customer", "Customer", "NewCustomer", 201
    ),
    Route("GET", "/customers/{customer_id}", customers.read_customer, READ_PEOPLE, "A customer", "Customer"),
    Route(
        "PATCH",
        "/customers/{customer_id}",
        customers.change_customer,
        WRITE_PEOPLE,
        "Change a customer",
        "Customer",
        "CustomerChanges",
    ),
    Route(
        "GET",
        "/organizations",
        customers.list_organizations,
        READ_PEOPLE,
        "Organizations, the newest first",
        "Organizations",
        query={"name": TEXT, **PAGING},
    ),
    Route(
        "GET",
        "/organizations/{organization_id}",
        customers.read_organization,
        READ_PEOPLE,
        "An organization",
        "Organization",
    ),
    Route("GET", "/categories", lists.list_categories, READ, "All categories", "Categories"),
    Route("GET", "/departments", lists.list_departments, READ, "All departments", "Departments"),
    Route("GET", "/environments", suppliers.list_environments, READ, "All environments", "Environments"),
    Route("GET", "/suppliers", suppliers.list_suppliers, READ, "All suppliers", "Suppliers"),
    Route("GET", "/fields", lists.list_fields, READ, "The desk's own fields of tickets", "Fields"),
    Route("GET", "/statuses", lists.list_statuses, READ, "All statuses", "Statuses"),
    Route("GET", "/priorities", lists.list_priorities, READ, "All priorities", "Priorities"),
    Route(
        "GET",
        "/canned-responses",
        lists.list_canned_responses,
        READ,
        "Prepared answers you may use",
        "CannedResponses",
        query=PAGING,
    ),
)
