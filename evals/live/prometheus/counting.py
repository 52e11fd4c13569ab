"""From a counter's samples to what was counted between them.

Prometheus' own increase() gives 0 for a counter that is born at 3 and 3.06 for three events between
zeros (measured): it extrapolates, and takes the first sample it sees for a start. Here a counter
that was not there before starts at 0, and one that falls was started again at 0.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence

from store.errors import MachineryError

Last = tuple[float, float]
"""When a counter was last seen, in seconds since 1970, and its value then."""


def falls(
    times: Sequence[float], values: Sequence[float], last: Last | None
) -> Iterator[tuple[float, float]]:
    """Between which two samples of it, (since, at], the counter fell."""
    since, before = last if last is not None else (float("-inf"), 0.0)
    for at, value in zip(times, values, strict=True):
        if value < before:
            yield since, at
        since, before = at, value


def restarts_of(fallen: Iterable[tuple[float, float]], known: Sequence[float]) -> list[float]:
    """As few restarts as explain that the counters of one process fell, besides those `known`; in order.

    One that was not seen for a while falls late: the restart that another showed in between was its own.
    """
    restarts = sorted(known)
    for since, at in sorted(fallen, key=lambda span: span[1]):
        if bisect_right(restarts, at) == bisect_right(restarts, since):
            insort(restarts, at)
    return restarts


def increments(
    times: Sequence[float],
    values: Sequence[float],
    last: Last | None,
    restarts: Sequence[float] = (),
) -> Iterator[tuple[float, float]]:
    """(time, count) for each sample at which something had been counted since the one before.

    `last` is the sample before `times`; None where the counter did not exist. `restarts` are the
    sorted times at which its process was seen to have started again: any counter of that process
    began again at 0, even one that is higher by now than it was.
    """
    seen, before = last if last is not None else (float("-inf"), 0.0)
    for at, value in zip(times, values, strict=True):
        began_again = value < before or (
            bool(restarts) and bisect_right(restarts, at) > bisect_right(restarts, seen)
        )
        grown = value if began_again else value - before
        if grown:
            yield at, grown
        seen, before = at, value


_MOST_FALLS = 5
_MOST_SHARE = 0.2


def refuse_shared(name: str, falls: int, samples: int) -> None:
    """Raises MachineryError for a counter that falls so often that two processes must be writing it."""
    if falls >= _MOST_FALLS and falls > _MOST_SHARE * samples:
        raise MachineryError(
            f"{name} falls {falls} times in {samples} samples: two processes report under the same labels, "
            "or one starts again and again. Give each process an instance label of its own."
        )
