"""What is known of an attempt at a rollout: counts by minute, scored answers, harmful flags.

Every source of observations (SQLite beside the workspace, Prometheus) gives this shape, and the
analysis reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

CLOCK_SECONDS = 120.0
"""An observation from further in the future than that was made by a clock that is wrong."""
Arm = Literal["canary", "control"]
"""control: the users of stable that match the canary's in number (see the cohort rule)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of an attempt, as observations know it: by the generation of the live document."""

    generation: int
    """The first generation that served this step; it lasts until the next stage's."""
    percent: float
    """The canary's share of users, in percent."""
    slow_ms: float | None = None
    """1.1 × stable's p99 as it was when the stage began, in milliseconds; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which observations belong to an attempt."""

    environment: str
    release: str
    """The canary's release."""
    stable: str
    """The release of stable, which the control arm is served."""
    stages: tuple[Stage, ...]
    """Oldest first, at least one; generations strictly increasing."""
    sla_ms: float | None = None
    """Latency that is promised, in milliseconds."""
    ended_generation: int | None = None
    """The first generation that does not belong to the attempt any more; None while it runs."""


@dataclass(frozen=True, slots=True)
class Minute:
    """The counts of one minute, one arm and one stage, over all categories."""

    minute: int
    """Minutes since 1970."""
    arm: Arm
    stage: int
    """Position in Window.stages."""
    requests: int
    errors: int = 0
    over_sla: int = 0
    """Requests slower than Window.sla_ms; 0 where that is None."""
    slow: int = 0
    """Requests slower than the stage's slow_ms; 0 where that is None."""
    timed: int = 0
    """Requests whose latency is known: what over_sla and slow are out of."""
    thumbs_down: int = 0
    thumbs_up: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """A scored answer: the first of its user (unit) in its stage and arm."""

    at: float
    """Seconds since 1970."""
    arm: Arm
    stage: int
    value: float
    """Quality in [0, 1]."""
    category: str = ""
    count: int = 1
    """More than 1 where a source only has counts by level."""


@dataclass(frozen=True, slots=True)
class HarmfulFlag:
    """An answer of the canary that something called harmful."""

    request_id: str
    at: float
    """Seconds since 1970."""
    confirmed: bool | None
    """By a second, independent grader: True, False, or None while it has not said."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it, for one window."""

    minutes: tuple[Minute, ...] = ()
    """In order of (minute, arm, stage)."""
    scores: tuple[Score, ...] = ()
    """In order of time."""
    flags: tuple[HarmfulFlag, ...] = ()
    newest: float | None = None
    """When the newest observation of the attempt was made, of any arm, in seconds since 1970; None for no
    data at all. What comes from the future is not meant, see `ahead`."""
    ahead: float | None = None
    """When the newest observation from more than CLOCK_SECONDS in the future says that it was made."""
    stable: tuple[Minute, ...] = ()
    """The same counts for everybody that stable serves, the control among them (arm is `control` in each),
    in order of (minute, stage); empty where the source cannot tell. Where there are any they stand in for
    the control's when it is asked whether stable has the same trouble: at a canary of 1 % they know it
    in the first minute, the control only after ten."""
    dropped: int = 0
    """Observations that clients counted and could not hand over."""
    notes: tuple[str, ...] = ()
    """What the source could not tell, in words ("no series for latency")."""


class ObservationSource(Protocol):
    """Where observations come from."""

    def evidence(self, window: Window, now: float) -> Evidence:
        """What is known of `window` at `now` (seconds since 1970). Raises MachineryError when the
        source cannot be read: that is no evidence, neither good nor bad."""
        ...

    def stable_p99(self, environment: str, release: str, now: float, hours: float = 24.0) -> float | None:
        """p99 of `release`'s latency as stable over the last `hours`, in milliseconds; None where
        there are too few requests to say."""
        ...
