"""What is known of a rollout now: evidence fetched, analysed, and put into the terms that decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.operations.shadow.verdicts import fed, verdict_of
from store.errors import LockgateError
from store.records.environment import Environment
from store.records.finding import MOST_FINDINGS, Finding
from store.records.rollout import Rollout
from store.rules.rollout import IDLE_MINUTES, Observed
from store.rules.shadow import Running, running
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.analysis import Analysis
    from evals.live.attempt import AttemptTests
    from evals.live.evidence import Evidence, ObservationSource, Window
    from evals.live.shadow import ShadowWatch
    from evals.live.shadow_verdict import ShadowVerdict
    from evals.live.verdict import MetricVerdict

_USUAL_RISE = 0.10
"""Which bucket bounds a Prometheus source asks for where the policy looks at no rise."""
_KEPT = 1_000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a rollout."""

    observed: Observed
    slow_ms: float | None = None
    """The latency in milliseconds that the next stage will count as a rise over stable's p99."""
    analysis: Analysis | None = None
    """None before the first step, and in a shadow step."""
    shadow: ShadowVerdict | None = None
    """In a shadow step: what the replays say."""
    trouble: str | None = None
    """Why the evidence could not be read."""


@dataclass(slots=True)
class Observer:
    """Looks at rollouts again and again; what it counted once it need not count anew."""

    _tests: dict[str, AttemptTests] = field(default_factory=dict)
    """By environment."""
    _attempts: dict[str, str] = field(default_factory=dict)
    """By environment: whose tests they are."""
    _sources: dict[str, ObservationSource] = field(default_factory=dict)
    """By environment; a Prometheus source reads an attempt whole only once."""
    _shadows: dict[str, ShadowWatch] = field(default_factory=dict)
    """By environment: of the attempt's shadow steps."""

    def __call__(self, workspace: Workspace, snapshot: Snapshot, pointer: Environment) -> Sight:  # noqa: ARG002
        """What is known of the rollout of `pointer`. Raises MachineryError when the source cannot be read."""
        rollout = pointer.rollout
        if rollout is None:
            return Sight(Observed())
        if pointer.name not in self._tests or self._attempts.get(pointer.name) != rollout.attempt:
            self._begin(workspace, pointer.name, rollout)
        source = self._sources[pointer.name]
        now = workspace.clock.now().timestamp()
        slow_ms = _slow_ms(source, pointer.name, rollout, now)
        if not rollout.stages:
            return Sight(Observed(outcome="pass", reason="nothing has begun yet"), slow_ms)
        shadow = running(pointer) if rollout.active and rollout.shadow_percent else None
        if shadow is not None:
            watch = self._shadows[pointer.name] = fed(workspace, shadow, self._shadows.get(pointer.name))
            return _shadow_sight(workspace, rollout, shadow, watch, slow_ms)
        return _sight(source, pointer.name, rollout, now, slow_ms, self._tests[pointer.name])

    def _begin(self, workspace: Workspace, environment: str, rollout: Rollout) -> None:
        from evals.live.attempt import AttemptTests

        self._sources[environment] = source_of(workspace, rollout)
        self._shadows.pop(environment, None)
        self._tests[environment], self._attempts[environment] = AttemptTests(), rollout.attempt


def look(workspace: Workspace, snapshot: Snapshot, pointer: Environment) -> Sight:
    """One look, with everything counted anew."""
    return Observer()(workspace, snapshot, pointer)


def findings_now(workspace: Workspace, snapshot: Snapshot, pointer: Environment) -> tuple[Finding, ...]:
    """What the metrics of the rollout of `pointer` say; none where the evidence cannot be read."""
    try:
        return look(workspace, snapshot, pointer).observed.findings
    except LockgateError:
        return ()


def source_of(workspace: Workspace, rollout: Rollout) -> ObservationSource:
    """Where this workspace's observations come from: Prometheus where settings.toml names one, with what is
    graded here."""
    from evals.live.sqlite_source import SqliteSource

    here = SqliteSource(workspace.state / "observations.sqlite")
    if workspace.settings.prometheus is None:
        return here
    from evals.live.graded_here import GradedHere
    from evals.live.prometheus.opening import open_prometheus

    rise = rollout.policy.triggers.p99_rise
    reported = open_prometheus(workspace.settings, p99_rise=rise or _USUAL_RISE)
    return GradedHere(reported, here) if rollout.policy.graded_percent else reported


def window_of(environment: str, rollout: Rollout) -> Window:
    """Which observations belong to `rollout`; once it serves everybody, all that its release answers."""
    from evals.live.evidence import Stage, Window

    return Window(
        environment=environment,
        release=rollout.release,
        stable=rollout.stable,
        stages=tuple(Stage(one.generation, one.percent, one.slow_ms) for one in rollout.stages),
        sla_ms=rollout.policy.triggers.sla_ms,
        ended_generation=None if rollout.state == "succeeded" else rollout.ended_generation,
    )


