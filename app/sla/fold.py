"""The clocks of a ticket, folded out of what happened to it. Nothing is counted along the way: replaying gives the same clocks."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.hours.stretch import Pause, Stretch
from app.sla.promises import WHOLE, Metric, Policy, Target
from app.sla.story import Cycle, Event, Outcome, Story


class ClockState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


ENDED = {Outcome.FULFILLED: ClockState.FULFILLED, Outcome.CANCELLED: ClockState.CANCELLED}


@dataclass(frozen=True)
class ClockRow:
    """One promise of one ticket, once."""

    metric: Metric
    cycle: int
    state: ClockState
    policy: Policy
    target: Target
    stretch: Stretch
    """From the start, with the pauses that are over."""
    paused_since: dt.datetime | None
    ended_at: dt.datetime | None

    @property
    def started_at(self) -> dt.datetime:
        return self.stretch.started_at

    @property
    def fulfilled_at(self) -> dt.datetime | None:
        return self.ended_at if self.state is ClockState.FULFILLED else None

    @property
    def due_at(self) -> dt.datetime | None:
        """Nobody knows it while the clock is paused."""
        return None if self.state is ClockState.PAUSED else self.stretch.due_at

    @property
    def breached_at(self) -> dt.datetime | None:
        """When the promise was broken, as far as the events alone can tell; of a running clock only the time of day can, see `breached`."""
        stopped_at = self.ended_at or self.paused_since
        return self.stretch.due_at if stopped_at and self.stretch.breached(stopped_at) else None

    def schedule(self, due_at: dt.datetime) -> list[tuple[int, dt.datetime]]:
        """When each level is reached if nothing happens meanwhile, the earliest first; that the promise is broken is always one of them."""
        codes = sorted({WHOLE, *(level.code for level in self.policy.levels)})
        return [(code, self._reached_at(code, due_at)) for code in codes]

    def _reached_at(self, code: int, due_at: dt.datetime) -> dt.datetime:
        if code < WHOLE:
            return min(self.stretch.at_share(code), due_at)
        return due_at + dt.timedelta(minutes=code - WHOLE)

    def breached(self, now: dt.datetime) -> bool:
        return self.stretch.breached(self.ended_at or self.paused_since or now)

    def elapsed(self, now: dt.datetime) -> dt.timedelta:
        return self.stretch.elapsed(self.ended_at or self.paused_since or now)

    def paused(self, now: dt.datetime) -> dt.timedelta:
        running_pause = self.target.hours.within(self.paused_since, now) if self.paused_since else dt.timedelta()
        return self.stretch.paused() + running_pause

    def overrun(self, now: dt.datetime) -> dt.timedelta:
        return max(dt.timedelta(), -self.stretch.margin(self.ended_at or self.paused_since or now))


def clocks(events: Iterable[Event], policy: Policy) -> list[ClockRow]:
    """All clocks of a ticket in the order in which they started; `policy` is the one in force when it was opened."""
    story = Story(policy)
    for event in events:
        story.tell(event)
    rows = (clock_row(cycle, story) for cycle in story.cycles)
    return [row for row in rows if row]


def next_due_at(rows: Iterable[ClockRow]) -> dt.datetime | None:
    return min((row.due_at for row in rows if row.state is ClockState.RUNNING and row.due_at), default=None)


def clock_row(cycle: Cycle, story: Story) -> ClockRow | None:
    """None where the policy does not promise this, or where its hours never come: nobody can be held to that."""
    policy = cycle.policy or story.policy
    target = policy.targets.get(cycle.metric)
    if target is None:
        return None
    pauses, paused_since = standstills(story.states, target.stands_still, cycle.started_at, cycle.ended_at)
    stretch = Stretch(target.hours, cycle.started_at, target.allowance, pauses)
    if not stretch.ends:
        return None
    return ClockRow(
        metric=cycle.metric,
        cycle=cycle.number,
        state=clock_state(cycle, paused_since),
        policy=policy,
        target=target,
        stretch=stretch,
        paused_since=paused_since,
        ended_at=cycle.ended_at,
    )


def clock_state(cycle: Cycle, paused_since: dt.datetime | None) -> ClockState:
    if cycle.outcome:
        return ENDED[cycle.outcome]
    return ClockState.PAUSED if paused_since else ClockState.RUNNING


def standstills(
    states: Sequence[tuple[dt.datetime, str]], still: frozenset[str], start: dt.datetime, end: dt.datetime | None
) -> tuple[tuple[Pause, ...], dt.datetime | None]:
    """The pauses from `start` to `end`, and since when the clock has been standing still if it does so now and has not ended."""
    pauses: list[Pause] = []
    since: dt.datetime | None = None
    for at, state in states:
        if state in still:
            since = since or at
        elif since:
            pauses.append((since, at))
            since = None
    if since and end:
        pauses.append((since, end))
        since = None
    cut = ((max(start, from_), min(to, end or to)) for from_, to in pauses)
    return tuple((from_, to) for from_, to in cut if from_ < to), since and max(since, start)
