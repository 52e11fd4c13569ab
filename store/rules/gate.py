"""Whether a release's evidence lets it into an environment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from store.records.component import Kind
from store.records.policy import TIERS, EnvironmentPolicy
from store.records.release import Release
from store.records.verdict import Verdict

GateOutcome = Literal["pass", "block", "inconclusive", "none"]


@dataclass(frozen=True, slots=True)
class GateRuling:
    """What the evidence says for one environment."""

    outcome: GateOutcome
    """`none`: nothing that counts was found, or nothing is wanted."""
    text: str
    met: bool
    verdict: Verdict | None = None


def rule(
    policy: EnvironmentPolicy,
    release: Release,
    stable: Release | None,
    verdicts: Sequence[Verdict],
    stale: Collection[str] = (),
) -> GateRuling:
    """The ruling on `release` for an environment that serves `stable`; `verdicts` newest first;
    `stale` are the ids of those whose graders or margins are no longer the ones of today.

    A verdict counts only when it names exactly this release, this baseline, these suites, and at
    least the tier that the environment wants.
    """
    if not policy.gate.required:
        return GateRuling("none", f"{policy.name} wants no gate", True)
    if not release.pins(Kind.EVALS):
        return GateRuling(
            "none",
            f"{release.id} has no eval suite, and {policy.name} wants a gate: add one with --set evals/…",
            False,
        )
    against = f" --against {stable.id}" if stable else ""
    way_out = f"run `lockgate eval {release.id}{against} --tier {policy.gate.tier}`"
    reason = "has not been evaluated"
    for verdict in verdicts:
        trouble = mismatch(verdict, policy, release, stable)
        if trouble is None and verdict.id in stale:
            trouble = "was judged by other graders or margins than today's"
        if trouble is None:
            return _of(verdict, release)
        reason = trouble
    return GateRuling("none", f"{release.id} {reason}: {way_out}", False)


def mismatch(
    verdict: Verdict, policy: EnvironmentPolicy, release: Release, stable: Release | None
) -> str | None:
    """Why `verdict` does not count here, as the end of a sentence; None when it does."""
    if verdict.release_digest != release.digest:
        return "was judged with other components"
    suites = {
        str(pin.component): release.components[str(pin.component)].digest for pin in release.pins(Kind.EVALS)
    }
    if verdict.suites != suites:
        return "was judged with another eval suite"
    if verdict.baseline_digest != (stable.digest if stable else None):
        served = f"{policy.name} serves {stable.id}" if stable else f"{policy.name} serves nothing yet"
        return f"was judged against {verdict.baseline or 'no baseline'}, but {served}"
    if TIERS.index(verdict.tier) < TIERS.index(policy.gate.tier):
        return f"was judged on the {verdict.tier} tier, but {policy.name} wants {policy.gate.tier}"
    return None


def _of(verdict: Verdict, release: Release) -> GateRuling:
    against = f"against {verdict.baseline}" if verdict.baseline else "without a baseline"
    if verdict.outcome == "pass":
        return GateRuling("pass", f"passed {against} on {verdict.cases} cases", True, verdict)
    why = "; ".join(reason.rstrip(".") for reason in verdict.reasons[:3]) or "see the verdict"
    word = "blocked" if verdict.outcome == "block" else "inconclusive"
    return GateRuling(verdict.outcome, f"{release.id} is {word} {against}: {why}", False, verdict)
