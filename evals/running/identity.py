"""Which run is which: the same releases, suites, graders and plan are the same run, whoever starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

from evals.cache import ADAPTER
from evals.graders.grading import graders_digest
from evals.outcome import policy_digest
from evals.running.selection import Selection
from evals.suite import Suite
from store.canonical import canonical_json, sha256_hex
from store.records.policy import Tier

APPLICATION_LASTS = timedelta(hours=1)
"""How long answers of an application itself are gone on with: what it runs is in no digest."""


def run_id(
    digests: Sequence[str | None],
    served_by: Sequence[str | None],
    suites: Mapping[str, Suite],
    tier: Tier,
    selection: Selection,
    *,
    fresh: bool,
) -> str:
    """64 hex digits over everything that a run's answers and their scores depend on.

    `digests` are the candidate's and the baseline's, `served_by` what serves them.
    """
    plan = {
        "adapter": ADAPTER,
        "releases": list(digests),
        "served_by": list(served_by),
        "suites": {
            name: [suite.digest, graders_digest(suite), policy_digest(suite.info, tier)]
            for name, suite in suites.items()
        },
        "tier": tier,
        "selection": asdict(selection),
        "fresh": fresh,
    }
    return sha256_hex(canonical_json(plan))


def lasting(suites: Mapping[str, Suite]) -> timedelta | None:
    """For how long the answers of a run that stopped may be gone on with; None is for as long as kept."""
    return APPLICATION_LASTS if any(one.info.target != "pipeline" for one in suites.values()) else None
