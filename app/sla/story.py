"""What happened to a ticket, as far as promises care, and the cycles in which each promise was owed."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.sla.promises import DONE, Metric, Policy


class Happened(StrEnum):
    """Internal notes and automatic mail are left out: they keep no promise and break none."""

    OPENED_BY_CUSTOMER = "opened_by_customer"
    OPENED_BY_STAFF = "opened_by_staff"
    CUSTOMER_MESSAGE = "customer_message"
    STAFF_REPLY = "staff_reply"
    STATE_ENTERED = "state_entered"
    POLICY_APPLIED = "policy_applied"
    MERGED = "merged"
    """Into another ticket. Tell it before the state that the merge causes, or its clocks would count as kept."""
    UNMERGED = "unmerged"


@dataclass(frozen=True)
class Event:
    at: dt.datetime
    what: Happened
    state: str = ""
    """The ticket's state from now on, when it was opened or entered a state: new, open, waiting, hold, resolved or closed."""
    policy: Policy | None = None


class Outcome(StrEnum):
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


@dataclass
class Cycle:
    """Once that a promise was owed, whether or not a policy made it: policies may change, and then count from this start."""

    metric: Metric
    number: int
    started_at: dt.datetime
    ended_at: dt.datetime | None = None
    outcome: Outcome | None = None
    policy: Policy | None = None
    """The policy in force at the end; what was kept or missed under it stays as it was."""


@dataclass
class Story:
    """Told event by event, in order."""

    policy: Policy
    state: str = "new"
    states: list[tuple[dt.datetime, str]] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)
    running: dict[Metric, Cycle] = field(default_factory=dict)
    unanswered_since: dt.datetime | None = None
    """The oldest message of the customer that nobody has answered."""
    merged: list[Cycle] | None = None
    """The clocks that a merge stopped, for the case that it is undone; None while the ticket stands on its own."""

    def tell(self, event: Event) -> None:
        TELL[event.what](self, event)

    def opened_by_customer(self, event: Event) -> None:
        self.start(Metric.FIRST_RESPONSE, event.at)
        self.start(Metric.RESOLUTION, event.at)
        self.unanswered_since = event.at
        self.owe_next_response()
        self.state_entered(event)

    def opened_by_staff(self, event: Event) -> None:
        """The first word was ours, so no first response is owed."""
        self.start(Metric.PERIODIC_UPDATE, event.at)
        self.start(Metric.RESOLUTION, event.at)
        self.state_entered(event)

    def customer_message(self, event: Event) -> None:
        self.end(Metric.PERIODIC_UPDATE, event.at, Outcome.CANCELLED)
        self.unanswered_since = self.unanswered_since or event.at
        self.owe_next_response()

    def staff_reply(self, event: Event) -> None:
        for metric in (Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE, Metric.PERIODIC_UPDATE):
            self.end(metric, event.at, Outcome.FULFILLED)
        self.unanswered_since = None
        if self.state not in DONE:
            self.start(Metric.PERIODIC_UPDATE, event.at)

    def state_entered(self, event: Event) -> None:
        was_done, done = self.state in DONE, event.state in DONE
        self.state = event.state
        self.states.append((event.at, event.state))
        if done and not was_done:
            self.done(event.at)
        if was_done and not done:
            self.reopened(event.at)

    def done(self, at: dt.datetime) -> None:
        """A ticket that is resolved without an answer needed none."""
        self.end(Metric.FIRST_RESPONSE, at, Outcome.FULFILLED)
        self.end(Metric.RESOLUTION, at, Outcome.FULFILLED)
        self.end(Metric.NEXT_RESPONSE, at, Outcome.CANCELLED)
        self.end(Metric.PERIODIC_UPDATE, at, Outcome.CANCELLED)
        self.unanswered_since = None

    def reopened(self, at: dt.datetime) -> None:
        """The message that reopens a ticket may be told just before or just after: the next response counts from it either way."""
        last = max(
            (cycle for cycle in self.cycles if cycle.metric is Metric.RESOLUTION),
            key=lambda cycle: cycle.number,
            default=None,
        )
        if last and last.outcome is Outcome.FULFILLED:
            if self.policy.new_cycle_on_reopen:
                self.start(Metric.RESOLUTION, at)
            else:
                self.resume(last)
        self.owe_next_response()

    def policy_applied(self, event: Event) -> None:
        self.policy = event.policy or Policy()
        self.owe_next_response()

    def was_merged(self, event: Event) -> None:
        if self.merged is None:
            self.merged = list(self.running.values())
            for cycle in self.merged:
                self.end(cycle.metric, event.at, Outcome.CANCELLED)

    def was_unmerged(self, event: Event) -> None:
        """The clocks are owed again, and stand still until the ticket is open again too."""
        stopped, self.merged = self.merged or [], None
        for cycle in stopped:
            self.resume(cycle)
        self.owe_next_response()

    def owe_next_response(self) -> None:
        owes_the_first_response_first = Metric.FIRST_RESPONSE in self.running and not self.policy.counts_first_message
        if self.unanswered_since and self.state not in DONE and not owes_the_first_response_first:
            self.start(Metric.NEXT_RESPONSE, self.unanswered_since)

    def start(self, metric: Metric, at: dt.datetime) -> None:
        if metric not in self.running and self.merged is None:
            number = 1 + sum(cycle.metric is metric for cycle in self.cycles)
            self.running[metric] = Cycle(metric, number, at)
            self.cycles.append(self.running[metric])

    def end(self, metric: Metric, at: dt.datetime, outcome: Outcome) -> None:
        cycle = self.running.pop(metric, None)
        if cycle:
            cycle.ended_at, cycle.outcome, cycle.policy = at, outcome, self.policy

    def resume(self, cycle: Cycle) -> None:
        if self.merged is not None:
            self.merged.append(cycle)
        else:
            cycle.ended_at = cycle.outcome = cycle.policy = None
            self.running[cycle.metric] = cycle


TELL: Mapping[Happened, Callable[[Story, Event], None]] = {
    Happened.OPENED_BY_CUSTOMER: Story.opened_by_customer,
    Happened.OPENED_BY_STAFF: Story.opened_by_staff,
    Happened.CUSTOMER_MESSAGE: Story.customer_message,
    Happened.STAFF_REPLY: Story.staff_reply,
    Happened.STATE_ENTERED: Story.state_entered,
    Happened.POLICY_APPLIED: Story.policy_applied,
    Happened.MERGED: Story.was_merged,
    Happened.UNMERGED: Story.was_unmerged,
}
