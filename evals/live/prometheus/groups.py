"""Whose counters belong together, and what is wanted of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from evals.live.evidence import Arm, Window
from evals.live.prometheus.names import OURS, QUALITY
from evals.live.prometheus.series import Labels, Series
from store.errors import MachineryError
from store.text import one_line

ALL = "+Inf"
"""The bound that counts everything."""
_CLOSE = 1e-9
"""Two bounds this near (as a share) are the same number, written and worked out differently."""


@dataclass(frozen=True, slots=True)
class Group:
    """What one process counts for one arm, generation and category."""

    target: Labels
    """The labels that name the process."""
    arm: Arm | None
    """None for the users of stable that are in no arm."""
    is_stable: bool
    """Whether stable served them."""
    stage: int
    """Position in Window.stages."""
    generation: int
    category: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Values of `le`, as the server writes them, that are asked for."""

    latency: tuple[str, ...]
    """At the SLA and the stages' slow_ms, as far as there are any."""
    quality: tuple[str, ...]
    """Every level."""

    @property
    def asked(self) -> tuple[str, ...]:
        """All of them, once each."""
        return tuple(dict.fromkeys((*self.latency, *self.quality, ALL)))


def same(bound: str, wanted: float | None) -> bool:
    """Whether the text `bound` is the number `wanted`."""
    found = number(bound)
    return wanted is not None and found is not None and abs(found - wanted) <= _CLOSE * abs(wanted)


def number(bound: str) -> float | None:
    """The number that a value of `le` stands for; None where it is none."""
    try:
        return float(bound)
    except ValueError:
        return None


def wanted_latencies(window: Window) -> tuple[float, ...]:
    """The bounds in milliseconds that the window's rules need."""
    wanted = [window.sla_ms, *(stage.slow_ms for stage in window.stages)]
    return tuple(dict.fromkeys(one for one in wanted if one is not None))


def levels(bounds: tuple[str, ...]) -> tuple[str, ...]:
    """The levels among the values of `le` that quality has. Raises MachineryError for an impossible one."""
    found = [(value, text) for text in bounds if (value := number(text)) is not None and text != ALL]
    for value, text in found:
        if not 0 <= value <= 1:
            raise MachineryError(
                f"{QUALITY} has the bound {one_line(text, 40)}: scores lie between 0 and 1; "
                "mend what exports it."
            )
    if len(found) > _MOST_LEVELS:
        raise MachineryError(f"{QUALITY} has {len(found)} bounds; at most {_MOST_LEVELS} levels are read.")
    return tuple(text for _, text in sorted(found))


_MOST_LEVELS = 101


def group_of(series: Series, window: Window) -> Group | None:
    """Which group a series belongs to; None where it is none of the attempt's."""
    release, served_as = series.label("release"), series.label("arm")
    arm = _arm(window, release, served_as)
    is_stable = release == window.stable and served_as != "canary"
    generation = generation_of(series.label("generation"))
    stage = stage_of(generation, window)
    if generation is None or stage is None or not (arm or is_stable):
        return None
    target = tuple(pair for pair in series.labels if pair[0] not in OURS)
    return Group(target, arm, is_stable, stage, generation, series.label("category"))


def _arm(window: Window, release: str, served_as: str) -> Arm | None:
    if served_as == "control" and release == window.stable:
        return "control"
    # After the last step the canary's release is the stable one, and still watched.
    if release == window.release and (served_as == "canary" or release != window.stable):
        return "canary"
    return None


def generation_of(text: str) -> int | None:
    """A generation, from its label."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def stage_of(generation: int | None, window: Window) -> int | None:
    """The stage that a generation served; None outside the attempt."""
    if generation is None or (window.ended_generation is not None and generation >= window.ended_generation):
        return None
    position = bisect_right([stage.generation for stage in window.stages], generation) - 1
    return position if position >= 0 else None
