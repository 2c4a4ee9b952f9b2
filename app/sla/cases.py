"""Reads the calendars, policies and events of what-if cases."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from app.hours.business import BusinessHours
from app.hours.spans import Spans, minute_of
from app.sla.promises import Metric, Policy, Target
from app.sla.story import Event, Happened

Case = Mapping[str, Any]
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read(instant: str) -> dt.datetime:
    return dt.datetime.fromisoformat(instant)


def written(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_or_none(instant: dt.datetime | None) -> str | None:
    return written(instant) if instant else None


def backwards(case: Case) -> bool:
    return bool(case.get("direction") == "back")


def hours_of(case: Case) -> BusinessHours:
    calendar = case["calendar"]
    breaks: dict[dt.date, Spans] = {}
    for date, start, end in calendar.get("breaks", ()):
        breaks[dt.date.fromisoformat(date)] = (*breaks.get(dt.date.fromisoformat(date), ()), *spans_of([(start, end)]))
    return BusinessHours(
        week=tuple(spans_of(calendar.get("hours", {}).get(day, ())) for day in WEEK),
        zone=calendar.get("tz", "UTC"),
        holidays=frozenset(dt.date.fromisoformat(date) for date in calendar.get("holidays", ())),
        annual_holidays=frozenset((int(date[:2]), int(date[3:])) for date in calendar.get("annual_holidays", ())),
        shifts={dt.date.fromisoformat(date): spans_of(spans) for date, spans in calendar.get("shifts", {}).items()},
        breaks=breaks,
    )


def spans_of(spans: Iterable[Iterable[str]]) -> Spans:
    return tuple((minute_of(start), minute_of(end)) for start, end in spans)


def policy_of(policy: Case, hours: BusinessHours) -> Policy:
    targets = {
        Metric(name): Target(
            dt.timedelta(minutes=target["minutes"]), hours, frozenset(map(state_of, target.get("pause", ())))
        )
        for name, target in policy.items()
    }
    return Policy(targets, counts_first_message=bool(policy.get("next_response", {}).get("counts_first_message")))


def event_of(event: Case, hours: BusinessHours) -> Event:
    at, what = read(event["t"]), event["type"]
    if what == "created":
        opened = Happened.OPENED_BY_CUSTOMER if event["by"] == "customer" else Happened.OPENED_BY_STAFF
        return Event(at, opened, state=state_of(event.get("status", "new")))
    if what == "status":
        return Event(at, Happened.STATE_ENTERED, state=state_of(event["to"]))
    if what == "policy":
        return Event(at, Happened.POLICY_APPLIED, policy=policy_of(event["policy"], hours))
    return Event(at, {"customer_message": Happened.CUSTOMER_MESSAGE, "agent_reply": Happened.STAFF_REPLY}[what])


def state_of(status: str) -> str:
    return "waiting" if status == "pending" else status
