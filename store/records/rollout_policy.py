"""How a release is let into an environment: steps, what takes it back, how long it is watched."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from store.records.base import Strict
from store.records.shadow import ShadowPolicy


class Step(Strict):
    """One rung of the ladder."""

    percent: float = Field(gt=0, le=100)
    """The canary's share of users, in percent."""
    hold_minutes: int = Field(default=0, ge=0, le=60 * 24 * 30)
    """How long it lasts at least, counted in healthy minutes that had traffic."""
    min_scored: int = Field(default=0, ge=0, le=1_000_000)
    """Scored answers of the canary that the step wants at least."""
    approval: bool = False
    """Whether a person has to say yes before the step begins."""
    pause: bool = False
    """Whether it waits at its end until a person advances it."""
    shadow: bool = False
    """The step serves nobody: the canary answers `percent` of requests for the log only."""


class Triggers(Strict):
    """What rolls a canary back by itself. A threshold that is not wanted is written `"off"`."""

    quality_drop: float | None = Field(default=0.02, gt=0, le=1)
    """A drop of the mean quality of at least this much (0.02 is two points)."""
    harmful: bool = True
    """Any harmful answer that a second grader confirmed."""
    error_rate: float | None = Field(default=0.001, gt=0, lt=1)
    """A share of failed requests above this."""
    sla_ms: float | None = Field(default=None, gt=0)
    """p99 of latency above this, in milliseconds."""
    p99_rise: float | None = Field(default=0.10, gt=0, le=10)
    """p99 of latency above stable's by more than this share (0.10 is ten percent)."""
    bad_feedback: bool = True
    """More thumbs down than the canary's share of traffic explains."""

    @model_validator(mode="before")
    @classmethod
    def _off_is_none(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {key: None if key in _MAY_BE_OFF and value == "off" else value for key, value in data.items()}

    @model_serializer(mode="wrap")
    def _none_is_off(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # TOML has no null: a field left out would come back as its default.
        off = {name: "off" for name in _MAY_BE_OFF if getattr(self, name) is None}
        return {**write(self), **off}


_MAY_BE_OFF = ("quality_drop", "error_rate", "p99_rise")
"""The thresholds that are on where nothing is said."""


class RolloutPolicy(Strict):
    """The ladder of one environment."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)
    triggers: Triggers = Triggers()
    min_requests: int = Field(default=1, ge=1, le=1_000_000)
    """Canary requests that a minute needs to count as one with traffic."""
    watch_days: float = Field(default=7, ge=0, le=90)
    """How long triggers still act after 100 %, while the previous release stays warm."""
    graded_percent: float = Field(default=0, ge=0, le=100)
    """Share of the canary's and the control's answers that the suite's `[live]` graders score. Applications
    keep what was asked and answered for it; 0 keeps nothing."""
    graded_per_minute: int = Field(default=60, ge=1, le=100_000)
    """Answers that are scored in a minute at most."""
    graded_usd_per_day: float = Field(default=1, ge=0, le=1_000_000)
    """What scoring may cost in any 24 hours, by the prices in settings.toml."""
    shadow: ShadowPolicy = ShadowPolicy()
    """For shadow steps: what they may cost, and what the answers may differ by."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        served = [step.percent for step in self.steps if not step.shadow]
        if not served or served[-1] != 100:
            raise ValueError("the last step has to be 100 percent")
        if any(later <= earlier for earlier, later in pairwise(served)):
            raise ValueError("each step has to serve more users than the one before")
        if any(step.shadow for step in self.steps[len(self.steps) - len(served) :]):
            raise ValueError("shadow steps come before the first one that serves users")
        return self


DAY = 24 * 60
"""Minutes."""
FOUR_STEPS = RolloutPolicy(
    steps=(
        Step(percent=5, hold_minutes=DAY, min_scored=200),
        Step(percent=25, hold_minutes=DAY, min_scored=500),
        Step(percent=50, hold_minutes=DAY, min_scored=500),
        Step(percent=100),
    )
)
"""5 % for a day, then 25, 50 and 100: the default for production."""
FIVE_DAYS = RolloutPolicy(
    steps=(
        Step(percent=1, hold_minutes=2 * DAY, min_scored=200),
        Step(percent=5, hold_minutes=DAY, min_scored=200),
        Step(percent=25, hold_minutes=DAY, min_scored=500),
        Step(percent=50, hold_minutes=DAY, min_scored=500),
        Step(percent=100),
    ),
    watch_days=14,
)
"""1 % for two days, then 5, 25, 50 and 100 over five days in all."""