def _sight(
    source: ObservationSource,
    environment: str,
    rollout: Rollout,
    now: float,
    slow_ms: float | None,
    tests: AttemptTests,
) -> Sight:
    from evals.live.analysis import analyse
    from evals.live.traffic import busy_minutes, healthy_minutes

    window = window_of(environment, rollout)
    evidence = source.evidence(window, now)
    triggers = rollout.policy.triggers
    step = rollout.current
    analysis = analyse(
        evidence, window, triggers, now, tests=tests, min_scored=step.min_scored if step else 0
    )
    stage = len(window.stages) - 1
    observed = Observed(
        outcome=analysis.outcome,
        reason=_reason(analysis),
        healthy_minutes=_within(
            healthy_minutes(evidence, stage, rollout.policy.min_requests, triggers), rollout, now
        ),
        scored=analysis.traffic.scored,
        scored_per_minute=analysis.traffic.scored_per_minute,
        idle_minutes=_idle_minutes(evidence, analysis, rollout, now),
        busy_minutes=busy_minutes(evidence, stage, now - IDLE_MINUTES * 60),
        flagged=analysis.is_frozen,
        findings=_findings(analysis.metrics),
    )
    return Sight(observed, slow_ms, analysis)


def _shadow_sight(
    workspace: Workspace, rollout: Rollout, shadow: Running, watch: ShadowWatch, slow_ms: float | None
) -> Sight:
    """A shadow step passes, fails or waits by what its replays say; no user has met the release."""
    verdict = verdict_of(workspace, shadow, watch, rollout.policy.min_requests)
    now, began = workspace.clock.now().timestamp(), shadow.since.timestamp()
    observed = Observed(
        outcome=verdict.outcome,
        reason=one_line(verdict.reason, _KEPT).rstrip("."),
        healthy_minutes=_within(verdict.healthy_minutes, rollout, now),
        scored=verdict.scored,
        idle_minutes=max(0.0, (now - max(began, verdict.newest or 0.0)) / 60),
        flagged=verdict.flagged,
        findings=_findings(verdict.metrics),
    )
    return Sight(observed, slow_ms, shadow=verdict)


def _slow_ms(source: ObservationSource, environment: str, rollout: Rollout, now: float) -> float | None:
    rise = rollout.policy.triggers.p99_rise
    if rise is None or not rollout.active:
        return None
    p99 = source.stable_p99(environment, rollout.stable, now)
    return None if p99 is None else p99 * (1 + rise)


def _within(minutes: int, rollout: Rollout, now: float) -> int:
    """At most what the step has lasted: its first minute and the one that runs are not whole."""
    return min(minutes, max(0, int((now - rollout.stages[-1].since.timestamp()) // 60)))


def _reason(analysis: Analysis) -> str:
    names = {one.name for one in analysis.blocking}
    told = [
        one.reason
        for one in analysis.blocking
        if "quality" not in names or not one.name.startswith("quality/")
    ] or [one.reason for one in analysis.holds[:2]]
    return one_line(" ".join(told), _KEPT).rstrip(".")


def _idle_minutes(evidence: Evidence, analysis: Analysis, rollout: Rollout, now: float) -> float:
    """Since the canary's last request, or since its step began where it had none."""
    began = rollout.stages[-1].since.timestamp()
    last = analysis.traffic.last_minute
    since = began if last is None else max(began, min((last + 1) * 60, now))
    if evidence.newest is not None and last is not None:
        since = max(since, min(evidence.newest, now) if last >= int(evidence.newest // 60) else since)
    return max(0.0, (now - since) / 60)


def _findings(metrics: Sequence[MetricVerdict]) -> tuple[Finding, ...]:
    """As many as a record keeps: what counts everything, then the categories that block or do not decide."""

    def weight(place: int) -> tuple[bool, bool, bool]:
        one = metrics[place]
        return "/" in one.name, one.outcome != "block", one.outcome == "pass"

    kept = sorted(range(len(metrics)), key=weight)[:MOST_FINDINGS]
    return tuple(_finding(metrics[place]) for place in sorted(kept))


def _finding(metric: MetricVerdict) -> Finding:
    return Finding(
        metric=one_line(metric.name, 200),
        outcome=metric.outcome,
        canary=metric.canary,
        control=metric.control,
        low=metric.low,
        high=metric.high,
        threshold=metric.threshold,
        canary_samples=metric.canary_samples,
        control_samples=metric.control_samples,
        reason=one_line(metric.reason, _KEPT),
    )
