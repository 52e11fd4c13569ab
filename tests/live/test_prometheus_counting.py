"""Differencing counters, against a model of processes that count, crash and are scraped now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evals.live.evidence import Stage, Window
from evals.live.prometheus.assembling import assemble
from evals.live.prometheus.counting import increments, restarts_of
from evals.live.prometheus.ledger import Ledger
from evals.live.prometheus.series import Series
from store.errors import MachineryError

WINDOW = Window("production", "r2", "r1", (Stage(1, 5.0),))
LABELS = {"arm": "canary", "release": "r2", "generation": "1", "environment": "production"}
START = 1_780_000_000.0
Event = tuple[str, int]
"""("count", requests), ("harm", answers), ("crash", 0), ("scrape", 0) or ("miss", 0)."""
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("count"), st.integers(1, 500)),
        st.tuples(st.just("harm"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["crash", "scrape", "scrape", "scrape", "miss"]), st.just(0)),
    ),
    max_size=60,
)


@dataclass
class Process:
    """Counters that come into being when they first count, and die with it."""

    instance: str
    values: dict[str, int] = field(default_factory=dict)
    scraped: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    """What every life had counted when it was last scraped, summed over the lives that are over."""
    of_life: dict[str, int] = field(default_factory=dict)
    restarts_seen: list[tuple[int, int]] = field(default_factory=list)
    """(requests at the last scrape before, at the first one after) of each crash."""

    def happen(self, event: Event, at: float) -> None:
        kind, count = event
        if kind in ("count", "harm"):
            self.values["lockgate_requests_total"] = self.values.get("lockgate_requests_total", 0) + count
            self.values.setdefault("lockgate_errors_total", 0)
        if kind == "harm":
            self.values["lockgate_harmful_total"] = self.values.get("lockgate_harmful_total", 0) + count
        if kind == "crash":
            for name, value in self.of_life.items():
                self.seen[name] = self.seen.get(name, 0) + value
            self.values, self.of_life = {}, {}
        if kind == "scrape":
            for name, value in self.values.items():
                self.scraped.setdefault(name, []).append((at, float(value)))
            self.of_life = dict(self.values)

    def total(self, name: str) -> int:
        return self.seen.get(name, 0) + self.of_life.get(name, 0)

    def series(self) -> list[Series]:
        labels = tuple(sorted({**LABELS, "instance": self.instance}.items()))
        return [
            Series(name, labels, tuple(at for at, _ in samples), tuple(value for _, value in samples))
            for name, samples in self.scraped.items()
        ]


def lived(number: int, events: list[Event]) -> Process:
    """A process after `events`, 15 s apart, whose every crash shows as a fall of its requests."""
    process, crashed = Process(f"app-{number}"), False
    before = 0
    for position, event in enumerate(events):
        process.happen(event, START + 15.0 * position + number)
        crashed = crashed or event[0] == "crash"
        if event[0] == "scrape" and (now := process.values.get("lockgate_requests_total", 0)):
            assume(not crashed or before == 0 or now < before)  # else nobody could tell
            before, crashed = now, False
    return process


@settings(max_examples=300, deadline=None)
@given(
    lives=st.lists(EVENTS, min_size=1, max_size=3),
    cuts=st.lists(st.floats(0, 1000, allow_nan=False), max_size=4),
)
def test_the_ledger_counts_what_was_scraped_however_it_is_cut(
    lives: list[list[Event]], cuts: list[float]
) -> None:
    processes = [lived(number, events) for number, events in enumerate(lives)]
    found = [series for process in processes for series in process.series()]
    assume(all(sum(b < a for a, b in pairwise(one.values)) < 5 for one in found))
    ledger = Ledger(WINDOW)
    edges = [float("-inf"), *sorted(START + cut for cut in cuts), float("inf")]
    for start, end in pairwise(edges):
        piece = ledger.next_piece()
        piece.absorb(tuple(part for one in found if (part := one.within(start, end)).times))
        ledger.join(piece)
    evidence = assemble(WINDOW, (ledger,), START + 10_000)
    assert sum(row.requests for row in evidence.minutes) == sum(
        process.total("lockgate_requests_total") for process in processes
    )
    assert len(evidence.flags) == sum(process.total("lockgate_harmful_total") for process in processes)


@given(values=st.lists(st.integers(0, 50), min_size=1, max_size=40), born=st.booleans())
def test_one_counter_against_the_plain_rule(values: list[int], born: bool) -> None:
    """What is counted is the last value of each life, less what was there before."""
    times = [float(n) for n in range(len(values))]
    last = None if born else (-1.0, float(values[0]))
    tops = sum(a for a, b in pairwise(values) if b < a) + values[-1]
    expected = tops - (0 if born else values[0])
    counted = list(increments(times, [float(one) for one in values], last))
    assert sum(count for _, count in counted) == expected
    assert all(count > 0 for _, count in counted)


def test_a_restart_between_two_equal_samples_counts_again() -> None:
    assert list(increments([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], None, restarts=[2.0])) == [
        (1.0, 2.0),
        (2.0, 2.0),
    ]
    assert list(increments([3.0], [2.0], (1.0, 2.0), restarts=[1.0])) == []
    assert list(increments([3.0], [2.0], (1.0, 2.0), restarts=[2.0])) == [(3.0, 2.0)]


def test_a_counter_that_was_away_falls_late_and_counts_no_second_restart() -> None:
    assert restarts_of([(10.0, 70.0), (10.0, 40.0)], []) == [40.0]
    assert restarts_of([(10.0, 70.0)], [40.0]) == [40.0]
    assert restarts_of([(40.0, 70.0)], [40.0]) == [40.0, 70.0]


def test_a_counter_that_falls_all_the_time_is_shared() -> None:
    ledger = Ledger(WINDOW)
    labels = tuple(sorted({**LABELS, "instance": "app"}.items()))
    values = tuple(float(n % 2) for n in range(40))
    with pytest.raises(MachineryError, match="two processes"):
        ledger.absorb(
            (Series("lockgate_requests_total", labels, tuple(START + n for n in range(40)), values),)
        )
