"""Where a process's histogram of latency says what the rules ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.live.evidence import Window
from evals.live.prometheus import names, notes
from evals.live.prometheus.groups import ALL, Group, same
from evals.live.prometheus.ledger import Ledger, joined

_NEVER = (float("inf"), float("-inf"))
Span = tuple[float, float]


def timed_minutes(window: Window, pieces: Sequence[Ledger], group: Group) -> Span:
    """The first and the last minute in which the group's latency has every bound that is wanted.

    A process that was deployed again with other buckets has them only for a part of the time, and
    without a bound every request would look slower than it.
    """
    spans = _spans(pieces, group)
    if ALL not in spans:
        return _NEVER
    first, last = float("-inf"), float("inf")
    for wanted in _wanted(window, group):
        found = _span_at(spans, wanted)
        if found is None:
            return _NEVER
        if found[0] > spans[ALL][0]:
            first = max(first, found[0] // 60 + 1)
        if found[1] < spans[ALL][1]:
            last = min(last, found[1] // 60 - 1)
    return first, last


def latency_notes(window: Window, pieces: Sequence[Ledger], known: dict[str, set[Group]]) -> Iterator[str]:
    """The bounds that some process does not have."""
    for group in known[names.REQUESTS] & known[names.LATENCY]:
        spans = _spans(pieces, group)
        for wanted in _wanted(window, group):
            if group.arm is not None and _span_at(spans, wanted) is None:
                yield notes.no_bound(group.arm, wanted)


def _wanted(window: Window, group: Group) -> list[float]:
    both = (window.sla_ms, window.stages[group.stage].slow_ms)
    return [bound for bound in both if bound is not None]


def _spans(pieces: Sequence[Ledger], group: Group) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for piece in pieces:
        found = joined(found, piece.bounds.get(group, {}))
    return found


def _span_at(spans: dict[str, Span], wanted: float) -> Span | None:
    """When there were samples at `wanted`, however it was written."""
    found = [span for bound, span in spans.items() if same(bound, wanted)]
    return (min(span[0] for span in found), max(span[1] for span in found)) if found else None
