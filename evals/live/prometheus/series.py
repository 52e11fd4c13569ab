"""A series of samples, as Prometheus gives it, checked before anything is counted."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from evals.live.prometheus.names import WHOLE
from store.errors import MachineryError
from store.text import one_line

Labels = tuple[tuple[str, str], ...]
"""Label names and values without the metric's name, sorted."""


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one counter of one process."""

    name: str
    labels: Labels
    times: tuple[float, ...]
    """Seconds since 1970, strictly increasing."""
    values: tuple[float, ...]
    """Finite and not negative; one for each time."""

    @property
    def key(self) -> tuple[str, Labels]:
        """What tells it from every other series."""
        return self.name, self.labels

    def label(self, name: str) -> str:
        """The value of a label; empty where it has none, as Prometheus has it."""
        return next((value for key, value in self.labels if key == name), "")

    def within(self, start: float, end: float) -> Series:
        """Its samples in (start, end]."""
        first, last = bisect_right(self.times, start), bisect_right(self.times, end)
        if first == 0 and last == len(self.times):
            return self
        return Series(self.name, self.labels, self.times[first:last], self.values[first:last])


def read_matrix(data: Any, server: str) -> tuple[Series, ...]:
    """The series of a `matrix` result.

    Raises MachineryError, which names the metric, for a value that no counter can have, for times
    that do not increase and for a series that is given twice.
    """
    try:
        if data["resultType"] != "matrix" or not isinstance(data["result"], list):
            raise TypeError
        found = tuple(_series(one) for one in data["result"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise MachineryError(f"Prometheus at {server} cannot be read: its result is no matrix.") from None
    _refuse_doubles(found)
    return found


def _series(entry: Any) -> Series:
    metric = entry["metric"]
    if not all(isinstance(value, str) for value in metric.values()):
        raise TypeError
    name = str(metric.get("__name__", ""))
    labels = tuple(sorted((key, value) for key, value in metric.items() if key != "__name__"))
    pairs = entry["values"]
    times = tuple(float(pair[0]) for pair in pairs)
    values = tuple(float(pair[1]) for pair in pairs)
    _check(name, times, values)
    return Series(name, labels, times, values)


def _check(name: str, times: tuple[float, ...], values: tuple[float, ...]) -> None:
    shown = one_line(name, 80) or "a series without a name"
    for value in values:
        if not math.isfinite(value) or value < 0:
            raise MachineryError(
                f"{shown} has the value {value:g}, which no counter can have; mend what exports it."
            )
    if name in WHOLE and not all(value.is_integer() for value in values):
        raise MachineryError(f"{shown} counts in fractions; export whole counts, not rates.")
    if not all(map(math.isfinite, times)) or any(b <= a for a, b in pairwise(times)):
        raise MachineryError(f"the samples of {shown} are not in order of time; look at what serves them.")


_COLLECTORS = ("job", "replica", "prometheus_replica", "prometheus")
"""Labels that tell who scraped, not what was scraped."""


def _refuse_doubles(found: tuple[Series, ...]) -> None:
    seen: dict[tuple[str, Labels], list[Series]] = {}
    for one in found:
        key = one.key
        if one.label("instance"):
            key = (one.name, tuple(pair for pair in one.labels if pair[0] not in _COLLECTORS))
        twins = seen.setdefault(key, [])
        for twin in twins:
            if _overlap(one, twin):
                shown, where = one_line(one.name, 80), one_line(one.label("instance"), 80)
                raise MachineryError(
                    f"{shown} is there twice for the same process"
                    f"{f' ({where})' if where else ''}: scrape each process once, or ask a server that "
                    "removes the doubles of replicas."
                )
        twins.append(one)


def _overlap(one: Series, other: Series) -> bool:
    if not one.times or not other.times:
        return one.labels == other.labels
    return one.times[0] <= other.times[-1] and other.times[0] <= one.times[-1]
