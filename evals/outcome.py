"""What came out of evaluating a release: for one suite, and for all of them as the verdict that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evals.category import GATING_CASES, STATISTICAL_CASES
from evals.confirmation import CONFIRMATIONS
from evals.gate import ERROR_SHARE, decide
from evals.graders.grading import graders_digest
from evals.suite import Suite
from store.canonical import digest_of
from store.errors import InputError
from store.records.policy import Tier
from store.records.verdict import CategoryVerdict, Flip, Outcome, Verdict
from store.records.versions import SuiteInfo

GATE_RULE = 1
"""Counts up when the same scores would be judged differently."""
_FLIPS_KEPT = 50
_REASON = 20_000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One suite, run on a release and its baseline."""

    suite: str
    """`evals/name`."""
    suite_digest: str
    graders_digest: str
    policy_digest: str
    tier: Tier
    release: str
    release_digest: str
    baseline: str | None
    baseline_digest: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    """One sentence for each thing that is not a pass."""
    categories: tuple[CategoryVerdict, ...]
    carrying: tuple[tuple[str, str], ...]
    """(suite, category) of those that can hold a release back."""
    flips: tuple[Flip, ...]
    """Cases whose score changed, the worst first."""
    cases: int
    answers: int
    """Answers that were asked for, both arms, all repeats."""
    errors: int
    """Of them, those that have no score."""
    cached: int
    """Of them, those that were known from an earlier run."""
    took_seconds: float
    judge_digest: str | None = None
    """None where nothing is graded by a judge."""
    doubts: tuple[str, ...] = ()
    """Why the run as a whole cannot be believed."""


def policy_digest(info: SuiteInfo, tier: Tier) -> str:
    """`sha256:` over all that decides besides the scores: margins, floors, alpha, repeats, tier, rule."""
    rule = [GATE_RULE, STATISTICAL_CASES, GATING_CASES, CONFIRMATIONS, ERROR_SHARE]
    policies = [one.model_dump(mode="json") for one in info.categories]
    return digest_of(
        {
            "alpha": info.alpha,
            "categories": policies,
            "repeats": list(info.repeats),
            "rule": rule,
            "tier": tier,
        }
    )


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a verdict stands on. It holds for as long as these are the same."""

    suites: dict[str, str]
    graders: str
    policy: str


def grounds(suites: Mapping[str, Suite], tier: Tier) -> Grounds:
    """The digests that a verdict on a release with `suites` (by `evals/name`) carries."""
    return Grounds(
        {name: suite.digest for name, suite in sorted(suites.items())},
        digest_of({name: graders_digest(suite) for name, suite in suites.items()}),
        digest_of({name: policy_digest(suite.info, tier) for name, suite in suites.items()}),
    )


def to_verdict(evaluations: Sequence[Evaluation], id: str, at: datetime) -> Verdict:
    """The one verdict on a release from the evaluations of all its suites, judged together.

    Raises InputError when they are none, or not of the same releases and tier.
    """
    if not evaluations:
        raise InputError(
            "the release pins no evals: add evals to it, or let the environment not require a gate."
        )
    first = evaluations[0]
    same = {(e.release_digest, e.baseline_digest, e.tier) for e in evaluations}
    if len(same) != 1 or len({e.suite for e in evaluations}) != len(evaluations):
        raise InputError("the evaluations are not of one release, one baseline and one tier.")
    categories = [category for e in evaluations for category in e.categories]
    answers, errors = sum(e.answers for e in evaluations), sum(e.errors for e in evaluations)
    outcome, reasons = decide(
        categories,
        errors,
        answers,
        carrying=[key for e in evaluations for key in e.carrying],
        doubts=[doubt for e in evaluations for doubt in e.doubts],
    )
    judges = {e.suite: e.judge_digest for e in evaluations if e.judge_digest is not None}
    flips = sorted((flip for e in evaluations for flip in e.flips), key=lambda flip: flip.after - flip.before)
    return Verdict(
        id=id,
        at=at,
        release=first.release,
        release_digest=first.release_digest,
        baseline=first.baseline,
        baseline_digest=first.baseline_digest,
        tier=first.tier,
        suites={e.suite: e.suite_digest for e in sorted(evaluations, key=lambda e: e.suite)},
        graders_digest=digest_of({e.suite: e.graders_digest for e in evaluations}),
        judge_digest=digest_of(judges) if judges else None,
        policy_digest=digest_of({e.suite: e.policy_digest for e in evaluations}),
        outcome=outcome,
        reasons=tuple(reason[:_REASON] for reason in reasons),
        categories=tuple(categories),
        flips=tuple(flips[:_FLIPS_KEPT]),
        cases=sum(e.cases for e in evaluations),
        answers=answers - errors,
        errors=errors,
        took_seconds=sum(e.took_seconds for e in evaluations),
    )
