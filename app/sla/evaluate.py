"""Answers what-if cases about working time and promises: one case in, one result out, nothing stored.

A case says `pending` where a desk says waiting. Its calendars are in the local time of `tz`; its instants are in UTC.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from flask_babel import gettext as _

from app.core.errors import Invalid
from app.hours.spans import minute_of
from app.hours.stretch import Stretch
from app.hours.zones import resolve_local
from app.sla.cases import Case, backwards, event_of, hours_of, policy_of, read, written, written_or_none
from app.sla.fold import ClockRow, ClockState, clocks, next_due_at
from app.sla.promises import Metric

Answer = bool | int | str | None | list[Any] | dict[str, Any]
SECOND = dt.timedelta(seconds=1)


class UnknownKind(Invalid):
    def __init__(self, kind: str) -> None:
        super().__init__(
            _("There is no kind of case named “%(kind)s”. Known are: %(known)s.", kind=kind, known=", ".join(ANSWERS))
        )


def answer(case: Case) -> dict[str, Answer]:
    """{"id", "result"}; what the result holds depends on the kind of case."""
    if case["kind"] not in ANSWERS:
        raise UnknownKind(case["kind"])
    return {"id": case["id"], "result": ANSWERS[case["kind"]](case)}


def add(case: Case) -> str:
    hours, allowance = hours_of(case), case["seconds"] * SECOND
    verb = hours.subtract if backwards(case) else hours.add
    return written(verb(read(case["start"]), allowance))


def add_days(case: Case) -> str:
    hours = hours_of(case)
    verb = hours.subtract_days if backwards(case) else hours.add_days
    return written(verb(read(case["start"]), case["days"]))


def within(case: Case) -> int:
    return hours_of(case).within(read(case["start"]), read(case["end"])) // SECOND


def active(case: Case) -> bool:
    return hours_of(case).active(read(case["at"]))


def next_close(case: Case) -> str | None:
    return written_or_none(hours_of(case).next_close(read(case["at"])))


def segments(case: Case) -> list[Answer]:
    hours = hours_of(case)
    walk = hours.segments_before if backwards(case) else hours.segments_after
    return [[written(opens), written(closes)] for opens, closes in islice(walk(read(case["origin"])), case["n"])]


def local_instant(case: Case) -> str:
    date, _t, time = case["local"].partition("T")
    minute, seconds = minute_of(time[:5]), int(time[6:8] or 0)
    midnight = dt.datetime.combine(dt.date.fromisoformat(date), dt.time())
    return written(resolve_local(midnight + dt.timedelta(minutes=minute, seconds=seconds), case["tz"]))


def valid(case: Case) -> bool:
    try:
        hours_of(case).validate()
    except Invalid:
        return False
    return True


def closed_for_inactivity(case: Case) -> bool:
    return read(case["now"]) - read(case["last_activity"]) >= dt.timedelta(days=case["inactive_days"])


def metric(case: Case) -> dict[str, Answer]:
    pauses = tuple((read(from_), read(to)) for from_, to in case.get("pauses", ()))
    stretch = Stretch(hours_of(case), read(case["start"]), case["target_seconds"] * SECOND, pauses)
    result: dict[str, Answer] = {"due": written(stretch.due_at)}
    if case.get("end"):
        end = read(case["end"])
        result["elapsed_seconds"] = stretch.elapsed(end) // SECOND
        result["margin_seconds"] = stretch.margin(end) // SECOND
        result["breached"] = stretch.breached(end)
    return result


def sequence(case: Case) -> list[Answer]:
    """How the clocks stand at each check, after all events up to it."""
    hours, policy = hours_of(case), policy_of(case["policy"], hours_of(case))
    events = [event_of(event, hours) for event in case["events"]]
    result: list[Answer] = []
    for check in case["checks"]:
        now = read(check["t"])
        result.append(standing(clocks((event for event in events if event.at <= now), policy), now))
    return result


def standing(rows: Sequence[ClockRow], now: dt.datetime) -> dict[str, Answer]:
    latest = {row.metric: row for row in rows}
    return {
        "next_due": written_or_none(next_due_at(rows)),
        "due": {
            name: written_or_none(row.due_at if row.state is ClockState.RUNNING else None)
            for name, row in latest.items()
        },
        "elapsed": {name: row.elapsed(now) // SECOND for name, row in latest.items()},
        "paused_seconds": {name: row.paused(now) // SECOND for name, row in latest.items()},
        "overall": overall(rows, now),
    }


def overall(rows: Iterable[ClockRow], now: dt.datetime) -> str | None:
    """One word for all promises; a broken one outweighs what is still to come."""
    rows = list(rows)
    states = {row.metric: row.state for row in rows}
    if any(row.breached(now) for row in rows):
        return "failed"
    if states.get(Metric.FIRST_RESPONSE) is ClockState.RUNNING:
        return "first_response_due"
    if ClockState.PAUSED in states.values():
        return "paused"
    if states.get(Metric.RESOLUTION) is ClockState.RUNNING:
        return "resolution_due"
    return "fulfilled" if rows else None


ANSWERS: Mapping[str, Callable[[Case], Answer]] = {
    "add": add,
    "add_days": add_days,
    "within": within,
    "active": active,
    "next_close": next_close,
    "segments": segments,
    "resolve_local": local_instant,
    "validate_calendar": valid,
    "auto_close": closed_for_inactivity,
    "metric": metric,
    "sla_seq": sequence,
}
