"""What Prometheus could not tell, in words. An absence is said, so that it is not taken for good news."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from evals.live.evidence import Arm, Window
from evals.live.prometheus import names
from evals.live.prometheus.groups import Group
from evals.live.prometheus.series import Labels
from store.text import one_line

_MOST = 20
_WORDS = {
    names.LATENCY: "latency",
    names.QUALITY: "quality",
    names.HARMFUL: "harmful answers",
    names.FEEDBACK: "feedback",
}


def bounded(found: Iterable[str]) -> tuple[str, ...]:
    """Each note once, at most twenty."""
    once = tuple(dict.fromkeys(found))
    return once if len(once) <= _MOST else (*once[:_MOST], f"and {len(once) - _MOST} notes more")


def of_window(window: Window, known: dict[str, set[Group]]) -> Iterator[str]:
    """The metrics that an arm has no series of."""
    for arm, release in (("canary", window.release), ("control", window.stable)):
        if arm == "control" and all(stage.percent > 50 for stage in window.stages):
            continue  # there is no matched control above 50 %
        with_requests = {group for group in known[names.REQUESTS] if group.arm == arm}
        if not with_requests:
            yield f"no series {names.REQUESTS} for {arm} {release} in {window.environment}: no data"
            continue
        if with_requests - known[names.ERRORS]:
            yield (
                f"no series {names.ERRORS} beside some {names.REQUESTS} of {arm}: those requests are "
                "left out; start the counter of errors at 0"
            )
        for metric, words in _WORDS.items():
            if not any(group.arm == arm for group in known[metric]):
                yield f"no series for {words} of {arm} ({metric})"


def errors_without_requests(arm: Arm, count: int) -> str:
    """For errors that outnumber the requests."""
    return f"{count:,} errors of {arm} more than it had requests: count both when a request ends"


def no_bound(arm: Arm, bound: float) -> str:
    """For a latency threshold that no bucket lies at."""
    return f"no bucket at {bound:,g} ms in {names.LATENCY} of {arm}: whether requests are slower is not known"


def between_levels(arm: Arm) -> str:
    """For scores that are not at the bounds."""
    return (
        f"scores of {arm} lie between the bounds of {names.QUALITY}: they are left out; "
        "put a bound at each level"
    )


def beyond_levels(arm: Arm) -> str:
    """For scores over the last bound."""
    return f"scores of {arm} lie over the last bound of {names.QUALITY}: they are left out; put a bound at 1"


def no_sum(arm: Arm) -> str:
    """For a histogram without its sum."""
    return (
        f"no series {names.QUALITY_SUM} of {arm}: whether scores lie at the bounds cannot be checked, "
        "so they are left out"
    )


def unflagged(judged: int, flagged: int) -> str:
    """For more second opinions than first ones."""
    return f"{judged:,} second opinions on harmful answers, but only {flagged:,} flags in {names.HARMFUL}"


def many_flags(flagged: int, shown: int) -> str:
    """For a flood of flags."""
    return f"{flagged:,} harmful flags from one process; the first {shown:,} are listed"


def of_strays(metrics: set[str]) -> Iterator[str]:
    """Series that cannot be told to belong to the attempt."""
    for metric in sorted(metrics):
        yield f"{one_line(metric, 80)} has series without a generation: they are left out"


def of_gaps(gaps: list[tuple[Labels, float, float]]) -> Iterator[str]:
    """Pauses between scrapes, newest first, one for each pair of moments."""
    processes: dict[tuple[int, int], int] = defaultdict(int)
    for _, before, after in gaps:
        processes[(int(before // 60), int(after // 60))] += 1
    for (before, after), count in sorted(processes.items(), reverse=True):
        whose = "one process" if count == 1 else f"{count} processes"
        yield (
            f"no samples of {whose} from {_clock(before)} to {_clock(after)} UTC: no data for these minutes; "
            "what was counted meanwhile stands in the minute after them"
        )


def _clock(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * 60, UTC):%m-%d %H:%M}"
